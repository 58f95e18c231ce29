//! Tasks: letting others run, on any async runtime. What the core needs Tokio for are the ticks at which the quarantines
//! of long writes are renewed, the pauses of those who wait for other processes, and the tasks that a
//! [`Db`](crate::Db) starts.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

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
