//! Columns of the standard library's types.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thing_driver_api::{Error, ErrorKind, Result, Row, Value, ValueType};

use super::{ColumnType, NumberType, TimestampType, VersionType};

impl ColumnType for bool {
    const TYPE: ValueType = ValueType::Bool;

    fn to_value(&self) -> Result<Value<'_>> {
        Ok(Value::Bool(*self))
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        row.bool(index)
    }
}

macro_rules! integers {
    ($($type:ty => $column:ident),*) => {$(
        impl ColumnType for $type {
            const TYPE: ValueType = ValueType::$column;

            fn to_value(&self) -> Result<Value<'_>> {
                Ok(Value::I64(i64::from(*self)))
            }

            fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
                narrow(row.i64(index)?)
            }
        }
    )*};
}

integers!(i8 => I16, i16 => I16, u8 => I16, i32 => I32, u16 => I32, u32 => I64);

fn narrow<T: TryFrom<i64>>(value: i64) -> Result<T> {
    T::try_from(value).map_err(|_| invalid(format!("a stored integer does not fit {}", std::any::type_name::<T>())))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidData { column: None }, message)
}

impl ColumnType for i64 {
    const TYPE: ValueType = ValueType::I64;

    fn to_value(&self) -> Result<Value<'_>> {
        Ok(Value::I64(*self))
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        row.i64(index)
    }
}

impl ColumnType for u64 {
    const TYPE: ValueType = ValueType::I64;

    fn to_value(&self) -> Result<Value<'_>> {
        i64::try_from(*self).map(Value::I64).map_err(|_| {
            invalid(format!("an unsigned integer above {} can't be stored; columns are signed 64-bit", i64::MAX))
        })
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        narrow(row.i64(index)?)
    }
}

macro_rules! versions {
    ($($type:ty),*) => {$(
        impl VersionType for $type {
            fn from_version(version: i64) -> Self {
                Self::try_from(version).unwrap_or(Self::MAX)
            }
        }
    )*};
}

versions!(i32, i64, u32, u64);

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl NumberType for $type {
            type Amount = i64;

            fn amount(amount: i64) -> Result<Value<'static>> {
                Ok(Value::I64(amount))
            }

            fn sum(stored: &Value<'_>, amount: &Value<'_>) -> Option<Value<'static>> {
                let (Value::I64(stored), Value::I64(amount)) = (stored, amount) else { return None };
                let sum = stored.checked_add(*amount)?;
                Self::try_from(sum).ok().map(|_| Value::I64(sum))
            }

            fn limit(amount: &Value<'_>) -> Option<Value<'static>> {
                let Value::I64(amount) = *amount else { return None };
                let fits_column = match Self::TYPE {
                    ValueType::I16 => i16::try_from(amount).is_ok(),
                    ValueType::I32 => i32::try_from(amount).is_ok(),
                    _ => true,
                };
                let last = if amount < 0 { i64::try_from(Self::MIN) } else { i64::try_from(Self::MAX) };
                let limit = last.unwrap_or(i64::MAX).checked_sub(amount)?;
                (fits_column && Self::try_from(limit).is_ok()).then_some(Value::I64(limit))
            }
        }
    )*};
}

numbers!(i8, i16, i32, i64, u8, u16, u32, u64);

fn finite(amount: f64) -> Result<Value<'static>> {
    if amount.is_finite() {
        return Ok(Value::F64(amount + 0.0));
    }
    Err(Error::invalid_input("what is added to a float must be finite"))
}

fn float_sum(stored: &Value<'_>, amount: &Value<'_>, add: impl FnOnce(f64, f64) -> f64) -> Option<Value<'static>> {
    let (Value::F64(stored), Value::F64(amount)) = (stored, amount) else { return None };
    Some(add(*stored, *amount)).filter(|sum| sum.is_finite()).map(|sum| Value::F64(sum + 0.0))
}

impl NumberType for f64 {
    type Amount = Self;

    fn amount(amount: Self) -> Result<Value<'static>> {
        finite(amount)
    }

    fn sum(stored: &Value<'_>, amount: &Value<'_>) -> Option<Value<'static>> {
        float_sum(stored, amount, |stored, amount| stored + amount)
    }

    fn limit(amount: &Value<'_>) -> Option<Value<'static>> {
        let Value::F64(amount) = *amount else { return None };
        Some(Value::F64(if amount < 0.0 { Self::MIN - amount } else { Self::MAX - amount }))
    }
}

