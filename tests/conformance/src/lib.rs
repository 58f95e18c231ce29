//! The conformance kit for drivers and caches of the Thing ORM.
//!
//! An author runs a whole suite with one macro, which makes a test of each case:
//!
//! ```
//! // tests/conformance.rs of a driver
//! use thing_driver_sqlite::SqliteExecutor;
//!
//! async fn empty_database() -> SqliteExecutor {
//!     SqliteExecutor::memory().await.unwrap()
//! }
//!
//! thing_conformance::driver_suite!(empty_database);
//! # fn main() {}
//! ```
//!
//! ```
//! // tests/conformance.rs of a cache
//! use thing_cache_memory::{MemoryCache, MemoryConfig};
//!
//! async fn empty_cache() -> MemoryCache {
//!     MemoryCache::new(MemoryConfig::default())
//! }
//!
//! thing_conformance::cache_suite!(empty_cache);
//! # fn main() {}
//! ```
//!
//! - [`driver`]: the cases for an [`Executor`](thing_driver_api::Executor), gated by what it states to be able to do.
//! - [`cache`]: the cases for a [`CacheClient`](thing_driver_api::CacheClient).
//! - [`evaluate`]: conditions and orders judged in plain Rust, with which the cases compare a database's answers.
//! - [`recording`]: wrappers that record, fail and hold operations, for tests of what stands above the contract.
//! - [`users`]: a table with its statements, for the tests that a driver has of its own.
//! - [`changes`]: what feeds tell of that table, for the same.
//! - [`schema`]: tables in a database's own words and changes of them, for the same.
//!
//! Cases need no runtime of the author's: each runs on its own.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test kit reports by panicking")]

pub mod cache;
pub mod changes;
pub mod driver;
pub mod evaluate;
mod random;
pub mod recording;
pub mod schema;
pub mod users;

/// What the macros name.
#[doc(hidden)]
pub mod __private {
    pub use thing_driver_api::Capability;
}

/// Makes one test of each case of the [driver suite](driver).
///
/// The first argument is an expression that is a [`Setup`](driver::Setup), such as an async function that returns an
/// executor on an empty database. It is evaluated once for each test.
///
/// Capabilities that the driver does not have are declared, so that what is not run can be read in the source:
///
/// ```
/// # async fn empty_database() -> thing_driver_sqlite::SqliteExecutor {
/// #     thing_driver_sqlite::SqliteExecutor::memory().await.unwrap()
/// # }
/// thing_conformance::driver_suite!(empty_database, without: [Streaming, ExactText]);
/// # fn main() {}
/// ```
///
/// A case that needs one of them prints `not run: <case>: needs <capability>`. The last test,
/// `cases_that_are_not_run_are_declared`, lists all of them and fails when the executor lacks a capability that is not
/// declared here, or has one that is. `cases_pass_on_a_current_thread` runs the cases in which the runtime matters once
/// more on a runtime of one thread.
#[macro_export]
macro_rules! driver_suite {
    ($setup:expr $(,)?) => {
        $crate::__driver_cases!(__driver_tests { $setup, [] });
    };
    ($setup:expr, without: [$($capability:ident),* $(,)?] $(,)?) => {
        $crate::__driver_cases!(__driver_tests { $setup, [$($capability),*] });
    };
}

/// Makes one test of each case of the [cache suite](cache).
///
/// The argument is an expression that is a [`Setup`](cache::Setup), such as an async function that returns a client of an
/// empty cache. It is evaluated once for each test.
#[macro_export]
macro_rules! cache_suite {
    ($setup:expr $(,)?) => {
        $crate::__cache_cases!(__cache_tests { $setup });
    };
}

/// A runtime as an application has it: several threads, timers.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime starts")
}
