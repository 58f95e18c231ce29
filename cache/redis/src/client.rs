//! The cache client.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use redis::{Cmd, RedisResult, Value};
use thing_driver_api::{
    Behind, CacheClient, CacheStatistics, Change, EntryKey, Found, InvalidationStream, Lease, LeaseId,
    LeaseRequest, Leased, NewEntry, Outcome, Payload, Peek, Result, Stamp as ContractStamp, TableId, Tag, Token,
    Wanted,
};

use crate::batch::{self, Batch, array, bytes};
use crate::cell::{Cell, Stamp};
use crate::config::RedisConfig;
use crate::counters::RedisStatistics;
use crate::entry::{self, Dependencies, Entry};
use crate::error;
use crate::fills::{Ending, Fills, Leave, Noted};
use crate::keeper::{FailedRelease, Way};
use crate::link::Link;
use crate::log;
use crate::name::{Name, Shard};
use crate::script::Script;

/// A cache in Redis or Valkey, shared by all that use the same server, database and prefix. Clones are handles to the same
/// connections.
///
/// A background task of the runtime in which it was made keeps the connections, and ends with the last clone. A server that
/// goes away costs reads at most [`RedisConfig::read_timeout`] each, and nothing after some failures; writes are refused
/// after [`RedisConfig::write_timeout`]. Both heal by themselves when it is back.
#[derive(Clone)]
pub struct RedisCache {
    way: Arc<Way>,
    fills: Arc<Fills>,
}

/// How long a release that failed is tried again. Longer than the core's quarantines last.
const RELEASE_AGAIN: Duration = Duration::from_secs(60);

impl RedisCache {
    /// Connects to one server; see [`RedisConfig::new`] for the URL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) for the URL, else as [`RedisCache::connect`].
    pub async fn open(url: impl AsRef<str>) -> Result<Self> {
        Self::connect(RedisConfig::new(url)?).await
    }

    /// Connects as the configuration says. To be called in a Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Cache`](thing_driver_api::ErrorKind::Cache) when a server can't be reached or does not let the user in;
    /// the message names the server and says what to do. A program that starts without its cache should know: only a
    /// connection that was there once heals by itself.
    pub async fn connect(config: RedisConfig) -> Result<Self> {
        Ok(Self { way: Way::open(config).await?, fills: Arc::default() })
    }

    /// The configuration it was made with.
    pub fn config(&self) -> &RedisConfig {
        &self.way.config
    }

    /// Counters of this client, those of the connection too.
    pub fn redis_statistics(&self) -> RedisStatistics {
        self.way.counters.all(self.way.link().is_some())
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
    /// Nothing is in this process's memory.
    fn peek(&self, _: &EntryKey) -> Peek {
        Peek::Unknown
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let link = self.way.link_for_read("look for entries")?;
        let found = self.way.read("look for entries", &link, self.find(&link, wanted)).await?;
        Ok(found)
    }

    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let link = self.way.link_for_read("lease entries")?;
        self.way.read("lease entries", &link, self.note(&link, requests)).await
    }

    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        self.store_all(vec![(lease, entries)]).await
    }

    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        let (leases, entries): (Vec<_>, Vec<_>) = fills.into_iter().unzip();
        self.store_all(leases.iter().zip(entries).collect()).await
    }

    /// The lease is known to this process alone.
    fn abandon(&self, lease: &Lease) {
        self.fills.end(lease.id);
    }

    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        let Some(noted) = self.fills.get(behind.as_of.id) else {
            return Ok(false);
        };
        let Leave::Renewal { key: noted_key, header, dependencies } = &noted.leave else {
            return Ok(false);
        };
        let _ending = Ending { fills: &self.fills, ids: vec![behind.as_of.id] };
        let link = self.way.link_for_read("stamp an entry anew")?;
        let renewed = entry::renew(header, key, dependencies);
        let Some(renewed) = renewed.filter(|_| noted_key == key && noted.identity == link.identity) else {
            return Ok(false);
        };
        let held = self.way.read("stamp an entry anew", &link, exchange(&link, key, header, &renewed, dependencies));
        let held = held.await?;
        self.way.counters.restamped.add(usize::from(held));
        Ok(held)
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        let names = cells(tags);
        self.way
            .write("close tags for a write", |link| {
                let names = &names;
                async move {
                    let mut batch = Batch::new(&link);
                    call_each(&mut batch, &link, Script::Quarantine, names, |command| {
                        command.arg(&token.0.to_le_bytes()).arg(milliseconds(duration));
                    });
                    batch.run().await
                }
            })
            .await?;
        self.way.counters.quarantines.add(1);
        Ok(())
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        let released = release(&self.way, tags, token, &outcome).await;
        self.way.counters.releases.add(1);
        if released.is_err() {
            let until = Instant::now() + RELEASE_AGAIN;
            self.way.release_later(FailedRelease { tags: tags.to_vec(), token, outcome, until });
        }
        released
    }

    async fn void(&self, tags: &[Tag]) -> Result<()> {
        let names = cells(tags);
        self.way
            .write("void tags", |link| {
                let names = &names;
                async move {
                    let mut batch = Batch::new(&link);
                    call_each(&mut batch, &link, Script::Void, names, |_| {});
                    batch.run().await
                }
            })
            .await
            .map(drop)
    }

    async fn void_table(&self, table: TableId) -> Result<()> {
        let names = [Name::generation(table), Name::log(table)];
        self.way
            .write("void a table", |link| async move {
                let mut batch = Batch::new(&link);
                for name in names {
                    batch.add(name.shard, keyed("DEL", &link, name));
                }
                batch.run().await
            })
            .await
            .map(drop)
    }

    async fn invalidations(&self) -> Result<Option<Box<dyn InvalidationStream>>> {
        Ok(None)
    }

    /// Of this process; `entries` and `bytes` are what it stored. See [`RedisCache::redis_statistics`] for more.
    fn statistics(&self) -> CacheStatistics {
        self.way.counters.cache()
    }
}

