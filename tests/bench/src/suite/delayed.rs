//! A slow database: an executor whose reads take longer.

use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::{
    Capabilities, ChangeFeed, Dialect, Error, Executor, Key, PageStream, Result, RowSink, Schema, Shape, Statement,
    Table, Transaction, TransactionOptions, Written, async_trait,
};

/// Waits before each read.
#[derive(Debug)]
pub(super) struct Delayed<E> {
    inner: E,
    delay: Duration,
}

impl<E> Delayed<E> {
    pub(super) fn new(inner: E, delay: Duration) -> Self {
        Self { inner, delay }
    }

    async fn wait(&self) {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<E: Executor> Executor for Delayed<E> {
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
        self.wait().await;
        self.inner.fetch(statement, rows).await
    }

    async fn get_many(&self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        self.wait().await;
        self.inner.get_many(shape, keys, rows).await
    }

    async fn write(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        self.inner.write(statement, rows).await
    }

    async fn write_atomic(&self, statements: &[Statement<'_>]) -> Result<Vec<Written>, (usize, Error)> {
        self.inner.write_atomic(statements).await
    }

    async fn begin(&self, options: &TransactionOptions) -> Result<Box<dyn Transaction>> {
        self.inner.begin(options).await
    }

    async fn stream(&self, statement: &Statement<'_>) -> Result<Box<dyn PageStream>> {
        self.inner.stream(statement).await
    }

    async fn changes(&self, tables: &[Arc<Table>]) -> Result<Box<dyn ChangeFeed>> {
        self.inner.changes(tables).await
    }
}
