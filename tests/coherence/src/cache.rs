//! The choice of cache: which client the workers use, and what it promises.

pub mod defect;
mod naive;

use std::sync::Arc;
use std::time::Duration;

use thing::Coherence;
use thing::driver::CacheClient;
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_cache_redis::{RedisCache, RedisConfig};
use thing_cache_tiered::{TieredCache, TieredConfig};

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
    /// A memory cache of each process in front of Redis.
    Tiered,
    /// The same, and writers wait for the memories of other processes.
    Strict,
    /// The same without waiting, and readers pass by the memory of their process.
    Fresh,
    /// Cache-aside over Redis as it is usually written, to show that the checker sees stale reads.
    Naive,
}

/// How old an answer of a near cache may be.
const BOUND: Duration = Duration::from_millis(500);

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
    pub const ALL: [Self; 7] =
        [Self::None, Self::Memory, Self::Redis, Self::Tiered, Self::Strict, Self::Fresh, Self::Naive];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Memory => "memory",
            Self::Redis => "redis",
            Self::Tiered => "tiered",
            Self::Strict => "strict",
            Self::Fresh => "fresh",
            Self::Naive => "naive",
        }
    }

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether a Redis server is needed.
    pub fn needs_redis(self) -> bool {
        !matches!(self, Self::None | Self::Memory)
    }

    /// Whether several processes may use it on one database.
    pub fn is_shared(self) -> bool {
        self != Self::Memory
    }

    /// What it promises.
    pub fn promise(self) -> Promise {
        match self {
            Self::Tiered => Promise::Bounded(BOUND),
            _ => Promise::Strict,
        }
    }

    /// What reads and writes ask for.
    pub fn coherence(self) -> Coherence {
        match self {
            Self::Strict => Coherence::Strict,
            Self::Fresh => Coherence::Fresh,
            _ => Coherence::Bounded,
        }
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
            Self::Tiered | Self::Strict | Self::Fresh => {
                let redis = RedisCache::connect(RedisConfig::from_url(url)?.bound(BOUND)).await?;
                let config = TieredConfig::default().bound(BOUND);
                Some(Arc::new(TieredCache::new(MemoryConfig::default(), redis, config)))
            }
            Self::Naive => Some(Arc::new(NaiveCache::open(url)?)),
        })
    }
}
