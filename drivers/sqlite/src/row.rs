//! Rows: cells of SQLite as the values of Thing.

use std::borrow::Cow;

use rusqlite::types::{Type, ValueRef};
use thing_driver_api::{Error, ErrorKind, Page, Result, Row, Value, ValueType};

/// A row on the thread of its connection.
pub(crate) struct SqliteRow<'r, 's> {
    row: &'r rusqlite::Row<'s>,
}

impl<'r, 's> SqliteRow<'r, 's> {
    pub(crate) fn new(row: &'r rusqlite::Row<'s>) -> Self {
        Self { row }
    }

    fn cell(&self, index: usize) -> Result<ValueRef<'_>> {
        self.row.get_ref(index).map_err(|_| no_column(index, self.len()))
    }
}

impl Row for SqliteRow<'_, '_> {
    fn len(&self) -> usize {
        self.row.as_ref().column_count()
    }

    fn is_null(&self, index: usize) -> Result<bool> {
        Ok(matches!(self.cell(index)?, ValueRef::Null))
    }

    fn value(&self, index: usize, expected: ValueType) -> Result<Value<'_>> {
        decode(index, self.cell(index)?, expected)
    }

    fn any_value(&self, index: usize) -> Result<Value<'_>> {
        self.cell(index).map(native)
    }

    fn bool(&self, index: usize) -> Result<bool> {
        bool(index, self.cell(index)?)
    }

    fn i64(&self, index: usize) -> Result<i64> {
        i64(index, self.cell(index)?)
    }

    fn f64(&self, index: usize) -> Result<f64> {
        f64(index, self.cell(index)?)
    }

    fn text(&self, index: usize) -> Result<Cow<'_, str>> {
        text(index, self.cell(index)?).map(Cow::Borrowed)
    }

    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>> {
        bytes(index, self.cell(index)?).map(Cow::Borrowed)
    }
}

/// An empty page whose cells will be as SQLite holds them, and become values when they are read.
pub(crate) fn page(width: usize) -> Page {
    Page::new(width).decode_with(decode_moved)
}

/// As [`page`], with the names of the columns.
pub(crate) fn named_page(names: Vec<String>) -> Page {
    Page::with_names(names).decode_with(decode_moved)
}

/// Appends a row to a page.
pub(crate) fn fill(page: &mut Page, row: &dyn Row) -> Result<()> {
    (0..row.len()).try_for_each(|index| row.any_value(index).map(|value| page.push(&value)))
}