/// Rounded as an `f32` is, which not every database does.
impl NumberType for f32 {
    type Amount = Self;

    fn amount(amount: Self) -> Result<Value<'static>> {
        finite(f64::from(amount))
    }

    fn sum(stored: &Value<'_>, amount: &Value<'_>) -> Option<Value<'static>> {
        // Both were made from an f32.
        #[allow(clippy::cast_possible_truncation)]
        float_sum(stored, amount, |stored, amount| f64::from(stored as Self + amount as Self))
    }

    fn limit(_: &Value<'_>) -> Option<Value<'static>> {
        None
    }
}

/// Negative zero is written as zero, which it equals: databases don't keep the sign.
impl ColumnType for f64 {
    const TYPE: ValueType = ValueType::F64;

    fn to_value(&self) -> Result<Value<'_>> {
        if self.is_nan() {
            return Err(invalid("NaN can't be stored; make the column an Option and store None".into()));
        }
        Ok(Value::F64(*self + 0.0))
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        row.f64(index)
    }
}

/// Negative zero is written as zero, which it equals: databases don't keep the sign.
impl ColumnType for f32 {
    const TYPE: ValueType = ValueType::F32;

    fn to_value(&self) -> Result<Value<'_>> {
        if self.is_nan() {
            return Err(invalid("NaN can't be stored; make the column an Option and store None".into()));
        }
        Ok(Value::F64(f64::from(*self) + 0.0))
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        let wide = row.f64(index)?;
        // Exact for whatever an f32 wrote; anything else was written as a wider float.
        #[allow(clippy::cast_possible_truncation)]
        let narrow = wide as Self;
        if f64::from(narrow).to_bits() == wide.to_bits() {
            return Ok(narrow);
        }
        Err(invalid("a stored float does not fit f32; declare the field as f64".into()))
    }
}

impl ColumnType for String {
    const TYPE: ValueType = ValueType::Text;

    fn to_value(&self) -> Result<Value<'_>> {
        Ok(Value::Text(self.as_str().into()))
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        row.text(index).map(|text| text.into_owned())
    }

    // One look at the cell instead of two.
    fn from_nullable(row: &dyn Row, index: usize) -> Result<Option<Self>> {
        match row.value(index, ValueType::Text)? {
            Value::Text(text) => Ok(Some(text.into_owned())),
            Value::Null => Ok(None),
            other => Err(invalid(format!("found {}, expected text", other.kind()))),
        }
    }

    fn heap_size(&self) -> usize {
        self.capacity()
    }
}

impl ColumnType for Vec<u8> {
    const TYPE: ValueType = ValueType::Bytes;

    fn to_value(&self) -> Result<Value<'_>> {
        Ok(Value::Bytes(self.as_slice().into()))
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        row.bytes(index).map(|bytes| bytes.into_owned())
    }

    fn heap_size(&self) -> usize {
        self.capacity()
    }
}

/// Kept to the microsecond; what is finer is cut off when the value is written.
impl ColumnType for SystemTime {
    const TYPE: ValueType = ValueType::Timestamp;

    fn to_value(&self) -> Result<Value<'_>> {
        let microseconds = match self.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).ok(),
            // Rounds down, as for times after 1970.
            Err(before) => i64::try_from(before.duration().as_nanos().div_ceil(1000)).ok().map(|m| -m),
        };
        microseconds.map(Value::Timestamp).ok_or_else(|| invalid("a point in time is too far away to be stored".into()))
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        match row.value(index, ValueType::Timestamp)? {
            Value::Timestamp(microseconds) => Ok(Self::from_microseconds(microseconds)),
            other => Err(invalid(format!("found {}, expected a timestamp", other.kind()))),
        }
    }
}

impl TimestampType for SystemTime {
    fn from_microseconds(microseconds: i64) -> Self {
        let distance = Duration::from_micros(microseconds.unsigned_abs());
        if microseconds < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
    }
}

impl<T: ColumnType> ColumnType for Option<T> {
    const TYPE: ValueType = T::TYPE;
    const NULLABLE: bool = true;
    const SECRET: bool = T::SECRET;

    fn to_value(&self) -> Result<Value<'_>> {
        self.as_ref().map_or(Ok(Value::Null), T::to_value)
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        T::from_nullable(row, index)
    }

    fn heap_size(&self) -> usize {
        self.as_ref().map_or(0, T::heap_size)
    }
}
