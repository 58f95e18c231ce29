//! Retries: a write alone that met another is a transaction of its own, which nobody else can begin again.

use thing_driver_api::{Error, ErrorKind};

/// How often a write is tried again before its caller is told.
const RETRIES: usize = 8;

/// The tries that one write has left.
#[derive(Debug)]
pub(crate) struct Retries(usize);

impl Retries {
    pub(crate) fn new() -> Self {
        Self(RETRIES)
    }

    /// Whether to try again: the write met another and certainly had no effect.
    pub(crate) async fn again(&mut self, failed: Option<&Error>) -> bool {
        if self.0 == 0 || failed.is_none_or(|error| *error.kind() != ErrorKind::Conflict) {
            return false;
        }
        self.0 -= 1;
        crate::task::yield_now().await;
        true
    }
}
