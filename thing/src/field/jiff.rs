//! Columns of the jiff crate's points in time, dates and times of day.

use jiff::civil::{Date, Time};
use jiff::{Span, Timestamp};
use thing_driver_api::{Error, ErrorKind, Result, Row, Value, ValueType};

use super::{ColumnType, ComparableType, TimestampType};

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidData { column: None }, message)
}

fn wrong(found: &Value<'_>, expected: &str) -> Error {
    invalid(format!("found {}, expected {expected}", found.kind()))
}

/// Kept to the microsecond; what is finer is cut off when the value is written.
impl ColumnType for Timestamp {
    const TYPE: ValueType = ValueType::Timestamp;

    fn to_value(&self) -> Result<Value<'_>> {
        i64::try_from(self.as_nanosecond().div_euclid(1000))
            .map(Value::Timestamp)
            .map_err(|_| invalid("a point in time is too far away to be stored".into()))
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        match row.value(index, ValueType::Timestamp)? {
            Value::Timestamp(microseconds) => Self::from_microsecond(microseconds)
                .map_err(|error| invalid("a stored point in time is out of range".into()).with_source(error)),
            other => Err(wrong(&other, "a timestamp")),
        }
    }
}

impl ComparableType for Timestamp {}
impl ComparableType for Date {}
impl ComparableType for Time {}

impl TimestampType for Timestamp {
    fn from_microseconds(microseconds: i64) -> Self {
        Self::from_microsecond(microseconds).unwrap_or(if microseconds < 0 { Self::MIN } else { Self::MAX })
    }
}

const EPOCH: Date = Date::constant(1970, 1, 1);

impl ColumnType for Date {
    const TYPE: ValueType = ValueType::Date;

    fn to_value(&self) -> Result<Value<'_>> {
        let days = EPOCH.until(*self).map_err(|error| invalid("a date is out of range".into()).with_source(error))?;
        Ok(Value::Date(days.get_days()))
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        match row.value(index, ValueType::Date)? {
            Value::Date(days) => Span::new()
                .try_days(days)
                .and_then(|span| EPOCH.checked_add(span))
                .map_err(|error| invalid("a stored date is out of range".into()).with_source(error)),
            other => Err(wrong(&other, "a date")),
        }
    }
}

/// Kept to the microsecond; what is finer is cut off when the value is written.
impl ColumnType for Time {
    const TYPE: ValueType = ValueType::Time;

    fn to_value(&self) -> Result<Value<'_>> {
        let seconds = i64::from(self.hour()) * 3600 + i64::from(self.minute()) * 60 + i64::from(self.second());
        Ok(Value::Time(seconds * 1_000_000 + i64::from(self.subsec_nanosecond()) / 1000))
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        match row.value(index, ValueType::Time)? {
            Value::Time(microseconds) if (0..86_400_000_000).contains(&microseconds) => Span::new()
                .try_microseconds(microseconds)
                .and_then(|span| Self::midnight().checked_add(span))
                .map_err(|error| invalid("a stored time is out of range".into()).with_source(error)),
            Value::Time(_) => Err(invalid("a stored time is not within one day".into())),
            other => Err(wrong(&other, "a time")),
        }
    }
}
