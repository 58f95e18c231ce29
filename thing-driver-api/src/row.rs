//! Rows: lent by the driver, read by position, never owned.

use std::borrow::Cow;

use crate::{Error, Result, Value, ValueType};

/// One row of a result, lent for the time of one call of [`RowSink::row`].
///
/// The core reads each column once, by position, as the type it expects. A driver implements [`Row::value`]; the typed
/// getters have defaults in terms of it, and a driver whose rows hold native values overrides those that save a copy or
/// a check.
pub trait Row {
    /// The number of columns.
    fn len(&self) -> usize;

    /// True without columns.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True when the column is NULL. An index out of range is an error, not a panic.
    fn is_null(&self, index: usize) -> Result<bool>;

    /// The column as a value of the expected type, or [`Value::Null`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`](crate::ErrorKind::InvalidData) when the stored value is not of the type or there is
    /// no such column: converting silently would make two reads of one row differ.
    fn value(&self, index: usize, expected: ValueType) -> Result<Value<'_>>;

    /// The column as whatever the database holds, for raw statements whose types are not declared.
    fn any_value(&self, index: usize) -> Result<Value<'_>>;

    /// A truth value.
    fn bool(&self, index: usize) -> Result<bool> {
        match self.value(index, ValueType::Bool)? {
            Value::Bool(v) => Ok(v),
            other => Err(mismatch(index, "bool", &other)),
        }
    }

    /// An integer of any width.
    fn i64(&self, index: usize) -> Result<i64> {
        match self.value(index, ValueType::I64)? {
            Value::I64(v) => Ok(v),
            other => Err(mismatch(index, "integer", &other)),
        }
    }

    /// A float.
    fn f64(&self, index: usize) -> Result<f64> {
        match self.value(index, ValueType::F64)? {
            Value::F64(v) => Ok(v),
            other => Err(mismatch(index, "float", &other)),
        }
    }

    /// Text.
    fn text(&self, index: usize) -> Result<Cow<'_, str>> {
        match self.value(index, ValueType::Text)? {
            Value::Text(v) => Ok(v),
            other => Err(mismatch(index, "text", &other)),
        }
    }

    /// Bytes.
    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>> {
        match self.value(index, ValueType::Bytes)? {
            Value::Bytes(v) => Ok(v),
            other => Err(mismatch(index, "bytes", &other)),
        }
    }
}

fn mismatch(index: usize, expected: &str, found: &Value<'_>) -> Error {
    Error::new(
        crate::ErrorKind::InvalidData { column: None },
        format!("column {index} holds {}, expected {expected}", found.kind()),
    )
}

/// Where a driver puts the rows of a result.
pub trait RowSink: Send {
    /// Called once before the first row of a raw statement, with the names of the result's columns.
    fn columns(&mut self, names: &[&str]) -> Result<()> {
        let _ = names;
        Ok(())
    }

    /// Takes one row. On [`Flow::Stop`] the driver MUST deliver no further row and SHOULD stop reading; on an error it
    /// stops and returns that error.
    fn row(&mut self, row: &dyn Row) -> Result<Flow>;

    /// Forgets the rows taken so far: the driver starts the read again from its first row (on another thread, or after a
    /// lost connection). Delivering them twice without this call would double the result.
    fn restart(&mut self);
}

/// Whether a sink wants more rows.
///
/// Exhaustive: there is no third way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// That was enough.
    Stop,
}

/// Drops every row: for statements that return none.
#[derive(Debug, Default)]
pub struct NoRows;

impl RowSink for NoRows {
    fn row(&mut self, _: &dyn Row) -> Result<Flow> {
        Ok(Flow::Continue)
    }

    fn restart(&mut self) {}
}
