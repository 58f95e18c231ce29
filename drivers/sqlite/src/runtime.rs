//! The runtime around a call: may it be kept waiting, and where does blocking work go.

use std::cell::Cell;

use thing_driver_api::{Error, Result};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

/// True when short statements may run on the caller's thread: other threads of the runtime go on meanwhile.
pub(crate) fn may_run_here() -> bool {
    Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// Lets other tasks of this thread run when the caller has done much without waiting. Statements that run on the
/// caller's thread never wait for anything, so a loop of them would not end its turn by itself.
pub(crate) async fn take_turns(weight: Weight) {
    let due = match weight {
        Weight::Write => true,
        Weight::Read => READS.with(|reads| {
            reads.set((reads.get() + 1) % READS_PER_TURN);
            reads.get() == 0
        }),
    };
    if due {
        tokio::task::coop::consume_budget().await;
    }
}

/// How much of a turn a statement takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Weight {
    /// A few microseconds.
    Read,
    /// Several times as much.
    Write,
}

/// A turn is 128 units in tokio. Counting every read as one would give the thread away each 0.4 ms, which costs reads by
/// key a tenth of their speed.
const READS_PER_TURN: u8 = 4;

thread_local! {
    static READS: Cell<u8> = const { Cell::new(0) };
}

/// Runs `work` on a thread that may block. It runs to its end even if the caller stops waiting.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    start(work)?.await.map_err(|_| Error::backend("the thread that ran the statement ended before it answered"))
}

/// Starts `work` on a thread that may block.
pub(crate) fn start<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<oneshot::Receiver<T>> {
    let (sender, receiver) = oneshot::channel();
    let run = move || {
        let _ = sender.send(work());
    };
    if let Ok(handle) = Handle::try_current() {
        handle.spawn_blocking(run);
    } else {
        std::thread::Builder::new()
            .name("thing-sqlite".into())
            .spawn(run)
            .map_err(|error| Error::backend("no thread can be started for a statement").with_source(error))?;
    }
    Ok(receiver)
}
