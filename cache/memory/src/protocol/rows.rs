//! Running reads of many rows, and the tags that moved during them.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use thing_driver_api::{LeaseId, TableId, Tag};

use crate::entries::DigestHasher;

/// The most moves remembered. A read during which more tags move stores nothing.
const MAX_MOVES: usize = 1 << 14;

/// The running reads of rows that nobody named before, and what moved since the first of them began.
#[derive(Debug, Default)]
pub(super) struct Rows {
    running: HashMap<LeaseId, Read, DigestHasher>,
    sweep_at: usize,
    /// When each tag last moved, as far as a running read can care.
    moved: HashMap<Tag, u64, DigestHasher>,
    moves: VecDeque<(Tag, u64)>,
    /// Every move after this is in `moved`.
    complete_since: u64,
}

/// A running read of rows.
#[derive(Debug)]
pub(crate) struct Read {
    pub(super) table: TableId,
    /// The position before the database was read.
    pub(super) position: u64,
    pub(super) deadline: Duration,
}

impl Rows {
    pub(super) fn begin(&mut self, id: LeaseId, read: Read, now: Duration) {
        if self.running.len() >= self.sweep_at {
            self.running.retain(|_, read| now < read.deadline);
            self.sweep_at = 2 * self.running.len() + 64;
        }
        if self.running.is_empty() {
            self.moved.clear();
            self.moves.clear();
        }
        self.running.insert(id, read);
    }

    /// Ends a read and returns it, unless it has ended before or its time is over.
    pub(super) fn end(&mut self, id: LeaseId, now: Duration) -> Option<Read> {
        self.running.remove(&id).filter(|read| now < read.deadline)
    }

    /// The position before a read of the table that is running.
    pub(super) fn position(&self, id: LeaseId, table: TableId, now: Duration) -> Option<u64> {
        self.running.get(&id).filter(|read| read.table == table && now < read.deadline).map(|read| read.position)
    }

    pub(super) fn end_table(&mut self, table: TableId) {
        self.running.retain(|_, read| read.table != table);
    }

    pub(super) fn end_all(&mut self) {
        self.running.clear();
    }

    /// Notes that a tag moved.
    pub(super) fn note_move(&mut self, tag: Tag, position: u64) {
        if self.running.is_empty() {
            return;
        }
        self.moved.insert(tag, position);
        self.moves.push_back((tag, position));
        if self.moves.len() <= MAX_MOVES {
            return;
        }
        if let Some((tag, position)) = self.moves.pop_front() {
            self.complete_since = position;
            if self.moved.get(&tag) == Some(&position) {
                self.moved.remove(&tag);
            }
        }
    }

    /// Whether a tag certainly has not moved since the position at which a running read began.
    pub(super) fn is_unmoved(&self, tag: Tag, position: u64) -> bool {
        position >= self.complete_since && self.moved.get(&tag).is_none_or(|moved| *moved <= position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(1);

    fn read(position: u64) -> Read {
        Read { table: TableId(1), position, deadline: SOON }
    }

    #[test]
    fn a_move_during_a_read_is_known() {
        let mut rows = Rows::default();
        rows.note_move(Tag(1), 1);
        rows.begin(LeaseId(1), read(1), Duration::ZERO);
        rows.note_move(Tag(2), 2);
        assert!(rows.is_unmoved(Tag(1), 1));
        assert!(!rows.is_unmoved(Tag(2), 1));
        assert!(rows.is_unmoved(Tag(2), 2));
    }

    #[test]
    fn too_many_moves_spoil_the_reads_before_them() {
        let mut rows = Rows::default();
        rows.begin(LeaseId(1), read(0), Duration::ZERO);
        (1..=MAX_MOVES as u64 + 1).for_each(|n| rows.note_move(Tag(n), n));
        assert!(!rows.is_unmoved(Tag(0), 0));
        assert!(rows.is_unmoved(Tag(0), 1));
        assert_eq!(rows.moved.len(), MAX_MOVES);
    }

    #[test]
    fn a_read_ends_once_and_in_time() {
        let mut rows = Rows::default();
        rows.begin(LeaseId(1), read(0), Duration::ZERO);
        assert!(rows.end(LeaseId(1), Duration::ZERO).is_some());
        assert!(rows.end(LeaseId(1), Duration::ZERO).is_none());
        rows.begin(LeaseId(2), read(0), Duration::ZERO);
        assert!(rows.end(LeaseId(2), SOON).is_none());
    }
}
