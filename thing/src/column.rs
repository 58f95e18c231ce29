//! Typed columns: what a filter or an order can say about a model.

mod json;
mod list;

pub use self::json::{JsonOperand, JsonPlace};

use std::fmt;
use std::marker::PhantomData;

use thing_driver_api::{Comparison, Order, Value};

use crate::filter::{Filter, Node, Operand};
use crate::{ChangeSet, ColumnType, ComparableType, Model, NumberType, TextType};

/// What the type system knows about one column. `#[derive(Model)]` makes a type for each column, named after its field,
/// so that messages of the compiler name the column.
pub trait ColumnSpec: 'static {
    /// The model.
    type Model: Model;
    /// The type of the field.
    type Type: ColumnType;
}

/// A column of a model: `User::AGE`.
///
/// ```text
/// User::AGE.gt(18) & User::STATUS.eq("active")
/// ```
pub struct Column<C> {
    index: usize,
    spec: PhantomData<fn() -> C>,
}

impl<C> Column<C> {
    #[doc(hidden)]
    pub const fn at(index: usize) -> Self {
        Self { index, spec: PhantomData }
    }

    /// The column's position in its table.
    pub const fn index(self) -> usize {
        self.index
    }
}

impl<C: ColumnSpec> Column<C> {
    /// `column = value`; with `None`, `column IS NULL`.
    pub fn eq<V: ValueFor<C::Type, C>>(self, value: V) -> Filter<C::Model>
    where
        C::Type: ComparableType,
    {
        match value.into_operand() {
            Operand::Value(Value::Null) => self.is_null(),
            operand => self.compare(Comparison::Equal, operand),
        }
    }

    /// `column <> value`; with `None`, `column IS NOT NULL`. As in SQL, a row whose column is NULL is not different from
    /// a value.
    pub fn ne<V: ValueFor<C::Type, C>>(self, value: V) -> Filter<C::Model>
    where
        C::Type: ComparableType,
    {
        match value.into_operand() {
            Operand::Value(Value::Null) => self.is_not_null(),
            operand => self.compare(Comparison::NotEqual, operand),
        }
    }

    /// `column < value`
    pub fn lt<V: ValueFor<C::Type, C>>(self, value: V) -> Filter<C::Model>
    where
        C::Type: ComparableType,
    {
        self.compare(Comparison::Less, value.into_operand())
    }

    /// `column <= value`
    pub fn le<V: ValueFor<C::Type, C>>(self, value: V) -> Filter<C::Model>
    where
        C::Type: ComparableType,
    {
        self.compare(Comparison::LessOrEqual, value.into_operand())
    }

    /// `column > value`
    pub fn gt<V: ValueFor<C::Type, C>>(self, value: V) -> Filter<C::Model>
    where
        C::Type: ComparableType,
    {
        self.compare(Comparison::Greater, value.into_operand())
    }

    /// `column >= value`
    pub fn ge<V: ValueFor<C::Type, C>>(self, value: V) -> Filter<C::Model>
    where
        C::Type: ComparableType,
    {
        self.compare(Comparison::GreaterOrEqual, value.into_operand())
    }

    fn compare(self, operator: Comparison, operand: Operand) -> Filter<C::Model> {
        Filter::new(Node::Compare { column: self.index, operator, operand })
    }

    /// The column equals one of the values; no values match no row.
    pub fn is_in<V: ValueFor<C::Type, C>>(self, values: impl IntoIterator<Item = V>) -> Filter<C::Model>
    where
        C::Type: ComparableType,
    {
        Filter::new(Node::one_of(self.index, values.into_iter().map(V::into_operand), false))
    }

    /// The column equals none of the values; no values match every row. As in SQL, a row whose column is NULL does not
    /// match, nor does any row when one of the values is `None`.
    pub fn not_in<V: ValueFor<C::Type, C>>(self, values: impl IntoIterator<Item = V>) -> Filter<C::Model>
    where
        C::Type: ComparableType,
    {
        Filter::new(Node::one_of(self.index, values.into_iter().map(V::into_operand), true))
    }

    /// `low <= column AND column <= high`
    pub fn between<L, H>(self, low: L, high: H) -> Filter<C::Model>
    where
        C::Type: ComparableType,
        L: ValueFor<C::Type, C>,
        H: ValueFor<C::Type, C>,
    {
        Filter::new(Node::between(self.index, low.into_operand(), high.into_operand(), false))
    }

    /// `column < low OR high < column`
    pub fn not_between<L, H>(self, low: L, high: H) -> Filter<C::Model>
    where
        C::Type: ComparableType,
        L: ValueFor<C::Type, C>,
        H: ValueFor<C::Type, C>,
    {
        Filter::new(Node::between(self.index, low.into_operand(), high.into_operand(), true))
    }

    /// Least first; NULL counts as less than every value.
    pub fn asc(self) -> OrderBy<C::Model>
    where
        C::Type: ComparableType,
    {
        OrderBy::new(Order { column: self.index, descending: false })
    }

    /// Greatest first; NULL comes last.
    pub fn desc(self) -> OrderBy<C::Model>
    where
        C::Type: ComparableType,
    {
        OrderBy::new(Order { column: self.index, descending: true })
    }

