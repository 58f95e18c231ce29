//! The latest changes of each table.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use thing_driver_api::{Change, TableId};

use crate::entries::DigestHasher;

/// The changes of every table, in the order of their positions.
#[derive(Debug)]
pub(super) struct Logs {
    tables: HashMap<TableId, Log, DigestHasher>,
    max_changes: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Log {
    changes: VecDeque<(u64, Arc<Change>)>,
    bytes: usize,
    /// Every change after this is still here.
    complete_since: u64,
}

impl Logs {
    pub(super) fn new(max_changes: usize, max_bytes: usize) -> Self {
        Self { tables: HashMap::default(), max_changes, max_bytes }
    }

    /// Appends a change; `position` is not below any before.
    pub(super) fn append(&mut self, position: u64, change: Arc<Change>) {
        let log = self.tables.entry(change.table).or_default();
        log.bytes += change.size();
        log.changes.push_back((position, change));
        while log.changes.len() > self.max_changes || log.bytes > self.max_bytes {
            let Some((position, change)) = log.changes.pop_front() else {
                break;
            };
            log.bytes -= change.size();
            log.complete_since = position;
        }
    }

    /// The changes of a table after a position; `None` if some are forgotten.
    pub(super) fn since(&self, table: TableId, position: u64) -> Option<Vec<Arc<Change>>> {
        let Some(log) = self.tables.get(&table) else {
            return Some(Vec::new());
        };
        if position < log.complete_since {
            return None;
        }
        let first = log.changes.partition_point(|(at, _)| *at <= position);
        Some(log.changes.range(first..).map(|(_, change)| change.clone()).collect())
    }

    /// Forgets the changes of a table up to a position, which is now.
    pub(super) fn forget(&mut self, table: TableId, position: u64) {
        self.tables.insert(table, Log { complete_since: position, ..Log::default() });
    }
}

#[cfg(test)]
mod tests {
    use thing_driver_api::{ColumnSet, Key, RowImage};

    use super::*;

    const TABLE: TableId = TableId(1);

    fn change(key: i64) -> Arc<Change> {
        let image = RowImage::Unknown;
        Arc::new(Change::new(TABLE, Key::Int(key), ColumnSet::ALL, image.clone(), image))
    }

    #[test]
    fn tells_what_came_after_a_position() {
        let mut logs = Logs::new(10, 10_000);
        assert_eq!(logs.since(TABLE, 0).map(|c| c.len()), Some(0));
        logs.append(3, change(1));
        logs.append(3, change(2));
        logs.append(5, change(3));
        let since = |position| logs.since(TABLE, position).map(|c| c.len());
        assert_eq!([since(2), since(3), since(4), since(5)], [Some(3), Some(1), Some(1), Some(0)]);
    }

    #[test]
    fn is_bounded_by_number_and_by_bytes_and_knows_what_it_lost() {
        let mut logs = Logs::new(2, 10_000);
        (1..=4).for_each(|n| logs.append(n, change(1)));
        assert_eq!(logs.since(TABLE, 1), None);
        assert_eq!(logs.since(TABLE, 2).map(|c| c.len()), Some(2));

        let mut logs = Logs::new(10, 2 * change(1).size());
        (1..=4).for_each(|n| logs.append(n, change(1)));
        assert_eq!(logs.since(TABLE, 1), None);
        assert_eq!(logs.since(TABLE, 2).map(|c| c.len()), Some(2));

        let mut logs = Logs::new(0, 0);
        logs.append(1, change(1));
        assert_eq!(logs.since(TABLE, 0), None);
        assert_eq!(logs.since(TABLE, 1).map(|c| c.len()), Some(0));
    }

    #[test]
    fn forgets_a_table() {
        let mut logs = Logs::new(2, 10_000);
        logs.append(1, change(1));
        logs.forget(TABLE, 2);
        assert_eq!(logs.since(TABLE, 1), None);
        assert_eq!(logs.since(TABLE, 2).map(|c| c.len()), Some(0));
    }
}
