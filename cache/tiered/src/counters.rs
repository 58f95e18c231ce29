//! Counters for the statistics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What neither of the two caches counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Reads that passed by the memory because its gate was closed.
    pub(crate) suspect: Counter,
    /// Entries of the memory that were behind and handed on as such.
    pub(crate) behind: Counter,
    /// Reads of what a writer of this or another process is at work on, as the memory knew.
    pub(crate) quarantined: Counter,
    /// Invalidations heard.
    pub(crate) heard: Counter,
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
