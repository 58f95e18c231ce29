//! Tasks: letting others run, on any async runtime. What the core needs Tokio for are the ticks at which the quarantines
//! of long writes are renewed, the pauses of those who wait for other processes, the end of their patience with others of
//! this process, and the tasks that a [`Db`](crate::Db) starts.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use thing_driver_api::clock::Clock;

/// Waiting for what another caller does, which may never go on: as long as the future of that caller is there and nobody
/// polls it. A stream of many lookups (`buffer_unordered`), whose consumer awaits one of its own in between, is such.
#[derive(Debug)]
pub(crate) struct Patience(Arc<Clock>);

/// It ends after one to two of these.
const PATIENCE: Duration = Duration::from_secs(5);

impl Default for Patience {
    fn default() -> Self {
        Self(Clock::new(PATIENCE))
    }
}

impl Patience {
    /// Waits for the work; `None` when that takes too long.
    pub(crate) async fn wait<F: Future>(&self, work: F) -> Option<F::Output> {
        let mut ticks = 0;
        let over = || {
            ticks += 1;
            ticks == 2
        };
        self.0.while_patient(work, over).await
    }
}

/// Waits for some time; where there is no Tokio runtime, lets others run.
pub(crate) async fn pause(duration: Duration) {
    match tokio::runtime::Handle::try_current() {
        Ok(_) => tokio::time::sleep(duration).await,
        Err(_) => yield_now().await,
    }
}

/// Lets the other tasks that are ready run first.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
