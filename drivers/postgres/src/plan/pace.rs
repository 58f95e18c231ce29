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
}

impl Pace {
    const PROOFS_AFTER_A_LONG_RUN: u8 = 8;

    pub(crate) fn is_short(&self) -> bool {
        self.proofs_wanted.load(Ordering::Relaxed) == 0
    }

    /// It held up a shared connection.
    pub(crate) fn was_long(&self) {
        self.proofs_wanted.store(Self::PROOFS_AFTER_A_LONG_RUN, Ordering::Relaxed);
    }

    /// The server worked on it for so long.
    pub(crate) fn took(&self, duration: Duration) {
        if duration > BUDGET {
            return self.was_long();
        }
        let wanted = self.proofs_wanted.load(Ordering::Relaxed);
        if wanted > 0 {
            // Two runs at once may count as one, which only delays the way back.
            self.proofs_wanted.store(wanted - 1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_is_forgotten_after_short_ones() {
        let pace = Pace::default();
        assert!(pace.is_short());
        pace.took(Duration::from_secs(1));
        for _ in 0..Pace::PROOFS_AFTER_A_LONG_RUN {
            assert!(!pace.is_short());
            pace.took(Duration::from_micros(100));
        }
        assert!(pace.is_short());
    }
}
