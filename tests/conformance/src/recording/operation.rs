//! What a recording executor writes down.

use std::slice;

use thing_driver_api::{Dialect, Isolation, Key, Statement, TransactionOptions, Value, sql};

/// One operation that reached a [`RecordingExecutor`](super::RecordingExecutor).
///
/// It is written down when it arrives, so that it is in the log also when it then fails or its caller goes away.
/// Transactions are numbered from 1 in the order in which they began.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Recorded {
    /// `fetch`.
    Fetch(Sent),
    /// `get_many`.
    GetMany {
        /// The table.
        table: String,
        /// The keys asked for.
        keys: Vec<Key>,
        /// The transaction, if in one.
        transaction: Option<u64>,
    },
    /// `write`.
    Write(Sent),
    /// `write_atomic`.
    WriteAtomic {
        /// The statements, in order.
        statements: Vec<Sent>,
    },
    /// `stream`.
    Stream(Sent),
    /// `begin`.
    Begin {
        /// The number the transaction will have if it begins.
        transaction: u64,
        /// Whether it will not write.
        read_only: bool,
        /// The isolation asked for.
        isolation: Option<Isolation>,
    },
    /// `commit`.
    Commit {
        /// The transaction.
        transaction: u64,
    },
    /// `rollback`.
    Rollback {
        /// The transaction.
        transaction: u64,
    },
    /// The transaction was dropped without commit or rollback.
    Dropped {
        /// The transaction.
        transaction: u64,
    },
    /// `savepoint`.
    Savepoint {
        /// The transaction.
        transaction: u64,
        /// The savepoint's number, from 1.
        depth: u32,
    },
    /// `rollback_to`.
    RollbackTo {
        /// The transaction.
        transaction: u64,
        /// The savepoint's number, from 1.
        depth: u32,
    },
    /// `release` of a savepoint.
    Release {
        /// The transaction.
        transaction: u64,
        /// The savepoint's number, from 1.
        depth: u32,
    },
    /// `changes`.
    Changes,
    /// `describe` of the schema.
    Describe {
        /// The table.
        table: String,
    },
    /// `create_table` of the schema.
    CreateTable {
        /// The table.
        table: String,
    },
    /// `create_index` of the schema.
    CreateIndex {
        /// The table.
        table: String,
        /// The index.
        index: String,
    },
}

/// One statement as it was sent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sent {
    /// The table; `None` for raw statements.
    pub table: Option<String>,
    /// The statement in the dialect's SQL; `None` without a dialect.
    pub sql: Option<String>,
    /// The values of its slots.
    pub values: Vec<Value<'static>>,
    /// The transaction, if in one.
    pub transaction: Option<u64>,
}

impl Sent {
    pub(super) fn new(statement: &Statement<'_>, dialect: Option<&dyn Dialect>, transaction: Option<u64>) -> Self {
        Self {
            table: statement.shape.table().map(|table| table.name().to_owned()),
            sql: dialect.and_then(|dialect| sql::render(statement.shape, dialect).ok().map(|plan| plan.text)),
            values: statement.values.iter().map(|value| value.clone().into_owned()).collect(),
            transaction,
        }
    }
}

impl Recorded {
    pub(super) fn begin(transaction: u64, options: &TransactionOptions) -> Self {
        Self::Begin { transaction, read_only: options.read_only, isolation: options.isolation }
    }

    /// True for `fetch`, `get_many` and `stream`.
    pub fn is_read(&self) -> bool {
        matches!(self, Self::Fetch(_) | Self::GetMany { .. } | Self::Stream(_))
    }

    /// True for `write` and `write_atomic`.
    pub fn is_write(&self) -> bool {
        matches!(self, Self::Write(_) | Self::WriteAtomic { .. })
    }

    /// The statements it carried, without `get_many`, which carries keys.
    pub fn sent(&self) -> &[Sent] {
        match self {
            Self::Fetch(sent) | Self::Write(sent) | Self::Stream(sent) => slice::from_ref(sent),
            Self::WriteAtomic { statements } => statements,
            _ => &[],
        }
    }

    /// How many statements it is: one for a read or a write, one for each statement of `write_atomic`, none for the
    /// rest.
    pub fn statements(&self) -> usize {
        match self {
            Self::GetMany { .. } => 1,
            other => other.sent().len(),
        }
    }

    /// The transaction that it ran in, began or ended.
    pub fn transaction(&self) -> Option<u64> {
        match self {
            Self::Fetch(sent) | Self::Write(sent) | Self::Stream(sent) => sent.transaction,
            Self::GetMany { transaction, .. } => *transaction,
            Self::Begin { transaction, .. }
            | Self::Commit { transaction }
            | Self::Rollback { transaction }
            | Self::Dropped { transaction }
            | Self::Savepoint { transaction, .. }
            | Self::RollbackTo { transaction, .. }
            | Self::Release { transaction, .. } => Some(*transaction),
            _ => None,
        }
    }

    /// Whether it names the table.
    pub fn names_table(&self, name: &str) -> bool {
        match self {
            Self::GetMany { table, .. }
            | Self::Describe { table }
            | Self::CreateTable { table }
            | Self::CreateIndex { table, .. } => table == name,
            other => other.sent().iter().any(|sent| sent.table.as_deref() == Some(name)),
        }
    }
}