/// Values of keys, each fetched once.
#[derive(Default)]
struct Fetched {
    names: Vec<Name>,
    values: Vec<Value>,
    /// Where a name is, for many names.
    index: HashMap<Name, usize>,
}

/// Up to so many names, looking through them is faster than a hash map.
const FEW: usize = 16;

impl Fetched {
    /// Where the value of a name will be.
    fn ask(&mut self, name: Name) -> usize {
        if let Some(at) = self.place(name) {
            return at;
        }
        let at = self.names.len();
        self.names.push(name);
        if at == FEW {
            self.index = self.names.iter().copied().zip(0..).collect();
        } else if at > FEW {
            self.index.insert(name, at);
        }
        at
    }

    fn place(&self, name: Name) -> Option<usize> {
        if self.names.len() <= FEW {
            return self.names.iter().position(|known| *known == name);
        }
        self.index.get(&name).copied()
    }

    /// Fetches what was asked for since the last time.
    async fn fetch(&mut self, link: &Link) -> RedisResult<()> {
        let values = batch::get(link, &self.names[self.values.len()..]).await?;
        self.values.extend(values);
        Ok(())
    }

    fn cell(&self, name: Name) -> Cell<'_> {
        Cell::read(self.place(name).and_then(|at| bytes(&self.values[at])))
    }
}

/// An entry of which some tags moved, each by listed changes.
struct Moved {
    /// Where its answer is.
    at: usize,
    payload: Payload,
    header: Box<[u8]>,
    renewed: Dependencies,
    /// The stamps whose records say what happened.
    stamps: Vec<Stamp>,
    log: Name,
}

