//! Rows: cells of the wire as the values of Thing.

use std::borrow::Cow;

use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::{Column, Value as Native};
use thing_driver_api::{Decimal, Error, ErrorKind, Page, Result, Row, Value, ValueType};

use crate::calendar::{self, Moment};

/// The number of the character set `binary`: what has it is bytes, not text.
const BINARY: u16 = 63;

/// A row of a result.
pub(crate) struct MysqlRow<'r> {
    row: &'r mysql_async::Row,
}

impl<'r> MysqlRow<'r> {
    pub(crate) fn new(row: &'r mysql_async::Row) -> Self {
        Self { row }
    }

    fn cell(&self, index: usize) -> Result<(&Native, &Column)> {
        match (self.row.as_ref(index), self.row.columns_ref().get(index)) {
            (Some(value), Some(column)) => Ok((value, column)),
            _ => Err(no_column(index, self.len())),
        }
    }
}

impl Row for MysqlRow<'_> {
    fn len(&self) -> usize {
        self.row.len()
    }

    fn is_null(&self, index: usize) -> Result<bool> {
        Ok(matches!(self.cell(index)?.0, Native::NULL))
    }

    fn value(&self, index: usize, expected: ValueType) -> Result<Value<'_>> {
        let (cell, column) = self.cell(index)?;
        decode(column.name_ref(), native(cell, column)?, expected)
    }

    fn any_value(&self, index: usize) -> Result<Value<'_>> {
        let (cell, column) = self.cell(index)?;
        native(cell, column)
    }

    fn bool(&self, index: usize) -> Result<bool> {
        match self.cell(index)? {
            (Native::Int(0), _) => Ok(false),
            (Native::Int(1), _) => Ok(true),
            (cell, column) => match decode(column.name_ref(), native(cell, column)?, ValueType::Bool)? {
                Value::Bool(v) => Ok(v),
                other => Err(invalid(column.name_ref(), other.kind(), "bool")),
            },
        }
    }

    fn i64(&self, index: usize) -> Result<i64> {
        match self.cell(index)? {
            (Native::Int(v), _) => Ok(*v),
            (cell, column) => match decode(column.name_ref(), native(cell, column)?, ValueType::I64)? {
                Value::I64(v) => Ok(v),
                other => Err(invalid(column.name_ref(), other.kind(), "integer")),
            },
        }
    }

    fn f64(&self, index: usize) -> Result<f64> {
        match self.cell(index)? {
            (Native::Double(v), _) => Ok(*v),
            (cell, column) => match decode(column.name_ref(), native(cell, column)?, ValueType::F64)? {
                Value::F64(v) => Ok(v),
                other => Err(invalid(column.name_ref(), other.kind(), "float")),
            },
        }
    }

    fn text(&self, index: usize) -> Result<Cow<'_, str>> {
        let (cell, column) = self.cell(index)?;
        if let (Native::Bytes(bytes), ColumnType::MYSQL_TYPE_VAR_STRING | ColumnType::MYSQL_TYPE_BLOB) =
            (cell, column.column_type())
            && column.character_set() != BINARY
        {
            return utf8(column, bytes).map(Cow::Borrowed);
        }
        match decode(column.name_ref(), native(cell, column)?, ValueType::Text)? {
            Value::Text(v) => Ok(v),
            other => Err(invalid(column.name_ref(), other.kind(), "text")),
        }
    }
}

/// What a cell holds, by the type of its column.
fn native<'r>(cell: &'r Native, column: &Column) -> Result<Value<'r>> {
    let name = column.name_ref();
    Ok(match cell {
        Native::NULL => Value::Null,
        Native::Int(v) => Value::I64(*v),
        // Beyond 64 signed bits.
        Native::UInt(v) => match i64::try_from(*v) {
            Ok(v) => Value::I64(v),
            Err(_) => match Decimal::new(i128::from(*v), 0) {
                Some(v) => Value::Decimal(v),
                None => return Err(invalid(name, "an integer beyond 64 bits", "an integer")),
            },
        },
        Native::Float(v) => Value::F64(f64::from(*v)),
        Native::Double(v) => Value::F64(*v),
        Native::Bytes(v) => return bytes(v, column),
        Native::Date(year, month, day, hour, minute, second, micros) => {
            if column.column_type() == ColumnType::MYSQL_TYPE_DATE {
                match calendar::days(*year, *month, *day) {
                    Some(days) => Value::Date(days),
                    None => return Err(invalid(name, "a date that is no day", "a date")),
                }
            } else {
                let moment = Moment {
                    year: *year,
                    month: *month,
                    day: *day,
                    hour: *hour,
                    minute: *minute,
                    second: *second,
                    micros: *micros,
                };
                match calendar::micros(moment) {
                    Some(micros) => Value::Timestamp(micros),
                    None => return Err(invalid(name, "a timestamp that is no point in time", "a timestamp")),
                }
            }
        }
        Native::Time(negative, days, hour, minute, second, micros) => {
            let time = calendar::micros_of_day(*hour, *minute, *second, *micros);
            match time.filter(|time| *days == 0 && (!negative || *time == 0)) {
                Some(time) => Value::Time(time),
                None => return Err(invalid(name, "a time beyond one day", "a time of day")),
            }
        }
    })
}

