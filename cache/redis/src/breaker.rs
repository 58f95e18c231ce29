//! A circuit breaker: after failures in a row, reads are spared the wait.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

/// Open after failures in a row, closed again by the keeper when the server answers in time.
#[derive(Debug)]
pub(crate) struct Breaker {
    limit: u32,
    failures: AtomicU32,
    open: AtomicBool,
}

impl Breaker {
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit: limit.max(1), failures: AtomicU32::new(0), open: AtomicBool::new(false) }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Relaxed)
    }

    /// Notes that the server answered.
    pub(crate) fn succeeded(&self) {
        if self.failures.load(Relaxed) != 0 {
            self.failures.store(0, Relaxed);
        }
    }

    /// Notes a failure; returns whether this one opened the breaker.
    pub(crate) fn failed(&self) -> bool {
        let failures = self.failures.fetch_add(1, Relaxed).saturating_add(1);
        failures >= self.limit && !self.open.swap(true, Relaxed)
    }

    pub(crate) fn close(&self) {
        self.failures.store(0, Relaxed);
        self.open.store(false, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_failures_in_a_row() {
        let breaker = Breaker::new(3);
        assert!(!breaker.failed() && !breaker.failed());
        breaker.succeeded();
        assert!(!breaker.failed() && !breaker.failed() && !breaker.is_open());
        assert!(breaker.failed());
        assert!(breaker.is_open() && !breaker.failed());
        breaker.close();
        assert!(!breaker.is_open() && !breaker.failed());
    }
}
