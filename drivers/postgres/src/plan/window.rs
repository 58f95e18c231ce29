//! Windows: limits and offsets that the server's planner knows.
//!
//! The server keeps one plan for a prepared statement, made without its values. Not knowing a limit it assumes a tenth
//! of the rows, and may then walk a whole index where sorting a few rows is ten times faster. So a limit stands in the
//! text, and a read behind an offset is planned each time.

use std::sync::{PoisonError, RwLock};

use thing_driver_api::{Dialect, Operation, Result, Shape, Slot, Value, sql};

use super::Text;
use crate::dialect::PostgresDialect;

/// How many different limits of one shape have a text of their own.
const MOST: usize = 16;

#[derive(Debug)]
pub(super) struct Window {
    limit: Slot,
    offset: Option<Slot>,
    /// The statement without its window, and what stands behind it.
    head: String,
    tail: &'static str,
    texts: RwLock<Vec<(i64, Text)>>,
}

impl Window {
    /// The window of a read that has a limit.
    pub(super) fn of(shape: &Shape) -> Result<Option<Self>> {
        let (Some(table), Operation::Select { columns, filter, order, limit: Some(limit), offset, lock }) =
            (shape.table(), shape.operation())
        else {
            return Ok(None);
        };
        let unlimited = Operation::Select {
            columns: columns.clone(),
            filter: filter.clone(),
            order: order.clone(),
            limit: None,
            offset: None,
            lock: None,
        };
        let head = sql::render(&Shape::new(table.clone(), unlimited), &PostgresDialect)?.text;
        let tail = lock.map_or("", |lock| PostgresDialect.lock(lock));
        Ok(Some(Self { limit: *limit, offset: *offset, head, tail, texts: RwLock::default() }))
    }

    /// How many parameters at the end of the whole text belong to it.
    pub(super) fn slots(&self) -> usize {
        1 + usize::from(self.offset.is_some())
    }

    /// The text with the limit in it; `None` behind an offset, and where there are too many limits.
    pub(super) fn fixed(&self, values: &[Value<'_>]) -> Option<Text> {
        let number = |slot: Slot| match values.get(slot.0) {
            Some(Value::I64(number)) if *number >= 0 => Some(*number),
            _ => None,
        };
        if let Some(offset) = self.offset
            && number(offset)? != 0
        {
            return None;
        }
        let limit = number(self.limit)?;
        let find =
            |texts: &[(i64, Text)]| texts.iter().find(|(known, _)| *known == limit).map(|(_, text)| text.clone());
        if let Some(known) = find(&self.texts.read().unwrap_or_else(PoisonError::into_inner)) {
            return Some(known);
        }
        let mut texts = self.texts.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = find(&texts) {
            return Some(known);
        }
        if texts.len() == MOST {
            return None;
        }
        let text = Text::new(&format!("{} LIMIT {limit}{}", self.head, self.tail));
        texts.push((limit, text.clone()));
        Some(text)
    }
}
