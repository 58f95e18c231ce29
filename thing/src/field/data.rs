//! Columns without a schema: named values of any type, in one JSON object.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use thing_driver_api::{Error, ErrorKind, Result, Row, Value, ValueType};

use super::{ColumnType, ComparableType, Json, JsonType};

/// Named values of any type, for what has no column of its own.
///
/// The column holds a JSON object. [`Column::path`](crate::Column::path) filters by what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data(BTreeMap<String, serde_json::Value>);

impl Data {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of this name; `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`](crate::ErrorKind::InvalidData) when the value is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        T::deserialize(value).map(Some).map_err(|error| {
            let expected = std::any::type_name::<T>();
            invalid(format!("the value `{name}` is not a {expected}")).with_source(error)
        })
    }

    /// Puts a value under this name, in the place of the one that is there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`](crate::ErrorKind::InvalidData) when the value has no JSON form.
    pub fn set<T: Serialize + ?Sized>(&mut self, name: impl Into<String>, value: &T) -> Result<()> {
        let name = name.into();
        let value = serde_json::to_value(value)
            .map_err(|error| invalid(format!("the value `{name}` has no JSON form")).with_source(error))?;
        self.0.insert(name, value);
        Ok(())
    }

    /// The same with a value under this name, to write several in a row.
    ///
    /// # Errors
    ///
    /// As [`Data::set`].
    pub fn with<T: Serialize + ?Sized>(mut self, name: impl Into<String>, value: &T) -> Result<Self> {
        self.set(name, value)?;
        Ok(self)
    }

    /// Takes away the value of this name, and tells whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// Whether there is a value of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True without values.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl ColumnType for Data {
    const TYPE: ValueType = ValueType::Json;

    fn to_value(&self) -> Result<Value<'_>> {
        serde_json::to_string(&self.0)
            .map(|text| Value::Json(text.into()))
            .map_err(|error| invalid("the values have no JSON form".into()).with_source(error))
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        Json::from_row(row, index).map(|Json(values)| Self(values))
    }

    fn heap_size(&self) -> usize {
        self.0.iter().map(|(name, value)| size_of_val(value) + name.len() + size(value)).sum()
    }
}

impl ComparableType for Data {}
impl JsonType for Data {}

/// Bytes that a value holds outside itself.
fn size(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::String(text) => text.len(),
        serde_json::Value::Array(elements) => elements.iter().map(|v| size_of_val(v) + size(v)).sum(),
        serde_json::Value::Object(entries) => entries.iter().map(|(k, v)| k.len() + size_of_val(v) + size(v)).sum(),
        _ => 0,
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidData { column: None }, message)
}
