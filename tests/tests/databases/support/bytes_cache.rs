//! A cache that keeps bytes instead of values and can't be peeked into, as one outside the process.

use std::sync::Arc;
use std::time::Duration;

use thing::driver::{
    Behind, CacheClient, CacheStatistics, EntryKey, Found, InvalidationStream, Lease, LeaseRequest, Leased, NewEntry,
    Outcome, Payload, Peek, Result, TableId, Tag, Token, Wanted, async_trait,
};

/// Encodes what is stored, damages it where it is told to, and never answers a peek.
#[derive(Debug)]
pub(crate) struct BytesCache {
    inner: Arc<dyn CacheClient>,
    damage: fn(&mut Vec<u8>),
}

impl BytesCache {
    pub(crate) fn new(inner: impl CacheClient) -> Self {
        Self::damaging(inner, |_| ())
    }

    pub(crate) fn damaging(inner: impl CacheClient, damage: fn(&mut Vec<u8>)) -> Self {
        Self { inner: Arc::new(inner), damage }
    }

    fn encoded(&self, mut entry: NewEntry) -> Option<NewEntry> {
        if let Payload::Shared(value) = &entry.payload {
            let mut bytes = value.encode().ok()?;
            (self.damage)(&mut bytes);
            entry.payload = Payload::Encoded(bytes.into());
        }
        Some(entry)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheClient for BytesCache {
    fn declare(&self, table: TableId, scopes: u64) -> bool {
        self.inner.declare(table, scopes)
    }

    fn peek(&self, _: &EntryKey) -> Peek {
        Peek::Unknown
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        self.inner.load(wanted).await
    }

    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        self.inner.lease(requests).await
    }

    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        let entries = entries.into_iter().filter_map(|entry| self.encoded(entry)).collect();
        self.inner.store(lease, entries).await
    }

    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        let mut kept = 0;
        for (lease, entries) in fills {
            kept += self.store(&lease, entries).await?;
        }
        Ok(kept)
    }

    fn abandon(&self, lease: &Lease) {
        self.inner.abandon(lease);
    }

    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        self.inner.restamp(key, behind).await
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        self.inner.quarantine(tags, token, duration).await
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        self.inner.release(tags, token, outcome).await
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