impl RedisCache {
    async fn find(&self, link: &Link, wanted: &[Wanted<'_>]) -> RedisResult<Vec<Found>> {
        let counters = &self.way.counters;
        let mut fetched = Fetched::default();
        let digests: Vec<Tag> = wanted.iter().map(|wanted| wanted.key.digest()).collect();
        let places: Vec<usize> = wanted
            .iter()
            .zip(&digests)
            .map(|(wanted, &digest)| {
                let place = fetched.ask(Name::entry(wanted.key, digest));
                wanted.tags.iter().for_each(|&tag| _ = fetched.ask(Name::tag(tag)));
                fetched.ask(Name::generation(wanted.key.table()));
                place
            })
            .collect();
        fetched.fetch(link).await?;

        // Entries say themselves what they depend on.
        let mut unforeseen = Vec::new();
        for (wanted, &place) in wanted.iter().zip(&places) {
            let entry = content(wanted.key, &fetched.values[place]).and_then(|bytes| Entry::read(bytes, wanted.key));
            let tags = entry.into_iter().flat_map(|entry| entry.tags());
            unforeseen.extend(tags.map(|(tag, _)| Name::tag(tag)).filter(|name| fetched.place(*name).is_none()));
        }
        if !unforeseen.is_empty() {
            unforeseen.into_iter().for_each(|name| _ = fetched.ask(name));
            fetched.fetch(link).await?;
        }

        let mut found = Vec::with_capacity(wanted.len());
        let mut moved = Vec::new();
        for ((wanted, &digest), &place) in wanted.iter().zip(&digests).zip(&places) {
            let Some(bytes) = content(wanted.key, &fetched.values[place]) else {
                let own = matches!(wanted.key, EntryKey::Object { .. }).then_some(&digest);
                let marked = wanted.tags.iter().chain(own).any(|tag| fetched.cell(Name::tag(*tag)) == Cell::Marked);
                found.push(if marked {
                    counters.misses_quarantined.add(1);
                    Found::Quarantined
                } else {
                    counters.misses_cold.add(1);
                    Found::Miss
                });
                continue;
            };
            let Some(entry) = Entry::read(bytes, wanted.key) else {
                counters.damaged.add(1);
                counters.misses_cold.add(1);
                found.push(Found::Miss);
                continue;
            };
            let own = matches!(wanted.key, EntryKey::Object { .. }).then_some(digest);
            match stand(&fetched, &entry, wanted.key, own) {
                Standing::Valid => {
                    counters.hits.add(1);
                    found.push(Found::Hit(entry.payload()));
                }
                Standing::Marked => {
                    counters.misses_quarantined.add(1);
                    found.push(Found::Quarantined);
                }
                Standing::Lost => {
                    counters.misses_stale.add(1);
                    found.push(Found::Miss);
                }
                Standing::Moved { renewed, stamps } => {
                    counters.misses_stale.add(1);
                    moved.push(Moved {
                        at: found.len(),
                        payload: entry.payload(),
                        header: entry.header().into(),
                        renewed,
                        stamps,
                        log: Name::log(wanted.key.table()),
                    });
                    found.push(Found::Miss);
                }
            }
        }
        if !moved.is_empty() {
            self.explain(link, wanted, moved, &mut found).await?;
        }
        Ok(found)
    }

    /// Fetches the changes that entries are behind by, and puts those entries in their place where all are known.
    async fn explain(
        &self,
        link: &Link,
        wanted: &[Wanted<'_>],
        moved: Vec<Moved>,
        found: &mut [Found],
    ) -> RedisResult<()> {
        let mut records: Vec<(Name, Vec<Stamp>)> = Vec::new();
        for moved in &moved {
            match records.iter_mut().find(|(log, _)| *log == moved.log) {
                Some((_, stamps)) => stamps.extend_from_slice(&moved.stamps),
                None => records.push((moved.log, moved.stamps.clone())),
            }
        }
        let mut batch = Batch::new(link);
        for (log, stamps) in &mut records {
            stamps.sort_unstable();
            stamps.dedup();
            let mut command = keyed("HMGET", link, *log);
            stamps.iter().for_each(|stamp| _ = command.arg(log::field(stamp)));
            batch.add(log.shard, command);
        }
        let answers = batch.run().await?;
        for moved in moved {
            let Some(at) = records.iter().position(|(log, _)| *log == moved.log) else { continue };
            let (stamps, Value::Array(values)) = (&records[at].1, &answers[at]) else { continue };
            let table = wanted[moved.at].key.table();
            let record = |stamp: &Stamp| {
                let place = stamps.binary_search(stamp).ok()?;
                let bytes = bytes(values.get(place)?)?;
                log::read(bytes, stamp, table)
            };
            let changes: Option<Vec<Vec<Arc<Change>>>> = moved.stamps.iter().map(record).collect();
            let Some(changes) = changes else { continue };
            let key = wanted[moved.at].key.clone();
            let stamps = moved.renewed.tags.iter().map(|(tag, stamp)| (*tag, contract(stamp))).collect();
            let as_of = Lease::entry(key.clone(), stamps, 0);
            let leave = Leave::Renewal { key, header: moved.header, dependencies: moved.renewed };
            self.fills.begin(as_of.id, self.noted(link, table, leave));
            found[moved.at] = Found::Behind(Behind::new(moved.payload, changes.concat(), as_of));
        }
        Ok(())
    }

    async fn note(&self, link: &Link, requests: &[LeaseRequest<'_>]) -> RedisResult<Vec<Leased>> {
        let mut names = Fetched::default();
        for request in requests {
            match *request {
                LeaseRequest::Entry { key, tags } => {
                    names.ask(Name::generation(key.table()));
                    tags.iter().for_each(|&tag| _ = names.ask(Name::tag(tag)));
                }
                LeaseRequest::Rows { table } => {
                    names.ask(Name::generation(table));
                    Shard::all().for_each(|shard| _ = names.ask(Name::shard(shard)));
                }
            }
        }
        let stamps = note(link, &names.names, self.way.config.cell_time_to_live()).await?;
        // Everything was asked for.
        let stamp = |name| names.place(name).and_then(|at| stamps[at]);
        let grant = |request: &LeaseRequest<'_>| match *request {
            LeaseRequest::Rows { table } => {
                let Some(generation) = stamp(Name::generation(table)) else { return Leased::Quarantined };
                let shards = Shard::all().map(|shard| stamp(Name::shard(shard))).collect();
                let lease = Lease::rows(table, 0);
                self.fills.begin(lease.id, self.noted(link, table, Leave::Rows { generation, shards }));
                Leased::Granted(lease)
            }
            LeaseRequest::Entry { key, tags } => {
                let Some(generation) = stamp(Name::generation(key.table())) else { return Leased::Quarantined };
                let noted: Vec<(Tag, Option<Stamp>)> = tags.iter().map(|&tag| (tag, stamp(Name::tag(tag)))).collect();
                // For a row, only its own tag matters: where a mark lies on another, that tag is left out, and with it
                // the leave to store that the row is absent.
                let own = matches!(key, EntryKey::Object { .. }).then(|| key.digest());
                let closed = |(tag, stamp): &(Tag, Option<Stamp>)| stamp.is_none() && own.is_none_or(|own| own == *tag);
                if noted.iter().any(closed) {
                    return Leased::Quarantined;
                }
                let tags: Vec<(Tag, Stamp)> = noted.into_iter().filter_map(|(tag, stamp)| Some((tag, stamp?))).collect();
                let named = tags.iter().map(|(tag, stamp)| (*tag, contract(stamp))).collect();
                let lease = Lease::entry(key.clone(), named, 0);
                let dependencies = Dependencies { generation, tags };
                let leave = Leave::Entry { key: key.clone(), dependencies };
                match self.fills.begin(lease.id, self.noted(link, key.table(), leave)) {
                    Some(running) => {
                        self.way.counters.held.add(1);
                        Leased::Held(running)
                    }
                    None => Leased::Granted(lease),
                }
            }
        };
        Ok(requests.iter().map(grant).collect())
    }

    fn noted(&self, link: &Link, table: TableId, leave: Leave) -> Noted {
        let now = Instant::now();
        // A time beyond the clock's end is far enough without being exact.
        let deadline = now.checked_add(self.way.config.lease_time).unwrap_or(now + Duration::from_secs(86_400));
        Noted { table, identity: link.identity, leave, deadline }
    }

    async fn store_all(&self, fills: Vec<(&Lease, Vec<NewEntry>)>) -> Result<usize> {
        let _ending = Ending { fills: &self.fills, ids: fills.iter().map(|(lease, _)| lease.id).collect() };
        let total: usize = fills.iter().map(|(_, entries)| entries.len()).sum();
        if total == 0 {
            return Ok(0);
        }
        let link = self.way.link_for_read("store entries")?;
        let mut admitted = Vec::with_capacity(total);
        for (lease, entries) in fills {
            let noted = self.fills.get(lease.id).filter(|noted| noted.identity == link.identity);
            let Some(noted) = noted else { continue };
            admitted.extend(entries.into_iter().filter_map(|entry| Admitted::new(&noted, entry)));
        }
        let kept = self.way.read("store entries", &link, self.put(&link, admitted)).await?;
        self.way.counters.refused.add(total - kept);
        Ok(kept)
    }

    async fn put(&self, link: &Link, mut admitted: Vec<Admitted>) -> RedisResult<usize> {
        let config = &self.way.config;
        note_rows(link, &mut admitted, config.cell_time_to_live()).await?;
        let mut puts = Vec::with_capacity(admitted.len());
        for admitted in admitted {
            let payload = match &admitted.entry.payload {
                Payload::Absent => None,
                Payload::Encoded(bytes) => Some(bytes.to_vec()),
                Payload::Shared(value) => match value.encode() {
                    Ok(bytes) => Some(bytes),
                    Err(_) => continue,
                },
                _ => continue,
            };
            let key = &admitted.entry.key;
            let lead = lead(key, &admitted.dependencies);
            let Some(value) = entry::write(lead, key, &admitted.dependencies, payload.as_deref()) else { continue };
            let usual = match payload {
                None => config.absent_time_to_live,
                Some(_) => config.time_to_live,
            };
            let random = LeaseId::random().0 as u64;
            let time_to_live = config.jittered(admitted.entry.time_to_live.unwrap_or(usual), random);
            let mut checks = cells_of(key.table(), &admitted.dependencies);
            checks.extend(admitted.shard.map(|(shard, stamp)| (Name::shard(shard), stamp)));
            puts.push(Put { name: Name::entry(key, key.digest()), value, time_to_live, checks });
        }
        let stored = put_all(link, &puts).await?;
        let kept = puts.iter().zip(&stored).filter(|(_, stored)| **stored);
        let bytes = kept.map(|(put, _)| put.value.len()).sum();
        let kept = stored.into_iter().filter(|stored| *stored).count();
        self.way.counters.stored.add(kept);
        self.way.counters.stored_bytes.add(bytes);
        Ok(kept)
    }
}

/// The bytes of the entry in a value. That of a row begins with its cell.
fn content<'a>(key: &EntryKey, value: &'a Value) -> Option<&'a [u8]> {
    let bytes = bytes(value)?;
    match key {
        EntryKey::Object { .. } => Cell::entry(bytes),
        EntryKey::Query { .. } => Some(bytes),
    }
}

