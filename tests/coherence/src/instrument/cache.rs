//! The cache, with steps.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use thing::driver::{
    Behind, CacheClient, CacheStatistics, EntryKey, Found, InvalidationStream, Lease, LeaseRequest, Leased, NewEntry,
    Outcome, Peek, Result, TableId, Tag, Token, Wanted,
};

use super::{Step, Steps};

/// A cache whose commands are steps.
#[derive(Debug)]
pub struct StepCache {
    inner: Arc<dyn CacheClient>,
    steps: Arc<Steps>,
}

impl StepCache {
    /// The cache with steps around its commands.
    pub fn new(inner: Arc<dyn CacheClient>, steps: Arc<Steps>) -> Self {
        Self { inner, steps }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheClient for StepCache {
    fn declare(&self, table: TableId, scopes: u64) -> bool {
        self.inner.declare(table, scopes)
    }

    fn peek(&self, key: &EntryKey) -> Peek {
        self.inner.peek(key)
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        self.inner.load(wanted).await
    }

    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        let leased = self.inner.lease(requests).await;
        self.steps.pass(Step::AfterLease);
        leased
    }

    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        let stored = self.inner.store(lease, entries).await;
        self.steps.pass(Step::AfterStore);
        stored
    }

    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        let stored = self.inner.store_many(fills).await;
        self.steps.pass(Step::AfterStore);
        stored
    }

    fn abandon(&self, lease: &Lease) {
        self.inner.abandon(lease);
    }

    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        self.inner.restamp(key, behind).await
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        self.steps.pass(Step::BeforeQuarantine);
        let marked = self.inner.quarantine(tags, token, duration).await;
        self.steps.pass(Step::AfterQuarantine);
        marked
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        self.steps.pass(Step::BeforeRelease);
        let released = self.inner.release(tags, token, outcome).await;
        self.steps.pass(Step::AfterRelease);
        released
    }

    async fn void(&self, tags: &[Tag]) -> Result<()> {
        self.inner.void(tags).await
    }

    async fn void_table(&self, table: TableId) -> Result<()> {
        self.inner.void_table(table).await
    }

    async fn settle(&self) -> Result<()> {
        self.inner.settle().await
    }

    async fn invalidations(&self, bound: Duration) -> Result<Option<Box<dyn InvalidationStream>>> {
        self.inner.invalidations(bound).await
    }

    fn statistics(&self) -> CacheStatistics {
        self.inner.statistics()
    }
}
