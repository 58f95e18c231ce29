//! Values: bound from borrowed memory, or owned when they cross to another thread.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use thing_driver_api::{Error, ErrorKind, Key, Page, Result, Row, Value};

use crate::error;
use crate::plan::Plan;

/// The values of one call, wherever they live.
#[derive(Clone, Copy)]
pub(crate) enum Values<'a> {
    /// On the caller's thread.
    Borrowed(&'a [Value<'a>]),
    /// On a worker.
    Owned(&'a OwnedValues, Part),
}

/// Which of the values belong to one statement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    first: usize,
    len: usize,
}

impl Values<'_> {
    /// Binds the value of each placeholder, in order.
    pub(crate) fn bind(&self, statement: &mut rusqlite::Statement<'_>, plan: &Plan) -> Result<()> {
        if plan.raw {
            let wanted = statement.parameter_count();
            if wanted != self.len() {
                return Err(error::value_count(wanted, self.len()));
            }
            return (0..wanted).try_for_each(|index| self.bind_one(statement, index + 1, index));
        }
        for (at, slot) in plan.binds.iter().enumerate() {
            self.bind_one(statement, at + 1, slot.0)?;
        }
        Ok(())
    }

    fn len(&self) -> usize {
        match self {
            Self::Borrowed(values) => values.len(),
            Self::Owned(_, part) => part.len,
        }
    }

    fn bind_one(&self, statement: &mut rusqlite::Statement<'_>, number: usize, index: usize) -> Result<()> {
        match self {
            Self::Borrowed(values) => match values.get(index) {
                Some(value) => bind(statement, number, value),
                None => Err(missing(index)),
            },
            Self::Owned(values, part) => values.bind_one(statement, number, part.first + index),
        }
    }
}

/// Values on their way to another thread, in one byte buffer and one table: copying them costs two allocations however
/// many they are.
#[derive(Debug)]
pub(crate) struct OwnedValues(Page);

impl OwnedValues {
    pub(crate) fn new() -> Self {
        Self(Page::new(1))
    }

    pub(crate) fn copied(values: &[Value<'_>]) -> Self {
        let mut owned = Self::new();
        owned.extend(values);
        owned
    }

    /// Appends the values of one statement.
    pub(crate) fn extend(&mut self, values: &[Value<'_>]) -> Part {
        let first = self.0.len();
        for value in values {
            self.0.push(value);
        }
        Part { first, len: values.len() }
    }

    /// All of them, as the values of one statement.
    pub(crate) fn all(&self) -> Values<'_> {
        let part = Part { first: 0, len: self.0.len() };
        Values::Owned(self, part)
    }

    fn bind_one(&self, statement: &mut rusqlite::Statement<'_>, number: usize, index: usize) -> Result<()> {
        let row = self.0.row(index).ok_or_else(|| missing(index))?;
        bind(statement, number, &row.any_value(0)?)
    }
}

fn missing(index: usize) -> Error {
    Error::invalid_input(format!("the statement has no value number {index}; pass one for each slot"))
}

/// Binds the parts of a key as the slots of a statement made for one key.
pub(crate) fn bind_key(statement: &mut rusqlite::Statement<'_>, key: &Key) -> Result<()> {
    for part in 0..key.parts() {
        bind(statement, part + 1, &key.value(part))?;
    }
    Ok(())
}

/// Binds one value; `number` counts from one.
pub(crate) fn bind(statement: &mut rusqlite::Statement<'_>, number: usize, value: &Value<'_>) -> Result<()> {
    if matches!(value, Value::F64(v) if v.is_nan()) {
        return Err(Error::new(
            ErrorKind::InvalidData { column: None },
            format!("value {number} is not a number, which SQLite would store as NULL; use None or a number"),
        ));
    }
    statement.raw_bind_parameter(number, Bound(value)).map_err(|e| error::translate(e, None))
}

struct Bound<'a>(&'a Value<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        if let Value::Decimal(v) = self.0 {
            return Ok(ToSqlOutput::from(v.to_string()));
        }
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Bool(v) => ValueRef::Integer(i64::from(*v)),
            Value::I64(v) | Value::Timestamp(v) | Value::Time(v) => ValueRef::Integer(*v),
            Value::Date(v) => ValueRef::Integer(i64::from(*v)),
            Value::F64(v) => ValueRef::Real(*v),
            Value::Text(v) | Value::Json(v) => ValueRef::Text(v.as_bytes()),
            Value::Bytes(v) => ValueRef::Blob(v),
            Value::Uuid(v) => ValueRef::Blob(v),
            other => {
                let refused = format!("SQLite can't store a value of kind {}", other.kind());
                return Err(rusqlite::Error::ToSqlConversionFailure(refused.into()));
            }
        }))
    }
}
