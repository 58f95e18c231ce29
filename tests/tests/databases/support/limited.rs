//! Executors that can do less.

use std::sync::Arc;

use thing::driver::{
    Capabilities, Capability, ChangeFeed, Dialect, Error, Executor, Key, PageStream, Result, RowSink, Schema, Shape,
    Statement, Table, Transaction, TransactionOptions, Written, async_trait,
};

/// An executor with fewer capabilities than it has.
#[derive(Debug)]
pub(crate) struct Limited {
    inner: Arc<dyn Executor>,
    capabilities: Capabilities,
}

impl Limited {
    pub(crate) fn new(inner: Arc<dyn Executor>, without: &[Capability]) -> Self {
        let capabilities = without.iter().fold(*inner.capabilities(), |all, one| all.without(*one));
        Self { inner, capabilities }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Executor for Limited {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn dialect(&self) -> Option<&dyn Dialect> {
        self.inner.dialect()
    }

    fn schema(&self) -> Option<&dyn Schema> {
        self.inner.schema()
    }

    async fn fetch(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()> {
        self.inner.fetch(statement, rows).await
    }

    async fn get_many(&self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
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