/// What comes before the header of an entry: of a row, its cell.
fn lead(key: &EntryKey, dependencies: &Dependencies) -> Vec<u8> {
    if let EntryKey::Query { .. } = key {
        return Vec::new();
    }
    let own = key.digest();
    let stamp = dependencies.tags.iter().find(|(tag, _)| *tag == own).map_or([0; 16], |(_, stamp)| *stamp);
    [&b"V"[..], &stamp].concat()
}

/// How an entry stands.
enum Standing {
    Valid,
    /// A writer is at work.
    Marked,
    /// Its tags moved by the writes that gave these stamps.
    Moved { renewed: Dependencies, stamps: Vec<Stamp> },
    /// Its tags moved, and not everything that moved them is known.
    Lost,
}

/// The only place that decides on a hit. `own` is the tag of the row, for an entry of a row: its moves always end the entry.
fn stand(fetched: &Fetched, entry: &Entry<'_>, key: &EntryKey, own: Option<Tag>) -> Standing {
    let mut valid = fetched.cell(Name::generation(key.table())).stamp() == Some(*entry.generation());
    let mut lost = !valid;
    let (mut owned, mut marked) = (own.is_none(), false);
    for (tag, stamp) in entry.tags() {
        let cell = fetched.cell(Name::tag(tag));
        owned |= own == Some(tag);
        marked |= cell == Cell::Marked;
        if cell.stamp() != Some(stamp) {
            valid = false;
            lost |= own == Some(tag) || cell.since(&stamp).is_none();
        }
    }
    match (valid, owned) {
        (true, true) => return Standing::Valid,
        (_, false) => return Standing::Lost,
        (false, true) if marked => return Standing::Marked,
        (false, true) if lost => return Standing::Lost,
        (false, true) => {}
    }
    let mut renewed = Dependencies { generation: *entry.generation(), tags: Vec::new() };
    let mut stamps = Vec::new();
    for (tag, stamp) in entry.tags() {
        let cell = fetched.cell(Name::tag(tag));
        let (Some(current), Some(since)) = (cell.stamp(), cell.since(&stamp)) else { return Standing::Lost };
        renewed.tags.push((tag, current));
        stamps.extend_from_slice(since);
    }
    Standing::Moved { renewed, stamps }
}

