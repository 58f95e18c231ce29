//! Waiting with a limit, cheaply: many waits share one timer.
//!
//! A timer for each statement or command costs more than the rest of a driver does: it is entered into the runtime's
//! timers, taken out again, and wakes a parked thread meanwhile. Here one task ticks while somebody waits, and a wait
//! counts ticks. Needs the feature `clock`.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// After how many ticks that nobody waited for the clock stops.
const IDLE_TICKS: u32 = 20;

/// The least and the greatest period of the clock of a [`Limit`].
const PERIODS: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(250)];

/// A limit of time that many waits share.
///
/// A wait is given up between 15/16 of the limit and the limit, or a quarter of a second before a limit of more than
/// four seconds, as exactly as the runtime's timers are (a millisecond).
#[derive(Debug)]
pub struct Limit {
    limit: Duration,
    ticks: u64,
    clock: Arc<Clock>,
}

impl Limit {
    /// A limit with a clock of its own.
    pub fn new(limit: Duration) -> Self {
        let [least, greatest] = PERIODS;
        let period = (limit / 16).clamp(least, greatest);
        // The first tick comes at any time, so one alone would be no wait.
        let ticks = (limit.as_nanos() / period.as_nanos()).max(2);
        Self { limit, ticks: u64::try_from(ticks).unwrap_or(u64::MAX), clock: Clock::new(period) }
    }

    /// The limit.
    pub fn duration(&self) -> Duration {
        self.limit
    }

    /// Waits for the work, in a Tokio runtime; `None` when the limit has passed before. Work of many bytes is better
    /// pinned by the caller than moved here.
    pub async fn apply<F: Future>(&self, work: F) -> Option<F::Output> {
        let mut left = self.ticks;
        let passed = || {
            left -= 1;
            left == 0
        };
        self.clock.while_patient(work, passed).await
    }
}

/// Ticks while somebody waits.
pub struct Clock {
    period: Duration,
    ticks: Notify,
    /// Whether anybody began to wait, or still does, since the last tick.
    wanted: AtomicBool,
    running: AtomicBool,
}

impl Clock {
    /// A clock that ticks once in a period, which must not be zero.
    pub fn new(period: Duration) -> Arc<Self> {
        let (wanted, running) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { period, ticks: Notify::new(), wanted, running })
    }

    /// Waits for the work, in a Tokio runtime; at each tick `give_up` says whether to stop. `None` when it was given up.
    pub async fn while_patient<F: Future>(
        self: &Arc<Self>,
        work: F,
        mut give_up: impl FnMut() -> bool,
    ) -> Option<F::Output> {
        let mut work = pin!(work);
        if let Poll::Ready(output) = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
            return Some(output);
        }
        let mut tick = pin!(self.ticks.notified());
        tick.as_mut().enable();
        self.run();
        poll_fn(|context| {
            if let Poll::Ready(output) = work.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            while tick.as_mut().poll(context).is_ready() {
                if give_up() {
                    return Poll::Ready(None);
                }
                tick.set(self.ticks.notified());
                tick.as_mut().enable();
                self.run();
            }
            Poll::Pending
        })
        .await
    }

    /// Sees to it that the clock runs. Called by who waits for the next tick already: a clock that stops ticks once
    /// more after it has said so, so that either this sees it, or that tick comes.
    ///
    /// Both flags are looked at before they are set: who only reads them is not held up by other threads.
    fn run(self: &Arc<Self>) {
        if !self.wanted.load(Ordering::Relaxed) {
            self.wanted.store(true, Ordering::Relaxed);
        }
        if self.running.load(Ordering::SeqCst) || self.running.swap(true, Ordering::SeqCst) {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(Running(self.clone()).tick())),
            // Outside of a runtime there are no ticks, so the wait has no limit.
            Err(_) => self.running.store(false, Ordering::SeqCst),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("period", &self.period).finish_non_exhaustive()
    }
}

/// The task of a clock. When its runtime ends, who waits on another one starts it there.
struct Running(Arc<Clock>);

impl Running {
    async fn tick(self) {
        let clock = &self.0;
        let mut ticks = interval_at(Instant::now() + clock.period, clock.period);
        // A busy runtime ticks late, and its waits are as patient.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut idle = 0;
        while idle < IDLE_TICKS {
            ticks.tick().await;
            idle = if clock.wanted.swap(false, Ordering::Relaxed) { 0 } else { idle + 1 };
            clock.ticks.notify_waiters();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.store(false, Ordering::SeqCst);
        self.0.ticks.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_given_up_after_ticks() {
        let clock = Clock::new(Duration::from_millis(1));
        assert_eq!(clock.while_patient(async { 1 }, || true).await, Some(1));
        assert!(!clock.running.load(Ordering::Relaxed), "nobody had to wait");
        let mut ticks = 0;
        let never = clock.while_patient(std::future::pending::<()>(), || {
            ticks += 1;
            ticks == 3
        });
        assert_eq!(never.await, None);
        let slow = tokio::time::sleep(Duration::from_millis(20));
        assert_eq!(clock.while_patient(slow, || false).await, Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_is_kept() {
        for milliseconds in [1, 16, 250, 30_000] {
            let limit = Limit::new(Duration::from_millis(milliseconds));
            assert_eq!(limit.apply(async { 1 }).await, Some(1));
            let began = tokio::time::Instant::now();
            assert_eq!(limit.apply(std::future::pending::<()>()).await, None);
            let waited = began.elapsed();
            let slack = Duration::from_millis(2);
            assert!(waited <= limit.duration() + slack, "{waited:?} of {limit:?}");
            let least = (limit.duration() * 15 / 16).saturating_sub(Duration::from_millis(250));
            assert!(waited + slack >= least, "{waited:?} of {limit:?}");
            let soon = tokio::time::sleep(limit.duration() / 2);
            assert_eq!(limit.apply(soon).await, Some(()));
        }
    }

    #[tokio::test]
    async fn it_stops_and_starts_again() {
        let clock = Clock::new(Duration::from_millis(1));
        for _ in 0..2 {
            assert_eq!(clock.while_patient(std::future::pending::<()>(), || true).await, None);
            while clock.running.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}
