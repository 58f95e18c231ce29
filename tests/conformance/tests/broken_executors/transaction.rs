//! The transactions of a broken executor.

use std::sync::Arc;

use thing_driver_api::{Executor, Key, Result, RowSink, Shape, Statement, Transaction, Written, async_trait};

use super::executor::Fault;

#[derive(Debug)]
pub(crate) struct BrokenTransaction {
    /// `None` where each statement goes to the executor.
    inner: Option<Box<dyn Transaction>>,
    executor: Arc<dyn Executor>,
    fault: Fault,
}

impl BrokenTransaction {
    pub(crate) fn new(inner: Option<Box<dyn Transaction>>, executor: Arc<dyn Executor>, fault: Fault) -> Self {
        Self { inner, executor, fault }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Transaction for BrokenTransaction {
    async fn fetch(&mut self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()> {
        match &mut self.inner {
            Some(inner) => inner.fetch(statement, rows).await,
            None => self.executor.fetch(statement, rows).await,
        }
    }

    async fn get_many(&mut self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        match &mut self.inner {
            Some(inner) => inner.get_many(shape, keys, rows).await,
            None => self.executor.get_many(shape, keys, rows).await,
        }
    }

    async fn write(&mut self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        match &mut self.inner {
            Some(inner) => inner.write(statement, rows).await,
            None => self.executor.write(statement, rows).await,
        }
    }

    async fn savepoint(&mut self, depth: u32) -> Result<()> {
        match &mut self.inner {
            Some(inner) => inner.savepoint(depth).await,
            None => Ok(()),
        }
    }

    async fn rollback_to(&mut self, depth: u32) -> Result<()> {
        match &mut self.inner {
            Some(inner) => inner.rollback_to(depth).await,
            None => Ok(()),
        }
    }

    async fn release(&mut self, depth: u32) -> Result<()> {
        match &mut self.inner {
            Some(inner) => inner.release(depth).await,
            None => Ok(()),
        }
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        match self.inner.take() {
            Some(inner) => inner.commit().await,
            None => Ok(()),
        }
    }

    async fn rollback(mut self: Box<Self>) -> Result<()> {
        match self.inner.take() {
            Some(inner) if self.fault == Fault::CommitsOnRollback => inner.commit().await,
            Some(inner) => inner.rollback().await,
            None => Ok(()),
        }
    }
}

impl Drop for BrokenTransaction {
    fn drop(&mut self) {
        if self.fault == Fault::CommitsOnDrop
            && let Some(inner) = self.inner.take()
        {
            tokio::task::block_in_place(|| {
                let committed = tokio::runtime::Handle::current().block_on(inner.commit());
                committed.expect("the transaction commits");
            });
        }
    }
}
