//! An executor with one fault.

use std::sync::Arc;

use thing_driver_api::{
    Capabilities, Capability, ChangeFeed, Dialect, Error, ErrorKind, Executor, Key, NoRows, Operation, PageStream,
    Result, RowSink, Schema, Shape, Statement, Table, Transaction, TransactionOptions, Value, Written, async_trait,
};

use super::sink::BrokenSink;
use super::transaction::BrokenTransaction;

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    LosesARow,
    RepeatsARow,
    SaysNotFound,
    SaysUncertain,
    CommitsOnRollback,
    CommitsOnDrop,
    EmulatesTransactions,
    WritesOneByOne,
    IgnoresStop,
    SwallowsErrors,
    LowersText,
    HidesGeneratedKeys,
    CountsNothing,
    IgnoresReadOnly,
    HidesStreaming,
}

#[derive(Clone, Debug)]
pub(crate) struct Broken {
    inner: Arc<dyn Executor>,
    capabilities: Capabilities,
    fault: Fault,
}

impl Broken {
    pub(crate) fn new(inner: impl Executor, fault: Fault) -> Self {
        let mut capabilities = *inner.capabilities();
        if fault == Fault::HidesStreaming {
            capabilities = capabilities.without(Capability::Streaming);
        }
        Self { inner: Arc::new(inner), capabilities, fault }
    }

    fn report(&self, error: Error) -> Error {
        match self.fault {
            Fault::SaysNotFound => Error::not_found("no such row"),
            Fault::SaysUncertain => Error::new(ErrorKind::ConnectionLost { may_have_executed: true }, "who knows"),
            _ => error,
        }
    }

    fn values(&self, statement: &Statement<'_>) -> Vec<Value<'static>> {
        let lower = |value: &Value<'_>| match value {
            Value::Text(text) if self.fault == Fault::LowersText => Value::Text(text.to_lowercase().into()),
            other => other.clone().into_owned(),
        };
        statement.values.iter().map(lower).collect()
    }

    fn count(&self, shape: &Shape, mut written: Written) -> Written {
        if self.fault == Fault::HidesGeneratedKeys {
            written.generated_key = None;
        }
        if self.fault == Fault::CountsNothing && matches!(shape.operation(), Operation::Update { .. }) {
            written.rows = 0;
        }
        written
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Executor for Broken {
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
        let values = self.values(statement);
        let mut sink = BrokenSink::new(rows, self.fault);
        let fetched = self.inner.fetch(&Statement::new(statement.shape, &values), &mut sink).await;
        fetched.map_err(|error| self.report(error))
    }

    async fn get_many(&self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        let mut sink = BrokenSink::new(rows, self.fault);
        let read = self.inner.get_many(shape, keys, &mut sink).await;
        read.map_err(|error| self.report(error))
    }

    async fn write(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        let values = self.values(statement);
        let written = self.inner.write(&Statement::new(statement.shape, &values), rows).await;
        written.map(|written| self.count(statement.shape, written)).map_err(|error| self.report(error))
    }

    async fn write_atomic(&self, statements: &[Statement<'_>]) -> Result<Vec<Written>, (usize, Error)> {
        let mut written = Vec::new();
        if self.fault != Fault::WritesOneByOne && self.fault != Fault::LowersText {
            written = self.inner.write_atomic(statements).await.map_err(|(at, error)| (at, self.report(error)))?;
            return Ok(written.into_iter().zip(statements).map(|(w, s)| self.count(s.shape, w)).collect());
        }
        for (at, statement) in statements.iter().enumerate() {
            written.push(self.write(statement, &mut NoRows).await.map_err(|error| (at, error))?);
            if self.fault == Fault::WritesOneByOne {
                tokio::task::yield_now().await;
            }
        }
        Ok(written)
    }

    async fn begin(&self, options: &TransactionOptions) -> Result<Box<dyn Transaction>> {
        let mut options = options.clone();
        if self.fault == Fault::IgnoresReadOnly {
            options.read_only = false;
        }
        let inner = match self.fault {
            Fault::EmulatesTransactions => None,
            _ => Some(self.inner.begin(&options).await?),
        };
        Ok(Box::new(BrokenTransaction::new(inner, self.inner.clone(), self.fault)))
    }

    async fn stream(&self, statement: &Statement<'_>) -> Result<Box<dyn PageStream>> {
        self.inner.stream(statement).await
    }

    async fn changes(&self, tables: &[Arc<Table>]) -> Result<Box<dyn ChangeFeed>> {
        self.inner.changes(tables).await
    }
}
