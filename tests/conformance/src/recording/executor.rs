//! An executor that records what passes through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use thing_driver_api::{
    Capabilities, ChangeFeed, Dialect, Error, ErrorKind, Executor, Key, PageStream, Result, RowSink, Schema, Shape,
    Statement, Table, Transaction, TransactionOptions, Written,
};

use super::points::Points;
use super::schema::RecordingSchema;
use super::transaction::RecordingTransaction;
use super::{Gate, Matcher, Recorded, Sent, When};

/// Forwards every call to another executor, and records, fails or holds it; see the [module](super).
///
/// Keep an `Arc` of it beside the one that the code under test gets.
#[derive(Debug)]
pub struct RecordingExecutor {
    inner: Arc<dyn Executor>,
    points: Points<Recorded>,
    schema: RecordingSchema,
    transactions: AtomicU64,
}

impl RecordingExecutor {
    /// A wrapper around the executor.
    pub fn new(inner: Arc<dyn Executor>) -> Arc<Self> {
        let points = Points::default();
        Arc::new(Self {
            schema: RecordingSchema::new(inner.clone(), points.clone()),
            inner,
            points,
            transactions: AtomicU64::new(0),
        })
    }

    /// The wrapped executor, for looking at the database without leaving a trace.
    pub fn inner(&self) -> &Arc<dyn Executor> {
        &self.inner
    }

    /// Everything that arrived since the start or the last [`reset`](Self::reset), oldest first.
    pub fn log(&self) -> Vec<Recorded> {
        self.points.log()
    }

    /// Forgets the log. Faults and gates stay, and transactions keep their numbers.
    pub fn reset(&self) {
        self.points.reset();
    }

    /// How many operations of the log match.
    pub fn count(&self, matcher: &Matcher) -> usize {
        self.points.count(matcher)
    }

    /// How many statements arrived: reads and writes, each of a `write_atomic` counted. Begin, commit, savepoints and
    /// the schema are not statements here.
    pub fn statements(&self) -> usize {
        self.points.sum(Recorded::statements)
    }

    /// How many reads arrived; one `get_many` is one read whatever the number of keys.
    pub fn reads(&self) -> usize {
        self.points.sum(|r| if r.is_read() { r.statements() } else { 0 })
    }

    /// How many writes arrived, each of a `write_atomic` counted.
    pub fn writes(&self) -> usize {
        self.points.sum(|r| if r.is_write() { r.statements() } else { 0 })
    }

    /// Makes the next operation that matches fail, once.
    ///
    /// [`When::Before`]: it does not run and fails with the error as it is. A commit that fails so is rolled back.
    ///
    /// [`When::After`]: it runs, its rows are delivered, and then its answer is lost: the caller gets the error if that
    /// [may have executed](Error::may_have_executed), else [`ErrorKind::ConnectionLost`] with `may_have_executed: true`
    /// and the error as its source. A transaction that was begun so is rolled back. An operation that fails by itself
    /// leaves the fault for the next.
    pub fn fail_next(&self, matcher: Matcher, error: Error, when: When) {
        self.fail(matcher, error, when, false);
    }

    /// As [`fail_next`](Self::fail_next), for every operation that matches until
    /// [`clear_faults`](Self::clear_faults).
    pub fn fail_all(&self, matcher: Matcher, error: Error, when: When) {
        self.fail(matcher, error, when, true);
    }

    fn fail(&self, matcher: Matcher, error: Error, when: When, stays: bool) {
        let error = match when {
            When::After if !error.may_have_executed() => Error::new(
                ErrorKind::ConnectionLost { may_have_executed: true },
                "the connection broke while the answer was on its way",
            )
            .with_source(error),
            _ => error,
        };
        self.points.fail(matcher, error, when, stays);
    }

    /// Takes back all faults.
    pub fn clear_faults(&self) {
        self.points.clear_faults();
    }

    /// How many faults are waiting for an operation; a test that expects its fault to have struck asserts 0.
    pub fn pending_faults(&self) -> usize {
        self.points.pending_faults()
    }

    /// Holds the next operation that matches, before it runs or after it ran but before it returns.
    pub fn gate(&self, matcher: Matcher, when: When) -> Gate {
        self.points.gate(matcher, when)
    }

    fn sent(&self, statement: &Statement<'_>) -> Sent {
        Sent::new(statement, self.inner.dialect(), None)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Executor for RecordingExecutor {
    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    fn dialect(&self) -> Option<&dyn Dialect> {
        self.inner.dialect()
    }

    fn schema(&self) -> Option<&dyn Schema> {
        self.inner.schema().map(|_| &self.schema as &dyn Schema)
    }

    async fn fetch(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()> {
        let record = Recorded::Fetch(self.sent(statement));
        self.points.before(&record).await?;
        let answer = self.inner.fetch(statement, rows).await;
        self.points.after(&record, answer, |lost| lost).await
    }

    async fn get_many(&self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        let record = get_many(shape, keys, None);
        self.points.before(&record).await?;
        let answer = self.inner.get_many(shape, keys, rows).await;
        self.points.after(&record, answer, |lost| lost).await
    }

    async fn write(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        let record = Recorded::Write(self.sent(statement));
        self.points.before(&record).await?;
        let answer = self.inner.write(statement, rows).await;
        self.points.after(&record, answer, |lost| lost).await
    }

    async fn write_atomic(&self, statements: &[Statement<'_>]) -> Result<Vec<Written>, (usize, Error)> {
        let record = Recorded::WriteAtomic { statements: statements.iter().map(|s| self.sent(s)).collect() };
        self.points.before(&record).await.map_err(|error| (0, error))?;
        let answer = self.inner.write_atomic(statements).await;
        let end = statements.len();
        self.points.after(&record, answer, |lost| (end, lost)).await
    }

    async fn begin(&self, options: &TransactionOptions) -> Result<Box<dyn Transaction>> {
        let number = self.transactions.fetch_add(1, Ordering::Relaxed) + 1;
        let record = Recorded::begin(number, options);
        self.points.before(&record).await?;
        let answer = self.inner.begin(options).await;
        let transaction = self.points.after(&record, answer, |lost| lost).await?;
        Ok(Box::new(RecordingTransaction::new(transaction, self.inner.clone(), self.points.clone(), number)))
    }

    async fn stream(&self, statement: &Statement<'_>) -> Result<Box<dyn PageStream>> {
        let record = Recorded::Stream(self.sent(statement));
        self.points.before(&record).await?;
        let answer = self.inner.stream(statement).await;
        self.points.after(&record, answer, |lost| lost).await
    }

    async fn changes(&self, tables: &[Arc<Table>]) -> Result<Box<dyn ChangeFeed>> {
        let record = Recorded::Changes;
        self.points.before(&record).await?;
        let answer = self.inner.changes(tables).await;
        self.points.after(&record, answer, |lost| lost).await
    }
}

pub(super) fn get_many(shape: &Shape, keys: &[Key], transaction: Option<u64>) -> Recorded {
    Recorded::GetMany {
        table: shape.table().map(|table| table.name().to_owned()).unwrap_or_default(),
        keys: keys.to_vec(),
        transaction,
    }
}
