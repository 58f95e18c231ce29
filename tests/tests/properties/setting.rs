//! What a case runs on: a database, a cache, and wrappers that make them look like others.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use thing::Db;
use thing::driver::{
    Behind, CacheClient, CacheStatistics, Capabilities, Capability, ChangeFeed, Dialect, EntryKey, Error, Executor,
    Found, InvalidationStream, Key, Lease, LeaseRequest, Leased, NewEntry, Outcome, PageStream, Payload, Peek, Result,
    RowSink, Schema, Shape, Statement, TableId, Tag, Token, Transaction, TransactionOptions, Wanted, Written,
};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

use crate::program::{CacheKind, Setting};

/// The database as the setting wants it to look, with its cache.
pub(crate) fn cached(executor: &SqliteExecutor, setting: Setting) -> Db {
    let builder = Db::builder(Limited::new(executor.clone(), setting));
    let tiny = || MemoryConfig::default().max_entries(6).max_tags(12).max_log_changes(2);
    match setting.cache {
        CacheKind::Roomy => builder.cache(MemoryCache::new(MemoryConfig::default())),
        CacheKind::Tiny => builder.cache(MemoryCache::new(tiny())).cached_list_limit(3),
        CacheKind::Remote => builder.cache(Remote(MemoryCache::new(MemoryConfig::default()))),
    }
    .build()
}

/// An executor with fewer capabilities than it has.
#[derive(Debug)]
struct Limited {
    inner: SqliteExecutor,
    capabilities: Capabilities,
}

impl Limited {
    fn new(inner: SqliteExecutor, setting: Setting) -> Self {
        let mut capabilities = *inner.capabilities();
        for (kept, capability) in [
            (setting.returning, Capability::Returning),
            (setting.exact_text, Capability::ExactText),
            (setting.exact_text, Capability::OrderedText),
            (setting.exact_numbers, Capability::ExactNumbers),
        ] {
            if !kept {
                capabilities = capabilities.without(capability);
            }
        }
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

    async fn changes(&self) -> Result<Box<dyn ChangeFeed>> {
        self.inner.changes().await
    }
}

/// A cache that keeps bytes and can't be peeked into.
#[derive(Debug)]
struct Remote(MemoryCache);

impl Remote {
    fn encode(mut entry: NewEntry) -> Option<NewEntry> {
        if let Payload::Shared(value) = &entry.payload {
            entry.payload = Payload::Encoded(value.encode().ok()?.into());
        }
        Some(entry)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheClient for Remote {
    fn peek(&self, _: &EntryKey) -> Peek {
        Peek::Unknown
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        self.0.load(wanted).await
    }

    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        self.0.lease(requests).await
    }

    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        self.0.store(lease, entries.into_iter().filter_map(Self::encode).collect()).await
    }

    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        let encoded =
            |(lease, entries): (Lease, Vec<NewEntry>)| (lease, entries.into_iter().filter_map(Self::encode).collect());
        self.0.store_many(fills.into_iter().map(encoded).collect()).await
    }

    fn abandon(&self, lease: &Lease) {
        self.0.abandon(lease);
    }

    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        self.0.restamp(key, behind).await
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        self.0.quarantine(tags, token, duration).await
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        self.0.release(tags, token, outcome).await
    }

    async fn void(&self, tags: &[Tag]) -> Result<()> {
        self.0.void(tags).await
    }

    async fn void_table(&self, table: TableId) -> Result<()> {
        self.0.void_table(table).await
    }

    async fn invalidations(&self) -> Result<Option<Box<dyn InvalidationStream>>> {
        self.0.invalidations().await
    }

    fn statistics(&self) -> CacheStatistics {
        self.0.statistics()
    }
}
