//! The memory cache does what the specification's cells say.

mod refinement;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::test_runner::{Config, TestCaseError, TestRunner};
use thing_cache_memory::{Clock, MemoryCache, MemoryConfig};
use thing_driver_api::TableId;

use self::refinement::{Command, Run, Seen, commands};

#[derive(Clone, Debug, Default)]
struct ManualClock(Arc<AtomicU64>);

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[test]
fn the_memory_cache_refines_the_specification() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let seen = Cell::new(Seen::default());
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(800) });
    let outcome = runner.run(&commands(true, 60), |(world, commands)| {
        let clock = ManualClock::default();
        let config = MemoryConfig::default().jitter(0.0).lease_time(Duration::from_secs(3_600));
        let cache = MemoryCache::with_clock(config, clock.clone());
        let mut run = Run::new(cache, TableId(7), world, seen.get());
        for command in &commands {
            if let Command::Pass { time } = command {
                clock.0.fetch_add(*time, Ordering::SeqCst);
            }
            runtime.block_on(run.step(command)).map_err(TestCaseError::fail)?;
        }
        seen.set(run.seen());
        Ok(())
    });
    outcome.expect("the client refines the specification");
    println!("{:?}", seen.get());
    assert!(seen.get().is_everything(), "{:?}", seen.get());
}
