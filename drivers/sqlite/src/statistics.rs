//! Statistics: where statements ran.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of an executor since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteStatistics {
    /// Reads that ran on the caller's thread.
    pub inline_reads: u64,
    /// Reads that ran on a worker, those that were interrupted on the caller's thread included.
    pub worker_reads: u64,
    /// Reads that were interrupted on the caller's thread.
    pub interrupted_reads: u64,
    /// Writes that ran on the caller's thread, each with a commit of its own.
    pub inline_writes: u64,
    /// Writes that ran on the writer thread.
    pub queued_writes: u64,
    /// Commits that held more than one of the queued writes.
    pub group_commits: u64,
    /// The writes that these commits held.
    pub grouped_writes: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) inline_reads: AtomicU64,
    pub(crate) worker_reads: AtomicU64,
    pub(crate) interrupted_reads: AtomicU64,
    pub(crate) inline_writes: AtomicU64,
    pub(crate) queued_writes: AtomicU64,
    pub(crate) group_commits: AtomicU64,
    pub(crate) grouped_writes: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self) -> SqliteStatistics {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SqliteStatistics {
            inline_reads: of(&self.inline_reads),
            worker_reads: of(&self.worker_reads),
            interrupted_reads: of(&self.interrupted_reads),
            inline_writes: of(&self.inline_writes),
            queued_writes: of(&self.queued_writes),
            group_commits: of(&self.group_commits),
            grouped_writes: of(&self.grouped_writes),
        }
    }
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
