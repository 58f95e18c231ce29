//! When each tag last moved.

use std::collections::HashMap;

use thing_driver_api::{TableId, Tag};

use crate::entries::DigestHasher;

/// What is known of a tag on which an entry depends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    /// When the tag last moved. Positions never occur twice, so this is the tag's stamp.
    pub(super) moved: u64,
    /// Every move after this is in the log of the table.
    pub(super) listed_since: u64,
    /// The table of the entry for which the tag was first noted.
    pub(super) table: TableId,
}

/// The cells by tag, at most `limit`: those used since the last turn, and those used in the turn before. When the first
/// half is full, the second is forgotten.
///
/// Forgetting is always safe: an entry whose tag has no cell, or a later one, doesn't validate, and a new cell knows of
/// no move before it.
#[derive(Debug)]
pub(super) struct Stamps {
    recent: HashMap<Tag, Cell, DigestHasher>,
    older: HashMap<Tag, Cell, DigestHasher>,
    limit: usize,
}

impl Stamps {
    pub(super) fn new(limit: usize) -> Self {
        Self { recent: HashMap::default(), older: HashMap::default(), limit: limit.max(2) }
    }

    /// The cell of a tag, which is used by this.
    pub(super) fn get(&mut self, tag: Tag) -> Option<Cell> {
        if let Some(cell) = self.recent.get(&tag) {
            return Some(*cell);
        }
        let cell = self.older.remove(&tag)?;
        self.insert(tag, cell);
        Some(cell)
    }

    /// Adds the cell of a tag that has none.
    pub(super) fn insert(&mut self, tag: Tag, cell: Cell) {
        if self.recent.len() >= self.limit / 2 {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(tag, cell);
    }

    /// The cell of a tag, for a writer to move it.
    pub(super) fn get_mut(&mut self, tag: Tag) -> Option<&mut Cell> {
        self.recent.get_mut(&tag).or_else(|| self.older.get_mut(&tag))
    }

    pub(super) fn forget_all(&mut self) {
        self.recent.clear();
        self.older.clear();
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.recent.len() + self.older.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: Cell = Cell { moved: 1, listed_since: 1, table: TableId(1) };

    #[test]
    fn unused_cells_are_forgotten_and_used_ones_stay() {
        let mut stamps = Stamps::new(10);
        stamps.insert(Tag(0), CELL);
        for tag in 1..100 {
            stamps.insert(Tag(tag), CELL);
            assert!(stamps.get(Tag(0)).is_some());
            assert!(stamps.len() <= 10);
        }
        assert!(stamps.get(Tag(1)).is_none());
        assert!(stamps.get(Tag(99)).is_some());
    }
}
