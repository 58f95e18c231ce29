//! Judgement: does a change of a row concern this query?

use thing_driver_api::{Change, Key, RowImage};

use super::evaluate::{Answers, Evaluator};
use super::{Exactness, Kind, Question};

impl Question<'_> {
    /// Whether the change may alter the answer. `false` is certain.
    pub(crate) fn is_affected(&self, change: &Change, exactness: Exactness) -> bool {
        if change.form != self.table.fingerprint() {
            // Another model of the table, or another version of this one: its columns have other numbers.
            return true;
        }
        if self.is_raw() {
            return true;
        }
        let inserted_or_deleted = change.before == RowImage::Absent || change.after == RowImage::Absent;
        if !inserted_or_deleted && !change.columns.intersects(self.mentioned()) {
            return false;
        }
        let evaluator = Evaluator { table: self.table, values: self.values, exactness };
        let answers = |image: &RowImage| match image {
            RowImage::Absent => Answers::FALSE,
            RowImage::Row(values) if values.len() == self.table.columns().len() => {
                evaluator.evaluate(self.filter, values)
            }
            _ => Answers::ANY,
        };
        let (before, after) = (answers(&change.before), answers(&change.after));
        match self.kind {
            Kind::List | Kind::Page => before.may_match() || after.may_match(),
            Kind::Count | Kind::Exists => before.matches().is_none() || before.matches() != after.matches(),
        }
    }
}

/// Whether the change may alter the fact that there is no row with this key. Where text keys compare by the database's
/// own rules, any row may be the one.
pub(crate) fn absence_is_affected(key: &Key, change: &Change, exactness: Exactness) -> bool {
    change.key == *key || (!exactness.text() && has_text(key))
}

/// Whether the key is told apart by the database's own rules for text.
pub(crate) fn has_text(key: &Key) -> bool {
    match key {
        Key::Text(_) => true,
        Key::Composite(parts) => parts.iter().any(has_text),
        _ => false,
    }
}
