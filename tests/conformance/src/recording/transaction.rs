//! The transactions of a recording executor.

use std::sync::Arc;

use async_trait::async_trait;
use thing_driver_api::{Executor, Key, Result, RowSink, Shape, Statement, Transaction, Written};

use super::executor::get_many;
use super::points::Points;
use super::{Recorded, Sent};

#[derive(Debug)]
pub(super) struct RecordingTransaction {
    /// `None` once it ends.
    inner: Option<Box<dyn Transaction>>,
    executor: Arc<dyn Executor>,
    points: Points<Recorded>,
    number: u64,
}

impl RecordingTransaction {
    pub(super) fn new(
        inner: Box<dyn Transaction>,
        executor: Arc<dyn Executor>,
        points: Points<Recorded>,
        number: u64,
    ) -> Self {
        Self { inner: Some(inner), executor, points, number }
    }

    fn inner(&mut self) -> &mut Box<dyn Transaction> {
        self.inner.as_mut().expect("a transaction ends by giving itself away")
    }

    fn end(&mut self) -> Box<dyn Transaction> {
        self.inner.take().expect("a transaction ends by giving itself away")
    }

    fn sent(&self, statement: &Statement<'_>) -> Sent {
        Sent::new(statement, self.executor.dialect(), Some(self.number))
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Transaction for RecordingTransaction {
    async fn fetch(&mut self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()> {
        let record = Recorded::Fetch(self.sent(statement));
        self.points.before(&record).await?;
        let answer = self.inner().fetch(statement, rows).await;
        self.points.after(&record, answer, |lost| lost).await
    }

    async fn get_many(&mut self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        let record = get_many(shape, keys, Some(self.number));
        self.points.before(&record).await?;
        let answer = self.inner().get_many(shape, keys, rows).await;
        self.points.after(&record, answer, |lost| lost).await
    }

    async fn write(&mut self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        let record = Recorded::Write(self.sent(statement));
        self.points.before(&record).await?;
        let answer = self.inner().write(statement, rows).await;
        self.points.after(&record, answer, |lost| lost).await
    }

    async fn savepoint(&mut self, depth: u32) -> Result<()> {
        let record = Recorded::Savepoint { transaction: self.number, depth };
        self.points.before(&record).await?;
        let answer = self.inner().savepoint(depth).await;
        self.points.after(&record, answer, |lost| lost).await
    }

    async fn rollback_to(&mut self, depth: u32) -> Result<()> {
        let record = Recorded::RollbackTo { transaction: self.number, depth };
        self.points.before(&record).await?;
        let answer = self.inner().rollback_to(depth).await;
        self.points.after(&record, answer, |lost| lost).await
    }

    async fn release(&mut self, depth: u32) -> Result<()> {
        let record = Recorded::Release { transaction: self.number, depth };
        self.points.before(&record).await?;
        let answer = self.inner().release(depth).await;
        self.points.after(&record, answer, |lost| lost).await
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        let record = Recorded::Commit { transaction: self.number };
        self.points.before(&record).await?;
        let answer = self.end().commit().await;
        self.points.after(&record, answer, |lost| lost).await
    }

    async fn rollback(mut self: Box<Self>) -> Result<()> {
        let record = Recorded::Rollback { transaction: self.number };
        self.points.before(&record).await?;
        let answer = self.end().rollback().await;
        self.points.after(&record, answer, |lost| lost).await
    }
}

impl Drop for RecordingTransaction {
    fn drop(&mut self) {
        if self.inner.is_some() {
            self.points.record(Recorded::Dropped { transaction: self.number });
        }
    }
}
