//! Entries: what a cache holds, and how it is asked for.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::tag::random_u128;
use super::{Change, Decodable, Stamp, Tag};
use crate::{Key, Result, TableId};

/// The name of an entry. It holds no version of the schema: old and new versions of a program must find, and so
/// invalidate, each other's entries.
///
/// Exhaustive: every client keeps both sorts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EntryKey {
    /// A row, or the knowledge that there is none.
    Object {
        /// Its table.
        table: TableId,
        /// Its key.
        key: Key,
    },
    /// The keys of a list, or a count.
    Query {
        /// The table it reads.
        table: TableId,
        /// The whole question, shape and values, in an encoding in which different questions differ.
        question: Box<[u8]>,
    },
}

impl EntryKey {
    /// The table.
    pub fn table(&self) -> TableId {
        match self {
            Self::Object { table, .. } | Self::Query { table, .. } => *table,
        }
    }

    /// A digest for finding the entry; of an object, its row's tag. Two keys can share it: compare the keys too.
    pub fn digest(&self) -> Tag {
        match self {
            Self::Object { table, key } => Tag::row(*table, key),
            Self::Query { table, question } => Tag(twox_hash::XxHash3_64::oneshot_with_seed(!table.0, question)),
        }
    }

    /// Bytes that the key takes.
    pub fn size(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Object { key, .. } => key.heap_size(),
                Self::Query { question, .. } => question.len(),
            }
    }
}

/// Something that can be remembered: kept as it is by a cache in memory, asked for bytes by a cache elsewhere.
pub trait CacheValue: Any + Send + Sync {
    /// Bytes of memory that it takes.
    fn weight(&self) -> usize;

    /// A self-describing encoding with a format version; the core turns it back into a value.
    ///
    /// # Errors
    ///
    /// When it can't be encoded; it is then not stored.
    fn encode(&self) -> Result<Vec<u8>>;
}

/// The content of an entry.
#[derive(Clone)]
#[non_exhaustive]
pub enum Payload {
    /// A value of this process's memory.
    Shared(Arc<dyn CacheValue>),
    /// An encoded value.
    Encoded(Arc<[u8]>),
    /// An encoded value that is decoded once, for all who find it: of a cache in memory that was given bytes by another.
    Decodable(Arc<Decodable>),
    /// The row does not exist. Such an entry depends on the row's own tag and on the
    /// [rows of the table](Tag::rows), whatever else it names: the key of a row that is about to be inserted may not be
    /// known.
    Absent,
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shared(value) => write!(f, "Shared({} bytes)", value.weight()),
            Self::Encoded(bytes) => write!(f, "Encoded({} bytes)", bytes.len()),
            Self::Decodable(value) => value.fmt(f),
            Self::Absent => f.write_str("Absent"),
        }
    }
}

/// What [`CacheClient::peek`](super::CacheClient::peek) found.
///
/// Exhaustive: what is not a hit is asked for with `load`.
#[derive(Clone, Debug)]
pub enum Peek {
    /// A valid entry.
    Hit(Payload),
    /// Nothing that can be used without waiting.
    Unknown,
}

/// An entry that a reader asks [`CacheClient::load`](super::CacheClient::load) for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Wanted<'a> {
    /// Its name.
    pub key: &'a EntryKey,
    /// Of a query, the tags that it depends on: those with which this program would store it. Of a row, tags that are
    /// worth fetching along with it.
    pub tags: &'a [Tag],
    /// Whether to pass by memory that a writer of another process reaches only after a while.
    pub fresh: bool,
    /// An entry that is not valid any more, or whose tags are quarantined, is wanted too if it was read so long ago at
    /// most; [`Found::Stale`]. The answer is allowed to be without, always.
    pub stale: Option<Duration>,
}

impl<'a> Wanted<'a> {
    /// An entry of which no tag is named.
    pub fn new(key: &'a EntryKey) -> Self {
        Self { key, tags: &[], fresh: false, stale: None }
    }

    /// Names the tags.
    #[must_use]
    pub fn tags(mut self, tags: &'a [Tag]) -> Self {
        self.tags = tags;
        self
    }

    /// Wants an entry that is not valid any more too, if it was read so long ago at most.
    #[must_use]
    pub fn stale(mut self, age: Option<Duration>) -> Self {
        self.stale = age;
        self
    }

    /// Passes by memory that a writer of another process reaches only after a while, if so.
    #[must_use]
    pub fn fresh(mut self, fresh: bool) -> Self {
        self.fresh = fresh;
        self
    }
}

