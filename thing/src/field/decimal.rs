//! Columns of decimal numbers.

use rust_decimal::Decimal;
use thing_driver_api::{Error, ErrorKind, Result, Row, Value, ValueType};

use super::{ColumnType, ComparableType, NumberType};

/// Zeros at the end of the fraction are not kept: `1.10` comes back as `1.1`, which is the same number.
impl ColumnType for Decimal {
    const TYPE: ValueType = ValueType::Decimal;

    fn to_value(&self) -> Result<Value<'_>> {
        // 28 digits at most, on either side of the point.
        u8::try_from(self.scale())
            .ok()
            .and_then(|scale| thing_driver_api::Decimal::new(self.mantissa(), scale))
            .map(Value::Decimal)
            .ok_or_else(|| invalid("a decimal has more digits than a column holds".into()))
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        match row.value(index, ValueType::Decimal)? {
            Value::Decimal(value) => {
                Self::try_from_i128_with_scale(value.coefficient(), value.scale().into()).map_err(|error| {
                    invalid(format!("the number in column {index} has more than the 28 digits that rust_decimal holds"))
                        .with_source(error)
                })
            }
            other => Err(invalid(format!("found {}, expected a decimal", other.kind()))),
        }
    }
}

impl ComparableType for Decimal {}

/// Exact; not every database adds decimal numbers so.
impl NumberType for Decimal {
    type Amount = Self;

    fn amount(amount: Self) -> Result<Value<'static>> {
        amount.to_value().map(Value::into_owned)
    }

    fn sum(stored: &Value<'_>, amount: &Value<'_>) -> Option<Value<'static>> {
        let (Value::Decimal(stored), Value::Decimal(amount)) = (stored, amount) else { return None };
        let sum = stored.checked_add(amount)?;
        Self::try_from_i128_with_scale(sum.coefficient(), sum.scale().into()).ok().map(|_| Value::Decimal(sum))
    }

    fn limit(_: &Value<'_>) -> Option<Value<'static>> {
        None
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidData { column: None }, message)
}
