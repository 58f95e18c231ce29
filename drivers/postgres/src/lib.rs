//! PostgreSQL for the Thing ORM.
//!
//! [`PostgresExecutor`] connects to a server and runs the statements of the core on it:
//!
//! ```no_run
//! # async fn run() -> thing_driver_api::Result<()> {
//! use std::time::Duration;
//! use thing_driver_postgres::{Encryption, PostgresConfig, PostgresExecutor};
//!
//! let app = PostgresExecutor::open("postgres://app:secret@localhost/shop").await?;
//! let config = PostgresConfig::from_url("postgres://app:secret@db.example.com/shop")?
//!     .encryption(Encryption::VerifyFull)
//!     .max_connections(32)
//!     .statement_timeout(Duration::from_secs(10));
//! let shop = PostgresExecutor::connect(config).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A statement costs a round trip, and most of the work of a short one is in sending and receiving it. Many reads
//! together cost much less when they share a connection. Writes would wait there for each other's commits:
//!
//! ```text
//! read         short ──▶ one of two shared connections, behind the reads of other tasks
//!                 └─ nothing comes for 30 ms, or the connection is lost: run again ─┐
//!              long, raw, locking ──────────────────────────────────────────────────┴─▶ a connection of its own
//! write        a connection of its own ─▶ answer after the commit
//! many writes  BEGIN, all statements, COMMIT in one go; long runs of inserts by COPY
//! transaction  a connection of its own; BEGIN goes out with the first statement
//! ```
//!
//! A connection goes back to the pool when the server has answered everything and no transaction is open. When a future
//! is dropped before that, the connection is cleaned in the background: what is open is rolled back, and what takes
//! longer than 50 ms is cancelled and the connection closed.
//!
//! # What to know
//!
//! - A read that took longer than 5 ms twice in a row has a connection to itself the next times.
//! - A read is run again when its connection is lost, also after rows came. A write is run again only if it was not sent.
//! - Tables that `sync` makes compare and order text by bytes. Other text columns are equal to the same text only, too,
//!   unless they have a nondeterministic collation or are `citext`: such a column must not be cached, and `sync` refuses
//!   it. Their order is that of their collation: say [`PostgresConfig::bytewise_text`] if all are of the collation `C`.
//! - `varchar(n)` refuses text that is too long, but cuts off spaces at its end. `char(n)` is not read as text.
//!   `timestamp` without time zone counts as UTC. `numeric(p, s)` rounds, so `sync` refuses it for decimals.
//! - `NUMERIC` holds NaN and infinity, `TIMESTAMPTZ` and `DATE` infinities; reading one is an error.
//! - Text with a zero byte is refused. `JSONB` keeps the meaning of a document, not its spaces, nor the order of its keys.
//! - Times are kept from 4714 BC to 294246.
//! - Names of tables and columns have at most 63 bytes. A longer name of an index or a constraint is shortened; its
//!   comment keeps it (`thing: <name>`).
//! - The server shows conditions of checks and indexes in words of its own. A comment keeps the declared text
//!   (`thing as: <condition>`), so that it is compared with what a model declares. A check or index with a condition that
//!   was made without Thing, whatever it says, is made again once when a model declares it under its name.
//! - Descriptions leave out INCLUDE, NULLS NOT DISTINCT, the place of NULLs in an index, storage parameters, and what makes
//!   a constraint deferrable. Types are not made: an enumeration has to exist before a table with it is created.
//! - After an error in a transaction PostgreSQL accepts only a rollback, or going back to a savepoint.
//! - Raw statements give columns of other types, such as `interval` or `inet`, only as `::text`. Arrays come as JSON. Text
//!   is bound to a parameter of such a type as the server writes it: `'{1,2}'`, `'1 day'`.
//! - A raw statement that changes its session (`SET`, `LISTEN`, a temporary table) changes one connection of several.
//! - Connection poolers between the two must keep sessions: statements are prepared.
//! - `statement_timeout` holds for each statement. [`PostgresConfig::statement_timeout`] is not set by itself.
//! - `client_connection_check_interval` is set to two seconds where it is off (PostgreSQL 14 and later), so that a
//!   statement that waits for a lock ends with its program.
//! - Writes of other programs are reported to caches, see [`ChangeSource`]. A raw statement that sets `thing.writer`
//!   changes whether its connection counts as one of them.

mod config;
mod dialect;
mod executor;
mod native;
mod transaction;
mod pool;
mod lanes;
mod connection;
mod plan;
mod bulk;
mod values;
mod numeric;
mod calendar;
mod row;
mod array;
mod json;
mod stream;
mod schema;
mod session;
mod changes;
mod advisory;
mod tls;
mod statistics;
mod error;

pub use advisory::AdvisoryLock;
pub use config::{ChangeSource, Encryption, PostgresConfig};
pub use dialect::PostgresDialect;
pub use executor::PostgresExecutor;
pub use native::PostgresClient;
pub use statistics::PostgresStatistics;
pub use tokio_postgres;
