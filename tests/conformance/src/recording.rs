//! Recording wrappers: an [`Executor`](thing_driver_api::Executor) and a [`CacheClient`](thing_driver_api::CacheClient)
//! that write down what passes through them, fail on demand, and hold operations at a named point.
//!
//! ```text
//!            ┌─ log ─▶ gate Before ─▶ fault Before ─▶ inner ─▶ gate After ─▶ fault After ─┐
//! core ──────┤                                                                            ├──▶ core
//!            └────────────────────────── every other method: forwarded ───────────────────┘
//! ```
//!
//! Three tools, the same for databases and caches:
//!
//! - **The log** says what was asked: assert the number of statements, not only the rows.
//! - **Faults** make the next matching operation fail, [before](When::Before) it runs or [after](When::After) it ran.
//! - **Gates** hold the next matching operation until the test lets it go, so that a race is played in one order, without
//!   sleeping.
//!
//! ```
//! # use std::sync::Arc;
//! # use thing_driver_api::{CacheClient, Error, Executor};
//! use thing_conformance::recording::{Matcher, RecordingExecutor, When};
//!
//! # async fn example(database: Arc<dyn Executor>, read_user: impl Future<Output = ()> + Send + 'static) {
//! let recording = RecordingExecutor::new(database);
//!
//! // A reader has read the row and is about to return it; meanwhile something else happens.
//! let gate = recording.gate(Matcher::reads_of("users"), When::After);
//! let reader = tokio::spawn(read_user);
//! gate.reached().await;
//! // ... write the row here ...
//! gate.open();
//! reader.await.unwrap();
//! assert_eq!(recording.reads(), 1);
//!
//! // The next commit takes place, but its answer is lost.
//! recording.fail_next(Matcher::commits(), Error::backend("the line is cut"), When::After);
//! # }
//! ```

mod cache;
mod command;
mod executor;
mod gate;
mod matcher;
mod operation;
mod points;
mod schema;
mod transaction;

pub use cache::RecordingCache;
pub use command::Command;
pub use executor::RecordingExecutor;
pub use gate::Gate;
pub use matcher::Matcher;
pub use operation::{Recorded, Sent};

/// On which side of an operation a fault or a gate lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the operation reaches the wrapped executor or cache: it has no effect yet.
    Before,
    /// After the operation took effect, before its caller learns of it.
    After,
}
