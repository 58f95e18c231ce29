//! The driver suite: what every [`Executor`](thing_driver_api::Executor) does, through the contract alone.
//!
//! [`driver_suite!`](crate::driver_suite) makes one test of each case. A case can also be run by itself:
//!
//! ```
//! # use thing_driver_api::Executor;
//! # async fn example<E: Executor>(connect: impl AsyncFn() -> E) {}
//! # async fn run(setup: &dyn thing_conformance::driver::Setup) {
//! use thing_conformance::driver::{self, Outcome};
//!
//! let outcome = driver::case("transactions::commit_keeps").run(setup).await;
//! assert_eq!(outcome, Outcome::Passed);
//! # }
//! ```
//!
//! Cases that need a [`Capability`](thing_driver_api::Capability) run only where the executor states it; text and
//! numbers are compared with the reference evaluator only where the executor says that they compare exactly.

mod case;
mod cases;
mod database;
mod samples;
mod setup;
mod statements;

pub mod agreement;
pub mod atomic;
pub mod cancellation;
pub mod changes;
pub mod concurrency;
pub mod constraints;
pub mod errors;
pub mod filters;
pub mod json;
pub mod keys;
pub mod plans;
pub mod raw;
pub mod raw_conditions;
pub mod reads;
pub mod rows;
pub mod schema;
pub mod sessions;
pub mod sinks;
pub mod streaming;
pub mod transactions;
pub mod values;
pub mod writes;

pub use case::{Case, Outcome, case, check_declared, run, run_on_a_current_thread};
pub use cases::CASES;
pub use database::Database;
pub use setup::Setup;
