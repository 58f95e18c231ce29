//! How a near cache serves.

use std::time::Duration;

/// How a [`TieredCache`](crate::TieredCache) serves what it holds. What it may hold is said by the
/// [`MemoryConfig`](thing_cache_memory::MemoryConfig).
///
/// ```
/// use std::time::Duration;
/// use thing_cache_tiered::TieredConfig;
///
/// let config = TieredConfig::default().bound(Duration::from_millis(300));
/// assert_eq!(config.bound, Duration::from_millis(300));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TieredConfig {
    /// For how long at most a read may miss what another process committed; 1 second. Messages need far less; the bound
    /// is for those that are late or lost. The shorter it is, the sooner a slow network sends reads to the shared cache.
    pub bound: Duration,
    /// How long an entry is served before the shared cache is asked for it again; 60 seconds. A write that bypasses
    /// Thing goes unnoticed for this long after it is noticed there.
    pub time_to_live: Duration,
}

impl Default for TieredConfig {
    fn default() -> Self {
        Self { bound: Duration::from_secs(1), time_to_live: Duration::from_secs(60) }
    }
}

impl TieredConfig {
    /// Sets for how long at most a read may miss what another process committed.
    #[must_use]
    pub fn bound(mut self, duration: Duration) -> Self {
        self.bound = duration;
        self
    }

    /// Sets how long an entry is served before the shared cache is asked for it again.
    #[must_use]
    pub fn time_to_live(mut self, duration: Duration) -> Self {
        self.time_to_live = duration;
        self
    }
}
