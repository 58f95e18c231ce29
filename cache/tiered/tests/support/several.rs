//! Several processes as one cache, each step in another of them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;
use thing_cache_tiered::TieredCache;
use thing_driver_api::{
    Behind, CacheClient, CacheStatistics, EntryKey, Found, InvalidationStream, Lease, LeaseId, LeaseRequest, Leased,
    NewEntry, Outcome, Peek, Result, TableId, Tag, Token, Wanted,
};

/// Clients of one shared cache. Each step is done by the next of them, save what belongs to an earlier step: what ends a
/// lease or a write is done by who began it.
///
/// A writer settles before it commits, as one does whose readers must never be behind.
#[derive(Debug)]
pub(crate) struct Several {
    clients: Vec<TieredCache>,
    next: AtomicUsize,
    leases: Mutex<HashMap<LeaseId, usize>>,
    writers: Mutex<HashMap<Token, usize>>,
}

impl Several {
    pub(crate) fn new(clients: Vec<TieredCache>) -> Self {
        Self { clients, next: AtomicUsize::new(0), leases: Mutex::default(), writers: Mutex::default() }
    }

    fn next(&self) -> usize {
        self.next.fetch_add(1, SeqCst) % self.clients.len()
    }

    fn of_lease(&self, lease: &Lease) -> &TieredCache {
        let at = self.leases.lock().expect("no panic").get(&lease.id).copied();
        &self.clients[at.unwrap_or(0)]
    }

    fn of_writer(&self, token: Token) -> &TieredCache {
        let at = *self.writers.lock().expect("no panic").entry(token).or_insert_with(|| self.next());
        &self.clients[at]
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheClient for Several {
    fn declare(&self, table: TableId, scopes: u64) -> bool {
        self.clients.iter().all(|client| client.declare(table, scopes))
    }

    fn peek(&self, key: &EntryKey) -> Peek {
        self.clients[self.next()].peek(key)
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        let at = self.next();
        let found = self.clients[at].load(wanted).await?;
        for found in &found {
            if let Found::Behind(behind) = found {
                self.leases.lock().expect("no panic").insert(behind.as_of.id, at);
            }
        }
        Ok(found)
    }

    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        let at = self.next();
        let leased = self.clients[at].lease(requests).await?;
        for leased in &leased {
            if let Leased::Granted(lease) = leased {
                self.leases.lock().expect("no panic").insert(lease.id, at);
            }
        }
        Ok(leased)
    }

    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        self.of_lease(lease).store(lease, entries).await
    }

    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        let Some((lease, _)) = fills.first() else { return Ok(0) };
        self.of_lease(&lease.clone()).store_many(fills).await
    }

    fn abandon(&self, lease: &Lease) {
        self.of_lease(lease).abandon(lease);
    }

    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        self.of_lease(&behind.as_of).restamp(key, behind).await
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        let writer = self.of_writer(token);
        writer.quarantine(tags, token, duration).await?;
        writer.settle().await
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        let writer = self.of_writer(token);
        writer.release(tags, token, outcome).await?;
        // So that the next steps find each near cache open again.
        writer.settle().await
    }

    async fn void(&self, tags: &[Tag]) -> Result<()> {
        let client = &self.clients[self.next()];
        client.void(tags).await?;
        client.settle().await
    }

    async fn void_table(&self, table: TableId) -> Result<()> {
        let client = &self.clients[self.next()];
        client.void_table(table).await?;
        client.settle().await
    }

    async fn settle(&self) -> Result<()> {
        Ok(())
    }

    async fn invalidations(&self, _: Duration) -> Result<Option<Box<dyn InvalidationStream>>> {
        Ok(None)
    }

    /// Those of the server, which count for all clients, and the near hits of each.
    fn statistics(&self) -> CacheStatistics {
        let of_each: Vec<CacheStatistics> = self.clients.iter().map(CacheClient::statistics).collect();
        let near_hits: u64 = of_each.iter().map(|of_one| of_one.near_hits).sum();
        let mut all = of_each.into_iter().max_by_key(|of_one| of_one.entries).unwrap_or_default();
        all.hits += near_hits - all.near_hits;
        all.near_hits = near_hits;
        all
    }
}
