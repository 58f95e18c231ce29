//! The conformance kit for drivers and caches of the Thing ORM.
//!
//! An author runs the whole suite with one macro:
//!
//! ```ignore
//! // tests/conformance.rs of a driver
//! async fn empty_database() -> MyExecutor {
//!     MyExecutor::memory().await.unwrap()
//! }
//!
//! thing_conformance::driver_suite!(empty_database);
//! ```

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test kit reports by panicking")]

pub mod driver;
pub mod evaluate;
mod random;
pub mod recording;

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
/// ```ignore
/// thing_conformance::driver_suite!(empty_database, without: [Streaming, ExactText]);
/// ```
///
/// A case that needs one of them prints `not run: <case>: needs <capability>`. The last test,
/// `cases_that_are_not_run_are_declared`, lists all of them and fails when the executor lacks a capability that is not
/// declared here.
#[macro_export]
macro_rules! driver_suite {
    ($setup:expr $(,)?) => {
        $crate::__driver_cases!(__driver_tests { $setup, [] });
    };
    ($setup:expr, without: [$($capability:ident),* $(,)?] $(,)?) => {
        $crate::__driver_cases!(__driver_tests { $setup, [$($capability),*] });
    };
}

/// A runtime as an application has it: several threads, timers.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime starts")
}
