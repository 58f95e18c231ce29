//! The executor, with steps; it records when a commit returned.

use std::sync::Arc;

use async_trait::async_trait;
use thing::driver::{
    Capabilities, ChangeFeed, Dialect, Error, Executor, Key, PageStream, Result, RowSink, Schema, Shape, Statement,
    Table, Transaction, TransactionOptions, Written,
};

use super::{Step, Steps};
use crate::clock;
use crate::debts::DEBTS;
use crate::history::Record;
use crate::model::WriteId;

tokio::task_local! {
    /// The write that the task is at.
    pub static WRITE: WriteId;
}

/// An executor whose reads and commits are steps.
#[derive(Debug)]
pub struct StepExecutor {
    inner: Arc<dyn Executor>,
    steps: Arc<Steps>,
}

impl StepExecutor {
    /// The executor with steps around its reads and commits.
    pub fn new(inner: Arc<dyn Executor>, steps: Arc<Steps>) -> Self {
        Self { inner, steps }
    }
}

impl Steps {
    /// Notes a write that leaves a debt.
    fn owes(&self, statement: &Statement<'_>) {
        if statement.shape.table().is_some_and(|table| table.name() == DEBTS) {
            let time = clock::now();
            // The debts that are paid are not those of a write.
            let _ = WRITE.try_with(|write| self.history().write(Record::Owed { write: *write, time }));
        }
    }

    fn committed(&self) {
        let time = clock::now();
        // Outside of a write nothing is checked.
        let _ = WRITE.try_with(|write| self.history().write(Record::Committed { write: *write, time }));
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Executor for StepExecutor {
    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    fn dialect(&self) -> Option<&dyn Dialect> {
        self.inner.dialect()
    }

    fn schema(&self) -> Option<&dyn Schema> {
        self.inner.schema()
    }

    async fn fetch(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()> {
        let read = self.inner.fetch(statement, rows).await;
        self.steps.linger(Step::AfterRead).await;
        read
    }

    async fn get_many(&self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        let read = self.inner.get_many(shape, keys, rows).await;
        self.steps.linger(Step::AfterRead).await;
        read
    }

    async fn write(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        self.steps.linger(Step::BeforeCommit).await;
        let written = self.inner.write(statement, rows).await;
        if written.as_ref().is_ok_and(|written| written.rows > 0) {
            self.steps.committed();
            self.steps.linger(Step::AfterCommit).await;
        }
        written
    }

    async fn write_atomic(&self, statements: &[Statement<'_>]) -> Result<Vec<Written>, (usize, Error)> {
        self.steps.linger(Step::BeforeCommit).await;
        statements.iter().for_each(|statement| self.steps.owes(statement));
        let written = self.inner.write_atomic(statements).await;
        if written.is_ok() {
            self.steps.committed();
            self.steps.linger(Step::AfterCommit).await;
        }
        written
    }

    async fn begin(&self, options: &TransactionOptions) -> Result<Box<dyn Transaction>> {
        let inner = self.inner.begin(options).await?;
        Ok(Box::new(StepTransaction { inner, steps: self.steps.clone() }))
    }

    async fn stream(&self, statement: &Statement<'_>) -> Result<Box<dyn PageStream>> {
        self.inner.stream(statement).await
    }

    async fn changes(&self, tables: &[Arc<Table>]) -> Result<Box<dyn ChangeFeed>> {
        self.inner.changes(tables).await
    }
}

#[derive(Debug)]
struct StepTransaction {
    inner: Box<dyn Transaction>,
    steps: Arc<Steps>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transaction for StepTransaction {
    async fn fetch(&mut self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()> {
        self.inner.fetch(statement, rows).await
    }

    async fn get_many(&mut self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        self.inner.get_many(shape, keys, rows).await
    }

    async fn write(&mut self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        self.steps.owes(statement);
        self.inner.write(statement, rows).await
    }

    async fn savepoint(&mut self, depth: u32) -> Result<()> {
        self.inner.savepoint(depth).await
    }

    async fn rollback_to(&mut self, depth: u32) -> Result<()> {
        self.inner.rollback_to(depth).await
    }

    async fn release(&mut self, depth: u32) -> Result<()> {
        self.inner.release(depth).await
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        self.steps.linger(Step::BeforeCommit).await;
        let committed = self.inner.commit().await;
        if committed.is_ok() {
            self.steps.committed();
            self.steps.linger(Step::AfterCommit).await;
        }
        committed
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        self.inner.rollback().await
    }
}