/// What [`CacheClient::load`](super::CacheClient::load) found under one key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Found {
    /// A valid entry.
    Hit(Payload),
    /// An entry some of whose tags moved, with everything that moved them.
    Behind(Behind),
    /// Nothing usable: absent, expired, or too far behind.
    Miss,
    /// A tag of the entry is quarantined: read the database and store nothing.
    Quarantined,
    /// An entry that is not valid any more, or whose tags are quarantined, and that is not older than was
    /// [asked for](Wanted::stale). Where the changes since are known, [`Found::Behind`] with its age is better.
    Stale(Payload),
}

/// An entry that is behind, and why.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Behind {
    /// The content as of the entry's stamps.
    pub payload: Payload,
    /// **Every** change of a row that moved one of the entry's tags since, and perhaps others. A client that isn't sure
    /// to have all MUST answer [`Found::Miss`].
    pub changes: Vec<Arc<Change>>,
    /// The stamps that the entry would carry if the changes don't touch it.
    pub as_of: Lease,
    /// How long ago the entry was read at most, where that was [asked for](Wanted::stale) and is not longer.
    pub age: Option<Duration>,
}

impl Behind {
    /// Says how long ago the entry was read.
    #[must_use]
    pub fn aged(mut self, age: Option<Duration>) -> Self {
        self.age = age;
        self
    }

    /// An entry, what it is behind, and the stamps of now.
    pub fn new(payload: Payload, changes: Vec<Arc<Change>>, as_of: Lease) -> Self {
        Self { payload, changes, as_of, age: None }
    }
}

/// A question to [`CacheClient::lease`](super::CacheClient::lease).
///
/// Exhaustive: a client that did not know one could not keep its tags.
#[derive(Clone, Copy, Debug)]
pub enum LeaseRequest<'a> {
    /// Leave to fill this entry, which will depend on some of these tags.
    Entry {
        /// The entry.
        key: &'a EntryKey,
        /// The tags.
        tags: &'a [Tag],
    },
    /// Leave to store any rows of the table that a read of a list brings along. Never [`Leased::Held`].
    Rows {
        /// The table.
        table: TableId,
    },
}

/// The answer to a [`LeaseRequest`].
///
/// Exhaustive: the core has to act on each.
#[derive(Clone, Debug)]
pub enum Leased {
    /// Read the database, then store.
    Granted(Lease),
    /// Another fill of the entry is running and can still be stored: wait for it if it is of this process, else ask
    /// again in a moment.
    Held(LeaseId),
    /// A valid entry is there meanwhile.
    Filled(Payload),
    /// A tag is quarantined, or the client declines: read the database and store nothing.
    Quarantined,
}

/// Leave to store what will be read: the stamps of tags as they were before the read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// Identifies the fill.
    pub id: LeaseId,
    /// The entry that may be filled; `None` for rows of a table.
    pub key: Option<EntryKey>,
    /// The table.
    pub table: TableId,
    /// The tags and their stamps.
    pub stamps: Vec<(Tag, Stamp)>,
    /// The client's place in its own log when the lease was given.
    pub position: u64,
}

impl Lease {
    /// A lease for an entry.
    pub fn entry(key: EntryKey, stamps: Vec<(Tag, Stamp)>, position: u64) -> Self {
        Self { id: LeaseId::random(), table: key.table(), key: Some(key), stamps, position }
    }

    /// A lease for rows of a table.
    pub fn rows(table: TableId, position: u64) -> Self {
        Self { id: LeaseId::random(), table, key: None, stamps: Vec::new(), position }
    }
}

/// Identifies a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeaseId(pub u128);

impl LeaseId {
    /// An id that differs from every other.
    pub fn random() -> Self {
        Self(random_u128())
    }
}

/// An entry to store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewEntry {
    /// Its name.
    pub key: EntryKey,
    /// The tags it depends on: some of the lease's or, under a lease for rows, the row's own.
    pub tags: Vec<Tag>,
    /// Its content.
    pub payload: Payload,
    /// How long it may be served at most, before jitter; `None` for the client's default.
    pub time_to_live: Option<Duration>,
}

impl NewEntry {
    /// An entry with the client's default time to live.
    pub fn new(key: EntryKey, tags: Vec<Tag>, payload: Payload) -> Self {
        Self { key, tags, payload, time_to_live: None }
    }

    /// Sets the time to live.
    #[must_use]
    pub fn time_to_live(mut self, duration: Duration) -> Self {
        self.time_to_live = Some(duration);
        self
    }
}
