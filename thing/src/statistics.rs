//! Statistics: what a `Db` sent to its database, and what its cache did.

use std::sync::atomic::{AtomicU64, Ordering};

use thing_driver_api::{CacheStatistics, Error};

use crate::trace;

/// Counters of a [`Db`](crate::Db) since it was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Reads sent to the database; a batch of keys counts once.
    pub reads: u64,
    /// Writes sent to the database; each statement of a bulk write counts.
    pub writes: u64,
    /// Transactions begun.
    pub transactions: u64,
    /// Lookups by key that shared another lookup's statement.
    pub merged: u64,
    /// Commands that the cache failed to carry out; the reads among them went to the database.
    pub cache_errors: u64,
    /// Writes that were carried out although the cache could not be told, by
    /// [`CacheOutage::Debt`](crate::CacheOutage::Debt).
    pub debts: u64,
    /// Debts of any process of which this one told the cache.
    pub debts_paid: u64,
    /// Hooks and listeners that failed or panicked after a transaction had ended.
    pub listener_errors: u64,
    /// What the cache counted; zero without a cache.
    pub cache: CacheStatistics,
}

impl Statistics {
    /// Statements sent to the database, reads and writes.
    pub fn statements(&self) -> u64 {
        self.reads + self.writes
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    reads: AtomicU64,
    writes: AtomicU64,
    transactions: AtomicU64,
    merged: AtomicU64,
    cache_errors: AtomicU64,
    debts: AtomicU64,
    debts_paid: AtomicU64,
    listener_errors: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn write(&self) {
        self.writes_by(1);
    }

    pub(crate) fn writes_by(&self, count: usize) {
        self.writes.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn transaction(&self) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn merged(&self, count: usize) {
        self.merged.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn cache_error(&self) {
        trace::cache_error();
        self.cache_errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn debt(&self) {
        trace::debt();
        self.debts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn debts_paid(&self, count: i64) {
        trace::debts_paid(count.unsigned_abs());
        self.debts_paid.fetch_add(count.unsigned_abs(), Ordering::Relaxed);
    }

    /// `None` for one that panicked.
    pub(crate) fn listener_error(&self, error: Option<&Error>) {
        trace::listener_error(error);
        self.listener_errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self, cache: CacheStatistics) -> Statistics {
        Statistics {
            reads: self.reads.load(Ordering::Relaxed),
            writes: self.writes.load(Ordering::Relaxed),
            transactions: self.transactions.load(Ordering::Relaxed),
            merged: self.merged.load(Ordering::Relaxed),
            cache_errors: self.cache_errors.load(Ordering::Relaxed),
            debts: self.debts.load(Ordering::Relaxed),
            debts_paid: self.debts_paid.load(Ordering::Relaxed),
            listener_errors: self.listener_errors.load(Ordering::Relaxed),
            cache,
        }
    }
}
