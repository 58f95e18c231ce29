//! Rows: binary columns as the values of Thing.

use std::borrow::Cow;

use thing_driver_api::{Error, ErrorKind, Page, Result, Row, Value, ValueType};
use tokio_postgres::types::{FromSql, Type};

use crate::array;
use crate::numeric;
use crate::values::{Codec, EPOCH_DAYS, EPOCH_MICROSECONDS, EXACT_FLOAT};

/// A row in the buffer in which it came.
pub(crate) struct PostgresRow<'r> {
    row: &'r tokio_postgres::Row,
    codecs: &'r [Codec],
}

impl<'r> PostgresRow<'r> {
    /// A row whose first columns are read by these codecs; columns behind them are not shown.
    pub(crate) fn new(row: &'r tokio_postgres::Row, codecs: &'r [Codec]) -> Self {
        Self { row, codecs }
    }

    /// The bytes of a column, `None` for NULL, and how to read them.
    fn cell(&self, index: usize) -> Result<(Option<&'r [u8]>, Codec)> {
        match (self.codecs.get(index), self.row.try_get::<usize, Bytes<'r>>(index)) {
            (Some(codec), Ok(Bytes(bytes))) => Ok((bytes, *codec)),
            _ => Err(no_column(index, self.codecs.len())),
        }
    }

    /// The bytes of a column that is not NULL.
    fn some(&self, index: usize, expected: &str) -> Result<(&'r [u8], Codec)> {
        match self.cell(index)? {
            (Some(bytes), codec) => Ok((bytes, codec)),
            (None, _) => Err(invalid(index, "null", expected)),
        }
    }

    fn declared(&self, index: usize) -> &'r Type {
        self.row.columns()[index].type_()
    }

    /// A type error of the column, naming the declared type.
    fn mismatch(&self, index: usize, expected: &str) -> Error {
        invalid(index, self.declared(index).name(), expected)
    }
}

/// The binary form of a column, whatever its type.
struct Bytes<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Bytes<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl Row for PostgresRow<'_> {
    fn len(&self) -> usize {
        self.codecs.len()
    }

    fn is_null(&self, index: usize) -> Result<bool> {
        Ok(self.cell(index)?.0.is_none())
    }

    fn value(&self, index: usize, expected: ValueType) -> Result<Value<'_>> {
        let (Some(bytes), codec) = self.cell(index)? else {
            return Ok(Value::Null);
        };
        match (expected, codec) {
            (ValueType::Bool, _) => self.bool(index).map(Value::Bool),
            (ValueType::I16 | ValueType::I32 | ValueType::I64, _) => self.i64(index).map(Value::I64),
            (ValueType::F32 | ValueType::F64, _) => self.f64(index).map(Value::F64),
            (ValueType::Text, _) => self.text(index).map(Value::Text),
            (ValueType::Bytes, _) => self.bytes(index).map(Value::Bytes),
            (ValueType::Json, Codec::Text) => text(index, bytes).map(|v| Value::Json(v.into())),
            (ValueType::Decimal, Codec::I16 | Codec::I32 | Codec::I64) => Ok(Value::Decimal(self.i64(index)?.into())),
            (ValueType::Uuid, Codec::Uuid)
            | (ValueType::Timestamp, Codec::Timestamp)
            | (ValueType::Date, Codec::Date)
            | (ValueType::Time, Codec::Time)
            | (ValueType::Json, Codec::Json | Codec::Jsonb)
            | (ValueType::List(_), Codec::Array)
            | (ValueType::Decimal, Codec::Numeric) => decode(index, bytes, self.declared(index)),
            (expected, _) => Err(self.mismatch(index, &expected.to_string())),
        }
    }

    fn any_value(&self, index: usize) -> Result<Value<'_>> {
        match self.cell(index)?.0 {
            Some(bytes) => decode(index, bytes, self.declared(index)),
            None => Ok(Value::Null),
        }
    }

    fn bool(&self, index: usize) -> Result<bool> {
        match self.some(index, "bool")? {
            ([byte], Codec::Bool) => Ok(*byte != 0),
            _ => Err(self.mismatch(index, "bool")),
        }
    }

    fn i64(&self, index: usize) -> Result<i64> {
        let (bytes, codec) = self.some(index, "integer")?;
        integer(bytes, codec).ok_or_else(|| match codec {
            Codec::Numeric => invalid(index, "a number that is no 64-bit integer", "integer"),
            _ => self.mismatch(index, "integer"),
        })
    }

    fn f64(&self, index: usize) -> Result<f64> {
        let (bytes, codec) = self.some(index, "float")?;
        float(bytes, codec).ok_or_else(|| match codec {
            Codec::I64 => invalid(index, "an integer that no float equals", "float"),
            Codec::Numeric => {
                invalid(index, "numeric", "float; read a decimal, or cast the column to double precision")
            }
            _ => self.mismatch(index, "float"),
        })
    }

    fn text(&self, index: usize) -> Result<Cow<'_, str>> {
        match self.some(index, "text")? {
            (bytes, Codec::Text) => text(index, bytes).map(Cow::Borrowed),
            (_, Codec::Padded) => {
                Err(invalid(index, "char(n), which PostgreSQL fills up with spaces,", "text; cast the column to text"))
            }
            _ => Err(self.mismatch(index, "text")),
        }
    }

    fn bytes(&self, index: usize) -> Result<Cow<'_, [u8]>> {
        match self.some(index, "bytes")? {
            (bytes, Codec::Bytes) => Ok(Cow::Borrowed(bytes)),
            _ => Err(self.mismatch(index, "bytes")),
        }
    }
}

