//! Visibility: which objects of a model reads see, unless they ask for others.
//!
//! ```text
//! lists, counts, …   filter AND living AND rule ─▶ database, cache
//! by key             object, as the cache holds it ─▶ living? ─▶ rule? ─▶ in doubt, the database is asked
//! ```

use thing_driver_api::{Comparison, Result, Table, Value};

use crate::cache::{Evaluator, Exactness, KnownRow};
use crate::filter::{Node, Operand};
use crate::write::row_of;
use crate::{Filter, Model};

/// Which objects a read sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visibility {
    deleted: Deleted,
    /// By the rule of the model.
    ruled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deleted {
    Hidden,
    Shown,
    Only,
}

impl Visibility {
    /// Living objects that the rule of their model keeps.
    pub(crate) const USUAL: Self = Self { deleted: Deleted::Hidden, ruled: true };
    /// Living objects, whatever the rule says.
    pub(crate) const LIVING: Self = Self { deleted: Deleted::Hidden, ruled: false };
    /// Deleted objects alone, whatever the rule says.
    pub(crate) const DELETED: Self = Self { deleted: Deleted::Only, ruled: false };
    /// All objects.
    pub(crate) const ALL: Self = Self { deleted: Deleted::Shown, ruled: false };

    pub(crate) const fn with_deleted(self) -> Self {
        Self { deleted: Deleted::Shown, ..self }
    }

    pub(crate) const fn only_deleted(self) -> Self {
        Self { deleted: Deleted::Only, ..self }
    }

    pub(crate) const fn unruled(self) -> Self {
        Self { ruled: false, ..self }
    }

    /// Whether the rule of the model counts.
    pub(crate) const fn is_ruled<M: Model>(self) -> bool {
        M::KEEPS && self.ruled
    }

    /// What a filter has to demand beside its own.
    pub(crate) fn node<M: Model>(self) -> Node {
        let seen = match self.deleted {
            Deleted::Hidden => marked::<M>(false),
            Deleted::Shown => Node::Constant(true),
            Deleted::Only => marked::<M>(true),
        };
        if !self.is_ruled::<M>() {
            return seen;
        }
        M::keep().map_or(Node::Constant(true), Filter::into_node).and(seen)
    }

    /// Whether the object is seen as far as its deletion goes.
    pub(crate) fn sees_life<M: Model>(self, object: &M) -> bool {
        match self.deleted {
            Deleted::Hidden => M::DELETED.is_none() || !object.is_deleted(),
            Deleted::Shown => true,
            Deleted::Only => object.is_deleted(),
        }
    }

    /// Whether the object is seen; `None` where only the database can say.
    pub(crate) fn sees<M: Model>(self, object: &M, exactness: Exactness) -> Result<Option<bool>> {
        if !self.sees_life(object) {
            return Ok(Some(false));
        }
        if !self.is_ruled::<M>() {
            return Ok(Some(true));
        }
        let Some(rule) = M::keep() else { return Ok(Some(true)) };
        let mut values = Vec::new();
        let condition = rule.into_node().compile(&mut values).map_err(|error| error.context(M::NAME))?;
        let evaluator = Evaluator { table: M::table(), values: &values, exactness };
        Ok(evaluator.evaluate(&condition, &row_of(object)?).matches())
    }
}

/// The objects that are marked as deleted, or those that are not.
fn marked<M: Model>(deleted: bool) -> Node {
    match M::DELETED {
        None => Node::Constant(!deleted),
        Some(column) if M::table().column(column).nullable => Node::IsNull { column, negated: deleted },
        Some(column) => {
            let operand = Operand::Value(Value::Bool(deleted));
            Node::Compare { column, operator: Comparison::Equal, operand }
        }
    }
}

/// The column that marks deleted rows, and what it holds in a living one.
pub(crate) fn living_mark(table: &Table) -> Option<(usize, Value<'static>)> {
    let column = table.deleted()?;
    Some((column, if table.column(column).nullable { Value::Null } else { Value::Bool(false) }))
}

/// The column that marks deleted rows, and what it holds in one that is deleted at this time.
pub(crate) fn deleted_mark(table: &Table, now: i64) -> Option<(usize, Value<'static>)> {
    let column = table.deleted()?;
    Some((column, if table.column(column).nullable { Value::Timestamp(now) } else { Value::Bool(true) }))
}

/// Whether the row is not marked as deleted.
pub(crate) fn is_living(table: &Table, row: &KnownRow) -> bool {
    living_mark(table).is_none_or(|(column, mark)| row[column].as_ref() == Some(&mark))
}
