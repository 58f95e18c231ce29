//! The conformance suite.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

use std::time::Duration;

use thing_cache_redis::{RedisCache, RedisConfig};
use thing_test_servers::{redis_prefix, redis_url};

const PATIENCE: Duration = Duration::from_secs(20);

async fn empty_cache() -> RedisCache {
    let config = RedisConfig::from_url(redis_url()).expect("a URL").prefix(redis_prefix());
    // The cases demand answers, and the machine may be busy with other tests.
    let patient = config.read_timeout(PATIENCE).write_timeout(PATIENCE);
    RedisCache::connect(patient).await.expect("the server runs")
}

thing_conformance::cache_suite!(empty_cache);
