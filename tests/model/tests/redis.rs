//! The Redis cache does what the specification's cells say, where a server is named by `THING_REDIS_URL`. Time stands
//! still: that marks run out is left to its own tests.

mod refinement;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::test_runner::{Config, TestCaseError, TestRunner};
use thing_cache_redis::{RedisCache, RedisConfig};
use thing_driver_api::TableId;
use thing_test_servers::{redis_prefix, redis_url};

use self::refinement::{Run, Seen, commands};

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn the_redis_cache_refines_the_specification() {
    if std::env::var_os("THING_REDIS_URL").is_none() {
        eprintln!("not run: THING_REDIS_URL names no server");
        return;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let config = RedisConfig::from_url(redis_url()).expect("a URL").prefix(redis_prefix());
    let config = config.connect_timeout(PATIENCE).read_timeout(PATIENCE).write_timeout(PATIENCE);
    let config = config.lease_time(Duration::from_secs(600));
    let cache = Arc::new(runtime.block_on(RedisCache::connect(config)).expect("the server runs"));
    let seen = Cell::new(Seen::default());
    let tables = AtomicU64::new(1);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(100) });
    let outcome = runner.run(&commands(false, 40), |(world, commands)| {
        // A table of its own is as good as an empty server.
        let table = TableId(tables.fetch_add(1, Ordering::SeqCst));
        let mut run = Run::new(cache.clone(), table, world, seen.get());
        for command in &commands {
            runtime.block_on(run.step(command)).map_err(TestCaseError::fail)?;
        }
        seen.set(run.seen());
        Ok(())
    });
    outcome.expect("the client refines the specification");
    println!("{:?}", seen.get());
    assert!(seen.get().is_everything(), "{:?}", seen.get());
}