/// An entry that may be stored if its cells still have their stamps.
struct Admitted {
    entry: NewEntry,
    dependencies: Dependencies,
    /// For a row that a list brought along, what must stand still. The stamp of its tag is then yet to be noted.
    shard: Option<(Shard, Stamp)>,
}

impl Admitted {
    fn new(noted: &Noted, entry: NewEntry) -> Option<Self> {
        let own = matches!(entry.key, EntryKey::Object { .. }).then(|| entry.key.digest());
        if entry.key.table() != noted.table || own.is_some_and(|own| !entry.tags.contains(&own)) {
            return None;
        }
        let generation = noted.generation();
        match &noted.leave {
            Leave::Entry { key, .. } if own.is_none() || *key == entry.key => {
                let tags: Option<Vec<_>> = entry.tags.iter().map(|&tag| Some((tag, noted.stamp(tag)?))).collect();
                Some(Self { dependencies: Dependencies { generation, tags: tags? }, entry, shard: None })
            }
            Leave::Rows { .. } if entry.tags.iter().all(|tag| Some(*tag) == own) => {
                let shard = Shard::of_tag(own?);
                let stamp = noted.shard(shard)?;
                let dependencies = Dependencies { generation, tags: Vec::new() };
                Some(Self { entry, dependencies, shard: Some((shard, stamp)) })
            }
            _ => None,
        }
    }
}

