//! Tasks: letting others run, on any async runtime. The only thing that the core needs Tokio for are the ticks at which the
//! quarantines of long writes are renewed.

use std::future::poll_fn;
use std::task::Poll;

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
