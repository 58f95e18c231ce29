//! Tasks: what the core needs of an async runtime, which is nothing of a particular one.

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
