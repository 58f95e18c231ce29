//! Columns of UUIDs.

use thing_driver_api::{Error, ErrorKind, Result, Row, Value, ValueType};
use uuid::Uuid;

use super::{ColumnType, ComparableType};

impl ColumnType for Uuid {
    const TYPE: ValueType = ValueType::Uuid;

    fn to_value(&self) -> Result<Value<'_>> {
        Ok(Value::Uuid(self.into_bytes()))
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        match row.value(index, ValueType::Uuid)? {
            Value::Uuid(bytes) => Ok(Self::from_bytes(bytes)),
            other => Err(Error::new(
                ErrorKind::InvalidData { column: None },
                format!("found {}, expected a uuid", other.kind()),
            )),
        }
    }
}

impl ComparableType for Uuid {}