    /// `column IS NULL`
    pub fn is_null(self) -> Filter<C::Model> {
        Filter::new(Node::IsNull { column: self.index, negated: false })
    }

    /// `column IS NOT NULL`
    pub fn is_not_null(self) -> Filter<C::Model> {
        Filter::new(Node::IsNull { column: self.index, negated: true })
    }
}

/// For writing.
impl<C: ColumnSpec> Column<C> {
    /// Sets the column, for [`Things::update_by_id`](crate::Things::update_by_id); with `None`, to NULL.
    pub fn set<V: ValueFor<C::Type, C>>(self, value: V) -> ChangeSet<C::Model> {
        ChangeSet::setting(self.index, value.into_operand())
    }
}

/// For columns of numbers.
impl<C: ColumnSpec> Column<C> {
    /// Adds to the column, for [`Things::update_by_id`](crate::Things::update_by_id); a negative amount takes away.
    pub fn plus(self, amount: <C::Type as NumberType>::Amount) -> ChangeSet<C::Model>
    where
        C::Type: NumberType,
    {
        ChangeSet::adding::<C::Type>(self.index, amount)
    }
}

/// For columns of text.
impl<C: ColumnSpec> Column<C> {
    /// Matches a pattern in which `%` stands for any text, `_` for one character, and `\` before one of the three for
    /// itself. Letter case matters on every database.
    pub fn like(self, pattern: impl Into<String>) -> Filter<C::Model>
    where
        C::Type: TextType,
    {
        Filter::new(Node::Like { column: self.index, pattern: pattern.into(), negated: false })
    }

    /// Does not match the pattern of [`Column::like`].
    pub fn not_like(self, pattern: impl Into<String>) -> Filter<C::Model>
    where
        C::Type: TextType,
    {
        Filter::new(Node::Like { column: self.index, pattern: pattern.into(), negated: true })
    }

    /// Begins with the text, in which nothing is special.
    pub fn starts_with(self, text: impl AsRef<str>) -> Filter<C::Model>
    where
        C::Type: TextType,
    {
        self.like(format!("{}%", escape(text.as_ref())))
    }

    /// Ends with the text, in which nothing is special.
    pub fn ends_with(self, text: impl AsRef<str>) -> Filter<C::Model>
    where
        C::Type: TextType,
    {
        self.like(format!("%{}", escape(text.as_ref())))
    }

    /// Has the text somewhere; nothing in it is special.
    pub fn contains(self, text: impl AsRef<str>) -> Filter<C::Model>
    where
        C::Type: TextType,
    {
        self.like(format!("%{}%", escape(text.as_ref())))
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

impl<C> Clone for Column<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Column<C> {}

impl<C: ColumnSpec> fmt::Debug for Column<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = C::Model::table();
        write!(f, "{}.{}", table.name(), table.column(self.index).name)
    }
}

/// One term of an order, made by [`Column::asc`] and [`Column::desc`].
pub struct OrderBy<M> {
    pub(crate) order: Order,
    model: PhantomData<fn() -> M>,
}

impl<M> OrderBy<M> {
    fn new(order: Order) -> Self {
        Self { order, model: PhantomData }
    }
}

impl<M> Clone for OrderBy<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for OrderBy<M> {}

impl<M> fmt::Debug for OrderBy<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.order.fmt(f)
    }
}

/// What a column `C` of type `T` can be compared with: a value of the type, a plain value for a nullable column, `&str`
/// for text, `&[u8]` for bytes, and another column of the same model and type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be compared with column `{C}`, which holds `{T}`",
    label = "expected a value of type `{T}`",
    note = "the column `{C}` compares with values of type `{T}` and with columns of the same model and type"
)]
pub trait ValueFor<T, C: ?Sized> {
    #[doc(hidden)]
    fn into_operand(self) -> Operand;
}

impl<T: ColumnType, C> ValueFor<T, C> for T {
    fn into_operand(self) -> Operand {
        Operand::of(&self)
    }
}

impl<T: ColumnType, C> ValueFor<Option<T>, C> for T {
    fn into_operand(self) -> Operand {
        Operand::of(&self)
    }
}

macro_rules! borrowed {
    ($($given:ty => $column:ty, |$value:ident| $convert:expr;)*) => {$(
        impl<C> ValueFor<$column, C> for $given {
            fn into_operand(self) -> Operand {
                let $value = self;
                Operand::Value($convert)
            }
        }

        impl<C> ValueFor<Option<$column>, C> for $given {
            fn into_operand(self) -> Operand {
                let $value = self;
                Operand::Value($convert)
            }
        }
    )*};
}

borrowed! {
    &str => String, |v| Value::Text(v.to_owned().into());
    &String => String, |v| Value::Text(v.clone().into());
    &[u8] => Vec<u8>, |v| Value::Bytes(v.to_vec().into());
}

impl<const N: usize, C> ValueFor<Vec<u8>, C> for &[u8; N] {
    fn into_operand(self) -> Operand {
        Operand::Value(Value::Bytes(self.to_vec().into()))
    }
}

impl<T, C: ColumnSpec, D: ColumnSpec<Model = C::Model, Type = T>> ValueFor<T, C> for Column<D> {
    fn into_operand(self) -> Operand {
        Operand::Column(self.index)
    }
}
