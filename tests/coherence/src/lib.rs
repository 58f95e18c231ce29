//! The coherence bench: several processes over a real database and a real cache, with faults; what they read is compared
//! with what was committed.
//!
//! ```text
//! run ─┬─ servers of its own, a proxy for each worker ◀── faults on a schedule
//!      ├─ worker × N ─▶ Db (executor and cache with steps) ─▶ history: every read and write, with its times
//!      └─ audit: every commit in its order, by triggers
//! check ── audit + histories ─▶ findings ─▶ report
//! ```
//!
//! Every write writes a value that no other write ever writes, so a read says which version it saw. Needs Linux.

pub mod clock;
pub mod model;
pub mod options;
pub mod database;
pub mod cache;
pub mod instrument;
pub mod history;
pub mod worker;
pub mod run;
pub mod audit;
pub mod debts;
pub mod check;
pub mod report;
pub mod defects;