/// A cell that came from another thread.
fn decode_moved(index: usize, value: Value<'_>, expected: ValueType) -> Result<Value<'_>> {
    let cell = match value {
        Value::Null => ValueRef::Null,
        Value::I64(v) => ValueRef::Integer(v),
        Value::F64(v) => ValueRef::Real(v),
        Value::Text(Cow::Borrowed(v)) => ValueRef::Text(v.as_bytes()),
        Value::Bytes(Cow::Borrowed(v)) => ValueRef::Blob(v),
        other => return Err(invalid(index, other.kind(), &expected.to_string())),
    };
    decode(index, cell, expected)
}

fn decode(index: usize, cell: ValueRef<'_>, expected: ValueType) -> Result<Value<'_>> {
    Ok(match (cell, expected) {
        (ValueRef::Null, _) => Value::Null,
        (_, ValueType::Bool) => Value::Bool(bool(index, cell)?),
        (_, ValueType::I16 | ValueType::I32 | ValueType::I64) => Value::I64(i64(index, cell)?),
        (_, ValueType::F32 | ValueType::F64) => Value::F64(f64(index, cell)?),
        (_, ValueType::Text) => Value::Text(Cow::Borrowed(text(index, cell)?)),
        (_, ValueType::Bytes) => Value::Bytes(Cow::Borrowed(bytes(index, cell)?)),
        (ValueRef::Blob(v), ValueType::Uuid) => match v.try_into() {
            Ok(v) => Value::Uuid(v),
            Err(_) => return Err(invalid(index, &format!("a blob of {} bytes", v.len()), "a uuid of 16 bytes")),
        },
        (ValueRef::Integer(v), ValueType::Timestamp) => Value::Timestamp(v),
        (ValueRef::Integer(v), ValueType::Time) => Value::Time(v),
        (ValueRef::Integer(v), ValueType::Date) => match v.try_into() {
            Ok(v) => Value::Date(v),
            Err(_) => return Err(invalid(index, "an integer beyond 32 bits", "a date")),
        },
        (ValueRef::Integer(v), ValueType::Decimal) => Value::Decimal(v.into()),
        (_, ValueType::Decimal) => match text(index, cell)?.parse() {
            Ok(v) => Value::Decimal(v),
            Err(_) => return Err(invalid(index, "text", "a decimal number")),
        },
        (_, ValueType::Json | ValueType::List(_)) => Value::Json(Cow::Borrowed(text(index, cell)?)),
        (_, other) => return Err(mismatch(index, cell, &other.to_string())),
    })
}

fn native(cell: ValueRef<'_>) -> Value<'_> {
    match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(v) => Value::I64(v),
        ValueRef::Real(v) => Value::F64(v),
        // Text that is not UTF-8 stays what it is, bytes: rows that a committed write gives back can't be refused.
        ValueRef::Text(v) => match std::str::from_utf8(v) {
            Ok(text) => Value::Text(Cow::Borrowed(text)),
            Err(_) => Value::Bytes(Cow::Borrowed(v)),
        },
        ValueRef::Blob(v) => Value::Bytes(Cow::Borrowed(v)),
    }
}

fn bool(index: usize, cell: ValueRef<'_>) -> Result<bool> {
    match cell {
        ValueRef::Integer(0) => Ok(false),
        ValueRef::Integer(1) => Ok(true),
        ValueRef::Integer(_) => Err(invalid(index, "an integer other than 0 and 1", "bool")),
        other => Err(mismatch(index, other, "bool")),
    }
}

fn i64(index: usize, cell: ValueRef<'_>) -> Result<i64> {
    match cell {
        ValueRef::Integer(v) => Ok(v),
        other => Err(mismatch(index, other, "integer")),
    }
}

fn f64(index: usize, cell: ValueRef<'_>) -> Result<f64> {
    // Between these bounds every integer is exact as a float.
    const EXACT: i64 = 1 << f64::MANTISSA_DIGITS;
    match cell {
        ValueRef::Real(v) => Ok(v),
        ValueRef::Integer(v) if (-EXACT..=EXACT).contains(&v) => Ok(v as f64),
        ValueRef::Integer(_) => Err(invalid(index, "an integer that no float equals", "float")),
        other => Err(mismatch(index, other, "float")),
    }
}

fn text(index: usize, cell: ValueRef<'_>) -> Result<&str> {
    match cell {
        ValueRef::Text(v) => {
            std::str::from_utf8(v).map_err(|e| invalid(index, "text that is not UTF-8", "text").with_source(e))
        }
        other => Err(mismatch(index, other, "text")),
    }
}

fn bytes(index: usize, cell: ValueRef<'_>) -> Result<&[u8]> {
    match cell {
        ValueRef::Blob(v) => Ok(v),
        other => Err(mismatch(index, other, "bytes")),
    }
}

fn mismatch(index: usize, cell: ValueRef<'_>, expected: &str) -> Error {
    let found = match cell.data_type() {
        Type::Null => "null",
        Type::Integer => "integer",
        Type::Real => "float",
        Type::Text => "text",
        Type::Blob => "blob",
    };
    invalid(index, found, expected)
}

fn invalid(index: usize, found: &str, expected: &str) -> Error {
    Error::new(ErrorKind::InvalidData { column: None }, format!("column {index} holds {found}, expected {expected}"))
}

fn no_column(index: usize, width: usize) -> Error {
    Error::new(ErrorKind::InvalidData { column: None }, format!("column {index} does not exist in a row of {width}"))
}
