//! The conformance suite.

use thing_cache_redis::{RedisCache, RedisConfig};
use thing_test_servers::{redis_prefix, redis_url};

async fn empty_cache() -> RedisCache {
    let config = RedisConfig::new(redis_url()).expect("a URL").prefix(redis_prefix());
    RedisCache::connect(config).await.expect("the server runs")
}

thing_conformance::cache_suite!(empty_cache);
