//! What one look found, in the form in which it is told.

use std::collections::VecDeque;
use std::sync::Arc;

use thing_driver_api::{Change, Observed, Table, TableId};

/// Changes on their way to the core.
#[derive(Debug, Default)]
pub(super) struct Told {
    changes: Vec<Arc<Change>>,
    tables: Vec<TableId>,
}

/// More changes than this of one look are told as changes of whole tables.
const MOST: usize = 10_000;
/// Nobody waits for more changes than this to come before the first of them is told.
const ENOUGH: usize = 500;

impl Told {
    /// Adds what happened to a row; `None` where it is not known to which.
    pub(super) fn add(&mut self, table: &Table, changes: Option<Vec<Change>>) {
        if self.tables.contains(&table.id()) {
            return;
        }
        match changes {
            Some(changes) if self.changes.len() < MOST => self.changes.extend(changes.into_iter().map(Arc::new)),
            _ => {
                self.tables.push(table.id());
                self.changes.retain(|change| change.table != table.id());
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.tables.is_empty()
    }

    /// Whether there is enough to be told at once.
    pub(super) fn is_full(&self) -> bool {
        self.changes.len() >= ENOUGH
    }

    pub(super) fn into_observed(self) -> VecDeque<Observed> {
        let mut observed = VecDeque::with_capacity(2);
        if !self.changes.is_empty() {
            observed.push_back(Observed::Changes(self.changes));
        }
        if !self.tables.is_empty() {
            observed.push_back(Observed::Tables(self.tables));
        }
        observed
    }
}