fn bytes<'r>(bytes: &'r [u8], column: &Column) -> Result<Value<'r>> {
    let name = column.name_ref();
    let text = || utf8(column, bytes);
    Ok(match column.column_type() {
        ColumnType::MYSQL_TYPE_NEWDECIMAL | ColumnType::MYSQL_TYPE_DECIMAL => match text()?.parse() {
            Ok(v) => Value::Decimal(v),
            Err(_) => return Err(invalid(name, "a decimal number of too many digits", "a decimal number")),
        },
        ColumnType::MYSQL_TYPE_JSON => Value::Json(Cow::Borrowed(text()?)),
        ColumnType::MYSQL_TYPE_BIT => match bytes {
            [0] if column.column_length() == 1 => Value::Bool(false),
            [1] if column.column_length() == 1 => Value::Bool(true),
            _ => Value::Bytes(Cow::Borrowed(bytes)),
        },
        ColumnType::MYSQL_TYPE_GEOMETRY => Value::Bytes(Cow::Borrowed(bytes)),
        _ if column.character_set() == BINARY && !column.flags().contains(ColumnFlags::ENUM_FLAG) => {
            Value::Bytes(Cow::Borrowed(bytes))
        }
        _ => Value::Text(Cow::Borrowed(text()?)),
    })
}

fn utf8<'r>(column: &Column, bytes: &'r [u8]) -> Result<&'r str> {
    std::str::from_utf8(bytes).map_err(|e| invalid(column.name_ref(), "text that is not UTF-8", "text").with_source(e))
}

/// A value of the expected type that is exactly the one in the column.
fn decode<'v>(name: &[u8], value: Value<'v>, expected: ValueType) -> Result<Value<'v>> {
    Ok(match (value, expected) {
        (Value::Null, _) => Value::Null,
        (Value::I64(0), ValueType::Bool) => Value::Bool(false),
        (Value::I64(1), ValueType::Bool) => Value::Bool(true),
        (Value::I64(_), ValueType::Bool) => return Err(invalid(name, "an integer other than 0 and 1", "bool")),
        (value @ Value::Bool(_), ValueType::Bool) => value,
        (Value::Bool(v), t) if t.is_integer() => Value::I64(i64::from(v)),
        (value @ Value::I64(_), t) if t.is_integer() => value,
        (Value::Decimal(v), t) if t.is_integer() => match i64::try_from(v.coefficient()) {
            Ok(v_whole) if v.scale() == 0 => Value::I64(v_whole),
            Ok(_) => return Err(invalid(name, "a decimal number with a fraction", "integer")),
            Err(_) => return Err(invalid(name, "a number beyond 64 signed bits", "integer")),
        },
        (value @ Value::F64(_), ValueType::F32 | ValueType::F64) => value,
        (Value::I64(v), ValueType::F32 | ValueType::F64) => Value::F64(float(name, v)?),
        (value @ Value::Text(_), ValueType::Text) => value,
        (value @ Value::Bytes(_), ValueType::Bytes) => value,
        (Value::Bytes(v), ValueType::Uuid) => match v.as_ref().try_into() {
            Ok(v) => Value::Uuid(v),
            Err(_) => return Err(invalid(name, &format!("{} bytes", v.len()), "a uuid of 16 bytes")),
        },
        (value @ Value::Timestamp(_), ValueType::Timestamp)
        | (value @ Value::Date(_), ValueType::Date)
        | (value @ Value::Time(_), ValueType::Time)
        | (value @ Value::Json(_), ValueType::Json | ValueType::List(_))
        | (value @ Value::Decimal(_), ValueType::Decimal) => value,
        (Value::Text(v), ValueType::Json | ValueType::List(_)) => Value::Json(v),
        (Value::Json(v), ValueType::Text) => Value::Text(v),
        (Value::I64(v), ValueType::Decimal) => Value::Decimal(v.into()),
        (value, expected) => return Err(invalid(name, value.kind(), &expected.to_string())),
    })
}

fn float(name: &[u8], value: i64) -> Result<f64> {
    // Between these bounds every integer is exact as a float.
    const EXACT: i64 = 1 << f64::MANTISSA_DIGITS;
    if (-EXACT..=EXACT).contains(&value) {
        return Ok(value as f64);
    }
    Err(invalid(name, "an integer that no float equals", "float"))
}

/// Appends a row to a page, its cells as the types that are expected.
pub(crate) fn fill(page: &mut Page, row: &MysqlRow<'_>, types: &[ValueType]) -> Result<()> {
    types.iter().enumerate().try_for_each(|(index, &expected)| row.value(index, expected).map(|v| page.push(&v)))
}

/// An empty page for the rows of a raw statement, whose types are not known.
pub(crate) fn raw_page(columns: &[Column]) -> Page {
    let names = columns.iter().map(|column| column.name_str().into_owned()).collect();
    Page::with_names(names).decode_with(decode_moved)
}

/// Appends a row to a page, its cells as they are.
pub(crate) fn fill_raw(page: &mut Page, row: &MysqlRow<'_>) -> Result<()> {
    (0..row.len()).try_for_each(|index| row.any_value(index).map(|value| page.push(&value)))
}

fn decode_moved(index: usize, value: Value<'_>, expected: ValueType) -> Result<Value<'_>> {
    decode(index.to_string().as_bytes(), value, expected)
}

fn invalid(name: &[u8], found: &str, expected: &str) -> Error {
    let name = String::from_utf8_lossy(name).into_owned();
    let said = format!("column `{name}` holds {found}, expected {expected}");
    Error::new(ErrorKind::InvalidData { column: Some(name) }, said)
}

fn no_column(index: usize, width: usize) -> Error {
    Error::new(ErrorKind::InvalidData { column: None }, format!("column {index} does not exist in a row of {width}"))
}
