//! The conformance suite.

use thing_cache_memory::{MemoryCache, MemoryConfig};

async fn empty_cache() -> MemoryCache {
    MemoryCache::new(MemoryConfig::default())
}

thing_conformance::cache_suite!(empty_cache);
