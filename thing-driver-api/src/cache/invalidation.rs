//! Invalidations: what a cache in front of another is told, and until when it may serve what it holds.
//!
//! ```text
//! writer   quarantine ──▶ shared cache ── message ──▶ stream ─▶ near cache closes the tags ┐
//!             │ settle: waits until all know, or serve no more ◀── asks for the next ──────┘
//!          COMMIT
//! reader   near cache serves while its gate is open: the stream was known to be alive less than the bound ago
//! ```

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::{Outcome, Tag, Token};
use crate::{Result, TableId};

/// What other clients of a shared cache do to tags, in the order in which each of its servers saw it. What this client
/// does itself is not among it.
///
/// To ask for the next says that what came before has taken effect: only then may the gate open further, and only then
/// is a writer that [settles](super::CacheClient::settle) told so.
#[async_trait]
pub trait InvalidationStream: Send + fmt::Debug {
    /// Waits for the next.
    ///
    /// # Errors
    ///
    /// When some may have been missed. The gate is closed by then, for good; everything held is in doubt.
    async fn next(&mut self) -> Result<Invalidation>;

    /// Whether what is held may be served.
    fn gate(&self) -> Arc<Gate>;
}

/// What another client did to tags.
///
/// Exhaustive: whoever did not know one could not be right.
#[derive(Clone, Debug)]
pub enum Invalidation {
    /// A writer closes the tags, or prolongs that.
    Quarantined {
        /// The tags.
        tags: Vec<Tag>,
        /// The writer.
        token: Token,
        /// How long at most, from now.
        duration: Duration,
    },
    /// A writer opens the tags.
    Released {
        /// The tags.
        tags: Vec<Tag>,
        /// The writer.
        token: Token,
        /// What it did.
        outcome: Outcome,
    },
    /// The tags got new stamps.
    Voided(Vec<Tag>),
    /// Everything about the table is forgotten.
    VoidedTable(TableId),
}

/// Until when a near cache may serve what it holds.
///
/// A message may be under way for longer than its writer waits, or be lost with a link that nobody knows to be dead. So
/// what was heard is trusted for a bounded time only: opened until `asked + bound` when the shared cache has answered a
/// question asked at `asked`, by the same way on which messages come and behind them.
#[derive(Debug)]
pub struct Gate {
    start: Instant,
    /// Nanoseconds since `start`; zero is closed.
    open_until: AtomicU64,
    closed: AtomicBool,
}

impl Gate {
    /// A gate that has not been opened.
    pub fn new() -> Self {
        Self { start: Instant::now(), open_until: AtomicU64::new(0), closed: AtomicBool::new(false) }
    }

    /// Whether it is open now.
    pub fn is_open(&self) -> bool {
        let open_until = self.open_until.load(SeqCst);
        open_until != 0 && nanoseconds(self.start.elapsed()) < open_until
    }

    /// Opens it until then, unless it is open for longer or closed for good.
    pub fn open_until(&self, until: Instant) {
        let until = nanoseconds(until.saturating_duration_since(self.start));
        self.open_until.fetch_max(until, SeqCst);
        if self.closed.load(SeqCst) {
            self.open_until.store(0, SeqCst);
        }
    }

    /// Closes it for good, at once.
    pub fn close(&self) {
        self.closed.store(true, SeqCst);
        self.open_until.store(0, SeqCst);
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

/// Enough for 584 years.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_open_for_a_time_and_closed_for_good() {
        let gate = Gate::new();
        assert!(!gate.is_open());
        gate.open_until(Instant::now() + Duration::from_secs(60));
        assert!(gate.is_open());
        gate.open_until(Instant::now());
        assert!(gate.is_open(), "an older answer takes nothing away");
        gate.close();
        assert!(!gate.is_open());
        gate.open_until(Instant::now() + Duration::from_secs(120));
        assert!(!gate.is_open());
    }

    #[test]
    fn a_gate_closes_by_itself() {
        let gate = Gate::new();
        gate.open_until(Instant::now() + Duration::from_millis(20));
        std::thread::sleep(Duration::from_millis(30));
        assert!(!gate.is_open());
    }
}
