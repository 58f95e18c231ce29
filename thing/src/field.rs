//! Fields: the Rust types that a column can hold.

mod secret;
mod standard;
#[cfg(feature = "uuid")]
mod uuid;
#[cfg(feature = "jiff")]
mod jiff;
#[cfg(feature = "decimal")]
mod decimal;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "json")]
mod list;
#[cfg(feature = "json")]
mod data;

#[cfg(feature = "json")]
pub use self::data::Data;
#[cfg(feature = "json")]
pub use self::json::Json;
#[cfg(feature = "json")]
pub use self::list::{List, Set};

pub use self::secret::Secret;

use thing_driver_api::{Result, Row, Value, ValueType};

/// A Rust type that one column holds.
///
/// Implemented for `bool`, integers of every width up to 64 bits, `f32`, `f64`, `String`, `Vec<u8>`,
/// [`SystemTime`](std::time::SystemTime) and `Option` of these (a nullable column); with the features of the same names
/// for `uuid::Uuid`, `rust_decimal::Decimal`, for `Timestamp`, `Date` and `Time` of jiff, and for `Json<T>`, `List<T>`,
/// `Set<T>` and `Data`; with `encryption` for `Sealed<T>`. [`Secret`] wraps one. Newtypes and enums get it by `#[derive(ColumnType)]`.
///
/// A value comes back exactly as it was written, or the write is refused. Points in time are kept to the microsecond.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a column of a model",
    label = "not a column type",
    note = "columns hold bool, integers, floats, String, Vec<u8>, SystemTime, and Option of these; Uuid, Decimal, jiff types and Json<T> with their features",
    note = "derive `ColumnType` for a newtype or an enum of your own, or leave the field out with `#[thing(ignore)]`"
)]
pub trait ColumnType: Clone + Send + Sync + 'static {
    /// The type of the column.
    const TYPE: ValueType;
    /// Whether the column may hold NULL.
    const NULLABLE: bool = false;
    /// Whether the values are secrets, which JSON output shows only where their column is named.
    const SECRET: bool = false;

    /// The value to bind.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`](crate::ErrorKind::InvalidData) when a database could not give it back exactly.
    fn to_value(&self) -> Result<Value<'_>>;

    /// Reads column `index` of a row.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`](crate::ErrorKind::InvalidData) when the stored value is not of this type.
    fn from_row(row: &dyn Row, index: usize) -> Result<Self>;

    /// Reads column `index` of a row, which may hold NULL.
    ///
    /// # Errors
    ///
    /// As [`ColumnType::from_row`].
    #[doc(hidden)]
    fn from_nullable(row: &dyn Row, index: usize) -> Result<Option<Self>> {
        if row.is_null(index)? { Ok(None) } else { Self::from_row(row, index).map(Some) }
    }

    /// Bytes that the value holds outside itself, for the accounting of caches.
    fn heap_size(&self) -> usize {
        0
    }
}

/// A column type that `#[thing(created)]` and `#[thing(updated)]` can fill in.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't hold a time stamp",
    label = "not a point in time",
    note = "`created` and `updated` fields are of type SystemTime or, with the feature `jiff`, jiff::Timestamp"
)]
pub trait TimestampType: ColumnType {
    /// The point in time so many microseconds after 1970-01-01T00:00:00 UTC.
    fn from_microseconds(microseconds: i64) -> Self;
}

/// A column type by which `#[thing(deleted)]` can mark deleted objects.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't mark deleted objects",
    label = "neither a bool nor an Option of a point in time",
    note = "a `deleted` field is of type bool, Option<SystemTime> or, with the feature `jiff`, Option<jiff::Timestamp>"
)]
pub trait DeletedType: ColumnType {
    /// The mark of an object that is not deleted.
    fn living() -> Self;

    /// Whether it is the mark of a deleted object.
    fn is_deleted(&self) -> bool;
}

impl DeletedType for bool {
    fn living() -> Self {
        false
    }

    fn is_deleted(&self) -> bool {
        *self
    }
}

impl<T: TimestampType> DeletedType for Option<T> {
    fn living() -> Self {
        None
    }

    fn is_deleted(&self) -> bool {
        self.is_some()
    }
}

/// A column type that `#[thing(version)]` can count in.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a version",
    label = "not an integer of 32 or 64 bits",
    note = "a `version` field is of type i32, i64, u32 or u64, or a newtype over one of these"
)]
pub trait VersionType: ColumnType {
    /// The version of this number, or the last one that the type has.
    fn from_version(version: i64) -> Self;
}

/// A column type that [`Column::plus`](crate::Column::plus) adds to: integers, floats, and with the feature `decimal`
/// decimal numbers.
#[diagnostic::on_unimplemented(
    message = "nothing can be added to a column of type `{Self}`",
    label = "not a column of numbers",
    note = "`plus` goes with integers, floats and decimal numbers that are not an Option"
)]
pub trait NumberType: ColumnType {
    /// What can be added: an `i64` to integers of any width, else a number of the type itself.
    type Amount;

    /// The value of an amount.
    #[doc(hidden)]
    fn amount(amount: Self::Amount) -> Result<Value<'static>>;

    /// The sum of a stored value and an amount; `None` when the type does not hold it.
    #[doc(hidden)]
    fn sum(stored: &Value<'_>, amount: &Value<'_>) -> Option<Value<'static>>;

    /// The most that may be stored for a positive amount, the least for a negative one, so that the type holds the sum;
    /// `None` where the sum is not left to the database.
    #[doc(hidden)]
    fn limit(amount: &Value<'_>) -> Option<Value<'static>>;
}

/// A column type whose values the database compares: all but `Sealed<T>`, of which it has ciphertext. What
/// `#[derive(ColumnType)]` makes is one if what it holds is; a column type that is written by hand says so itself.
#[diagnostic::on_unimplemented(
    message = "the database can't compare columns of type `{Self}`",
    label = "no filter, order or index goes by this column",
    note = "a Sealed<T> column holds ciphertext, which is different each time: filter by another column, and open what is found",
    note = "a column type of your own that the database can compare implements `ComparableType`"
)]
pub trait ComparableType: ColumnType {}

impl<T: ComparableType> ComparableType for Option<T> {}

macro_rules! comparable {
    ($($type:ty),*) => {$(
        impl ComparableType for $type {}
    )*};
}

comparable!(bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, String, Vec<u8>, std::time::SystemTime);

/// A column type that patterns match: text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not text, so `like`, `starts_with`, `ends_with` and `contains` don't apply",
    label = "not a text column"
)]
pub trait TextType: ColumnType {}

impl TextType for String {}
impl TextType for Option<String> {}

/// A column type whose documents [`Column::path`](crate::Column::path) leads into: JSON.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not JSON, so no path leads into it",
    label = "not a column of JSON documents",
    note = "paths go with Json<T> and Data, and Option of these"
)]
pub trait JsonType: ColumnType {}

impl<T: JsonType> JsonType for Option<T> where Self: ColumnType {}

/// A column type that holds many values of one type: a list or a set.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list, so it has no elements",
    label = "not a column of lists",
    note = "`has` and its relatives go with List<T> and Set<T>, and Option of these"
)]
pub trait ListType: ColumnType {
    /// What the elements are.
    type Item: ColumnType;
}

impl<T: ListType> ListType for Option<T>
where
    Self: ColumnType,
{
    type Item = T::Item;
}

/// A UUID as text: how an element of a list is written.
pub(crate) fn uuid_text(uuid: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in uuid.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')));
    }
    text
}
