//! Compiled queries: the shape, its values, and who sorts the list.

use std::sync::Arc;

use thing_driver_api::{Condition, Operation, Order, Result, Shape, Statement, Table, Value, ValueType};

use crate::cache::{Cache, Kind, Question, Stored, Usage};
use crate::{Model, ModelKey};

/// A query's shape and values.
pub(super) struct Compiled {
    pub(super) kind: Kind,
    pub(super) shape: Arc<Shape>,
    pub(super) usage: Arc<Usage>,
    pub(super) values: Vec<Value<'static>>,
    /// The database gives the rows in any order.
    pub(super) sorted_here: bool,
}

/// Who sorts a list for which no order is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sorted {
    /// The database: parts of a list have to be parts of one order.
    ByDatabase,
    /// A whole list is sorted here if its keys have one order everywhere: that costs less than the temporary index that a
    /// database makes, and leaves it the choice of another.
    AsIsCheapest,
}

pub(super) fn has_key_of_one_order(table: &Table) -> bool {
    table.key().iter().all(|&column| {
        let value_type = table.column(column).value_type;
        value_type.is_integer() || value_type == ValueType::Uuid
    })
}

pub(super) fn in_order_of_keys<M: Model>(objects: Vec<Arc<Stored<M>>>) -> Result<Vec<Arc<Stored<M>>>> {
    let mut keyed = Vec::with_capacity(objects.len());
    for object in objects {
        keyed.push((object.0.key().to_key()?, object));
    }
    keyed.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok(keyed.into_iter().map(|(_, object)| object).collect())
}

impl Compiled {
    pub(super) fn statement(&self) -> Statement<'_> {
        Statement::new(&self.shape, &self.values)
    }

    /// How many rows to make room for.
    pub(super) fn expected(&self) -> usize {
        const MOST: usize = 1000;
        match self.shape.operation() {
            Operation::Select { limit: Some(limit), .. } => match self.values.get(limit.0) {
                Some(Value::I64(limit)) => usize::try_from(*limit).map_or(0, |limit| limit.min(MOST)),
                _ => 0,
            },
            _ => 0,
        }
    }

    /// The values by which the first and the last row of a page are ordered; the row behind it, which tells that there are
    /// more, is none of it. Nothing for what is no page, and for an empty one.
    pub(super) fn edges<M: Model>(&self, objects: &[Arc<Stored<M>>]) -> Result<Vec<Value<'static>>> {
        let (Kind::Page, Operation::Select { order, limit: Some(limit), .. }) = (self.kind, self.shape.operation())
        else {
            return Ok(Vec::new());
        };
        let shown = match self.values.get(limit.0) {
            Some(Value::I64(limit)) => usize::try_from(limit - 1).map_or(objects.len(), |most| most.min(objects.len())),
            _ => objects.len(),
        };
        let page = &objects[..shown];
        let edges = page.first().into_iter().chain(page.last());
        let values = edges.flat_map(|object| order.iter().map(|term| object.0.value(term.column)));
        values.map(|value| value.map(Value::into_owned)).collect()
    }

    pub(super) fn question<M: Model>(&self, cache: Option<&Cache>) -> Question<'_> {
        const NONE: &Condition = &Condition::Constant(true);
        type Parts<'a> = (&'a Condition, &'a [Order], (bool, bool));
        let (filter, order, window): Parts<'_> = match self.shape.operation() {
            Operation::Select { filter, order, limit, offset, .. } => {
                (filter, order, (limit.is_some(), offset.is_some()))
            }
            Operation::Count { filter } | Operation::Exists { filter } => (filter, &[], (false, false)),
            _ => (NONE, &[], (false, false)),
        };
        let table = M::table();
        let scoped = cache.is_none_or(|cache| cache.client().declare(table.id(), table.scopes_digest()));
        Question { kind: self.kind, table, filter, order, window, values: &self.values, scoped }
    }
}
