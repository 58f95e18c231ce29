//! Columns of secrets: values that nothing shows by itself.

use std::fmt;

use thing_driver_api::{Error, Result, Row, Value, ValueType};

use super::{ColumnType, ComparableType};

/// A value that logs, errors and `{:?}` don't show: a token, a salary, a `Secret<Json<Diagnosis>>`.
///
/// It is stored as what it holds, and compares as that does. `{:?}` of it, and so of a struct that holds it, shows `***`;
/// an error about a stored value that is not of its type does not tell the value. Whoever wants it says
/// [`reveal`](Self::reveal). JSON output shows it only where its column is named.
///
/// Keys stand in messages, and the values of an order in [cursors](crate::Cursor): a secret should be neither. The
/// database and a shared cache hold it as it is.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// The value, to be changed.
    pub const fn reveal_mut(&mut self) -> &mut T {
        &mut self.0
    }

    /// The value by itself.
    pub fn into_revealed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T: ColumnType> ColumnType for Secret<T> {
    const TYPE: ValueType = T::TYPE;
    const NULLABLE: bool = T::NULLABLE;
    const SECRET: bool = true;

    fn to_value(&self) -> Result<Value<'_>> {
        self.0.to_value().map_err(|error| untold(&error, "a secret value can't be stored"))
    }

    fn from_row(row: &dyn Row, index: usize) -> Result<Self> {
        T::from_row(row, index).map(Self).map_err(|error| untold(&error, "a stored secret is not of its type"))
    }

    fn heap_size(&self) -> usize {
        self.0.heap_size()
    }
}

impl<T: ComparableType> ComparableType for Secret<T> {}

/// The error without its message and its source, which may tell the value.
fn untold(error: &Error, message: &str) -> Error {
    Error::new(error.kind().clone(), message)
}
