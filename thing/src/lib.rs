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
//! - [`Relation`], [`BelongsToAny`]: objects that belong to objects.
//! - `Sealed`, with the feature `encryption`: columns of ciphertext.
//! - `Fields`, with the feature `json`: objects as JSON.
//! - [`Things::create`], [`Loaded::save`], [`Loaded::delete`], [`Things::update_by_id`], [`ChangeSet`], [`Things::upsert`],
//!   [`Bulk`], [`Query::update`], [`Transaction`]: writing.
//! - [`Hooks`], [`Listener`], [`EventListener`], [`Validate`]: what goes along with writes.
//! - [`Db::sync`], [`schema`]: the tables that the models declare.
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
//! Types of columns: `uuid` (on by default), `decimal`, `jiff`, `json`, which also adds conditions on documents and JSON output.
//! `encryption` adds `Sealed<T>`, columns of ciphertext, `migrate` versioned migrations, `garde` rules declared on fields,
//! `tracing` spans and events.

mod model;
mod field;
mod key;
mod column;
mod filter;
mod change_set;
mod coherence;
mod db;
mod session;
mod retry;
mod visibility;
mod things;
mod query;
mod cursor;
mod plan;
mod rows;
mod loaded;
mod loader;
mod relation;
#[cfg(feature = "json")]
mod output;
#[cfg(feature = "encryption")]
mod encryption;
mod cache;
mod write;
mod validation;
mod hooks;
mod listener;
mod event;
mod debt;
mod follow;
mod transaction;
mod raw;
mod stream;
pub mod schema;
#[cfg(feature = "migrate")]
mod migrate;
mod statistics;
mod report;
mod task;
mod trace;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use thing_derive::{AnyOf, ColumnType, Embed, Model};
pub use thing_driver_api as driver;
pub use thing_driver_api::{
    Constraint, ConstraintKind, Error, ErrorKind, Isolation, Result, TransactionOptions, Violation,
};
#[cfg(feature = "migrate")]
pub use thing_migrate as migration;
#[cfg(feature = "migrate")]
pub use thing_migrate::embed as migrations;

pub use change_set::ChangeSet;
pub use coherence::Coherence;
pub use column::{Column, ColumnSpec, JsonOperand, JsonPlace, OrderBy, ValueFor};
pub use cursor::Cursor;
pub use db::{Db, DbBuilder};
pub use debt::CacheOutage;
#[cfg(feature = "encryption")]
pub use encryption::{KeyRing, OpenError, Sealed, SealedType};
pub use event::{Changes, ColumnChange, Event, EventKind};
pub use field::{
    ColumnType, ComparableType, DeletedType, JsonType, ListType, NumberType, Secret, TextType, TimestampType,
    VersionType,
};
#[cfg(feature = "json")]
pub use field::{Data, Json, List, Set};
pub use filter::Filter;
pub use follow::Follower;
pub use hooks::Hooks;
pub use key::{IntoKey, ModelKey};
pub use listener::{EventListener, Listener};
pub use loaded::Loaded;
pub use model::{Embed, EmbedKey, Model};
#[cfg(feature = "json")]
pub use output::{AnyFields, AsObject, Fields, JsonList, Showable};
pub use plan::Plan;
pub use query::{Chunks, ColumnList, NumberedPage, Page, Query};
pub use raw::{FromRow, Raw, RawValue, RawValues};
pub use relation::{
    AnyOf, BelongsTo, BelongsToAny, HasMany, HasManyAs, HasOne, KindOf, Loadable, ManyToMany, ObjectOf, Relation,
    RelationKind,
};
pub use report::{CacheReport, QueryReport};
pub use retry::Retry;
pub use schema::ModelSet;
pub use session::Session;
pub use statistics::Statistics;
pub use stream::ObjectStream;
pub use things::Things;
pub use transaction::Transaction;
pub use validation::{Validate, Violations};
pub use write::{Bulk, OrCreated, UniqueKey};
