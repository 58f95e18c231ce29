//! The conformance suite, over a shared cache in memory.

mod support;

use std::time::Duration;

use support::{SharedMemory, process};
use thing_cache_tiered::TieredCache;

async fn empty_cache() -> TieredCache {
    process(&SharedMemory::new(), Duration::from_secs(10)).await.cache
}

thing_conformance::cache_suite!(empty_cache);
