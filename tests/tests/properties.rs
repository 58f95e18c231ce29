//! Cached answers equal uncached answers equal the database's equal the truth: for random schemas, rows and filters,
//! through random writes, transactions and rollbacks.
//!
//! A run is the same each time. `THING_CASES` sets the number of cases and `THING_SEED` the seed of another run.
//!
//! ```text
//! program ─▶ world ─▶ cached Db · uncached query · Db without a cache · scan of a copy of the rows ─▶ all the same?
//! ```
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests report by panicking")]

#[path = "properties/ask.rs"]
mod ask;
#[path = "properties/filters.rs"]
mod filters;
#[path = "properties/oracle.rs"]
mod oracle;
#[path = "properties/program.rs"]
mod program;
#[path = "properties/schema.rs"]
mod schema;
#[path = "properties/setting.rs"]
mod setting;
#[path = "properties/values.rs"]
mod values;
#[path = "properties/world.rs"]
mod world;

use std::cell::{Cell, RefCell};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use thing::Statistics;
use thing_driver_sqlite::{SqliteConfig, SqliteExecutor, Synchronous};

use crate::program::programs;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn every_answer_is_true_whatever_was_written_before() {
    let config = Config {
        cases: u32::try_from(number("THING_CASES", 2000)).unwrap(),
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..Config::default()
    };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number("THING_SEED", 1).to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    // Statements run on this thread, which is what knows the table.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    // A file, so that a reader does not wait for an open transaction.
    let config = SqliteConfig::file(folder.path().join("properties.db")).synchronous(Synchronous::Off).readers(1);
    let executor = runtime.block_on(SqliteExecutor::connect(config)).unwrap();
    let cases = Cell::new(0u32);
    let total = RefCell::new(Vec::<Statistics>::new());
    let result = runner.run(&programs(40), |program| {
        cases.set(cases.get() + 1);
        let world = runtime.block_on(world::run(&program, &executor));
        total.borrow_mut().push(world.map_err(TestCaseError::fail)?.db.statistics());
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    let sum = |of: fn(&Statistics) -> u64| total.borrow().iter().map(of).sum::<u64>();
    let (hits, restamped) = (sum(|s| s.cache.hits), sum(|s| s.cache.restamped));
    println!("{} cases, {hits} hits, {restamped} of lists behind", cases.get());
    assert!(hits > 0 && restamped > 0, "the cache took part");
    assert_eq!(sum(|s| s.cache_errors), 0);
}
