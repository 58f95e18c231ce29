//! Places in JSON columns: what a filter can say about a value inside a document.

use std::fmt;

use thing_driver_api::{Comparison, Error, JsonKind, JsonPath, Result, Value};

use super::{Column, ColumnSpec};
use crate::filter::{Filter, JsonQuestion, Node};
use crate::{ColumnType, JsonType};

/// For columns of JSON documents.
impl<C: ColumnSpec> Column<C>
where
    C::Type: JsonType,
{
    /// A place in the document: `author.name`, `tags[0]`, `"a.b".c`.
    ///
    /// A query that uses a filter on a text that is no path fails with
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput).
    pub fn path(self, path: impl AsRef<str>) -> JsonPlace<C> {
        JsonPlace { column: self, path: path.as_ref().parse().map_err(|error: Error| error.to_string()) }
    }
}

/// A place in the documents of a JSON column, made by [`Column::path`].
///
/// Kinds never mix: texts compare with texts, numbers with numbers, truth values with truth values. Where nothing stands
/// at the place, or a value of another kind, a comparison is unknown, as one with NULL is.
#[must_use = "a place is for filters"]
pub struct JsonPlace<C> {
    column: Column<C>,
    /// Or why there is none.
    path: std::result::Result<JsonPath, String>,
}

impl<C: ColumnSpec> JsonPlace<C> {
    /// `value here = value`
    pub fn eq(self, value: impl JsonOperand) -> Filter<C::Model> {
        self.compare(Comparison::Equal, value)
    }

    /// `value here <> value`; a row with nothing here, or with a value of another kind, is not different.
    pub fn ne(self, value: impl JsonOperand) -> Filter<C::Model> {
        self.compare(Comparison::NotEqual, value)
    }

    /// `value here < value`
    pub fn lt(self, value: impl JsonOperand) -> Filter<C::Model> {
        self.compare(Comparison::Less, value)
    }

    /// `value here <= value`
    pub fn le(self, value: impl JsonOperand) -> Filter<C::Model> {
        self.compare(Comparison::LessOrEqual, value)
    }

    /// `value here > value`
    pub fn gt(self, value: impl JsonOperand) -> Filter<C::Model> {
        self.compare(Comparison::Greater, value)
    }

    /// `value here >= value`
    pub fn ge(self, value: impl JsonOperand) -> Filter<C::Model> {
        self.compare(Comparison::GreaterOrEqual, value)
    }

    /// The value here equals one of the values; no values match no row.
    pub fn is_in<V: JsonOperand>(self, values: impl IntoIterator<Item = V>) -> Filter<C::Model> {
        let each = values.into_iter().map(|value| self.clone().eq(value));
        each.reduce(Filter::or).unwrap_or_else(Filter::nothing)
    }

    /// Something stands here, be it `null`.
    pub fn exists(self) -> Filter<C::Model> {
        self.ask(Ok(JsonQuestion::Exists))
    }

    /// Nothing stands here, or `null`.
    pub fn is_null(self) -> Filter<C::Model> {
        self.ask(Ok(JsonQuestion::IsNull))
    }

    /// Something stands here that is not `null`.
    pub fn is_not_null(self) -> Filter<C::Model> {
        !self.is_null()
    }

    fn compare(self, operator: Comparison, value: impl JsonOperand) -> Filter<C::Model> {
        let question = value.into_json().map(|(kind, value)| JsonQuestion::Compare { kind, operator, value });
        self.ask(question)
    }

    fn ask(self, question: Result<JsonQuestion>) -> Filter<C::Model> {
        Filter::new(match (self.path, question) {
            (Ok(path), Ok(question)) => Node::Json { column: self.column.index(), path, question },
            (Err(message), _) => Node::Invalid(message),
            (_, Err(error)) => Node::Invalid(error.to_string()),
        })
    }
}

impl<C> Clone for JsonPlace<C> {
    fn clone(&self) -> Self {
        Self { column: self.column, path: self.path.clone() }
    }
}

impl<C: ColumnSpec> fmt::Debug for JsonPlace<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Ok(path) => write!(f, "{:?} {path}", self.column),
            Err(error) => write!(f, "{:?} {error}", self.column),
        }
    }
}

/// What a value in a document can be compared with: text, integers, finite floats and truth values.
#[diagnostic::on_unimplemented(
    message = "a value in a JSON document can't be compared with `{Self}`",
    label = "expected text, a number or a bool"
)]
pub trait JsonOperand {
    #[doc(hidden)]
    fn into_json(self) -> Result<(JsonKind, Value<'static>)>;
}

macro_rules! operands {
    ($($type:ty => $kind:ident, |$value:ident| $convert:expr;)*) => {$(
        impl JsonOperand for $type {
            fn into_json(self) -> Result<(JsonKind, Value<'static>)> {
                let $value = self;
                Ok((JsonKind::$kind, $convert))
            }
        }
    )*};
}

operands! {
    bool => Bool, |v| Value::Bool(v);
    i8 => Integer, |v| Value::I64(v.into());
    i16 => Integer, |v| Value::I64(v.into());
    i32 => Integer, |v| Value::I64(v.into());
    i64 => Integer, |v| Value::I64(v);
    u8 => Integer, |v| Value::I64(v.into());
    u16 => Integer, |v| Value::I64(v.into());
    u32 => Integer, |v| Value::I64(v.into());
    u64 => Integer, |v| v.to_value()?.into_owned();
    f32 => Float, |v| finite(v.into())?;
    f64 => Float, |v| finite(v)?;
    &str => Text, |v| Value::Text(v.to_owned().into());
    &String => Text, |v| Value::Text(v.clone().into());
    String => Text, |v| Value::Text(v.into());
}

fn finite(value: f64) -> Result<Value<'static>> {
    if value.is_finite() {
        return Ok(Value::F64(value + 0.0));
    }
    Err(Error::invalid_input("a JSON document holds finite numbers only; compare with one"))
}