/// Notes the stamps of rows that nobody named before they were read. They count only if the cell of the shard, looked at
/// later, has not moved since before the read.
async fn note_rows(link: &Link, admitted: &mut Vec<Admitted>, time_to_live: Duration) -> RedisResult<()> {
    let rows = || (0..).zip(&*admitted).filter(|(_, admitted)| admitted.shard.is_some());
    let (places, names): (Vec<usize>, Vec<Name>) =
        rows().map(|(at, admitted)| (at, Name::tag(admitted.entry.key.digest()))).unzip();
    if names.is_empty() {
        return Ok(());
    }
    let stamps = note(link, &names, time_to_live).await?;
    let mut marked = Vec::new();
    for (at, stamp) in places.into_iter().zip(stamps) {
        match stamp {
            Some(stamp) => {
                let own = admitted[at].entry.key.digest();
                admitted[at].dependencies.tags.push((own, stamp));
            }
            None => marked.push(at),
        }
    }
    let mut at = 0;
    admitted.retain(|_| {
        at += 1;
        !marked.contains(&(at - 1))
    });
    Ok(())
}

/// An entry on its way.
struct Put {
    name: Name,
    value: Vec<u8>,
    time_to_live: Duration,
    checks: Vec<(Name, Stamp)>,
}

/// Stores entries whose cells have their stamps, and says which.
async fn put_all(link: &Link, puts: &[Put]) -> RedisResult<Vec<bool>> {
    let checks = puts.iter().map(|put| (put.name, &put.checks[..]));
    let holds = check_elsewhere(link, checks).await?;
    let mut batch = Batch::new(link);
    for (put, _) in puts.iter().zip(&holds).filter(|(_, holds)| **holds) {
        let (mut command, stamps) = call_on_entry(link, Script::Store, put.name, &put.checks);
        command.arg(&put.value[..]).arg(milliseconds(put.time_to_live));
        stamps.iter().for_each(|stamp| _ = command.arg(&stamp[..]));
        batch.add(put.name.shard, command);
    }
    let mut answers = batch.run().await?.into_iter();
    Ok(holds.into_iter().map(|holds| holds && answers.next() == Some(Value::Int(1))).collect())
}

/// A call of a script for an entry and those of its cells that it can name, and the stamps of these.
fn call_on_entry(link: &Link, script: Script, name: Name, checks: &[(Name, Stamp)]) -> (Cmd, Vec<Stamp>) {
    let near = checks.iter().filter(|(cell, _)| link.are_together(*cell, name));
    let (cells, stamps): (Vec<Name>, Vec<Stamp>) = near.copied().unzip();
    let keys: Vec<Name> = std::iter::once(name).chain(cells).collect();
    (link.call(script, &keys), stamps)
}

/// Whether the cells that a script for the entry can't name have their stamps. An entry that is stored although such a cell
/// moves after this look proves invalid by itself.
async fn check_elsewhere<'a>(
    link: &Link,
    checks: impl Iterator<Item = (Name, &'a [(Name, Stamp)])> + Clone,
) -> RedisResult<Vec<bool>> {
    let far = |name: Name, cell: Name| !link.are_together(cell, name);
    let mut cells = Fetched::default();
    for (name, checks) in checks.clone() {
        checks.iter().filter(|(cell, _)| far(name, *cell)).for_each(|(cell, _)| _ = cells.ask(*cell));
    }
    cells.fetch(link).await?;
    let holds = |(name, checks): (Name, &[(Name, Stamp)])| {
        checks.iter().all(|(cell, stamp)| !far(name, *cell) || cells.cell(*cell).stamp() == Some(*stamp))
    };
    Ok(checks.map(holds).collect())
}

