//! List columns: what a filter can say about their elements.

use thing_driver_api::Value;

use super::{Column, ColumnSpec, ValueFor};
use crate::ListType;
use crate::field::uuid_text;
use crate::filter::{Filter, ListQuestion, Node, Operand};

/// Stands for the column in [`ValueFor`]: elements compare with values, and not with other columns.
#[derive(Debug)]
pub struct Element;

/// For columns of lists and sets.
impl<C: ColumnSpec> Column<C>
where
    C::Type: ListType,
{
    /// The value is among the elements.
    pub fn has<V>(self, value: V) -> Filter<C::Model>
    where
        V: ValueFor<<C::Type as ListType>::Item, Element>,
    {
        let invalid = |message: String| Filter::new(Node::Invalid(message));
        let value = match value.into_operand() {
            Operand::Value(Value::Uuid(uuid)) => Value::Text(uuid_text(uuid).into()),
            Operand::Value(value @ (Value::Bool(_) | Value::I64(_) | Value::Text(_))) => value,
            Operand::Value(other) => return invalid(format!("a list has no elements of kind {}", other.kind())),
            Operand::Column(_) => return invalid("the elements of a list compare with values only".into()),
            Operand::Invalid(message) => return invalid(message),
        };
        Filter::new(Node::List { column: self.index(), question: ListQuestion::Has { value } })
    }

    /// At least one of the values is among the elements; no values match no row.
    pub fn has_any<V>(self, values: impl IntoIterator<Item = V>) -> Filter<C::Model>
    where
        V: ValueFor<<C::Type as ListType>::Item, Element>,
    {
        values.into_iter().map(|value| self.has(value)).reduce(Filter::or).unwrap_or_else(Filter::nothing)
    }

    /// All the values are among the elements; no values match every row.
    pub fn has_all<V>(self, values: impl IntoIterator<Item = V>) -> Filter<C::Model>
    where
        V: ValueFor<<C::Type as ListType>::Item, Element>,
    {
        values.into_iter().map(|value| self.has(value)).reduce(Filter::and).unwrap_or_else(Filter::everything)
    }

    /// There are no elements.
    pub fn is_empty(self) -> Filter<C::Model> {
        Filter::new(Node::List { column: self.index(), question: ListQuestion::IsEmpty })
    }
}
