//! Models without their types: what a write of rows of any table has to know.

use std::sync::Arc;

use thing_driver_api::{Table, Value};

use super::dependents::Dependent;
use super::on_delete::OnDelete;
use crate::{Coherence, Db, Model};

/// A model.
#[derive(Clone, Copy)]
pub(super) struct AnyModel {
    pub(super) name: &'static str,
    pub(super) table: &'static Arc<Table>,
    pub(super) version: Option<usize>,
    coherence: Option<Coherence>,
    updated: fn() -> Vec<usize>,
    on_delete: fn() -> Vec<OnDelete>,
    dependents: fn() -> Vec<Dependent>,
}

impl AnyModel {
    pub(super) fn of<M: Model>() -> Self {
        Self {
            name: M::NAME,
            table: M::table(),
            version: M::VERSION,
            coherence: M::COHERENCE,
            updated: M::updated_columns,
            on_delete: M::on_delete,
            dependents: M::dependents,
        }
    }

    /// What becomes of objects that refer to a deleted one.
    pub(super) fn on_delete(self) -> Vec<OnDelete> {
        (self.on_delete)()
    }

    /// What the database does to rows that refer to a deleted one.
    pub(super) fn dependents(self) -> Vec<Dependent> {
        (self.dependents)()
    }

    /// The columns that every write sets to the time.
    pub(super) fn stamps(self, now: i64) -> impl Iterator<Item = (usize, Value<'static>)> {
        (self.updated)().into_iter().map(move |column| (column, Value::Timestamp(now)))
    }

    /// What a write promises that comes along with one of this coherence.
    pub(super) fn coherence_along(self, db: &Db, given: Coherence) -> Coherence {
        let own = self.coherence.unwrap_or(db.coherence());
        if own == Coherence::Strict { own } else { given }
    }
}
