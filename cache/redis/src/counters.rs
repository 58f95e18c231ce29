//! Counters for the statistics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use thing_driver_api::CacheStatistics;

/// What this client counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) hits: Counter,
    pub(crate) misses_cold: Counter,
    pub(crate) misses_stale: Counter,
    pub(crate) misses_quarantined: Counter,
    pub(crate) restamped: Counter,
    pub(crate) stored: Counter,
    pub(crate) stored_bytes: Counter,
    pub(crate) refused: Counter,
    pub(crate) held: Counter,
    pub(crate) quarantines: Counter,
    pub(crate) releases: Counter,
    pub(crate) lapsed: Counter,
    pub(crate) damaged: Counter,
    pub(crate) timeouts: Counter,
    pub(crate) failures: Counter,
    pub(crate) spared: Counter,
    pub(crate) links: Counter,
    pub(crate) heard: Arc<Counter>,
    pub(crate) held_elsewhere: Counter,
    pub(crate) filled: Counter,
    pub(crate) early: Counter,
    pub(crate) settles: Counter,
    pub(crate) barriers: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Relaxed);
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Counters of a [`RedisCache`](crate::RedisCache) since its start, those of this process alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisStatistics {
    /// What every cache counts. `entries` and `bytes` are what this client stored, not what the server holds; an
    /// entry past its time to live counts as cold, because Redis has dropped it.
    pub cache: CacheStatistics,
    /// Entries and log records that could not be read, and were taken for misses.
    pub damaged: u64,
    /// Commands that took longer than allowed.
    pub timeouts: u64,
    /// Commands that failed in another way.
    pub failures: u64,
    /// Reads that were told at once to use the database, because the server did not answer lately.
    pub spared: u64,
    /// Fills that found another process at the same entry; how often they were told so.
    pub held_elsewhere: u64,
    /// Fills that found the entry filled by another process meanwhile.
    pub filled: u64,
    /// Valid entries that were read again because their time was about to end; among the expired.
    pub refreshed_early: u64,
    /// Writes that waited until no near cache answered by what it held before.
    pub settles: u64,
    /// How often the near caches were asked for that. Writes that wait at the same time share an answer.
    pub barriers: u64,
    /// How often the client has connected, the first time included.
    pub connects: u64,
    /// Whether there is a connection now.
    pub connected: bool,
    /// Whether reads are told at once to use the database now: the breaker is open.
    pub sparing: bool,
}

impl Counters {
    pub(crate) fn cache(&self) -> CacheStatistics {
        let mut statistics = CacheStatistics::default();
        statistics.hits = self.hits.total();
        statistics.misses_cold = self.misses_cold.total();
        statistics.misses_expired = self.early.total();
        statistics.misses_stale = self.misses_stale.total();
        statistics.misses_quarantined = self.misses_quarantined.total();
        statistics.restamped = self.restamped.total();
        statistics.stored = self.stored.total();
        statistics.refused = self.refused.total();
        statistics.heard = self.heard.total();
        statistics.held = self.held.total();
        statistics.quarantines = self.quarantines.total();
        statistics.releases = self.releases.total();
        statistics.lapsed = self.lapsed.total();
        statistics.entries = self.stored.total();
        statistics.bytes = self.stored_bytes.total();
        statistics
    }

    pub(crate) fn all(&self, connected: bool, sparing: bool) -> RedisStatistics {
        RedisStatistics {
            cache: self.cache(),
            damaged: self.damaged.total(),
            timeouts: self.timeouts.total(),
            failures: self.failures.total(),
            spared: self.spared.total(),
            held_elsewhere: self.held_elsewhere.total(),
            filled: self.filled.total(),
            refreshed_early: self.early.total(),
            settles: self.settles.total(),
            barriers: self.barriers.total(),
            connects: self.links.total(),
            connected,
            sparing,
        }
    }
}
