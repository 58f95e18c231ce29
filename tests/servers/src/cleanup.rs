//! What is left to do when a test ends without closing its database.

use std::fmt::Display;
use std::thread;
use std::time::Duration;

/// The longest time that a test waits for locks on what it drops, and for the server as a whole.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs `cleanup` to its end from a `drop`, inside of a runtime or outside, and reports a failure without panicking.
pub(crate) fn run<E: Display>(what: &str, cleanup: impl Future<Output = Result<(), E>> + Send) {
    // A thread of its own, because a runtime cannot be started inside another one.
    let outcome = thread::scope(|scope| scope.spawn(|| block_on(cleanup)).join());
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => eprintln!("{what} was not dropped: {problem}"),
        Err(_) => eprintln!("{what} was not dropped: the cleanup panicked"),
    }
}

fn block_on<E: Display>(cleanup: impl Future<Output = Result<(), E>>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    match runtime.block_on(async { tokio::time::timeout(PATIENCE, cleanup).await }) {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err(format!("the server did not answer within {} seconds", PATIENCE.as_secs())),
    }
}
