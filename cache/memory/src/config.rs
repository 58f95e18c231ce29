//! The limits of a memory cache.

use std::time::Duration;

/// The limits of a [`MemoryCache`](crate::MemoryCache).
///
/// ```
/// use std::time::Duration;
/// use thing_cache_memory::MemoryConfig;
///
/// let config = MemoryConfig::default().max_bytes(256 << 20).time_to_live(Duration::from_secs(300));
/// assert_eq!(config.max_bytes, 256 << 20);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MemoryConfig {
    /// The most bytes that entries take, keys and bookkeeping included; 64 MiB. Change logs, stamps and the memory of
    /// the eviction policy come on top.
    pub max_bytes: u64,
    /// The most entries; 1,000,000.
    pub max_entries: u64,
    /// How long an entry is served; 10 minutes. This bounds how long a write that bypasses Thing goes unnoticed.
    pub time_to_live: Duration,
    /// How long a row is known to be absent; 60 seconds.
    pub absent_time_to_live: Duration,
    /// By which part of itself a time to live varies at random, so that entries stored together don't expire together;
    /// 0.1, which is ±10 %.
    pub jitter: f64,
    /// How long a fill may take before it can't be stored any more; 10 seconds.
    pub lease_time: Duration,
    /// The most changes remembered for each table, by which readers judge lists that are behind; 1,024.
    pub max_log_changes: usize,
    /// The most bytes of changes remembered for each table; 1 MiB.
    pub max_log_bytes: usize,
    /// The most tags whose stamps are remembered; 262,144, of some 40 bytes each. Lists whose tags are forgotten, those
    /// unused for longest, are read again.
    pub max_tags: usize,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
            max_entries: 1_000_000,
            time_to_live: Duration::from_secs(600),
            absent_time_to_live: Duration::from_secs(60),
            jitter: 0.1,
            lease_time: Duration::from_secs(10),
            max_log_changes: 1024,
            max_log_bytes: 1 << 20,
            max_tags: 1 << 18,
        }
    }
}

impl MemoryConfig {
    /// Sets the most bytes that entries take.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets the most entries.
    #[must_use]
    pub fn max_entries(mut self, entries: u64) -> Self {
        self.max_entries = entries;
        self
    }

    /// Sets how long an entry is served.
    #[must_use]
    pub fn time_to_live(mut self, duration: Duration) -> Self {
        self.time_to_live = duration;
        self
    }

    /// Sets how long a row is known to be absent.
    #[must_use]
    pub fn absent_time_to_live(mut self, duration: Duration) -> Self {
        self.absent_time_to_live = duration;
        self
    }

    /// Sets by which part of itself a time to live varies; 0 to 1, other values count as the nearer of the
    /// two.
    #[must_use]
    pub fn jitter(mut self, part: f64) -> Self {
        self.jitter = part;
        self
    }

    /// Sets how long a fill may take.
    #[must_use]
    pub fn lease_time(mut self, duration: Duration) -> Self {
        self.lease_time = duration;
        self
    }

    /// Sets the most changes remembered for each table.
    #[must_use]
    pub fn max_log_changes(mut self, changes: usize) -> Self {
        self.max_log_changes = changes;
        self
    }

    /// Sets the most bytes of changes remembered for each table.
    #[must_use]
    pub fn max_log_bytes(mut self, bytes: usize) -> Self {
        self.max_log_bytes = bytes;
        self
    }

    /// Sets the most tags whose stamps are remembered.
    #[must_use]
    pub fn max_tags(mut self, tags: usize) -> Self {
        self.max_tags = tags;
        self
    }

    /// `time_to_live` changed at random within the jitter.
    pub(crate) fn jittered(&self, time_to_live: Duration, random: u64) -> Duration {
        let jitter = if self.jitter > 0.0 { self.jitter.min(1.0) } else { 0.0 };
        let part = (random >> 11) as f64 / (1u64 << 53) as f64;
        let factor = 1.0 + jitter * (2.0 * part - 1.0);
        Duration::try_from_secs_f64(time_to_live.as_secs_f64() * factor).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_its_bounds_and_reaches_them() {
        let config = MemoryConfig::default();
        let time = Duration::from_secs(100);
        assert_eq!(config.jittered(time, 0), Duration::from_secs(90));
        assert!(config.jittered(time, u64::MAX) <= Duration::from_secs(110));
        assert!(config.jittered(time, u64::MAX) > Duration::from_secs(109));
        assert_eq!(config.jitter(0.0).jittered(time, 7), time);
    }

    #[test]
    fn odd_settings_are_harmless() {
        let config = MemoryConfig::default().jitter(f64::NAN);
        assert_eq!(config.jittered(Duration::from_secs(100), 0), Duration::from_secs(100));
        let config = config.jitter(5.0);
        assert_eq!(config.jittered(Duration::from_secs(100), 0), Duration::ZERO);
        assert_eq!(config.jittered(Duration::MAX, u64::MAX), Duration::MAX);
    }
}
