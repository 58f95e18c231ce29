//! Cache-aside as it is usually written: GET, on a miss read and SET with a time to live, DEL after the commit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, FromRedisValue};
use thing::driver::{
    Behind, CacheClient, CacheStatistics, EntryKey, Error, Found, InvalidationStream, Lease, LeaseRequest, Leased,
    NewEntry, Outcome, Payload, Peek, Result, TableId, Tag, Token, Wanted,
};
use tokio::sync::Mutex;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_millis(500);
const SECONDS_TO_LIVE: u64 = 600;

/// A client without stamps, leases or quarantines. An object lies under the digest of its row; a list lies under its own
/// digest, which is kept in a set for each tag it depends on.
#[derive(Debug)]
pub(super) struct NaiveCache {
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl NaiveCache {
    pub(super) fn open(url: &str) -> Result<Self> {
        let client = Client::open(url).map_err(failed)?;
        Ok(Self { client, connection: Mutex::default(), hits: AtomicU64::new(0), misses: AtomicU64::new(0) })
    }

    async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        let work = async {
            let mut connection = self.connection().await?;
            command.query_async(&mut connection).await.map_err(failed)
        };
        let answer = timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(Error::cache("no answer in time")));
        if answer.is_err() {
            *self.connection.lock().await = None;
        }
        answer
    }

    async fn connection(&self) -> Result<MultiplexedConnection> {
        let mut known = self.connection.lock().await;
        if let Some(connection) = &*known {
            return Ok(connection.clone());
        }
        let connection = self.client.get_multiplexed_async_connection().await.map_err(failed)?;
        Ok(known.insert(connection).clone())
    }

    async fn forget(&self, tags: &[Tag]) -> Result<()> {
        for tag in tags {
            let mut delete = Cmd::new();
            delete.arg("DEL").arg(entry_at(*tag)).arg(members_of(*tag));
            let members: Vec<String> = self.run(Cmd::new().arg("SMEMBERS").arg(members_of(*tag))).await?;
            members.iter().for_each(|member| _ = delete.arg(member));
            let () = self.run(&delete).await?;
        }
        Ok(())
    }
}

fn failed(error: redis::RedisError) -> Error {
    Error::cache("Redis failed").with_source(error)
}

fn entry_at(digest: Tag) -> String {
    format!("naive:entry:{:x}", digest.0)
}

fn members_of(tag: Tag) -> String {
    format!("naive:members:{:x}", tag.0)
}

fn encode(payload: &Payload) -> Result<Vec<u8>> {
    let value = match payload {
        Payload::Shared(value) => value.encode()?,
        Payload::Encoded(bytes) => bytes.to_vec(),
        _ => return Ok(vec![0]),
    };
    Ok([&[1], &*value].concat())
}

fn decode(bytes: &[u8]) -> Payload {
    match bytes.split_first() {
        Some((1, value)) => Payload::Encoded(value.into()),
        _ => Payload::Absent,
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheClient for NaiveCache {
    fn declare(&self, _: TableId, _: u64) -> bool {
        true
    }

    fn peek(&self, _: &EntryKey) -> Peek {
        Peek::Unknown
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        let mut command = Cmd::new();
        command.arg("MGET");
        wanted.iter().for_each(|wanted| _ = command.arg(entry_at(wanted.key.digest())));
        let values: Vec<Option<Vec<u8>>> = self.run(&command).await?;
        let found = |value: Option<Vec<u8>>| {
            let counter = if value.is_some() { &self.hits } else { &self.misses };
            counter.fetch_add(1, Ordering::Relaxed);
            value.map_or(Found::Miss, |bytes| Found::Hit(decode(&bytes)))
        };
        Ok(values.into_iter().map(found).collect())
    }

    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        let lease = |request: &LeaseRequest<'_>| match *request {
            LeaseRequest::Entry { key, .. } => Leased::Granted(Lease::entry(key.clone(), Vec::new(), 0)),
            LeaseRequest::Rows { table } => Leased::Granted(Lease::rows(table, 0)),
        };
        Ok(requests.iter().map(lease).collect())
    }

    async fn store(&self, _: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        for entry in &entries {
            let name = entry_at(entry.key.digest());
            let value = encode(&entry.payload)?;
            let () = self.run(Cmd::new().arg("SET").arg(&name).arg(value).arg("EX").arg(SECONDS_TO_LIVE)).await?;
            if matches!(entry.key, EntryKey::Query { .. }) {
                for tag in &entry.tags {
                    let () = self.run(Cmd::new().arg("SADD").arg(members_of(*tag)).arg(&name)).await?;
                }
            }
        }
        Ok(entries.len())
    }

    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        let mut kept = 0;
        for (lease, entries) in fills {
            kept += self.store(&lease, entries).await?;
        }
        Ok(kept)
    }

    fn abandon(&self, _: &Lease) {}

    async fn restamp(&self, _: &EntryKey, _: &Behind) -> Result<bool> {
        Ok(false)
    }

    async fn quarantine(&self, _: &[Tag], _: Token, _: Duration) -> Result<()> {
        Ok(())
    }

    async fn release(&self, tags: &[Tag], _: Token, outcome: Outcome) -> Result<()> {
        match outcome {
            Outcome::Nothing => Ok(()),
            _ => self.forget(tags).await,
        }
    }

    async fn void(&self, tags: &[Tag]) -> Result<()> {
        self.forget(tags).await
    }

    async fn void_table(&self, _: TableId) -> Result<()> {
        self.run(Cmd::new().arg("FLUSHDB")).await
    }

    async fn settle(&self) -> Result<()> {
        Ok(())
    }

    async fn invalidations(&self, _: Duration) -> Result<Option<Box<dyn InvalidationStream>>> {
        Ok(None)
    }

    fn statistics(&self) -> CacheStatistics {
        let mut statistics = CacheStatistics::default();
        statistics.hits = self.hits.load(Ordering::Relaxed);
        statistics.misses_cold = self.misses.load(Ordering::Relaxed);
        statistics
    }
}
