//! The contract between the Thing ORM and the crates that reach databases and caches.
//!
//! The core, `thing`, knows no database and no cache. It knows three traits:
//!
//! - [`Dialect`]: how a database says things,
//! - [`Executor`]: runs them, with [`Transaction`] and [`RowSink`],
//! - [`CacheClient`]: remembers the answers.
//!
//! A driver implements the first two, a cache the third. The guides `docs/writing-a-driver.md` and
//! `docs/writing-a-cache.md` lead through it, and the crate `thing-conformance` tests the result.
//!
//! ```text
//!             Table ─▶ Shape ─▶ Statement ─▶ Executor ─▶ Row ─▶ RowSink
//! Dialect ─▶ sql::render ─┘ plan                             └─▶ Page
//! ```
//!
//! **Statements are data.** A [`Shape`] says what to do without values; the driver compiles it once into a plan that the
//! shape keeps, and each call binds values. A driver for a store without SQL reads the shape itself.
//!
//! **Rows are lent.** A driver shows each row to the core's [`RowSink`] as a `&dyn Row`; nothing is allocated for a row.
//!
//! MUST and SHOULD have their usual meaning here, each with what happens otherwise. Methods may be added to these traits
//! with defaults that are correct for every driver.

mod decimal;
mod value;
mod text;
pub mod calendar;
mod key;
mod table;
mod json;
mod condition;
mod shape;
mod row;
mod page;
mod capability;
mod executor;
mod change_feed;
mod dialect;
pub mod sql;
pub mod schema;
mod cache;
#[cfg(feature = "clock")]
pub mod clock;
mod error;
pub mod refusal;
pub mod url;
mod violation;

pub use async_trait::async_trait;

pub use cache::{
    Behind, CacheClient, CacheStatistics, CacheValue, Change, Decodable, EntryKey, Found, Gate, Invalidation,
    InvalidationStream, Lease, LeaseId, LeaseRequest, Leased, NewEntry, Outcome, Payload, Peek, RowImage, Scope, Stamp,
    Tag, Token, Wanted, digest,
};
pub use capability::{Capabilities, Capability};
pub use change_feed::{ChangeFeed, Observations, Observed, Observer, ObserverFeed};
pub use condition::{Comparison, Condition, Operand, Order, Slot};
pub use decimal::Decimal;
pub use dialect::{Dialect, quote};
pub use error::{Constraint, ConstraintKind, Error, ErrorKind, Result};
pub use executor::{Executor, Isolation, PageStream, Transaction, TransactionOptions, Written};
pub use json::{JsonDialect, JsonKind, JsonPath, JsonStep, JsonTest, ListTest};
pub use key::Key;
pub use page::{Decode, Page, PageRow};
pub use row::{Flow, NoRows, Row, RowSink};
pub use schema::Schema;
pub use shape::{Consistency, Lock, Operation, PlanOwner, Shape, Statement};
pub use table::{Check, Column, ColumnSet, ForeignKey, Index, MAX_COLUMNS, Table, TableBuilder, TableId};
pub use value::{ListItem, Value, ValueType};
pub use violation::Violation;
