//! Rows: the sinks that decode what a driver lends.

use std::sync::Arc;

use thing_driver_api::{Column, Error, Flow, Result, Row, RowSink, Table, Value, ValueType};

use crate::Model;
use crate::cache::{KnownRow, Stored};

/// Decodes whole objects.
#[derive(Debug)]
pub(crate) struct Objects<M> {
    pub(crate) rows: Vec<Arc<Stored<M>>>,
}

impl<M> Objects<M> {
    /// With room for so many rows.
    pub(crate) fn expecting(rows: usize) -> Self {
        Self { rows: Vec::with_capacity(rows) }
    }
}

impl<M: Model> RowSink for Objects<M> {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        let model = M::from_row(row).map_err(|error| error.context(M::NAME))?;
        self.rows.push(Arc::new(Stored(model)));
        Ok(Flow::Continue)
    }

    fn restart(&mut self) {
        self.rows.clear();
    }
}

/// Decodes one object, and takes its row as values. The write behind it has been committed, so that an object that can't
/// be decoded is no failure of the read.
#[derive(Debug)]
pub(crate) struct ObjectAndRow<M> {
    pub(crate) object: Option<Result<M>>,
    pub(crate) row: Option<KnownRow>,
}

impl<M> ObjectAndRow<M> {
    pub(crate) fn new() -> Self {
        Self { object: None, row: None }
    }
}

impl<M: Model> RowSink for ObjectAndRow<M> {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        self.object = Some(M::from_row(row).map_err(|error| error.context(M::NAME)));
        let mut whole = WholeRows::new(M::table());
        let flow = whole.row(row)?;
        self.row = whole.rows.pop();
        Ok(flow)
    }

    fn restart(&mut self) {
        *self = Self::new();
    }
}

/// A row of values, to decode an object from.
#[derive(Debug)]
pub(crate) struct ValueRow<'a>(pub(crate) &'a KnownRow);

impl ValueRow<'_> {
    fn get(&self, index: usize) -> Result<Value<'_>> {
        let value = self.0.get(index).and_then(|value| value.as_ref().map(Value::borrowed));
        value.ok_or_else(|| Error::invalid_input(format!("the value of column {index} is not known")))
    }
}

impl Row for ValueRow<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_null(&self, index: usize) -> Result<bool> {
        self.get(index).map(|value| value.is_null())
    }

    fn value(&self, index: usize, _: ValueType) -> Result<Value<'_>> {
        self.get(index)
    }

    fn any_value(&self, index: usize) -> Result<Value<'_>> {
        self.get(index)
    }
}

/// Takes the one integer of a count.
#[derive(Debug, Default)]
pub(crate) struct Number {
    value: Option<i64>,
}

impl Number {
    pub(crate) fn get(self) -> Result<u64> {
        self.value
            .and_then(|value| u64::try_from(value).ok())
            .ok_or_else(|| Error::backend("the database answered a count without a number"))
    }
}

impl RowSink for Number {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        self.value = Some(row.i64(0)?);
        Ok(Flow::Stop)
    }

    fn restart(&mut self) {
        self.value = None;
    }
}

/// Takes whole rows of a table as values: what the cache is told of a write. A value that can't be read counts as not
/// known: the write behind it has been committed, and an error would say the contrary.
#[derive(Debug)]
pub(crate) struct WholeRows<'a> {
    table: &'a Table,
    pub(crate) rows: Vec<KnownRow>,
}

impl<'a> WholeRows<'a> {
    pub(crate) fn new(table: &'a Table) -> Self {
        Self { table, rows: Vec::new() }
    }
}

impl RowSink for WholeRows<'_> {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        let read = |(at, column): (usize, &Column)| row.value(at, column.value_type).ok().map(Value::into_owned);
        self.rows.push(self.table.columns().iter().enumerate().map(read).collect());
        Ok(Flow::Continue)
    }

    fn restart(&mut self) {
        self.rows.clear();
    }
}
