//! Fields: the Rust types that a column can hold.

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
pub use self::json::Json;

use thing_driver_api::{Result, Row, Value, ValueType};

/// A Rust type that one column holds.
///
/// Implemented for `bool`, integers of every width up to 64 bits, `f32`, `f64`, `String`, `Vec<u8>`,
/// [`SystemTime`](std::time::SystemTime) and `Option` of these (a nullable column); with the features of the same names
/// for `uuid::Uuid`, `rust_decimal::Decimal`, for `Timestamp`, `Date` and `Time` of jiff, and for `Json<T>`. Newtypes and enums get it by
/// `#[derive(ColumnType)]`.
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

/// A column type that patterns match: text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not text, so `like`, `starts_with`, `ends_with` and `contains` don't apply",
    label = "not a text column"
)]
pub trait TextType: ColumnType {}

impl TextType for String {}
impl TextType for Option<String> {}