/// Appends a row to a page, its columns as these types; what is not declared comes as the database has it.
pub(crate) fn fill(page: &mut Page, row: &PostgresRow<'_>, types: &[ValueType]) -> Result<()> {
    for index in 0..row.len() {
        let value = match types.get(index) {
            Some(expected) => row.value(index, *expected)?,
            None => row.any_value(index)?,
        };
        page.push(&value);
    }
    Ok(())
}

/// The value of a column by its declared type.
pub(crate) fn decode<'a>(index: usize, bytes: &'a [u8], declared: &Type) -> Result<Value<'a>> {
    let codec = Codec::of(declared);
    let invalid_bytes = || invalid(index, "bytes that don't fit", declared.name());
    Ok(match codec {
        Codec::Bool => Value::Bool(bytes != [0]),
        Codec::I16 | Codec::I32 | Codec::I64 | Codec::Oid => {
            Value::I64(integer(bytes, codec).ok_or_else(invalid_bytes)?)
        }
        Codec::F32 | Codec::F64 => Value::F64(float(bytes, codec).ok_or_else(invalid_bytes)?),
        Codec::Numeric => match numeric::decode(bytes) {
            Some(number) => Value::Decimal(number),
            None => {
                return Err(invalid(index, "a number beyond 35 digits before the point or 30 behind it", "decimal"));
            }
        },
        Codec::Text | Codec::Padded => Value::Text(Cow::Borrowed(text(index, bytes)?)),
        Codec::Bytes => Value::Bytes(Cow::Borrowed(bytes)),
        Codec::Uuid => Value::Uuid(bytes.try_into().map_err(|_| invalid_bytes())?),
        Codec::Timestamp => match i64::from_be_bytes(bytes.try_into().map_err(|_| invalid_bytes())?) {
            i64::MIN | i64::MAX => return Err(invalid(index, "an infinite time", "timestamp")),
            own => match own.checked_add(EPOCH_MICROSECONDS) {
                Some(since_1970) => Value::Timestamp(since_1970),
                None => return Err(invalid(index, "a time beyond the year 294246", "timestamp")),
            },
        },
        Codec::Date => match i32::from_be_bytes(bytes.try_into().map_err(|_| invalid_bytes())?) {
            i32::MIN | i32::MAX => return Err(invalid(index, "an infinite date", "date")),
            own => Value::Date(own.checked_add(EPOCH_DAYS).ok_or_else(invalid_bytes)?),
        },
        Codec::Time => Value::Time(i64::from_be_bytes(bytes.try_into().map_err(|_| invalid_bytes())?)),
        Codec::Json => Value::Json(Cow::Borrowed(text(index, bytes)?)),
        Codec::Jsonb => match bytes {
            [1, json @ ..] => Value::Json(Cow::Borrowed(text(index, json)?)),
            _ => return Err(invalid(index, "jsonb of an unknown version", "json")),
        },
        Codec::Array => Value::Json(Cow::Owned(array::decode(index, bytes, declared)?)),
        Codec::Other => {
            let name = declared.name();
            return Err(invalid(
                index,
                &format!("{name}, which this driver does not read"),
                "another type; cast the column to text",
            ));
        }
    })
}

fn integer(bytes: &[u8], codec: Codec) -> Option<i64> {
    match codec {
        Codec::I64 => Some(i64::from_be_bytes(bytes.try_into().ok()?)),
        Codec::I32 => Some(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        Codec::I16 => Some(i16::from_be_bytes(bytes.try_into().ok()?).into()),
        Codec::Oid => Some(u32::from_be_bytes(bytes.try_into().ok()?).into()),
        Codec::Numeric => {
            let number = numeric::decode(bytes)?;
            i64::try_from(number.coefficient()).ok().filter(|_| number.scale() == 0)
        }
        _ => None,
    }
}

fn float(bytes: &[u8], codec: Codec) -> Option<f64> {
    match codec {
        Codec::F64 => Some(f64::from_be_bytes(bytes.try_into().ok()?)),
        Codec::F32 => Some(f32::from_be_bytes(bytes.try_into().ok()?).into()),
        Codec::I16 | Codec::I32 | Codec::I64 => {
            integer(bytes, codec).filter(|v| (-EXACT_FLOAT..=EXACT_FLOAT).contains(v)).map(|v| v as f64)
        }
        _ => None,
    }
}

fn text(index: usize, bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| invalid(index, "text that is not UTF-8", "text").with_source(error))
}

pub(crate) fn invalid(index: usize, found: &str, expected: &str) -> Error {
    Error::new(ErrorKind::InvalidData { column: None }, format!("column {index} holds {found}, expected {expected}"))
}

fn no_column(index: usize, width: usize) -> Error {
    Error::new(ErrorKind::InvalidData { column: None }, format!("column {index} does not exist in a row of {width}"))
}
