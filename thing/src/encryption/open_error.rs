//! Why a sealed value does not open.

use std::error::Error as _;
use std::fmt;

use thing_driver_api::{Error, Table};

/// Why a [`Sealed`](crate::Sealed) value does not open. It is the source of the error that [`Column::open`] gives, which
/// names the column; [`OpenError::of`] finds it there.
///
/// [`Column::open`]: crate::Column::open
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// The key ring has no key of this number.
    UnknownKey {
        /// The number.
        id: u32,
    },
    /// It is not of a form that this program knows: what is stored was never sealed, or by a newer program.
    UnknownFormat,
    /// It was changed, or sealed for another column, or with another key of the same number.
    NotAuthentic,
    /// It was sealed as a value of another type.
    OtherType,
}

impl OpenError {
    /// Why opening a value failed; `None` for errors about other things.
    pub fn of(error: &Error) -> Option<Self> {
        error.source()?.downcast_ref().copied()
    }

    /// The error about a column.
    pub(super) fn about(self, table: &Table, column: usize) -> Error {
        let name = &table.column(column).name;
        Error::invalid_data(name.as_ref(), format!("column `{}.{name}`: {self}", table.name())).with_source(self)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey { id } => {
                write!(f, "the value is sealed by key {id}, which the key ring has not; add it by `with_key`")
            }
            Self::UnknownFormat => f.write_str("what is stored is no sealed value of a known format"),
            Self::NotAuthentic => f.write_str(
                "the value does not open: it was changed, sealed for another column, or by another key of the same number",
            ),
            Self::OtherType => f.write_str("the value was sealed as another type than the field has"),
        }
    }
}

impl std::error::Error for OpenError {}
