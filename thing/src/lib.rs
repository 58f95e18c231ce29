//! Thing: an ORM whose cache is never wrong.

mod model;
mod field;
mod key;
mod column;
mod filter;
mod db;
mod session;
mod things;
mod query;
mod plan;
mod rows;
mod loaded;
mod loader;
mod cache;
mod write;
mod transaction;
mod raw;
mod stream;
mod sync;
mod statistics;
mod task;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use thing_derive::{ColumnType, Embed, Model};
pub use thing_driver_api as driver;
pub use thing_driver_api::{Constraint, ConstraintKind, Error, ErrorKind, Isolation, Result, TransactionOptions};

pub use column::{Column, ColumnSpec, OrderBy, ValueFor};
pub use db::{Db, DbBuilder};
#[cfg(feature = "json")]
pub use field::Json;
pub use field::{ColumnType, TextType, TimestampType};
pub use filter::Filter;
pub use key::{IntoKey, ModelKey};
pub use loaded::Loaded;
pub use model::{Embed, EmbedKey, Model};
pub use plan::Plan;
pub use query::Query;
pub use raw::{FromRow, Raw, RawValue};
pub use session::Session;
pub use statistics::Statistics;
pub use stream::ObjectStream;
pub use sync::ModelSet;
pub use things::Things;
pub use transaction::Transaction;
