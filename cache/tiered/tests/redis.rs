//! The conformance suite, over Redis.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

use std::time::Duration;

use thing_cache_memory::MemoryConfig;
use thing_cache_redis::{RedisCache, RedisConfig};
use thing_cache_tiered::{TieredCache, TieredConfig};
use thing_test_servers::{redis_prefix, redis_url};

const PATIENCE: Duration = Duration::from_secs(20);

async fn empty_cache() -> TieredCache {
    let config = RedisConfig::from_url(redis_url()).expect("a URL").prefix(redis_prefix());
    // The cases demand answers, and the machine may be busy with other tests.
    let patient = config.read_timeout(PATIENCE).write_timeout(PATIENCE).bound(PATIENCE);
    let shared = RedisCache::connect(patient).await.expect("the server runs");
    let cache = TieredCache::new(MemoryConfig::default(), shared, TieredConfig::default().bound(PATIENCE));
    let serving = async {
        while !cache.is_near() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, serving).await.expect("the stream is opened");
    cache
}

thing_conformance::cache_suite!(empty_cache);
