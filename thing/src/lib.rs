//! Thing: an ORM whose cache is never wrong.

mod model;
mod field;
mod key;
mod column;
mod filter;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use thing_derive::{ColumnType, Embed, Model};
pub use thing_driver_api::{Error, ErrorKind, Result};

pub use column::{Column, ColumnSpec, OrderBy, ValueFor};
#[cfg(feature = "json")]
pub use field::Json;
pub use field::{ColumnType, TextType, TimestampType};
pub use filter::Filter;
pub use key::{IntoKey, ModelKey};
pub use model::{Embed, EmbedKey, Model};
