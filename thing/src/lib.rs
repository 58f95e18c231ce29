//! Thing: an ORM whose cache is never wrong.
//!
//! A model is a plain struct. [`Db`] reads and writes it, on any database that a driver reaches, and answers objects, lists
//! and counts from a cache that every write invalidates before its caller goes on.
//!
//! ```
//! use thing::{Db, Model};
//!
//! #[derive(Model, Clone, Debug)]
//! struct User {
//!     id: i64,
//!     name: String,
//!     #[thing(index)]
//!     age: i32,
//! }
//!
//! async fn work(db: &Db) -> thing::Result<()> {
//!     let users = db.things::<User>();
//!     let mut alice = users.create(NewUser { name: "Alice".into(), age: 33 }).await?;
//!     alice.age += 1;
//!     alice.save(db).await?; // writes the column that changed
//!     let adults = users.filter(User::AGE.ge(18)).order_by(User::NAME.asc()).fetch(0, 20).await?;
//!     assert_eq!(adults[0].name, users.by_id(adults[0].id).await?.name);
//!     Ok(())
//! }
//!
//! assert_eq!(User::table().name(), "users");
//! ```
//!
//! A program names its driver and, if it wants one, its cache when it builds the `Db`:
//! `Db::builder(executor).cache(client).build()`. Both are crates of their own, which implement the traits of [`driver`].
//!
//! # Where to look
//!
//! - [`Model`], [`Embed`], [`ColumnType`](trait@ColumnType): what a struct says about its table.
//! - [`Things`], [`Query`], [`Page`], [`Filter`], [`Column`]: reading.
//! - [`Relation`]: objects that belong to objects.
//! - [`Things::create`], [`Loaded::save`], [`Loaded::delete`], [`Transaction`]: writing.
//! - [`Raw`]: what the typed interface leaves out.
//! - [`Statistics`], [`Plan`]: what was sent, what was cached, what a query will do.
//!
//! The data path, which is the order of the modules:
//!
//! ```text
//! model ─▶ query ─▶ statement ─▶ [Executor: Dialect renders once per shape] ─▶ rows ─▶ decode ─▶ model
//!   ▲         └── cache: question · stored · read_through · judge · invalidate ──┘     write ─▶ statement ─▶ commit ─▶ cache
//! ```
//!
//! # Features
//!
//! Features add types of columns and change nothing else: `uuid` (on by default), `jiff`, `json`.

mod model;
mod field;
mod key;
mod column;
mod filter;
mod increment;
mod coherence;
mod db;
mod session;
mod retry;
mod things;
mod query;
mod cursor;
mod plan;
mod rows;
mod loaded;
mod loader;
mod relation;
mod cache;
mod write;
mod debt;
mod follow;
mod transaction;
mod raw;
mod stream;
mod sync;
mod statistics;
mod report;
mod task;
mod trace;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use thing_derive::{ColumnType, Embed, Model};
pub use thing_driver_api as driver;
pub use thing_driver_api::{Constraint, ConstraintKind, Error, ErrorKind, Isolation, Result, TransactionOptions};

pub use coherence::Coherence;
pub use column::{Column, ColumnSpec, OrderBy, ValueFor};
pub use cursor::Cursor;
pub use db::{Db, DbBuilder};
pub use debt::CacheOutage;
#[cfg(feature = "json")]
pub use field::Json;
pub use field::{ColumnType, NumberType, TextType, TimestampType, VersionType};
pub use filter::Filter;
pub use follow::Follower;
pub use increment::Increment;
pub use key::{IntoKey, ModelKey};
pub use loaded::Loaded;
pub use model::{Embed, EmbedKey, Model};
pub use plan::Plan;
pub use query::{Chunks, ColumnList, NumberedPage, Page, Query};
pub use raw::{FromRow, Raw, RawValue, RawValues};
pub use relation::{BelongsTo, HasMany, HasOne, ManyToMany, ObjectOf, Relation, RelationKind};
pub use report::{CacheReport, QueryReport};
pub use retry::Retry;
pub use session::Session;
pub use statistics::Statistics;
pub use stream::ObjectStream;
pub use sync::ModelSet;
pub use things::Things;
pub use transaction::Transaction;
pub use write::{OrCreated, UniqueKey};
