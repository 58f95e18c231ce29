//! Pace: whether a read is short enough to share a connection.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// A read that takes longer has a connection to itself from then on: others would wait behind it.
const BUDGET: Duration = Duration::from_millis(5);

/// Remembers whether a statement is short. Statements count as short until they prove otherwise.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// How many short runs it still takes; 0 is short.
    proofs_wanted: AtomicU8,
    /// How many long runs there were in a row.
    long_runs: AtomicU8,
}

impl Pace {
    const PROOFS_AFTER_LONG_RUNS: u8 = 8;
    /// One alone may be the machine's fault.
    const LONG_RUNS: u8 = 2;

    pub(crate) fn is_short(&self) -> bool {
        self.proofs_wanted.load(Ordering::Relaxed) == 0
    }

    /// It held up a shared connection.
    pub(crate) fn was_long(&self) {
        self.proofs_wanted.store(Self::PROOFS_AFTER_LONG_RUNS, Ordering::Relaxed);
    }

    /// The server worked on it for so long. Runs at once may count as one, which only delays the change.
    pub(crate) fn took(&self, duration: Duration) {
        if duration > BUDGET {
            let long_runs = self.long_runs.load(Ordering::Relaxed).saturating_add(1);
            self.long_runs.store(long_runs, Ordering::Relaxed);
            if long_runs >= Self::LONG_RUNS || !self.is_short() {
                self.was_long();
            }
            return;
        }
        if self.long_runs.load(Ordering::Relaxed) > 0 {
            self.long_runs.store(0, Ordering::Relaxed);
        }
        let wanted = self.proofs_wanted.load(Ordering::Relaxed);
        if wanted > 0 {
            self.proofs_wanted.store(wanted - 1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_are_forgotten_after_short_ones() {
        let (long, short) = (Duration::from_secs(1), Duration::from_micros(100));
        let pace = Pace::default();
        for duration in [long, short, long] {
            assert!(pace.is_short());
            pace.took(duration);
        }
        assert!(pace.is_short());
        pace.took(long);
        for _ in 0..Pace::PROOFS_AFTER_LONG_RUNS {
            assert!(!pace.is_short());
            pace.took(short);
        }
        assert!(pace.is_short());
    }
}
