//! The log, the faults and the gates that one wrapper and its parts share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thing_driver_api::{Error, Result};

use super::gate::Latch;
use super::{Gate, Matcher, When};

/// What [`Points::pass`] meets, shared by a wrapper and the transactions it began.
#[derive(Debug)]
pub(super) struct Points<R>(Arc<Mutex<State<R>>>);

#[derive(Debug)]
struct State<R> {
    log: Vec<R>,
    faults: Vec<Fault<R>>,
    gates: Vec<(Matcher<R>, When, Latch)>,
}

#[derive(Debug)]
struct Fault<R> {
    matcher: Matcher<R>,
    when: When,
    error: Error,
    stays: bool,
}

impl<R> Clone for Points<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R> Default for Points<R> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State { log: Vec::new(), faults: Vec::new(), gates: Vec::new() })))
    }
}

impl<R: Clone + 'static> Points<R> {
    fn state(&self) -> MutexGuard<'_, State<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(&self, record: R) {
        self.state().log.push(record);
    }

    pub(super) fn log(&self) -> Vec<R> {
        self.state().log.clone()
    }

    pub(super) fn count(&self, matcher: &Matcher<R>) -> usize {
        self.state().log.iter().filter(|record| matcher.matches(record)).count()
    }

    pub(super) fn sum(&self, weigh: impl Fn(&R) -> usize) -> usize {
        self.state().log.iter().map(weigh).sum()
    }

    pub(super) fn reset(&self) {
        self.state().log.clear();
    }

    pub(super) fn fail(&self, matcher: Matcher<R>, error: Error, when: When, stays: bool) {
        self.state().faults.push(Fault { matcher, when, error, stays });
    }

    pub(super) fn clear_faults(&self) {
        self.state().faults.clear();
    }

    pub(super) fn pending_faults(&self) -> usize {
        self.state().faults.len()
    }

    pub(super) fn gate(&self, matcher: Matcher<R>, when: When) -> Gate {
        let (gate, latch) = Gate::new();
        self.state().gates.push((matcher, when, latch));
        gate
    }

    /// Writes the operation down, waits at its first gate and meets its first fault.
    pub(super) async fn before(&self, record: &R) -> Result<()> {
        self.record(record.clone());
        self.wait(record, When::Before).await;
        self.fault(record, When::Before)
    }

    /// Waits at the second gate and meets the second fault; an operation that failed by itself meets none.
    pub(super) async fn after<T, E>(
        &self,
        record: &R,
        answer: Result<T, E>,
        lose: impl FnOnce(Error) -> E,
    ) -> Result<T, E> {
        self.wait(record, When::After).await;
        let answer = answer?;
        self.fault(record, When::After).map_err(lose)?;
        Ok(answer)
    }

    async fn wait(&self, record: &R, when: When) {
        let latch = {
            let mut state = self.state();
            state.gates.retain(|(_, _, latch)| !latch.is_open());
            let held = state.gates.iter().position(|(m, w, _)| *w == when && m.matches(record));
            held.map(|at| state.gates.remove(at).2)
        };
        if let Some(latch) = latch {
            latch.pass().await;
        }
    }

    fn fault(&self, record: &R, when: When) -> Result<()> {
        let mut state = self.state();
        let Some(at) = state.faults.iter().position(|f| f.when == when && f.matcher.matches(record)) else {
            return Ok(());
        };
        if state.faults[at].stays {
            return Err(state.faults[at].error.duplicate());
        }
        Err(state.faults.remove(at).error)
    }
}
