//! Running fills of entries: who may store what.

use std::collections::HashMap;
use std::time::Duration;

use thing_driver_api::{EntryKey, LeaseId, TableId, Tag};

use crate::entries::DigestHasher;

/// The running fills by the digest of their key. Bounded by the readers at work, each for the lease time.
///
/// A second fill of the same digest ends the first, which costs the first its store and nothing else.
#[derive(Debug, Default)]
pub(super) struct Fills {
    running: HashMap<Tag, Fill, DigestHasher>,
    sweep_at: usize,
}

/// A running fill of one entry. While it is here, the row of this digest was neither quarantined nor voided.
#[derive(Debug)]
pub(crate) struct Fill {
    pub(super) id: LeaseId,
    pub(super) key: EntryKey,
    pub(super) began: Duration,
    pub(super) deadline: Duration,
    /// The tags and when each had last moved, before the database was read; without the row's own tag.
    pub(super) stamps: Vec<(Tag, u64)>,
    /// The position before the database was read.
    pub(super) position: u64,
}

impl Fills {
    /// The fill of this key that is running.
    pub(super) fn get(&self, digest: Tag, key: &EntryKey, now: Duration) -> Option<&Fill> {
        self.running.get(&digest).filter(|fill| now < fill.deadline && fill.key == *key)
    }

    pub(super) fn begin(&mut self, digest: Tag, fill: Fill, now: Duration) {
        if self.running.len() >= self.sweep_at {
            self.running.retain(|_, fill| now < fill.deadline);
            self.sweep_at = 2 * self.running.len() + 64;
        }
        self.running.insert(digest, fill);
    }

    /// Ends the fill with this id and returns it, unless it has ended before or its time is over.
    pub(super) fn end(&mut self, digest: Tag, id: LeaseId, now: Duration) -> Option<Fill> {
        if self.running.get(&digest)?.id != id {
            return None;
        }
        self.running.remove(&digest).filter(|fill| now < fill.deadline)
    }

    /// Ends any fill of the row with this tag.
    pub(super) fn end_row(&mut self, tag: Tag) {
        if !self.running.is_empty() {
            self.running.remove(&tag);
        }
    }

    pub(super) fn end_table(&mut self, table: TableId) {
        self.running.retain(|_, fill| fill.key.table() != table);
    }

    pub(super) fn end_all(&mut self) {
        self.running.clear();
    }
}
