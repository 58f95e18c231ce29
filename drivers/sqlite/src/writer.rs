//! The writer: one connection, used by whoever writes alone, or by the writer thread for all who wait.
//!
//! ```text
//! write ─ nobody else? ─▶ on the caller's thread, committed by itself
//!    └──▶ queue ─▶ thread: BEGIN IMMEDIATE ─ write ─ write ─ write ─ COMMIT ─▶ answers
//! ```
//!
//! Once writes have met, all go to the queue until it holds a single one: while the thread commits, the next group
//! gathers.

mod batch;
mod job;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use thing_driver_api::{Error, Result};

use crate::config::{SqliteConfig, Synchronous};
use crate::connection::Connection;
use crate::pool::{Lease, Pool};
use crate::statistics::Counters;

pub(crate) use job::{Job, OwnedWrites, WriteJob, run_borrowed};

/// Writes to one database. Dropping it ends its thread after the jobs that it has.
pub(crate) struct Writer {
    pub(crate) pool: Arc<Pool<Connection>>,
    /// Started by the first job.
    thread: Mutex<Option<mpsc::Sender<Job>>>,
    load: Arc<Load>,
    /// False where a commit waits for the disk.
    commits_fast: bool,
    busy_timeout: Duration,
    counters: Arc<Counters>,
}

/// What the callers and the thread tell each other.
#[derive(Debug)]
struct Load {
    /// Jobs sent and not yet answered.
    pending: AtomicUsize,
    /// Whether the last group held more than one write.
    crowded: AtomicBool,
    /// A checkpoint is due when the log has so many pages.
    checkpoint_at: AtomicI32,
    checkpoint_asked: AtomicBool,
}

/// The log is copied into the database when it has so many pages, as SQLite itself does it.
const LOG_PAGES: i32 = 1000;

impl Writer {
    pub(crate) fn new(pool: Arc<Pool<Connection>>, config: &SqliteConfig, counters: Arc<Counters>) -> Self {
        Self {
            pool,
            thread: Mutex::new(None),
            load: Arc::new(Load {
                pending: AtomicUsize::new(0),
                crowded: AtomicBool::new(false),
                checkpoint_at: AtomicI32::new(LOG_PAGES),
                checkpoint_asked: AtomicBool::new(false),
            }),
            commits_fast: config.in_memory() || config.synchronous != Synchronous::Full,
            busy_timeout: config.busy_timeout,
            counters,
        }
    }

    /// Whether a commit may run on a runtime thread.
    pub(crate) fn commits_fast(&self) -> bool {
        self.commits_fast
    }

    /// The connection, if nobody else writes or waits to write and a commit does not wait for the disk.
    pub(crate) fn alone(&self) -> Option<Lease<Connection>> {
        let free = self.commits_fast
            && self.load.pending.load(Ordering::Relaxed) == 0
            && !self.load.crowded.load(Ordering::Relaxed);
        if free { self.pool.idle() } else { None }
    }

    /// Hands a job to the thread.
    pub(crate) fn send(&self, job: Job) -> Result<()> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = match thread.as_ref() {
            Some(sender) => sender,
            None => thread.insert(self.start()?),
        };
        self.load.pending.fetch_add(1, Ordering::Relaxed);
        sender.send(job).map_err(|_| {
            self.load.pending.fetch_sub(1, Ordering::Relaxed);
            Error::backend("the writer thread has ended; open the database again")
        })
    }

    /// Called after each commit outside of the thread, with the pages in the log.
    pub(crate) fn committed(&self, log_pages: i32) {
        let due = log_pages >= self.load.checkpoint_at.load(Ordering::Relaxed);
        if due && !self.load.checkpoint_asked.swap(true, Ordering::Relaxed) {
            // Without the thread the log grows until a later commit can start it.
            let _ = self.send(Job::Checkpoint);
        }
    }

    fn start(&self) -> Result<mpsc::Sender<Job>> {
        let (sender, jobs) = mpsc::channel();
        let thread = batch::WriterThread {
            pool: self.pool.clone(),
            jobs,
            load: self.load.clone(),
            busy_timeout: self.busy_timeout,
            counters: self.counters.clone(),
        };
        thread::Builder::new()
            .name("thing-sqlite-writer".into())
            .spawn(move || thread.run())
            .map_err(|error| Error::backend("the writer thread can't be started").with_source(error))?;
        Ok(sender)
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("pool", &self.pool).field("load", &self.load).finish_non_exhaustive()
    }
}
