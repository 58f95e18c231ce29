//! Gates: hold one operation until a test lets it go.

use std::time::Duration;

use tokio::sync::watch;

/// How long [`Gate::reached`] waits before it takes the test for wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// Holds the first operation that matches, until it is opened.
///
/// A gate holds one operation; the next one passes. To hold several, make several gates: each operation is held by the
/// oldest gate that matches it and holds nothing yet. Dropping a gate opens it, so keep it while it is needed.
#[derive(Debug)]
#[must_use = "a dropped gate is open"]
pub struct Gate {
    reached: watch::Receiver<bool>,
    open: watch::Sender<bool>,
}

impl Gate {
    pub(super) fn new() -> (Self, Latch) {
        let (arrive, reached) = watch::channel(false);
        let (open, opened) = watch::channel(false);
        (Self { reached, open }, Latch { arrive, opened })
    }

    /// Waits until an operation is held.
    ///
    /// # Panics
    ///
    /// When none came within 30 seconds: the test waits for something that does not happen.
    pub async fn reached(&self) {
        let mut reached = self.reached.clone();
        let arrival = reached.wait_for(|reached| *reached);
        match tokio::time::timeout(PATIENCE, arrival).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => panic!("the recording wrapper was dropped before an operation reached the gate"),
            Err(_) => panic!("no matching operation reached the gate within {PATIENCE:?}"),
        }
    }

    /// Whether an operation was held so far; it stays true when it has gone on.
    pub fn is_reached(&self) -> bool {
        *self.reached.borrow()
    }

    /// Lets the operation go on; one that comes later is not held.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

/// The operation's side of a gate.
#[derive(Debug)]
pub(super) struct Latch {
    arrive: watch::Sender<bool>,
    opened: watch::Receiver<bool>,
}

impl Latch {
    /// Whether the gate was opened before anything reached it.
    pub(super) fn is_open(&self) -> bool {
        *self.opened.borrow()
    }

    pub(super) async fn pass(mut self) {
        self.arrive.send_replace(true);
        // An error means that the gate was dropped, which opens it.
        let _ = self.opened.wait_for(|open| *open).await;
    }
}
