//! What a recording cache writes down.

use std::time::Duration;

use thing_driver_api::{EntryKey, Key, LeaseId, Outcome, TableId, Tag, Token};

/// One command that reached a [`RecordingCache`](super::RecordingCache), written down when it arrives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// `peek`, and whether it was a hit.
    Peek {
        /// The entry.
        key: EntryKey,
        /// Whether it was there.
        hit: bool,
    },
    /// `load`.
    Load {
        /// The entries.
        keys: Vec<EntryKey>,
    },
    /// `lease`.
    Lease {
        /// The entries to be filled, without requests for rows.
        keys: Vec<EntryKey>,
        /// The tables of requests for rows.
        rows: Vec<TableId>,
        /// The tags of all requests.
        tags: Vec<Tag>,
    },
    /// `store`, or `store_many` as one command.
    Store {
        /// The leases, one for each fill.
        leases: Vec<LeaseId>,
        /// The entries.
        keys: Vec<EntryKey>,
        /// The tags of all entries.
        tags: Vec<Tag>,
    },
    /// `abandon`.
    Abandon {
        /// The lease.
        lease: LeaseId,
        /// The entry that was to be filled.
        key: Option<EntryKey>,
    },
    /// `restamp`.
    Restamp {
        /// The entry.
        key: EntryKey,
    },
    /// `quarantine`.
    Quarantine {
        /// The tags.
        tags: Vec<Tag>,
        /// The writer.
        token: Token,
        /// For how long at most.
        duration: Duration,
    },
    /// `release`.
    Release {
        /// The tags.
        tags: Vec<Tag>,
        /// The writer.
        token: Token,
        /// What the write did.
        outcome: Outcome,
    },
    /// `void`.
    Void {
        /// The tags.
        tags: Vec<Tag>,
    },
    /// `void_table`.
    VoidTable {
        /// The table.
        table: TableId,
    },
    /// `settle`.
    Settle,
    /// `invalidations`.
    Invalidations,
}

impl Command {
    /// The tags it names.
    pub fn tags(&self) -> &[Tag] {
        match self {
            Self::Lease { tags, .. }
            | Self::Store { tags, .. }
            | Self::Quarantine { tags, .. }
            | Self::Release { tags, .. }
            | Self::Void { tags } => tags,
            _ => &[],
        }
    }

    /// The entries it names.
    pub fn keys(&self) -> &[EntryKey] {
        match self {
            Self::Load { keys } | Self::Lease { keys, .. } | Self::Store { keys, .. } => keys,
            Self::Peek { key, .. } | Self::Restamp { key } => std::slice::from_ref(key),
            Self::Abandon { key, .. } => key.as_slice(),
            _ => &[],
        }
    }

    /// Whether it names the object with this key, in whatever table.
    pub fn names_object(&self, wanted: &Key) -> bool {
        self.keys().iter().any(|key| matches!(key, EntryKey::Object { key, .. } if key == wanted))
    }
}
