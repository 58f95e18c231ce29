//! Values: as the wire takes them.

use mysql_async::Value as Native;
use thing_driver_api::{Error, ErrorKind, Key, Result, Value};

use crate::calendar::{self, Moment};
use crate::error;

/// What a statement takes on the wire besides its text and bytes, generously: header, NULL bitmap, types.
const OVERHEAD_OF_A_STATEMENT: usize = 1024;
/// The most that a value takes on the wire besides its text or bytes.
pub(crate) const OVERHEAD_OF_A_VALUE: usize = 16;

/// Binds one value; `number` counts from one.
pub(crate) fn bind(number: usize, value: &Value<'_>) -> Result<Native> {
    Ok(match value {
        Value::Null => Native::NULL,
        Value::Bool(v) => Native::Int(i64::from(*v)),
        Value::I64(v) => Native::Int(*v),
        Value::F64(v) if v.is_finite() => Native::Double(*v),
        Value::F64(_) => return Err(refused(number, "not a finite number", "None, or a finite number")),
        Value::Text(v) | Value::Json(v) => Native::Bytes(v.as_bytes().to_vec()),
        Value::Bytes(v) => Native::Bytes(v.to_vec()),
        Value::Uuid(v) => Native::Bytes(v.to_vec()),
        Value::Decimal(v) => Native::Bytes(v.to_string().into_bytes()),
        Value::Timestamp(v) => match calendar::moment(*v) {
            Some(Moment { year, month, day, hour, minute, second, micros }) => {
                Native::Date(year, month, day, hour, minute, second, micros)
            }
            None => return Err(refused(number, "a timestamp", "a year from 1000 to 9999")),
        },
        Value::Date(v) => match calendar::date(*v) {
            Some((year, month, day)) => Native::Date(year, month, day, 0, 0, 0, 0),
            None => return Err(refused(number, "a date", "a year from 1000 to 9999")),
        },
        Value::Time(v) => match calendar::time(*v) {
            Some((hour, minute, second, micros)) => Native::Time(false, 0, hour, minute, second, micros),
            None => return Err(refused(number, "a time", "a time of one day")),
        },
        other => return Err(refused(number, other.kind(), "a value of another kind")),
    })
}

fn refused(number: usize, is: &str, instead: &str) -> Error {
    Error::new(
        ErrorKind::InvalidData { column: None },
        format!("value {number} is {is} that MySQL can't store; use {instead}"),
    )
}

pub(crate) fn missing(slot: usize) -> Error {
    Error::invalid_input(format!("the statement has no value number {slot}; pass one for each slot"))
}

/// Binds the values of the slots, in order.
pub(crate) fn bind_slots(slots: &[usize], values: &[Value<'_>]) -> Result<Vec<Native>> {
    slots
        .iter()
        .map(|&slot| match values.get(slot) {
            Some(value) => bind(slot + 1, value),
            None => Err(missing(slot)),
        })
        .collect()
}

/// Binds all values, in order.
pub(crate) fn bind_all(values: &[Value<'_>]) -> Result<Vec<Native>> {
    values.iter().enumerate().map(|(at, value)| bind(at + 1, value)).collect()
}

/// Binds keys, part by part, and repeats the last until there are `count`.
pub(crate) fn bind_keys(keys: &[Key], count: usize) -> Result<Vec<Native>> {
    let parts = keys.first().map_or(1, Key::parts);
    let mut bound = Vec::with_capacity(count * parts);
    for key in keys {
        for part in 0..key.parts() {
            bound.push(bind(part + 1, &key.value(part))?);
        }
    }
    let last = bound[bound.len() - parts..].to_vec();
    for _ in keys.len()..count {
        bound.extend_from_slice(&last);
    }
    Ok(bound)
}

/// About how much a value takes on the wire.
pub(crate) fn size(value: &Native) -> usize {
    match value {
        Native::Bytes(bytes) => bytes.len() + OVERHEAD_OF_A_VALUE,
        _ => OVERHEAD_OF_A_VALUE,
    }
}

/// Refuses values that the server would answer by closing the connection.
pub(crate) fn check_size(values: &[Native], limit: usize) -> Result<()> {
    // A few short values need no sum.
    let size: usize = values.iter().map(size).sum();
    if size + OVERHEAD_OF_A_STATEMENT > limit { Err(error::too_large(limit)) } else { Ok(()) }
}
