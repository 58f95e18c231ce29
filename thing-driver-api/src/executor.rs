//! Executors: run statements.
//!
//! ```text
//! core ── Statement (shape + values) ──▶ Executor ── plan kept with the shape ──▶ database
//!   ▲                                                                               │
//!   └──────────── RowSink::row(&dyn Row) ◀──────────────────────────────────────────┘
//! ```

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    Capabilities, ChangeFeed, Dialect, Error, Key, NoRows, Page, Result, RowSink, Schema, Shape, Statement, Table,
};

/// A database: runs statements, each on its own or in a transaction.
///
/// The core holds one executor for each `Db`, behind an `Arc`, and calls it from many tasks at once; pooling is the
/// driver's business. Wrapping is the extension mechanism: logging, retries, replicas and test doubles are executors
/// around executors. A wrapper MUST forward every method, also those with a default: a forgotten one silently loses the
/// inner driver's behaviour (`clippy::missing_trait_methods` finds it).
///
/// **Cancel safety.** The core's callers may drop any of these futures at any await point. The driver MUST NOT reuse a
/// connection that then has an open transaction or unread rows: the next user would see them.
#[async_trait]
pub trait Executor: Send + Sync + fmt::Debug + 'static {
    /// What this executor can do. The core asks before it uses an optional feature; the conformance kit asks to choose
    /// its cases.
    fn capabilities(&self) -> &Capabilities;

    /// How to say it; `None` for a store without SQL. Called for `to_sql()` and by `sync`.
    fn dialect(&self) -> Option<&dyn Dialect> {
        None
    }

    /// Reads and changes the schema; required with [`Capability::Schema`](crate::Capability::Schema).
    fn schema(&self) -> Option<&dyn Schema> {
        None
    }

    /// Runs a read and hands its rows to the sink: Select, Count, Exists, or Raw.
    ///
    /// # Errors
    ///
    /// Errors of the sink are passed on. No rows is not an error.
    async fn fetch(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()>;

    /// Reads the rows with these keys, all columns, in any order; missing rows are left out. Any number of keys, perhaps
    /// none, without duplicates: splitting them below a limit of the database is the driver's business. The shape's
    /// operation is [`Operation::GetMany`](crate::Operation::GetMany).
    ///
    /// Every row MUST be read after the call began; the rows need not be of one snapshot.
    async fn get_many(&self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()>;

    /// Runs one write as a transaction of its own: Insert, InsertMany, Upsert, Update, Increment, Delete, or Raw. Rows of
    /// `returning` go to the sink; they are delivered once, after the commit.
    ///
    /// When this returns `Ok` the write MUST be committed and as durable as the driver is configured to be. When it
    /// returns an error that is not [`Error::may_have_executed`], it MUST have had no effect: the core then takes the
    /// cache for unaffected.
    async fn write(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written>;

    /// Runs writes as one transaction, all or nothing, in order, and gives their results in order. Rows are not
    /// returned.
    ///
    /// The default uses [`Executor::begin`]. A driver that can do it in fewer round trips overrides it.
    ///
    /// # Errors
    ///
    /// The index of the statement that failed, and its error; the index is the number of statements when the commit
    /// failed.
    async fn write_atomic(&self, statements: &[Statement<'_>]) -> Result<Vec<Written>, (usize, Error)> {
        let end = statements.len();
        let mut transaction = self.begin(&TransactionOptions::default()).await.map_err(|e| (0, e))?;
        let mut written = Vec::with_capacity(end);
        for (index, statement) in statements.iter().enumerate() {
            written.push(transaction.write(statement, &mut NoRows).await.map_err(|e| (index, e))?);
        }
        transaction.commit().await.map_err(|e| (end, e))?;
        Ok(written)
    }

    /// Begins a transaction; required with [`Capability::Transactions`](crate::Capability::Transactions).
    async fn begin(&self, options: &TransactionOptions) -> Result<Box<dyn Transaction>>;

    /// Runs a read whose result may be large and gives it in pages; required with
    /// [`Capability::Streaming`](crate::Capability::Streaming). Memory use MUST NOT grow with the result.
    async fn stream(&self, statement: &Statement<'_>) -> Result<Box<dyn PageStream>> {
        let _ = statement;
        Err(Error::unsupported("this driver does not stream results; read them in slices by key"))
    }

    /// Reports writes that others make to these tables; required with
    /// [`Capability::ChangeFeed`](crate::Capability::ChangeFeed). Others are all that do not write through an executor of
    /// this driver; reporting the writes of these too is allowed, and costs needless invalidations.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Schema`](crate::ErrorKind::Schema) when the database does not record changes of the tables: the
    /// message says what to do.
    async fn changes(&self, tables: &[Arc<Table>]) -> Result<Box<dyn ChangeFeed>> {
        let _ = tables;
        Err(Error::unsupported("this driver reports no changes made by others"))
    }
}

/// A transaction in progress.
///
/// The core calls it from one task at a time. Dropping it MUST roll back, also when the drop happens in the middle of a
/// call; until that is done the connection is not reused.
#[async_trait]
pub trait Transaction: Send + fmt::Debug {
    /// As [`Executor::fetch`], seeing the transaction's own writes.
    async fn fetch(&mut self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()>;

    /// As [`Executor::get_many`], seeing the transaction's own writes.
    async fn get_many(&mut self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()>;

    /// As [`Executor::write`], but committed with the transaction. After an error the transaction can still be rolled
    /// back; whether it can go on is the database's rule.
    async fn write(&mut self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written>;

    /// Sets savepoint number `depth`, counted from 1. Required with
    /// [`Capability::Savepoints`](crate::Capability::Savepoints).
    async fn savepoint(&mut self, depth: u32) -> Result<()>;

    /// Undoes what happened since savepoint `depth`, and removes it.
    async fn rollback_to(&mut self, depth: u32) -> Result<()>;

    /// Removes savepoint `depth` and keeps what happened since.
    async fn release(&mut self, depth: u32) -> Result<()>;

    /// Commits.
    ///
    /// # Errors
    ///
    /// An error that is not [`Error::may_have_executed`] means that the transaction had no effect.
    async fn commit(self: Box<Self>) -> Result<()>;

    /// Rolls back.
    async fn rollback(self: Box<Self>) -> Result<()>;
}

/// What a write did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The number of rows that the filter matched (also those whose values did not change), or that were added.
    pub rows: u64,
    /// The key that the database made for an inserted row.
    pub generated_key: Option<i64>,
}

impl Written {
    /// So many rows, no generated key.
    pub fn new(rows: u64) -> Self {
        Self { rows, generated_key: None }
    }

    /// Sets the generated key.
    #[must_use]
    pub fn generated(mut self, key: i64) -> Self {
        self.generated_key = Some(key);
        self
    }
}

/// How a transaction begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransactionOptions {
    /// True when the transaction will not write. Writes in it fail with
    /// [`ErrorKind::ReadOnly`](crate::ErrorKind::ReadOnly).
    pub read_only: bool,
    /// The isolation to ask for; `None` for the database's default.
    pub isolation: Option<Isolation>,
}

impl TransactionOptions {
    /// Sets whether the transaction will not write.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Sets the isolation.
    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = Some(isolation);
        self
    }
}

/// How much a transaction sees of others. A driver gives the level asked for or a stronger one, or refuses with
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// Each statement sees what was committed before it began.
    ReadCommitted,
    /// All statements see one snapshot.
    RepeatableRead,
    /// As if transactions ran one after the other.
    Serializable,
}

/// A large result, page by page. Dropping it stops the read.
#[async_trait]
pub trait PageStream: Send + fmt::Debug {
    /// The next page; `None` at the end. Pages are not empty.
    async fn next(&mut self) -> Result<Option<Page>>;
}

/// Shared executors are executors; every method is forwarded.
#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<E: Executor + ?Sized> Executor for Arc<E> {
    fn capabilities(&self) -> &Capabilities {
        (**self).capabilities()
    }

    fn dialect(&self) -> Option<&dyn Dialect> {
        (**self).dialect()
    }

    fn schema(&self) -> Option<&dyn Schema> {
        (**self).schema()
    }

    async fn fetch(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()> {
        (**self).fetch(statement, rows).await
    }

    async fn get_many(&self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        (**self).get_many(shape, keys, rows).await
    }

    async fn write(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        (**self).write(statement, rows).await
    }

    async fn write_atomic(&self, statements: &[Statement<'_>]) -> Result<Vec<Written>, (usize, Error)> {
        (**self).write_atomic(statements).await
    }

    async fn begin(&self, options: &TransactionOptions) -> Result<Box<dyn Transaction>> {
        (**self).begin(options).await
    }

    async fn stream(&self, statement: &Statement<'_>) -> Result<Box<dyn PageStream>> {
        (**self).stream(statement).await
    }

    async fn changes(&self, tables: &[Arc<Table>]) -> Result<Box<dyn ChangeFeed>> {
        (**self).changes(tables).await
    }
}
