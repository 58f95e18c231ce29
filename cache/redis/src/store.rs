//! Storing: entries with the stamps of before their reads, if these still stand.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::{Cmd, RedisResult, Value};
use thing_driver_api::{EntryKey, Lease, LeaseId, NewEntry, Payload, Result, TableId};

use crate::RedisCache;
use crate::age::Age;
use crate::batch::Batch;
use crate::cell::Stamp;
use crate::config::{RedisConfig, milliseconds};
use crate::entry::{self, Dependencies};
use crate::fetched::Fetched;
use crate::fills::{Ending, Leave, Noted};
use crate::lease::note;
use crate::link::Link;
use crate::name::{self, Name, Shard};
use crate::script::Script;

impl RedisCache {
    pub(crate) async fn store_all(&self, fills: Vec<(&Lease, Vec<NewEntry>)>) -> Result<usize> {
        let _ending = Ending { cache: self, ids: fills.iter().map(|(lease, _)| lease.id).collect() };
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
        let kept = self.way.read("store entries", &link, pin!(self.put(&link, admitted))).await?;
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
            let usual = match payload {
                None if !self.absent.admit(config) => continue,
                None => config.absent_time_to_live,
                Some(_) => config.time_to_live,
            };
            let random = LeaseId::random().0 as u64;
            let time_to_live = config.jittered(admitted.entry.time_to_live.unwrap_or(usual), random);
            let name = Name::entry(key, key.digest());
            let filled = link.nodes[link.place(name.shard)].clock.earliest(admitted.noted.began);
            let age = Age::new(filled, time_to_live, admitted.noted.began.elapsed(), &self.way.client);
            let payload = payload.as_deref();
            let Some(value) = entry::write(lead, key, &admitted.dependencies, age, payload) else { continue };
            let mut checks = cells_of(key.table(), &admitted.dependencies);
            checks.extend(admitted.shard.map(|(shard, stamp)| (Name::shard(shard), stamp)));
            let claim = admitted.claim().map(|claim| (Name::fill(key), claim));
            puts.push(Put { name, value, time_to_live, checks, claim, noted: admitted.noted });
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

/// How often it has been stored of late that a row is absent.
#[derive(Debug, Default)]
pub(crate) struct AbsentStores(Mutex<Option<(Instant, usize)>>);

impl AbsentStores {
    /// Whether there is room for one more.
    fn admit(&self, config: &RedisConfig) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, stores) = window.get_or_insert_with(|| (Instant::now(), 0));
        if began.elapsed() >= config.absent_time_to_live {
            (*began, *stores) = (Instant::now(), 0);
        }
        *stores = stores.saturating_add(1);
        *stores <= config.max_absent_stores
    }
}

/// An entry that may be stored if its cells still have their stamps.
struct Admitted {
    noted: Arc<Noted>,
    entry: NewEntry,
    dependencies: Dependencies,
    /// For a row that a list brought along, what must stand still. The stamp of its tag is then yet to be noted.
    shard: Option<(Shard, Stamp)>,
}

impl Admitted {
    fn new(noted: &Arc<Noted>, entry: NewEntry) -> Option<Self> {
        let own = matches!(entry.key, EntryKey::Object { .. }).then(|| entry.key.digest());
        if entry.key.table() != noted.table || own.is_some_and(|own| !entry.tags.contains(&own)) {
            return None;
        }
        let generation = noted.generation();
        let of = noted.clone();
        match &noted.leave {
            Leave::Entry { key, .. } if own.is_none() || *key == entry.key => {
                let programs = Some(name::programs(noted.table)).filter(|programs| noted.stamp(*programs).is_some());
                let tags = entry.tags.iter().copied().chain(programs);
                let tags: Option<Vec<_>> = tags.map(|tag| Some((tag, noted.stamp(tag)?))).collect();
                let dependencies = Dependencies { generation, tags: tags? };
                Some(Self { noted: of, dependencies, entry, shard: None })
            }
            Leave::Rows { .. } if entry.tags.iter().all(|tag| Some(*tag) == own) => {
                let shard = Shard::of_tag(own?);
                let stamp = noted.shard(shard)?;
                let dependencies = Dependencies { generation, tags: Vec::new() };
                Some(Self { noted: of, entry, dependencies, shard: Some((shard, stamp)) })
            }
            _ => None,
        }
    }

