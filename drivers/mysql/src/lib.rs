//! MySQL 8 and MariaDB for the Thing ORM.
//!
//! [`MysqlExecutor`] connects to a server, looks which of the two it is, and runs the statements of the core on a pool of
//! connections:
//!
//! ```no_run
//! # async fn run() -> thing_driver_api::Result<()> {
//! use std::time::Duration;
//! use thing_driver_mysql::{MysqlConfig, MysqlExecutor};
//!
//! let shop = MysqlExecutor::open("mysql://app:secret@db.example.com/shop").await?;
//! let config = MysqlConfig::from_url("mariadb://app:secret@db.example.com/shop")?
//!     .max_connections(32)
//!     .statement_timeout(Duration::from_secs(10))
//!     .tls();
//! let careful = MysqlExecutor::connect(config).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Each statement is prepared once on each connection, and runs in the binary protocol:
//!
//! ```text
//! read         idle connection ── rows lent to the sink ──▶ back to the pool
//!                 └─ proves to be broken: again on another one
//! write        idle connection, asked first if it idled long ── commits by itself ──▶ back to the pool
//! many writes  inserts of one shape become INSERTs of up to 1024 rows, in one transaction
//! transaction  one connection until the end; dropped: rolled back in the background, then back to the pool
//! ```
//!
//! # What to know
//!
//! - **Text.** The usual collations of both servers compare text without letter case, and most without spaces at the end.
//!   The driver takes every comparison of text for one of which Rust knows nothing; cached lists by text are then read
//!   again more often than they need to be, but are right. Tables that `sync` makes compare text by its code points and
//!   mind spaces. Where all text columns are so, [`MysqlConfig::exact_text`] says it.
//! - **Indexed text** has at most 255 characters, and less in an index over several; `sync` refuses nothing, but a longer
//!   text is refused when it is written. An index that is added over a column of unbounded text makes it `VARCHAR(255)`;
//!   that fails, and changes nothing, when a text is longer.
//! - **Changes of the schema** are one `ALTER TABLE` for each table, which is done wholly or not at all. Foreign keys that
//!   change, or whose columns get another type, go in a statement before it. Each change waits at its end until the open
//!   transactions on the table have ended.
//! - **Checks** hold their declared text (`… OR 'thing: age > 0' IS NULL`), which changes nothing about what they check: the
//!   servers show conditions in words of their own. A check that was made without Thing is made again once when a model
//!   declares it under its name.
//! - **Sessions are strict** and in UTC, whatever the server's settings: a value that a column can't hold exactly is an
//!   error. A generated key is never taken from a 0 that was given. Raw statements run in the same sessions.
//! - **Generated keys** of rows that are added together follow from the first of them, as InnoDB makes them; a trigger that
//!   changes keys is not seen. Keys beyond 64 signed bits are errors.
//! - **Autocommit.** Outside of a transaction every statement is one. Changes of the schema can't be rolled back and would
//!   commit an open transaction; raw ones are refused in it.
//! - **Isolation** is the server's default, REPEATABLE READ as a rule: what a transaction reads is of the moment of its
//!   first read, but what it locks or changes is the newest row.
//! - **Conflicts.** A deadlock rolls back the whole transaction and is
//!   [`ErrorKind::Conflict`](thing_driver_api::ErrorKind::Conflict); the transaction refuses everything from then on. A
//!   lock that is held for longer than [`MysqlConfig::lock_timeout`] undoes the statement only and is
//!   [`ErrorKind::Busy`](thing_driver_api::ErrorKind::Busy).
//! - **Futures that are dropped.** A statement that has been sent is brought to its end in the background: after 50
//!   milliseconds the server is asked to end it (`KILL QUERY`, on a connection of its own). Until then it holds its place
//!   in the pool. A write may or may not happen, but wholly.
//! - **Times.** A timestamp is a `DATETIME(6)` in UTC. Years before 1000 and after 9999 are refused.
//! - **JSON** is a text in MariaDB. MySQL keeps it in a form of its own: the order of the keys of an object, and white
//!   space, are lost.
//! - **Raw statements** change the state of one connection of several (`SET`, `GET_LOCK`, temporary tables). Of a procedure
//!   with several results the first is given.
//! - **Clusters and replicas.** Reads have to see what was committed before: in a Galera cluster with several writing nodes
//!   set `wsrep_sync_wait`, and connect to no replica that lags.
//! - **Engines** without transactions (MyISAM) undo nothing.
//! - MySQL 8.0.17 or later, MariaDB 10.5 or later. The tests run on MariaDB 10.11; what is written for MySQL alone
//!   follows its manual and has been run on no server yet.
//! - **Writes of other programs** are reported to caches, see [`ChangeSource`]. A raw statement that sets `@thing_writer`
//!   changes whether its connection counts as one of them.

mod config;
mod dialect;
mod executor;
mod native;
mod transaction;
mod pool;
mod connection;
mod plan;
mod values;
mod calendar;
mod row;
mod stream;
mod schema;
mod session;
mod changes;
mod statistics;
mod error;

pub use config::{ChangeSource, MysqlConfig};
pub use dialect::{Flavour, MysqlDialect};
pub use executor::MysqlExecutor;
pub use mysql_async;
pub use statistics::MysqlStatistics;
