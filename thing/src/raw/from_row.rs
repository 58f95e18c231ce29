//! Plain values in and out of raw statements.

use thing_driver_api::{Result, Row, Value};

use crate::ColumnType;

/// A row of a raw statement: a column type, or a tuple of up to eight.
pub trait FromRow: Send + Sized {
    /// The number of columns.
    const COLUMNS: usize;

    /// Reads the row.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`](crate::ErrorKind::InvalidData) where a value is of another type.
    fn from_row(row: &dyn Row) -> Result<Self>;
}

impl<T: ColumnType> FromRow for T {
    const COLUMNS: usize = 1;

    fn from_row(row: &dyn Row) -> Result<Self> {
        T::from_row(row, 0)
    }
}

macro_rules! tuples {
    ($($count:literal: $($part:ident $index:tt),*;)*) => {$(
        impl<$($part: ColumnType),*> FromRow for ($($part,)*) {
            const COLUMNS: usize = $count;

            fn from_row(row: &dyn Row) -> Result<Self> {
                Ok(($($part::from_row(row, $index)?,)*))
            }
        }
    )*};
}

tuples! {
    1: A 0;
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
    5: A 0, B 1, C 2, D 3, E 4;
    6: A 0, B 1, C 2, D 3, E 4, F 5;
    7: A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
}

/// A value that a raw statement can bind: whatever can be a column, and `&str`.
pub trait RawValue {
    /// The value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`](crate::ErrorKind::InvalidData) when no database could hold it.
    fn into_value(self) -> Result<Value<'static>>;
}

impl<T: ColumnType> RawValue for T {
    fn into_value(self) -> Result<Value<'static>> {
        self.to_value().map(Value::into_owned)
    }
}

impl RawValue for &str {
    fn into_value(self) -> Result<Value<'static>> {
        Ok(Value::Text(self.to_owned().into()))
    }
}

/// The values of [`Filter::raw`](crate::Filter::raw): a tuple of up to eight, `()` for none.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tuple of values",
    label = "expected a tuple of up to eight values: `()`, `(1,)`, `(1, \"text\")`"
)]
pub trait RawValues {
    /// The values.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`](crate::ErrorKind::InvalidData) when no database could hold one of them.
    fn into_values(self) -> Result<Vec<Value<'static>>>;
}

impl RawValues for () {
    fn into_values(self) -> Result<Vec<Value<'static>>> {
        Ok(Vec::new())
    }
}

macro_rules! values {
    ($($($part:ident $index:tt),*;)*) => {$(
        impl<$($part: RawValue),*> RawValues for ($($part,)*) {
            fn into_values(self) -> Result<Vec<Value<'static>>> {
                Ok(vec![$(self.$index.into_value()?),*])
            }
        }
    )*};
}

values! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
}
