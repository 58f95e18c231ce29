//! Statistics: what the executor did, and how its connections fare.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of an executor since it was connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MysqlStatistics {
    /// Connections that were opened.
    pub connections: u64,
    /// Calls that had to wait for a connection.
    pub waits: u64,
    /// Reads outside of transactions.
    pub reads: u64,
    /// Reads that were repeated because their connection proved to be broken.
    pub repeated_reads: u64,
    /// Writes outside of transactions, each with a commit of its own.
    pub writes: u64,
    /// Writes that were sent together as one transaction.
    pub atomic_writes: u64,
    /// Statements that added more than one row.
    pub bulk_inserts: u64,
    /// Transactions that were begun.
    pub transactions: u64,
    /// Connections that were given back in the middle of something and cleaned up in the background.
    pub recovered: u64,
    /// Abandoned statements that the server was asked to end.
    pub killed: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) waits: AtomicU64,
    pub(crate) reads: AtomicU64,
    pub(crate) repeated_reads: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) atomic_writes: AtomicU64,
    pub(crate) bulk_inserts: AtomicU64,
    pub(crate) transactions: AtomicU64,
    pub(crate) recovered: AtomicU64,
    pub(crate) killed: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self) -> MysqlStatistics {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        MysqlStatistics {
            connections: of(&self.connections),
            waits: of(&self.waits),
            reads: of(&self.reads),
            repeated_reads: of(&self.repeated_reads),
            writes: of(&self.writes),
            atomic_writes: of(&self.atomic_writes),
            bulk_inserts: of(&self.bulk_inserts),
            transactions: of(&self.transactions),
            recovered: of(&self.recovered),
            killed: of(&self.killed),
        }
    }
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
