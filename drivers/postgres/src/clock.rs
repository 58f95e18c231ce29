//! A clock that many waits share: a timer for each statement would cost more than the rest of the driver does.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;

/// After how many ticks that nobody waited for the clock stops.
const IDLE_TICKS: u32 = 20;

/// Ticks while somebody waits.
pub(crate) struct Clock {
    period: Duration,
    ticks: Notify,
    waiting: AtomicUsize,
    running: AtomicBool,
}

impl Clock {
    pub(crate) fn new(period: Duration) -> Arc<Self> {
        Arc::new(Self { period, ticks: Notify::new(), waiting: AtomicUsize::new(0), running: AtomicBool::new(false) })
    }

    /// Waits for the work; at each tick `give_up` says whether to go on. `None` when it was given up.
    pub(crate) async fn while_patient<F: Future>(
        self: &Arc<Self>,
        work: F,
        mut give_up: impl FnMut() -> bool,
    ) -> Option<F::Output> {
        let mut work = pin!(work);
        if let Poll::Ready(output) = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
            return Some(output);
        }
        let _waiting = Waiting::on(self);
        let mut tick = pin!(self.ticks.notified());
        poll_fn(|context| {
            if let Poll::Ready(output) = work.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            while tick.as_mut().poll(context).is_ready() {
                if give_up() {
                    return Poll::Ready(None);
                }
                tick.set(self.ticks.notified());
            }
            Poll::Pending
        })
        .await
    }

    fn start(self: &Arc<Self>) {
        if self.running.swap(true, Ordering::AcqRel) {
            return;
        }
        let running = Running(self.clone());
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(running.tick())),
            Err(_) => drop(running),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").field("period", &self.period).finish_non_exhaustive()
    }
}

struct Waiting<'a>(&'a Clock);

impl<'a> Waiting<'a> {
    fn on(clock: &'a Arc<Clock>) -> Self {
        clock.waiting.fetch_add(1, Ordering::AcqRel);
        clock.start();
        Self(clock)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The task of a clock. When its runtime ends, who waits on another one starts it there.
struct Running(Arc<Clock>);

impl Running {
    async fn tick(self) {
        let clock = self.0.clone();
        let mut idle = 0;
        while idle < IDLE_TICKS {
            tokio::time::sleep(clock.period).await;
            clock.ticks.notify_waiters();
            idle = if clock.waiting.load(Ordering::Acquire) == 0 { idle + 1 } else { 0 };
        }
        drop(self);
        // Somebody may have come after the last look.
        if clock.waiting.load(Ordering::Acquire) > 0 {
            clock.start();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.store(false, Ordering::Release);
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
