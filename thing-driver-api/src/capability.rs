//! Capabilities: what a driver can do, asked by name and false unless stated.

/// Something a driver may be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Capability {
    /// [`Executor::begin`](crate::Executor::begin) gives transactions. Never emulated.
    Transactions,
    /// Transactions have savepoints.
    Savepoints,
    /// Insert, update and delete give back columns of the rows they touched.
    Returning,
    /// The database can make integer keys.
    GeneratedKeys,
    /// [`Operation::Raw`](crate::Operation::Raw) works.
    RawStatements,
    /// [`Executor::stream`](crate::Executor::stream) works.
    Streaming,
    /// [`Executor::schema`](crate::Executor::schema) reads and changes the schema.
    Schema,
    /// Text is equal to the same text only, and LIKE tells letter case: both mean the same as in Rust. Stating it wrongly
    /// makes cached lists wrong, because the core then decides in Rust which changes touch a list.
    ExactText,
    /// Text is ordered by its bytes. Stating it wrongly makes cached lists wrong, too.
    OrderedText,
    /// Floats, decimals, timestamps and times are stored and compared exactly as bound.
    ExactNumbers,
    /// [`Executor::changes`](crate::Executor::changes) reports writes made by others.
    ChangeFeed,
    /// [`Operation::Increment`](crate::Operation::Increment) works. Without it the core reads a row, locks it and writes
    /// the sum.
    Increments,
    /// [`Condition::Json`](crate::Condition::Json) and [`Condition::List`](crate::Condition::List) work. A SQL driver that
    /// states it MUST give a [`Dialect::json`](crate::Dialect::json).
    JsonConditions,
    /// A SELECT can lock its rows one by one, and need not wait for those that others hold:
    /// [`Lock::Skip`](crate::Lock::Skip) and [`Lock::NoWait`](crate::Lock::NoWait).
    SkipLocked,
    /// [`Operation::InsertMany`](crate::Operation::InsertMany) works. Without it the core adds row by row.
    InsertsMany,
    /// [`Operation::Upsert`](crate::Operation::Upsert) works for tables with one unique key that a new row can meet.
    /// Without it the core looks for a row, and writes then.
    Upserts,
    /// [`Operation::Upsert`](crate::Operation::Upsert) works also where a new row can meet several unique keys, and goes
    /// by the one that it names. A database that would change the row that is in the way on any of them doesn't have it.
    UpsertsByKey,
    /// [`Schema::session`](crate::Schema::session) gives connections that change the schema.
    SchemaSessions,
}

/// The capabilities of one executor, and its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    set: u64,
    max_parameters: usize,
}

impl Capabilities {
    /// None, with at most so many values to a statement.
    pub const fn new(max_parameters: usize) -> Self {
        Self { set: 0, max_parameters }
    }

    /// Adds one.
    #[must_use]
    pub const fn with(mut self, capability: Capability) -> Self {
        self.set |= 1 << capability as u8;
        self
    }

    /// Takes one away: for wrappers that can't pass it on.
    #[must_use]
    pub const fn without(mut self, capability: Capability) -> Self {
        self.set &= !(1 << capability as u8);
        self
    }

    /// Whether it is there.
    pub const fn has(&self, capability: Capability) -> bool {
        self.set >> capability as u8 & 1 == 1
    }

    /// The most values that one statement can bind.
    pub const fn max_parameters(&self) -> usize {
        self.max_parameters
    }
}
