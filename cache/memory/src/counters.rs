//! Counters for the statistics.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a cache counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) hits: Striped,
    pub(crate) misses_cold: Counter,
    pub(crate) misses_expired: Counter,
    pub(crate) misses_stale: Counter,
    pub(crate) misses_quarantined: Counter,
    pub(crate) restamped: Counter,
    pub(crate) stored: Counter,
    pub(crate) refused: Counter,
    pub(crate) held: Counter,
    pub(crate) quarantines: Counter,
    pub(crate) releases: Counter,
    pub(crate) lapsed: Counter,
    pub(crate) evicted: Counter,
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

const STRIPES: usize = 32;

/// A number that many threads increase all the time: each thread mostly has a cache line of its own, for one shared
/// line would cost more than the rest of a hit.
#[derive(Debug, Default)]
pub(crate) struct Striped([Stripe; STRIPES]);

#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe(Counter);

thread_local! {
    static STRIPE: usize = {
        let mut hasher = DefaultHasher::new();
        std::thread::current().id().hash(&mut hasher);
        hasher.finish() as usize % STRIPES
    };
}

impl Striped {
    pub(crate) fn add_one(&self) {
        // A thread that is being torn down has no stripe of its own any more.
        let stripe = STRIPE.try_with(|stripe| *stripe).unwrap_or(0);
        self.0[stripe].0.add(1);
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.0.total()).sum()
    }
}
