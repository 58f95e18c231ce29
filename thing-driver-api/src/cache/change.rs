//! Changes: what a write did to one row, so that readers can judge whether it concerns them.

use std::sync::Arc;

use crate::{ColumnSet, Key, TableId, Value};

/// What one write did to one row.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// The table.
    pub table: TableId,
    /// The row.
    pub key: Key,
    /// The columns whose values may differ; all of them for an insert or a delete.
    pub columns: ColumnSet,
    /// The row before.
    pub before: RowImage,
    /// The row after.
    pub after: RowImage,
    /// The [fingerprint](crate::Table::fingerprint) of the table as the writer declares it, which fixes what the numbers
    /// of columns mean; zero if that is not said. A reader to whom it is foreign takes the change for one that concerns
    /// it.
    pub form: u64,
}

impl Change {
    /// A change of a row.
    pub fn new(table: TableId, key: Key, columns: ColumnSet, before: RowImage, after: RowImage) -> Self {
        Self { table, key, columns, before, after, form: 0 }
    }

    /// Says what the numbers of columns mean.
    #[must_use]
    pub fn with_form(mut self, fingerprint: u64) -> Self {
        self.form = fingerprint;
        self
    }

    /// Bytes that the change takes in a log.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.key.heap_size() + self.before.size() + self.after.size()
    }
}

/// A row as far as it is known.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RowImage {
    /// There is no row.
    Absent,
    /// The values by column; `None` where a value is not known.
    Row(Arc<[Option<Value<'static>>]>),
    /// Nothing is known.
    Unknown,
}

impl RowImage {
    /// Bytes that the image takes.
    pub fn size(&self) -> usize {
        match self {
            Self::Row(values) => values.iter().map(|v| size_of_val(v) + v.as_ref().map_or(0, Value::heap_size)).sum(),
            _ => 0,
        }
    }
}

/// How a write ended, for [`CacheClient::release`](super::CacheClient::release).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Committed; these are all the changes that the released tags stand for. Readers that are behind by them may judge
    /// for themselves.
    Changed(Vec<Arc<Change>>),
    /// Committed, or perhaps committed, with changes that are not listed: what depends on the tags is lost.
    Unlisted,
    /// Certainly nothing happened. The tags may get back the stamps they had, unless another writer changed them.
    Nothing,
}
