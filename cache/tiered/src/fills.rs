//! What was noted in the memory for leases of the shared cache.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thing_driver_api::{LeaseId, Payload, Tag};

use crate::near::Reading;

/// By lease of the shared cache: of a fill, or of an entry that is behind. Bounded by the readers at work, each for the
/// time that the memory's own leases last.
#[derive(Debug)]
pub(crate) struct Fills {
    lease_time: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    noted: HashMap<LeaseId, (Noted, Instant)>,
    sweep_at: usize,
}

/// What was noted for a lease.
#[derive(Debug)]
pub(crate) struct Noted {
    /// From before the lease.
    pub(crate) reading: Arc<Reading>,
    pub(crate) behind: Option<Judged>,
}

/// An entry of the shared cache that is behind.
#[derive(Debug)]
pub(crate) struct Judged {
    /// As the shared cache gave it.
    pub(crate) payload: Payload,
    /// What it depends on.
    pub(crate) tags: Vec<Tag>,
}

impl Fills {
    pub(crate) fn new(lease_time: Duration) -> Self {
        Self { lease_time, state: Mutex::default() }
    }

    pub(crate) fn begin(&self, id: LeaseId, noted: Noted) {
        let now = Instant::now();
        let mut state = self.state();
        if state.noted.len() >= state.sweep_at {
            let lease_time = self.lease_time;
            state.noted.retain(|_, (_, since)| now.duration_since(*since) < lease_time);
            state.sweep_at = 2 * state.noted.len() + 64;
        }
        state.noted.insert(id, (noted, now));
    }

    /// Ends a lease and returns what was noted for it; `None` for one that ended before or is unknown.
    pub(crate) fn end(&self, id: LeaseId) -> Option<Noted> {
        self.state().noted.remove(&id).map(|(noted, _)| noted)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
