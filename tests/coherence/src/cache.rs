//! The choice of cache: which client the workers use, and what it promises.

pub mod defect;
mod naive;

use std::sync::Arc;
use std::time::Duration;

use thing::driver::CacheClient;
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_cache_redis::{RedisCache, RedisConfig};

use self::naive::NaiveCache;

/// What the workers read through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheKind {
    /// Nothing: every read goes to the database.
    None,
    /// A cache in the memory of the only process.
    Memory,
    /// Redis, shared by all processes.
    Redis,
    /// Cache-aside over Redis as it is usually written, to show that the checker sees stale reads.
    Naive,
}

/// What is checked: how old an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// A read that begins after a write returned sees that write or a later one.
    Strict,
    /// As [`Promise::Strict`], but the writes of others may be so much older.
    Bounded(Duration),
}

impl CacheKind {
    /// All.
    pub const ALL: [Self; 4] = [Self::None, Self::Memory, Self::Redis, Self::Naive];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Memory => "memory",
            Self::Redis => "redis",
            Self::Naive => "naive",
        }
    }

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether a Redis server is needed.
    pub fn needs_redis(self) -> bool {
        matches!(self, Self::Redis | Self::Naive)
    }

    /// Whether several processes may use it on one database.
    pub fn is_shared(self) -> bool {
        self != Self::Memory
    }

    /// What it promises.
    pub fn promise(self) -> Promise {
        Promise::Strict
    }

    /// Connects. The URL is that of Redis, and is not used where none is needed.
    ///
    /// # Errors
    ///
    /// When Redis can't be reached.
    pub async fn open(self, url: &str) -> thing::Result<Option<Arc<dyn CacheClient>>> {
        Ok(match self {
            Self::None => None,
            Self::Memory => Some(Arc::new(MemoryCache::new(MemoryConfig::default()))),
            Self::Redis => Some(Arc::new(RedisCache::connect(RedisConfig::from_url(url)?).await?)),
            Self::Naive => Some(Arc::new(NaiveCache::open(url)?)),
        })
    }
}
