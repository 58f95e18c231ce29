//! Changes: what a write did to one row, so that readers can judge whether it concerns them.

use std::fmt;
use std::sync::Arc;

use crate::{ColumnSet, Key, Table, TableId, Value};

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

    /// What somebody's write did to one row, from its images: for a [`ChangeFeed`](crate::ChangeFeed). `differs` says of
    /// a column, by its number, whether its value may be another; it is asked where both images are there. A row whose
    /// key was changed is one that was deleted and one that was inserted.
    ///
    /// `None` where the images don't tell which row it is: all of the table may have changed then.
    pub fn observed(
        table: &Table,
        differs: impl Fn(usize) -> bool,
        before: RowImage,
        after: RowImage,
    ) -> Option<Vec<Self>> {
        let (old, new) = (before.key(table), after.key(table));
        let all: ColumnSet = (0..table.columns().len()).collect();
        let change = |key, columns, before, after| {
            Self::new(table.id(), key, columns, before, after).with_form(table.fingerprint())
        };
        Some(match (&before, &after) {
            (RowImage::Row(_), RowImage::Absent) => vec![change(old?, all, before, after)],
            (RowImage::Absent, RowImage::Row(_)) => vec![change(new?, all, before, after)],
            (RowImage::Row(_), RowImage::Row(_)) => match (old?, new?) {
                (old, new) if old == new => {
                    vec![change(new, all.iter().filter(|&at| differs(at)).collect(), before, after)]
                }
                (old, new) => {
                    vec![change(old, all, before, RowImage::Absent), change(new, all, RowImage::Absent, after)]
                }
            },
            _ => return None,
        })
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
#[derive(Clone, PartialEq)]
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
    /// The key of the row, if it is known.
    pub fn key(&self, table: &Table) -> Option<Key> {
        let Self::Row(values) = self else { return None };
        let value = |&column: &usize| values.get(column)?.as_ref().map(Value::borrowed);
        let parts: Option<Vec<Value<'_>>> = table.key().iter().map(value).collect();
        Key::from_values(&parts?)
    }

    /// Bytes that the image takes.
    pub fn size(&self) -> usize {
        match self {
            Self::Row(values) => values.iter().map(|v| size_of_val(v) + v.as_ref().map_or(0, Value::heap_size)).sum(),
            _ => 0,
        }
    }
}

/// Values stay out of logs.
impl fmt::Debug for RowImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("Absent"),
            Self::Row(values) => {
                let kind = |value: &Option<Value<'_>>| value.as_ref().map_or("unknown", Value::kind);
                f.debug_tuple("Row").field(&values.iter().map(kind).collect::<Vec<_>>()).finish()
            }
            Self::Unknown => f.write_str("Unknown"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, ValueType};

    fn table() -> Table {
        let table = Table::builder("items")
            .column(Column::new("id", ValueType::I64))
            .column(Column::new("name", ValueType::Text))
            .key([0]);
        table.build().unwrap_or_else(|error| panic!("{error}"))
    }

    fn row(id: Option<i64>, name: Option<&str>) -> RowImage {
        let name = name.map(|name| Value::Text(name.to_owned().into()));
        RowImage::Row([id.map(Value::I64), name].into_iter().collect())
    }

    fn told(before: RowImage, after: RowImage) -> Option<Vec<(Key, usize)>> {
        let changes = Change::observed(&table(), |column| column == 1, before, after)?;
        Some(changes.into_iter().map(|change| (change.key, change.columns.len())).collect())
    }

    #[test]
    fn images_tell_what_happened_to_a_row() {
        let one = || row(Some(1), Some("a"));
        assert_eq!(told(RowImage::Absent, one()), Some(vec![(Key::Int(1), 2)]));
        assert_eq!(told(one(), RowImage::Absent), Some(vec![(Key::Int(1), 2)]));
        assert_eq!(told(one(), row(Some(1), None)), Some(vec![(Key::Int(1), 1)]));
        assert_eq!(told(one(), row(Some(2), None)), Some(vec![(Key::Int(1), 2), (Key::Int(2), 2)]));
    }

    #[test]
    fn without_a_key_the_row_is_not_known() {
        let one = || row(Some(1), Some("a"));
        assert_eq!(told(row(None, Some("a")), one()), None);
        assert_eq!(told(RowImage::Unknown, one()), None);
        assert_eq!(told(RowImage::Absent, RowImage::Absent), None);
    }
}
