//! SQLite for the Thing ORM.
//!
//! [`SqliteExecutor`] opens a database file, or a database in memory, and runs the statements of the core on it:
//!
//! ```no_run
//! # async fn run() -> thing_driver_api::Result<()> {
//! use thing_driver_sqlite::{SqliteConfig, SqliteExecutor, Synchronous};
//!
//! let app = SqliteExecutor::open("app.db").await?;
//! let shop = SqliteExecutor::open("sqlite:///var/lib/shop.db?mode=rw&busy_timeout=2000").await?;
//! let strict = SqliteExecutor::connect(SqliteConfig::file("ledger.db").synchronous(Synchronous::Full)).await?;
//! let scratch = SqliteExecutor::memory().await?;
//! # Ok(())
//! # }
//! ```
//!
//! SQLite is a library, so the cheapest way to run a short statement is on the thread that asks. Waking another thread
//! costs more than most statements. On the other hand a statement that takes long would hold up every task of that
//! thread:
//!
//! ```text
//! read    reader connection ── on the caller's thread ──▶ rows lent to the sink
//!            └─ takes longer than a millisecond: interrupted, forgotten, run again ─▶ worker thread ─▶ pages
//! write   nobody else writes: writer connection, on the caller's thread
//!            └─ otherwise: queue ─▶ writer thread ─▶ all that is queued in one transaction ─▶ answers after COMMIT
//! ```
//!
//! A shape that proved long goes to a worker at once from then on. On a current-thread runtime everything does.
//!
//! # What to know
//!
//! - There is one writer. Who writes beside a transaction that is open waits for it to end, for as long as
//!   [`SqliteConfig::busy_timeout`] says. A task that waits for its own transaction gets
//!   [`ErrorKind::Busy`](thing_driver_api::ErrorKind::Busy) then.
//! - A database in memory has one connection, which belongs to its executor alone: other reads wait like writes.
//! - Raw statements that change the state of a connection (`PRAGMA`, `ATTACH`) change one connection of several.
//! - Text may hold zero bytes and comes back as it was, but `LIKE` and `length()` look only as far as the first.
//! - A write whose future is dropped while it waits in the queue is not executed; one that has begun may be.
//! - `LIKE` is case sensitive, also in raw statements: the driver sets `PRAGMA case_sensitive_like`.
//! - Writes of other connections and processes to a file are reported to caches, without saying what was written.

mod config;
mod dialect;
mod executor;
mod native;
mod transaction;
mod pool;
mod connection;
mod watch;
mod plan;
mod values;
mod statement;
mod row;
mod worker;
mod writer;
mod stream;
mod schema;
mod session;
mod changes;
mod runtime;
mod statistics;
mod error;

pub use config::{SqliteConfig, Synchronous};
pub use dialect::SqliteDialect;
pub use executor::SqliteExecutor;
pub use rusqlite;
pub use statistics::SqliteStatistics;
