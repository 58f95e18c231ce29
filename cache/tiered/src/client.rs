//! The cache client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use thing_cache_memory::MemoryCache;
use thing_driver_api::{
    Behind, CacheClient, CacheStatistics, EntryKey, Error, Found, InvalidationStream, Lease, LeaseRequest, Leased,
    NewEntry, Outcome, Peek, Result, TableId, Tag, Token, Wanted,
};
use tokio::task::AbortHandle;

use crate::config::TieredConfig;
use crate::fills::Fills;
use crate::keeper::keep;
use crate::near::Near;

/// A cache in this process's memory in front of one that many processes share. Clones are handles to the same.
///
/// A background task of the runtime in which it was made hears what other processes invalidate, and ends with the last
/// clone.
#[derive(Clone)]
pub struct TieredCache {
    tiers: Arc<Tiers>,
    _keeper: Arc<Keeper>,
}

/// The two caches.
pub(crate) struct Tiers {
    pub(crate) near: Arc<Near>,
    pub(crate) shared: Arc<dyn CacheClient>,
    pub(crate) fills: Fills,
}

/// Ends the task that hears.
struct Keeper(AbortHandle);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl TieredCache {
    /// A near cache with these limits in front of a shared cache. To be called in a Tokio runtime.
    ///
    /// The memory, if one is given instead of limits, is used by this cache alone, and so is the client of the shared
    /// cache: what a client does itself it does not hear, so a write by another handle to the same client would go
    /// unnoticed here. Clone the `TieredCache` instead.
    ///
    /// The near cache stays empty as long as the shared one gives no
    /// [stream of invalidations](CacheClient::invalidations); see [`TieredCache::is_near`].
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn new(near: impl Into<MemoryCache>, shared: impl CacheClient, config: TieredConfig) -> Self {
        let memory: MemoryCache = near.into();
        let fills = Fills::new(memory.config().lease_time);
        let near = Arc::new(Near::new(memory, config));
        let shared: Arc<dyn CacheClient> = Arc::new(shared);
        let keeper = tokio::spawn(keep(near.clone(), shared.clone()));
        Self { tiers: Arc::new(Tiers { near, shared, fills }), _keeper: Arc::new(Keeper(keeper.abort_handle())) }
    }

    /// The configuration it was made with.
    pub fn config(&self) -> &TieredConfig {
        &self.tiers.near.config
    }

    /// Whether reads are answered from this process's memory now. They are not where the shared cache was not heard for
    /// the bound: just after the start, while the connection is lost or late, and where it tells no invalidations.
    pub fn is_near(&self) -> bool {
        self.tiers.near.is_open()
    }

    /// Why they are not, where there is another reason than silence: the stream could not be opened or broke off.
    pub fn trouble(&self) -> Option<Arc<Error>> {
        self.tiers.near.trouble()
    }
}

impl fmt::Debug for TieredCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TieredCache")
            .field("config", self.config())
            .field("is_near", &self.is_near())
            .field("near", &self.tiers.near.memory)
            .field("shared", &self.tiers.shared)
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheClient for TieredCache {
    fn declare(&self, table: TableId, scopes: u64) -> bool {
        let is_alone = self.tiers.shared.declare(table, scopes);
        self.tiers.near.note(table, !is_alone);
        is_alone
    }

    fn peek(&self, key: &EntryKey) -> Peek {
        self.tiers.near.peek(key)
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        self.tiers.load(wanted).await
    }

    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        self.tiers.lease(requests).await
    }

    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        self.tiers.store(lease, entries).await
    }

    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        self.tiers.store_many(fills).await
    }

    fn abandon(&self, lease: &Lease) {
        drop(self.tiers.fills.end(lease.id));
        self.tiers.shared.abandon(lease);
    }

    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        self.tiers.restamp(key, behind).await
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        self.tiers.quarantine(tags, token, duration).await
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        self.tiers.release(tags, token, outcome).await
    }

    async fn void(&self, tags: &[Tag]) -> Result<()> {
        self.tiers.void(tags).await
    }

    async fn void_table(&self, table: TableId) -> Result<()> {
        self.tiers.void_table(table).await
    }

    /// The memory of this process knows of its own writes already.
    async fn settle(&self) -> Result<()> {
        self.tiers.shared.settle().await
    }

    /// `None`: a third cache in front can't be right. It would be told before this one's memory is, and be filled from it
    /// with what it was just told to forget.
    async fn invalidations(&self, _: Duration) -> Result<Option<Box<dyn InvalidationStream>>> {
        Ok(None)
    }

    /// Of the shared client, with what the memory adds: `hits` are those of both, and `near_hits` the memory's;
    /// `misses_stale`, `misses_quarantined` and `restamped` count what the memory found so too; `evicted`, `entries` and `bytes`
    /// are the memory's. A read that the memory can't answer counts as what the shared cache finds.
    fn statistics(&self) -> CacheStatistics {
        let Near { memory, counters, .. } = &*self.tiers.near;
        let near = memory.statistics();
        let mut statistics = self.tiers.shared.statistics();
        statistics.near_hits = near.hits;
        statistics.hits += near.hits;
        statistics.misses_stale += counters.behind.total();
        statistics.misses_quarantined += counters.quarantined.total();
        statistics.misses_suspect = counters.suspect.total();
        statistics.restamped += near.restamped;
        statistics.heard = counters.heard.total();
        statistics.evicted = near.evicted;
        statistics.entries = near.entries;
        statistics.bytes = near.bytes;
        statistics
    }
}
