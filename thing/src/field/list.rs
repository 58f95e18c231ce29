//! Columns of lists and sets: many values of one type, as an array of the database or of JSON.

use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};

use thing_driver_api::{Error, ErrorKind, ListItem, Result, Row, Value, ValueType};

use super::{ColumnType, ComparableType, ListType, uuid_text};
use crate::rows::ValueRow;

/// Values of one type in their order, in one column: `List<i64>`, `List<String>`.
///
/// The elements are integers, truth values, text or UUIDs, or newtypes and enums of yours that are stored as one of these.
/// The column holds an array where the database has arrays, else one of JSON. [`Column::has`](crate::Column::has) and its relatives filter by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct List<T>(pub Vec<T>);

/// Values of one type in one column, each once and least first: `Set<String>`.
///
/// What can be an element is told at [`List`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Set<T>(pub BTreeSet<T>);

macro_rules! collections {
    ($($name:ident, $inner:ident $(, $order:ident)?;)*) => {$(
        impl<T> Default for $name<T> {
            fn default() -> Self {
                Self($inner::new())
            }
        }

        impl<T> Deref for $name<T> {
            type Target = $inner<T>;

            fn deref(&self) -> &$inner<T> {
                &self.0
            }
        }

        impl<T> DerefMut for $name<T> {
            fn deref_mut(&mut self) -> &mut $inner<T> {
                &mut self.0
            }
        }

        impl<T $(: $order)?> FromIterator<T> for $name<T> {
            fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
                Self(elements.into_iter().collect())
            }
        }

        impl<T $(: $order)?, I: Into<T>, const N: usize> From<[I; N]> for $name<T> {
            fn from(elements: [I; N]) -> Self {
                elements.into_iter().map(Into::into).collect()
            }
        }

        impl<T> From<$inner<T>> for $name<T> {
            fn from(elements: $inner<T>) -> Self {
                Self(elements)
            }
        }

        impl<T> IntoIterator for $name<T> {
            type Item = T;
            type IntoIter = <$inner<T> as IntoIterator>::IntoIter;

            fn into_iter(self) -> Self::IntoIter {
                self.0.into_iter()
            }
        }

        impl<'a, T> IntoIterator for &'a $name<T> {
            type Item = &'a T;
            type IntoIter = <&'a $inner<T> as IntoIterator>::IntoIter;

            fn into_iter(self) -> Self::IntoIter {
                self.0.iter()
            }
        }

        impl<T: ColumnType $(+ $order)?> ColumnType for $name<T> {
            const TYPE: ValueType = ValueType::List(Elements::<T>::ITEM);
            const SECRET: bool = T::SECRET;

            fn to_value(&self) -> Result<Value<'_>> {
                write(self.0.iter(), self.0.len()).map(|text| Value::Json(text.into()))
            }

            fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
                read(row, index)
            }

            fn heap_size(&self) -> usize {
                self.0.len() * size_of::<T>() + self.0.iter().map(T::heap_size).sum::<usize>()
            }
        }

        impl<T: ColumnType $(+ $order)?> ComparableType for $name<T> {}

        impl<T: ColumnType $(+ $order)?> ListType for $name<T> {
            type Item = T;
        }
    )*};
}

collections! {
    List, Vec;
    Set, BTreeSet, Ord;
}

/// Refuses, when the program is compiled, elements that could not be told from each other in a document.
struct Elements<T>(T);

impl<T: ColumnType> Elements<T> {
    const ITEM: ListItem = match T::TYPE {
        ValueType::Bool if !T::NULLABLE => ListItem::Bool,
        ValueType::I16 if !T::NULLABLE => ListItem::I16,
        ValueType::I32 if !T::NULLABLE => ListItem::I32,
        ValueType::I64 if !T::NULLABLE => ListItem::I64,
        ValueType::Text if !T::NULLABLE => ListItem::Text,
        ValueType::Uuid if !T::NULLABLE => ListItem::Uuid,
        _ => {
            panic!(
                "lists and sets hold integers, bool, String, Uuid, and types stored as these; for others use Json<Vec<T>>"
            )
        }
    };
}

fn write<'a, T: ColumnType>(elements: impl Iterator<Item = &'a T>, count: usize) -> Result<String> {
    let mut text = String::with_capacity(2 + 8 * count);
    for element in elements {
        text.push(if text.is_empty() { '[' } else { ',' });
        match element.to_value()? {
            Value::Bool(value) => text.push_str(if value { "true" } else { "false" }),
            Value::I64(value) => text.push_str(&value.to_string()),
            Value::Text(value) => {
                let quoted =
                    serde_json::to_string(&*value).map_err(|error| invalid("no JSON".into()).with_source(error));
                text.push_str(&quoted?);
            }
            Value::Uuid(value) => text.extend(["\"", &uuid_text(value), "\""]),
            other => return Err(invalid(format!("a list holds no {}", other.kind()))),
        }
    }
    text.push_str(if text.is_empty() { "[]" } else { "]" });
    Ok(text)
}

fn read<T: ColumnType, L: FromIterator<T>>(row: &dyn Row, index: usize) -> Result<L> {
    let text = match row.value(index, ValueType::List(Elements::<T>::ITEM))? {
        Value::Json(text) => text,
        other => return Err(invalid(format!("found {}, expected a JSON array", other.kind()))),
    };
    let elements: Vec<serde_json::Value> =
        serde_json::from_str(&text).map_err(|error| invalid("stored JSON is no array".into()).with_source(error))?;
    elements.into_iter().map(element::<T>).collect()
}

fn element<T: ColumnType>(element: serde_json::Value) -> Result<T> {
    let value = match (element, T::TYPE) {
        (serde_json::Value::Bool(value), ValueType::Bool) => Some(Value::Bool(value)),
        (serde_json::Value::Number(value), ValueType::I16 | ValueType::I32 | ValueType::I64) => {
            value.as_i64().map(Value::I64)
        }
        (serde_json::Value::String(value), ValueType::Text) => Some(Value::Text(value.into())),
        (serde_json::Value::String(value), ValueType::Uuid) => Value::from_text(&value, ValueType::Uuid),
        _ => None,
    };
    let value = value.ok_or_else(|| invalid(format!("an element of a stored list is no {}", T::TYPE)))?;
    T::from_row(&ValueRow(&vec![Some(value)]), 0)
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidData { column: None }, message)
}
