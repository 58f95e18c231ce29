//! The cache client.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use thing_driver_api::{
    Behind, CacheClient, CacheStatistics, EntryKey, Found, InvalidationStream, Lease, LeaseRequest, Leased, NewEntry,
    Outcome, Peek, Result, TableId, Tag, Token, Wanted,
};

use crate::config::RedisConfig;
use crate::counters::RedisStatistics;
use crate::entry;
use crate::fills::{Ending, Fills, Leave};
use crate::keeper::{FailedRelease, Way};
use crate::store::{AbsentStores, exchange};
use crate::stream::Stream;
use crate::write::{Quarantine, Release};
use crate::{merged, settle, write};

/// A cache in Redis or Valkey, shared by all that use the same server, database and prefix. Clones are handles to the
/// same connections.
///
/// A background task of the runtime in which it was made keeps the connections, and ends with the last clone. A
/// server that goes away costs reads at most [`RedisConfig::read_timeout`] each, and nothing after some failures;
/// writes are refused after [`RedisConfig::write_timeout`]. Both heal by themselves when it is back.
#[derive(Clone)]
pub struct RedisCache {
    pub(crate) way: Arc<Way>,
    pub(crate) fills: Arc<Fills>,
    pub(crate) absent: Arc<AbsentStores>,
}

/// How long a release that failed is tried again. Longer than the core's quarantines last.
const RELEASE_AGAIN: Duration = Duration::from_secs(60);

impl RedisCache {
    /// Connects to one server; see [`RedisConfig::from_url`] for the URL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) for the URL, else as
    /// [`RedisCache::connect`].
    pub async fn open(url: impl AsRef<str>) -> Result<Self> {
        Self::connect(RedisConfig::from_url(url)?).await
    }

    /// Connects as the configuration says. To be called in a Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Cache`](thing_driver_api::ErrorKind::Cache) when a server can't be reached or does not let the
    /// user in; the message names the server and says what to do. A program that starts without its cache should
    /// know: only a connection that was there once heals by itself.
    pub async fn connect(config: RedisConfig) -> Result<Self> {
        Ok(Self { way: Way::open(config).await?, fills: Arc::default(), absent: Arc::default() })
    }

    /// The configuration it was made with.
    pub fn config(&self) -> &RedisConfig {
        &self.way.config
    }

    /// Counters of this client, those of the connection too.
    pub fn redis_statistics(&self) -> RedisStatistics {
        self.way.counters.all(self.way.link().is_some(), self.way.is_sparing())
    }
}

impl fmt::Debug for RedisCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCache")
            .field("config", &self.way.config)
            .field("statistics", &self.redis_statistics())
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheClient for RedisCache {
    /// As was learned when a list was leased, or written to the table, the last time.
    fn declare(&self, table: TableId, scopes: u64) -> bool {
        self.way.programs.declare(table, scopes)
    }

    /// Nothing is in this process's memory.
    fn peek(&self, _: &EntryKey) -> Peek {
        Peek::Unknown
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let link = self.way.link_for_read("look for entries")?;
        let find = pin!(async {
            if let [wanted] = wanted
                && let Some(found) = self.find_row(&link, wanted).await?
            {
                return Ok(vec![found]);
            }
            // In a box, so that the future of the fastest path is small.
            Box::pin(self.find(&link, wanted)).await
        });
        self.way.read("look for entries", &link, find).await
    }

    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let link = self.way.link_for_read("lease entries")?;
        self.way.read("lease entries", &link, pin!(self.note(&link, requests))).await
    }

    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        self.store_all(vec![(lease, entries)]).await
    }

    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        let (leases, entries): (Vec<_>, Vec<_>) = fills.into_iter().unzip();
        self.store_all(leases.iter().zip(entries).collect()).await
    }

    /// Other processes that wait for the fill are told in the background.
    fn abandon(&self, lease: &Lease) {
        self.end(lease.id);
    }

    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        let Some(noted) = self.fills.get(behind.as_of.id) else {
            return Ok(false);
        };
        let Leave::Renewal { key: noted_key, header, dependencies } = &noted.leave else {
            return Ok(false);
        };
        let _ending = Ending { cache: self, ids: vec![behind.as_of.id] };
        let link = self.way.link_for_read("stamp an entry anew")?;
        let renewed = entry::renew(header, key, dependencies);
        let Some(renewed) = renewed.filter(|_| noted_key == key && noted.identity == link.identity) else {
            return Ok(false);
        };
        let exchange = pin!(exchange(&link, key, header, &renewed, dependencies));
        let held = self.way.read("stamp an entry anew", &link, exchange).await?;
        self.way.counters.restamped.add(usize::from(held));
        Ok(held)
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        merged::run(&self.way, Quarantine { tags: tags.to_vec(), token, duration }).await?;
        self.way.counters.quarantines.add(1);
        Ok(())
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        let release = || Release { tags: tags.to_vec(), token, outcome: outcome.clone() };
        let released = merged::run(&self.way, release()).await;
        self.way.counters.releases.add(1);
        if released.is_err() {
            self.way.release_later(FailedRelease { release: release(), until: Instant::now() + RELEASE_AGAIN });
        }
        released
    }

    async fn void(&self, tags: &[Tag]) -> Result<()> {
        write::void(&self.way, tags).await
    }

    async fn void_table(&self, table: TableId) -> Result<()> {
        write::void_table(&self.way, table).await
    }

    /// Takes a round trip when there is no near cache, and one more to the slowest where there are; as long as
    /// [`RedisConfig::bound`] where one does not answer, and where the server has not known for that long who has one:
    /// the first time, and after it was flushed.
    async fn settle(&self) -> Result<()> {
        settle::settle(&self.way).await
    }

    /// Needs RESP3, and a bound that is at most [`RedisConfig::bound`]. To be called in a Tokio runtime; the stream
    /// ends with the last clone of this client.
    async fn invalidations(&self, bound: Duration) -> Result<Option<Box<dyn InvalidationStream>>> {
        Ok(Some(Box::new(Stream::open(&self.way, bound).await?)))
    }

    /// Of this process; `entries` and `bytes` are what it stored. See [`RedisCache::redis_statistics`] for more.
    fn statistics(&self) -> CacheStatistics {
        self.way.counters.cache()
    }
}
