//! Columns of JSON documents.

use std::ops::{Deref, DerefMut};

use serde::Serialize;
use serde::de::DeserializeOwned;
use thing_driver_api::{Error, ErrorKind, Result, Row, Value, ValueType};

use super::{ColumnType, ComparableType, JsonType};

/// A value stored as a JSON document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Json<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> ColumnType for Json<T> {
    const TYPE: ValueType = ValueType::Json;

    fn to_value(&self) -> Result<Value<'_>> {
        serde_json::to_string(&self.0).map(|text| Value::Json(text.into())).map_err(|error| {
            Error::new(ErrorKind::InvalidData { column: None }, "a value has no JSON form").with_source(error)
        })
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        let invalid = |message: String| Error::new(ErrorKind::InvalidData { column: None }, message);
        match row.value(index, ValueType::Json)? {
            Value::Json(text) => serde_json::from_str(&text).map(Self).map_err(|error| {
                invalid(format!("stored JSON is not a {}", std::any::type_name::<T>())).with_source(error)
            }),
            other => Err(invalid(format!("found {}, expected json", other.kind()))),
        }
    }
}

impl<T> ComparableType for Json<T> where Self: ColumnType {}

impl<T> JsonType for Json<T> where Self: ColumnType {}
