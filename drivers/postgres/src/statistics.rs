//! Statistics: where statements ran.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of an executor since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresStatistics {
    /// Connections that are open now.
    pub connections: u64,
    /// Connections that were opened so far.
    pub connections_opened: u64,
    /// Reads that shared a connection with others.
    pub pipelined_reads: u64,
    /// Reads that had a connection to themselves, those that moved there included.
    pub exclusive_reads: u64,
    /// Reads that left a shared connection because nothing came from it for a while.
    pub moved_reads: u64,
    /// Writes that ran alone, each with a commit of its own.
    pub writes: u64,
    /// Transactions that sent a statement, those of many writes at once included.
    pub transactions: u64,
    /// Rows that were added by COPY.
    pub copied_rows: u64,
    /// Statements that were prepared.
    pub statements_prepared: u64,
    /// Statements that were run again, because their connection was lost or their preparation was out of date.
    pub retries: u64,
    /// Statements that were abandoned by their callers, and cancelled on the server.
    pub cancellations: u64,
    /// Connections that were closed because it was not certain in which state they were.
    pub discarded_connections: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) connections_opened: AtomicU64,
    pub(crate) pipelined_reads: AtomicU64,
    pub(crate) exclusive_reads: AtomicU64,
    pub(crate) moved_reads: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) transactions: AtomicU64,
    pub(crate) copied_rows: AtomicU64,
    pub(crate) statements_prepared: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) cancellations: AtomicU64,
    pub(crate) discarded_connections: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self) -> PostgresStatistics {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PostgresStatistics {
            connections: of(&self.connections),
            connections_opened: of(&self.connections_opened),
            pipelined_reads: of(&self.pipelined_reads),
            exclusive_reads: of(&self.exclusive_reads),
            moved_reads: of(&self.moved_reads),
            writes: of(&self.writes),
            transactions: of(&self.transactions),
            copied_rows: of(&self.copied_rows),
            statements_prepared: of(&self.statements_prepared),
            retries: of(&self.retries),
            cancellations: of(&self.cancellations),
            discarded_connections: of(&self.discarded_connections),
        }
    }
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
