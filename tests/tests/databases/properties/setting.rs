//! What a case runs on: a database, a cache, and wrappers that make them look like others.

use std::sync::Arc;

use thing::Db;
use thing::driver::{Capability, Executor};
use thing_cache_memory::{MemoryCache, MemoryConfig};

use super::program::{CacheKind, Setting};
use crate::support::{BytesCache, Cache, Limited, Stack};

/// The database as the setting wants it to look, with the stack's cache.
pub(crate) async fn cached(stack: &Stack, executor: &Arc<dyn Executor>, setting: Setting) -> Db {
    let without: Vec<Capability> = [
        (setting.returning, Capability::Returning),
        (setting.exact_text, Capability::ExactText),
        (setting.exact_text, Capability::OrderedText),
        (setting.exact_numbers, Capability::ExactNumbers),
    ]
    .into_iter()
    .filter_map(|(kept, capability)| (!kept).then_some(capability))
    .collect();
    let limited = Limited::new(executor.clone(), &without);
    if stack.cache() != Cache::Memory {
        return stack.over(limited).await.build();
    }
    let builder = Db::builder(limited);
    let tiny = || MemoryConfig::default().max_entries(6).max_tags(12).max_log_changes(2);
    match setting.cache {
        CacheKind::Roomy => builder.cache(MemoryCache::new(MemoryConfig::default())),
        CacheKind::Tiny => builder.cache(MemoryCache::new(tiny())).cached_list_limit(3),
        CacheKind::Bytes => builder.cache(BytesCache::new(MemoryCache::new(MemoryConfig::default()))),
    }
    .build()
}
