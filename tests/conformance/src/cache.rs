//! The cache suite: what every [`CacheClient`](thing_driver_api::CacheClient) does, through the contract alone.
//!
//! [`cache_suite!`](crate::cache_suite) makes one test of each case. A case can also be run by itself:
//!
//! ```
//! # async fn run(setup: &dyn thing_conformance::cache::Setup) {
//! thing_conformance::cache::case("quarantine::it_hides_entries").run(setup).await;
//! # }
//! ```
//!
//! The contract leaves a cache free to forget. So the cases ask for a hit only where nothing happened between the store
//! and the load, and otherwise that no answer is wrong: [`Found::Miss`](thing_driver_api::Found::Miss) and
//! [`Found::Quarantined`](thing_driver_api::Found::Quarantined) are always right, a hit or
//! [`Found::Behind`](thing_driver_api::Found::Behind) has to be. The suite must have the cache to itself, with room for
//! some ten thousand small entries.

mod case;
mod cases;
mod number;
mod setup;
mod subject;

pub mod declarations;
pub mod entries;
pub mod leases;
pub mod lists;
pub mod promise;
pub mod quarantine;
pub mod repetition;
pub mod rows;
pub mod stale;
pub mod statistics;
pub mod tables;
pub mod voids;

pub use case::{Case, case, run};
pub use cases::CASES;
pub use number::Number;
pub use setup::Setup;
pub use subject::Subject;