    /// The claim by which other processes wait for this entry.
    fn claim(&self) -> Option<LeaseId> {
        let is_own = matches!(&self.noted.leave, Leave::Entry { key, .. } if *key == self.entry.key);
        self.noted.claim().filter(|_| is_own)
    }
}

/// Notes the stamps of rows that nobody named before they were read. They count only if the cell of the shard, looked
/// at later, has not moved since before the read.
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
    /// The claim that ends with it.
    claim: Option<(Name, LeaseId)>,
    noted: Arc<Noted>,
}

/// Stores entries whose cells have their stamps, and says which.
async fn put_all(link: &Link, puts: &[Put]) -> RedisResult<Vec<bool>> {
    let checks = puts.iter().map(|put| (put.name, &put.checks[..]));
    let holds = check_elsewhere(link, checks).await?;
    let mut batch = Batch::new(link);
    for (put, _) in puts.iter().zip(&holds).filter(|(_, holds)| **holds) {
        let claim = put.claim.map(|(name, _)| name);
        let (mut command, stamps) = call_on_entry(link, Script::Store, put.name, &put.checks, claim);
        command.arg(&put.value[..]).arg(milliseconds(put.time_to_live));
        match put.claim {
            Some((_, lease)) => command.arg(&lease.0.to_le_bytes()),
            None => command.arg(""),
        };
        stamps.iter().for_each(|stamp| _ = command.arg(&stamp[..]));
        batch.add(put.name.shard, command);
    }
    let mut answers = batch.run().await?.into_iter();
    for (put, _) in puts.iter().zip(&holds).filter(|(put, holds)| **holds && put.claim.is_some()) {
        put.noted.take_claim();
    }
    Ok(holds.into_iter().map(|holds| holds && answers.next() == Some(Value::Int(1))).collect())
}

/// Exchanges the header of an entry, if it is still this one and the cells have the stamps of the new one.
pub(crate) async fn exchange(
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
    let (mut command, stamps) = call_on_entry(link, Script::Restamp, name, &checks, None);
    command.arg([&lead, header].concat()).arg([&lead, renewed].concat());
    stamps.iter().for_each(|stamp| _ = command.arg(&stamp[..]));
    let mut batch = Batch::new(link);
    batch.add(name.shard, command);
    Ok(batch.run().await? == [Value::Int(1)])
}

/// A call of a script for an entry, those of its cells that it can name, and a claim; and the stamps of the cells.
fn call_on_entry(
    link: &Link,
    script: Script,
    name: Name,
    checks: &[(Name, Stamp)],
    claim: Option<Name>,
) -> (Cmd, Vec<Stamp>) {
    let near = checks.iter().filter(|(cell, _)| link.are_together(*cell, name));
    let (cells, stamps): (Vec<Name>, Vec<Stamp>) = near.copied().unzip();
    let keys: Vec<Name> = std::iter::once(name).chain(cells).chain(claim).collect();
    (link.call(script, &keys), stamps)
}

/// Whether the cells that a script for the entry can't name have their stamps. An entry that is stored although such
/// a cell moves after this look proves invalid by itself.
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

/// The cells that an entry depends on, and the stamps that they must have.
fn cells_of(table: TableId, dependencies: &Dependencies) -> Vec<(Name, Stamp)> {
    let tags = dependencies.tags.iter().map(|(tag, stamp)| (Name::tag(*tag), *stamp));
    std::iter::once((Name::generation(table), dependencies.generation)).chain(tags).collect()
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