/// Exchanges the header of an entry, if it is still this one and the cells have the stamps of the new one.
async fn exchange(
    link: &Link,
    key: &EntryKey,
    header: &[u8],
    renewed: &[u8],
    dependencies: &Dependencies,
) -> RedisResult<bool> {
    let name = Name::entry(key, key.digest());
    let checks = cells_of(key.table(), dependencies);
    if check_elsewhere(link, std::iter::once((name, &checks[..]))).await?.contains(&false) {
        return Ok(false);
    }
    let lead = lead(key, dependencies);
    let (mut command, stamps) = call_on_entry(link, Script::Restamp, name, &checks);
    command.arg([&lead, header].concat()).arg([&lead, renewed].concat());
    stamps.iter().for_each(|stamp| _ = command.arg(&stamp[..]));
    let mut batch = Batch::new(link);
    batch.add(name.shard, command);
    Ok(batch.run().await? == [Value::Int(1)])
}

/// The cells that an entry depends on, and the stamps that they must have.
fn cells_of(table: TableId, dependencies: &Dependencies) -> Vec<(Name, Stamp)> {
    let tags = dependencies.tags.iter().map(|(tag, stamp)| (Name::tag(*tag), *stamp));
    std::iter::once((Name::generation(table), dependencies.generation)).chain(tags).collect()
}

/// The stamps of cells, made where there are none; `None` where a writer is at work.
async fn note(link: &Link, names: &[Name], time_to_live: Duration) -> RedisResult<Vec<Option<Stamp>>> {
    let groups = link.groups(names);
    let mut batch = Batch::new(link);
    let new = random();
    for group in &groups {
        let keys: Vec<Name> = group.iter().map(|&at| names[at]).collect();
        let mut command = link.call(Script::Note, &keys);
        command.arg(&new[..]).arg(milliseconds(time_to_live));
        batch.add(keys[0].shard, command);
    }
    let mut stamps = vec![None; names.len()];
    for (group, answer) in groups.iter().zip(batch.run().await?) {
        for (&at, answer) in group.iter().zip(array(answer, group.len())?) {
            stamps[at] = bytes(&answer).and_then(|bytes| bytes.try_into().ok());
        }
    }
    Ok(stamps)
}

/// Releases tags, on whatever link there is.
async fn release(way: &Way, tags: &[Tag], token: Token, outcome: &Outcome) -> Result<()> {
    let gone = way.write("open tags after a write", |link| async move {
        // Another try must not give a stamp that this one may have given.
        let stamp = random();
        let mut batch = Batch::new(&link);
        let mut own = Vec::new();
        let mut records = 0;
        if let Outcome::Changed(changes) = outcome {
            own = changes.iter().map(|change| Tag::row(change.table, &change.key)).collect();
            own.sort_unstable();
            // Before the stamps that name them, where order is kept.
            records = add_records(&mut batch, &link, changes, &stamp, way.config.cell_time_to_live());
        }
        // An entry of a row is never judged, so the tags of rows need no history.
        let (listed, unlisted): (Vec<Tag>, Vec<Tag>) = tags
            .iter()
            .partition(|tag| matches!(outcome, Outcome::Changed(_)) && own.binary_search(tag).is_err());
        let nothing = matches!(outcome, Outcome::Nothing);
        let rest = if nothing { "N" } else { "U" };
        let mut calls = 0;
        for (names, mode) in [(names_of(&listed), "L"), (names_of(&unlisted), rest)] {
            calls += call_each(&mut batch, &link, Script::Release, &names, |command| {
                release_arguments(command, token, mode, &stamp, &way.config);
            });
        }
        call_each(&mut batch, &link, Script::Release, &shards_of(tags), |command| {
            release_arguments(command, token, rest, &stamp, &way.config);
        });
        let answers = batch.run().await?;
        let gone = answers.into_iter().skip(records).take(calls);
        gone.map(|answer| match answer {
            Value::Int(count) => Ok(usize::try_from(count).unwrap_or(0)),
            _ => Err(error::unexpected("a number")),
        })
        .sum::<RedisResult<usize>>()
    });
    way.counters.lapsed.add(gone.await?);
    Ok(())
}

