//! Retries: a write alone that met another is a transaction of its own, which nobody else can begin again; and
//! transactions of the application that it lets begin again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use thing_driver_api::{Error, ErrorKind};

/// How [`Db::retry_transaction`](crate::Db::retry_transaction) tries again: ten times in all at most, with random pauses
/// that grow from five milliseconds to half a second, unless set.
#[derive(Clone, Debug)]
pub struct Retry {
    attempts: u32,
    first_pause: Duration,
    longest_pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 10, first_pause: Duration::from_millis(5), longest_pause: Duration::from_millis(500) }
    }
}

impl Retry {
    /// Sets how often the transaction is run at most, the first time included.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the pause before the second attempt, which doubles with each further one.
    #[must_use]
    pub fn first_pause(mut self, pause: Duration) -> Self {
        self.first_pause = pause;
        self
    }

    /// Sets what no pause exceeds.
    #[must_use]
    pub fn longest_pause(mut self, pause: Duration) -> Self {
        self.longest_pause = pause;
        self
    }

    /// Waits after this attempt, counted from 1; false when it was the last one.
    pub(crate) async fn again(&self, attempt: u32) -> bool {
        if attempt >= self.attempts {
            return false;
        }
        crate::task::pause(self.pause(attempt)).await;
        true
    }

    /// Between half of it and all of it, so that those who met don't meet again.
    fn pause(&self, attempt: u32) -> Duration {
        let doubled = self.first_pause.saturating_mul(2_u32.saturating_pow(attempt - 1));
        let random = RandomState::new().hash_one(attempt) % 1024;
        doubled.min(self.longest_pause).mul_f64(0.5 + random as f64 / 2048.0)
    }
}

/// How often a write is tried again before its caller is told.
const RETRIES: usize = 8;

/// The tries that one write has left.
#[derive(Debug)]
pub(crate) struct Retries(usize);

impl Retries {
    pub(crate) fn new() -> Self {
        Self(RETRIES)
    }

    /// Whether to try again: the write met another and certainly had no effect.
    pub(crate) async fn again(&mut self, failed: Option<&Error>) -> bool {
        if self.0 == 0 || failed.is_none_or(|error| *error.kind() != ErrorKind::Conflict) {
            return false;
        }
        self.0 -= 1;
        crate::task::yield_now().await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest() {
        let retry = Retry::default().first_pause(Duration::from_millis(8)).longest_pause(Duration::from_millis(50));
        for (attempt, longest) in [(1, 8), (2, 16), (3, 32), (4, 50), (200, 50)] {
            let (pause, longest) = (retry.pause(attempt), Duration::from_millis(longest));
            assert!(longest / 2 <= pause && pause <= longest, "{attempt}: {pause:?}");
        }
    }
}
