//! Watches: stop a statement that holds its thread too long, or that nobody waits for any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a statement may hold a runtime thread before it is moved to a worker.
pub(crate) const BUDGET: Duration = Duration::from_millis(1);

/// SQLite asks the watch every so many instructions, which is every 10 to 50 microseconds.
const INSTRUCTIONS: i32 = 1000;

const IDLE: u64 = 0;
const STOP: u64 = 1;
const ARMED: u64 = 2;
const TIMING: u64 = 3;
const FIRST_TICKET: u64 = 4;

/// Watches over the statements of one connection.
///
/// The state is one number: idle, told to stop, armed (the clock is read for the first time when SQLite asks first, so
/// that short statements never pay for it), timing, or the ticket of a run that can be stopped from another thread.
#[derive(Debug)]
pub(crate) struct Watch {
    state: AtomicU64,
    tickets: AtomicU64,
}

impl Watch {
    /// Sets a watch on the connection.
    pub(crate) fn set(connection: &rusqlite::Connection) -> rusqlite::Result<Arc<Self>> {
        Self::set_with(connection, INSTRUCTIONS, BUDGET)
    }

    fn set_with(connection: &rusqlite::Connection, instructions: i32, budget: Duration) -> rusqlite::Result<Arc<Self>> {
        let watch = Arc::new(Self { state: AtomicU64::new(IDLE), tickets: AtomicU64::new(FIRST_TICKET) });
        let asked = watch.clone();
        let mut started = Instant::now();
        connection.progress_handler(instructions, Some(move || asked.is_over(&mut started, budget)))?;
        // SQLite asks once more behind the commit, and would call a committed write interrupted.
        let committing = watch.clone();
        connection.commit_hook(Some(move || {
            committing.rest();
            false
        }))?;
        Ok(watch)
    }

    fn is_over(&self, started: &mut Instant, budget: Duration) -> bool {
        match self.state.load(Ordering::Relaxed) {
            STOP => true,
            ARMED => {
                *started = Instant::now();
                // The only other thread that writes the state does so to tickets.
                self.state.store(TIMING, Ordering::Relaxed);
                false
            }
            TIMING => started.elapsed() > budget,
            _ => false,
        }
    }

    /// Runs `work` on the caller's thread: its statements are interrupted when they exceed the budget.
    pub(crate) fn within_budget<T>(&self, work: impl FnOnce() -> T) -> T {
        self.state.store(ARMED, Ordering::Relaxed);
        let result = work();
        self.state.store(IDLE, Ordering::Relaxed);
        result
    }

    /// Prepares a run that takes as long as it takes, unless it is stopped with the ticket.
    pub(crate) fn issue(self: &Arc<Self>) -> Ticket {
        let number = self.tickets.fetch_add(1, Ordering::Relaxed);
        self.state.store(number, Ordering::Relaxed);
        Ticket { watch: self.clone(), number }
    }

    /// Ends whatever was watched.
    pub(crate) fn rest(&self) {
        self.state.store(IDLE, Ordering::Relaxed);
    }
}

/// Stops one run when it is dropped; harmless when the run has ended, also if the connection has its next user.
#[derive(Debug)]
pub(crate) struct Ticket {
    watch: Arc<Watch>,
    number: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let _ = self.watch.state.compare_exchange(self.number, STOP, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_write_was_not_committed() {
        let mut interrupted = 0;
        for instructions in 1..60 {
            let connection = rusqlite::Connection::open_in_memory().unwrap();
            connection.execute_batch("CREATE TABLE t (a)").unwrap();
            let watch = Watch::set_with(&connection, instructions, Duration::ZERO).unwrap();
            let texts = [
                "INSERT INTO t VALUES (1)",
                "INSERT INTO t SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3",
                "UPDATE t SET a = a + 1",
                "DELETE FROM t WHERE a > 2",
            ];
            for text in texts {
                let state = || {
                    connection.query_row("SELECT count(*), total(a) FROM t", [], |row| {
                        Ok((row.get::<_, i64>(0)?, row.get::<_, f64>(1)?))
                    })
                };
                let before = state().unwrap();
                if watch.within_budget(|| connection.execute(text, [])).is_err() {
                    interrupted += 1;
                    assert_eq!(state().unwrap(), before, "{text}, asked every {instructions} instructions");
                }
            }
        }
        assert!(interrupted > 0);
    }
}