fn release_arguments(command: &mut Cmd, token: Token, mode: &str, stamp: &Stamp, config: &RedisConfig) {
    command.arg(&token.0.to_le_bytes()).arg(mode).arg(&stamp[..]);
    command.arg(milliseconds(config.cell_time_to_live())).arg(config.max_listed_moves.saturating_add(1));
}

/// Adds the changes of a write to the logs of their tables; returns how many commands that takes.
fn add_records(
    batch: &mut Batch<'_>,
    link: &Link,
    changes: &[Arc<Change>],
    stamp: &Stamp,
    time_to_live: Duration,
) -> usize {
    let mut tables: Vec<TableId> = changes.iter().map(|change| change.table).collect();
    tables.sort_unstable();
    tables.dedup();
    let mut commands = 0;
    for table in tables {
        let of_table = changes.iter().filter(|change| change.table == table).map(|change| &**change);
        let Some(record) = log::write(stamp, of_table) else { continue };
        let name = Name::log(table);
        let mut set = keyed("HSET", link, name);
        set.arg(log::field(stamp)).arg(record);
        let mut expire = keyed("PEXPIRE", link, name);
        expire.arg(milliseconds(time_to_live));
        batch.add(name.shard, set);
        batch.add(name.shard, expire);
        commands += 2;
    }
    commands
}

/// Tries again the releases that failed, until one fails again.
pub(crate) async fn release_failed(way: &Way) {
    while let Some(failed) = way.take_failed_release() {
        if release(way, &failed.tags, failed.token, &failed.outcome).await.is_err() {
            way.release_later(failed);
            return;
        }
    }
}

/// Adds calls of a script for cells; returns how many.
fn call_each(
    batch: &mut Batch<'_>,
    link: &Link,
    script: Script,
    names: &[Name],
    arguments: impl Fn(&mut Cmd),
) -> usize {
    let groups = link.groups(names);
    for group in &groups {
        let keys: Vec<Name> = group.iter().map(|&at| names[at]).collect();
        let mut command = link.call(script, &keys);
        arguments(&mut command);
        batch.add(keys[0].shard, command);
    }
    groups.len()
}

fn keyed(command: &str, link: &Link, name: Name) -> Cmd {
    let mut keyed = Cmd::new();
    keyed.arg(command);
    link.add_keys(&mut keyed, &[name]);
    keyed
}

/// The cells that a write to tags touches, each once.
fn cells(tags: &[Tag]) -> Vec<Name> {
    let mut names = names_of(tags);
    names.extend(shards_of(tags));
    names
}

fn names_of(tags: &[Tag]) -> Vec<Name> {
    let mut tags = tags.to_vec();
    tags.sort_unstable();
    tags.dedup();
    tags.into_iter().map(Name::tag).collect()
}

fn shards_of(tags: &[Tag]) -> Vec<Name> {
    let mut shards: Vec<Shard> = tags.iter().map(|&tag| Shard::of_tag(tag)).collect();
    shards.sort_unstable();
    shards.dedup();
    shards.into_iter().map(Name::shard).collect()
}

/// At least one, and less than what Redis can't count.
fn milliseconds(duration: Duration) -> u64 {
    const CENTURY: u128 = 100 * 365 * 86_400_000;
    // Below a century, so it fits.
    duration.as_millis().clamp(1, CENTURY) as u64
}

fn random() -> Stamp {
    Token::random().0.to_le_bytes()
}

fn contract(stamp: &Stamp) -> ContractStamp {
    ContractStamp(u128::from_le_bytes(*stamp))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fit() {
        assert_eq!(milliseconds(Duration::ZERO), 1);
        assert_eq!(milliseconds(Duration::from_secs(1)), 1000);
        assert_eq!(milliseconds(Duration::MAX), 3_153_600_000_000);
    }

    #[test]
    fn cells_are_named_once() {
        let tags = [Tag(1), Tag(2), Tag(1), Tag(u64::MAX)];
        assert_eq!(cells(&tags).len(), 3 + 2);
    }

    #[test]
    fn names_are_asked_for_once_however_many() {
        let mut fetched = Fetched::default();
        for round in 0..2 {
            for n in 0..100 {
                assert_eq!(fetched.ask(Name::tag(Tag(n))), n as usize, "round {round}");
            }
        }
    }
}
