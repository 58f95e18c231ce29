//! Cached answers equal uncached answers equal the database's equal the truth: for random schemas, rows and filters,
//! through random writes, transactions and rollbacks.
//!
//! A run is the same each time. `THING_CASES` sets the number of cases (a tenth of it on databases and caches that are a
//! round trip away) and `THING_SEED` the seed of another run.
//!
//! ```text
//! program ─▶ world ─▶ cached Db · uncached query · Db without a cache · scan of a copy of the rows ─▶ all the same?
//! ```

mod ask;
mod filters;
mod oracle;
mod program;
mod schema;
mod setting;
mod storable;
mod values;
mod world;

use std::cell::{Cell, RefCell};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use thing::{Result, Statistics};

use self::program::programs;
use self::storable::Storable;
use crate::support::Stack;

matrix! {
    cached: [every_answer_is_true_whatever_was_written_before]
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

async fn every_answer_is_true_whatever_was_written_before(stack: &Stack) -> Result<()> {
    let (given, seed) = (number("THING_CASES", 200), number("THING_SEED", 1));
    let (cases, max_shrink_iters) = if stack.is_remote() { (given.div_ceil(10), 500) } else { (given, 4000) };
    let cases = u32::try_from(cases).unwrap();
    let config = Config { cases, failure_persistence: None, max_shrink_iters, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));

    let executor = stack.executor().await;
    let storable = Storable::of(&executor).await;
    let runtime = tokio::runtime::Handle::current();
    let done = Cell::new(0u32);
    let total = RefCell::new(Vec::<Statistics>::new());
    let run = |program| {
        done.set(done.get() + 1);
        let statistics = runtime.block_on(world::run(&program, stack, &executor, &storable));
        total.borrow_mut().push(statistics.map_err(TestCaseError::fail)?);
        Ok(())
    };
    // Statements run on this thread, which is what knows the table.
    let programs = programs(40, storable.types());
    let failed = tokio::task::block_in_place(|| runner.run(&programs, run).err());
    if let Some(failure) = failed {
        let name = stack.name();
        panic!(
            "{failure}\nrepeat it: THING_SEED={seed} THING_CASES={given} cargo test -p thing-tests properties::{name}:"
        );
    }
    let sum = |of: fn(&Statistics) -> u64| total.borrow().iter().map(of).sum::<u64>();
    let (hits, restamped) = (sum(|s| s.cache.hits), sum(|s| s.cache.restamped));
    println!("{} cases, {hits} hits, {restamped} of lists behind", done.get());
    assert!(hits > 0, "the cache took part");
    assert_eq!(sum(|s| s.cache_errors), 0);
    Ok(())
}
