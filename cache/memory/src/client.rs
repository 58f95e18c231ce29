//! The cache client.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use thing_driver_api::{
    Behind, CacheClient, CacheStatistics, EntryKey, Error, Found, Lease, LeaseRequest, Leased, NewEntry, Outcome,
    Payload, Peek, Result, TableId, Tag, Token, Wanted,
};

use crate::clock::{Clock, CoarseClock};
use crate::config::MemoryConfig;
use crate::counters::Counters;
use crate::entries::{Dependencies, Entries, Probe, Removed, Slot};
use crate::protocol::{Granted, Protocol, Standing};

/// A cache in this process's memory. Clones are handles to the same cache.
///
/// No command waits for anything but a mutex that is held for some microseconds; a hit of a row not even for that.
#[derive(Clone)]
pub struct MemoryCache {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    config: MemoryConfig,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) entries: Entries,
    /// Locked before, never within, a shard of `entries`.
    protocol: Mutex<Protocol>,
    pub(crate) counters: Counters,
}

impl MemoryCache {
    /// An empty cache.
    pub fn new(config: MemoryConfig) -> Self {
        Self::with_clock(config, CoarseClock::default())
    }

    /// An empty cache that tells the time by this clock.
    pub fn with_clock(config: MemoryConfig, clock: impl Clock) -> Self {
        Self {
            shared: Arc::new(Shared {
                entries: Entries::new(&config),
                protocol: Mutex::new(Protocol::new(&config)),
                counters: Counters::default(),
                clock: Box::new(clock),
                config,
            }),
        }
    }

    /// The limits it was made with.
    pub fn config(&self) -> &MemoryConfig {
        &self.shared.config
    }
}

impl fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCache")
            .field("config", &self.shared.config)
            .field("statistics", &self.statistics())
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheClient for MemoryCache {
    /// Only this program knows this memory.
    fn declare(&self, _: TableId, _: u64) -> bool {
        true
    }

    fn peek(&self, key: &EntryKey) -> Peek {
        let shared = &*self.shared;
        let Some(slot) = shared.entries.get(&Probe::new(key)) else {
            return Peek::Unknown;
        };
        let now = shared.clock.now();
        if now >= slot.expires {
            return Peek::Unknown;
        }
        if let Some(dependencies) = &slot.dependencies {
            let Ok(mut protocol) = shared.lock(now) else {
                return Peek::Unknown;
            };
            if !matches!(protocol.standing(key.table(), dependencies), Standing::Valid) {
                return Peek::Unknown;
            }
        }
        shared.counters.hits.add_one();
        Peek::Hit(slot.payload)
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        wanted.iter().map(|wanted| self.shared.load(wanted)).collect()
    }

    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        let now = self.shared.clock.now();
        let mut protocol = self.shared.lock(now)?;
        let mut grant = |request: &LeaseRequest<'_>| match *request {
            LeaseRequest::Rows { table } => {
                protocol.lease_rows(table, now).map_or(Leased::Quarantined, Leased::Granted)
            }
            LeaseRequest::Entry { key, tags } => match protocol.lease(key, key.digest(), tags, now) {
                Granted::Lease(lease) => Leased::Granted(lease),
                Granted::Quarantined => Leased::Quarantined,
                Granted::Held(id) => {
                    self.shared.counters.held.add(1);
                    Leased::Held(id)
                }
            },
        };
        Ok(requests.iter().map(&mut grant).collect())
    }

    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        self.shared.store(vec![(lease, entries)])
    }

    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        let (leases, entries): (Vec<_>, Vec<_>) = fills.into_iter().unzip();
        self.shared.store(leases.iter().zip(entries).collect())
    }

    fn abandon(&self, lease: &Lease) {
        let now = self.shared.clock.now();
        // A cache that is out of order has no fills to end.
        if let Ok(mut protocol) = self.shared.lock(now) {
            protocol.end(lease, now);
        }
    }

    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        self.shared.restamp(key, behind)
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        let mut removed = Removed::default();
        let now = self.shared.clock.now();
        let mut protocol = self.shared.lock(now)?;
        protocol.quarantine(tags, token, now.saturating_add(duration));
        self.shared.remove(protocol, tags, &mut removed);
        self.shared.counters.quarantines.add(1);
        Ok(())
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        let mut removed = Removed::default();
        let mut protocol = self.shared.lock(self.shared.clock.now())?;
        let void = protocol.release(tags, token, outcome);
        self.shared.remove(protocol, &void, &mut removed);
        self.shared.counters.releases.add(1);
        Ok(())
    }

    async fn void(&self, tags: &[Tag]) -> Result<()> {
        let mut removed = Removed::default();
        let mut protocol = self.shared.lock(self.shared.clock.now())?;
        tags.iter().for_each(|&tag| protocol.void(tag));
        self.shared.remove(protocol, tags, &mut removed);
        Ok(())
    }

    async fn void_table(&self, table: TableId) -> Result<()> {
        self.forget_table(table)
    }

    /// No other process knows this memory.
    async fn settle(&self) -> Result<()> {
        Ok(())
    }

    async fn invalidations(&self, _: Duration) -> Result<Option<Box<dyn thing_driver_api::InvalidationStream>>> {
        Ok(None)
    }

    fn statistics(&self) -> CacheStatistics {
        let Shared { counters, entries, .. } = &*self.shared;
        let mut statistics = CacheStatistics::default();
        statistics.hits = counters.hits.total();
        statistics.misses_cold = counters.misses_cold.total();
        statistics.misses_expired = counters.misses_expired.total();
        statistics.misses_stale = counters.misses_stale.total();
        statistics.misses_quarantined = counters.misses_quarantined.total();
        statistics.restamped = counters.restamped.total();
        statistics.stored = counters.stored.total();
        statistics.refused = counters.refused.total();
        statistics.held = counters.held.total();
        statistics.quarantines = counters.quarantines.total();
        statistics.releases = counters.releases.total();
        statistics.lapsed = counters.lapsed.total();
        statistics.evicted = counters.evicted.total();
        statistics.entries = entries.len();
        statistics.bytes = entries.bytes();
        statistics
    }
}

impl Shared {
    pub(crate) fn lock(&self, now: Duration) -> Result<MutexGuard<'_, Protocol>> {
        let Ok(mut protocol) = self.protocol.lock() else {
            return Err(Error::cache(
                "the memory cache is out of order because a thread panicked in it; make a new one",
            ));
        };
        let lapsed = protocol.lapse(now);
        if lapsed > 0 {
            self.counters.lapsed.add(lapsed);
        }
        Ok(protocol)
    }

    /// Removes the entries of rows in the same step, and after it those of tables: what is stored in between was read
    /// after it.
    fn remove(&self, protocol: MutexGuard<'_, Protocol>, tags: &[Tag], removed: &mut Removed) {
        tags.iter().for_each(|&tag| self.entries.remove_digest(tag, removed));
        let tables = protocol.tables(tags);
        drop(protocol);
        tables.into_iter().for_each(|table| self.entries.remove_table(table));
    }

    fn load(&self, wanted: &Wanted<'_>) -> Result<Found> {
        let key = wanted.key;
        let probe = Probe::new(key);
        let now = self.clock.now();
        let mut removed = Removed::default();
        let Some(slot) = self.entries.get(&probe) else {
            let protocol = self.lock(now)?;
            let row = matches!(key, EntryKey::Object { .. }).then_some(probe.digest);
            if protocol.is_marked(key.table(), row) {
                self.counters.misses_quarantined.add(1);
                return Ok(Found::Quarantined);
            }
            self.counters.misses_cold.add(1);
            return Ok(Found::Miss);
        };
        if now >= slot.expires {
            self.entries.remove_if(&probe, |slot| now >= slot.expires, &mut removed);
            self.counters.misses_expired.add(1);
            return Ok(Found::Miss);
        }
        let Some(dependencies) = &slot.dependencies else {
            self.counters.hits.add_one();
            return Ok(Found::Hit(slot.payload));
        };
        // By the time of the lease, which is before the database was read.
        let age = dependencies.filled.filter(|_| matches!(key, EntryKey::Query { .. }));
        let age = age.map(|filled| now.saturating_sub(filled));
        let stale = age.filter(|age| wanted.stale.is_some_and(|wanted| *age <= wanted));
        let mut protocol = self.lock(now)?;
        match protocol.standing(key.table(), dependencies) {
            Standing::Valid => {
                self.counters.hits.add_one();
                Ok(Found::Hit(slot.payload))
            }
            Standing::Quarantined => {
                self.counters.misses_quarantined.add(1);
                Ok(if stale.is_some() { Found::Stale(slot.payload) } else { Found::Quarantined })
            }
            Standing::Behind(changes) => {
                self.counters.misses_stale.add(1);
                let as_of = protocol.as_of(key, dependencies);
                Ok(Found::Behind(Behind::new(slot.payload.clone(), changes, as_of).aged(stale)))
            }
            Standing::Lost => {
                self.counters.misses_stale.add(1);
                if stale.is_some() {
                    return Ok(Found::Stale(slot.payload));
                }
                let same = |found: &Slot| found.dependencies.as_ref().is_some_and(|d| Arc::ptr_eq(d, dependencies));
                self.entries.remove_if(&probe, same, &mut removed);
                Ok(Found::Miss)
            }
        }
    }

    fn store(&self, fills: Vec<(&Lease, Vec<NewEntry>)>) -> Result<usize> {
        // Weighing and dropping run code of the payloads' types, so both happen outside the lock.
        let mut removed = Removed::default();
        let mut refused = Vec::new();
        let weigh = |entry: NewEntry| (self.entries.weigh(&entry), entry);
        let mut fills: Vec<(&Lease, Vec<_>)> =
            fills.into_iter().map(|(lease, entries)| (lease, entries.into_iter().map(weigh).collect())).collect();
        let mut kept = 0;
        let now = self.clock.now();
        let mut protocol = self.lock(now)?;
        for (lease, entries) in &mut fills {
            let leave = protocol.end(lease, now);
            for (weight, entry) in entries.drain(..) {
                let digest = entry.key.digest();
                let admitted = leave.as_ref().and_then(|leave| protocol.admit(leave, &entry, digest));
                let Some(dependencies) = admitted else {
                    refused.push(entry);
                    continue;
                };
                self.insert(&mut protocol, entry, digest, (weight, dependencies), now, &mut removed);
                kept += 1;
            }
        }
        drop(protocol);
        self.counters.stored.add(kept);
        self.counters.refused.add(refused.len());
        Ok(kept)
    }

    /// Inserts an entry that was admitted.
    pub(crate) fn insert(
        &self,
        protocol: &mut Protocol,
        entry: NewEntry,
        digest: Tag,
        (weight, dependencies): (u64, Option<Arc<Dependencies>>),
        now: Duration,
        removed: &mut Removed,
    ) {
        let random = digest.0 ^ protocol.advance().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let slot = Slot {
            expires: now.saturating_add(self.time_to_live(&entry, random)),
            payload: entry.payload,
            weight,
            dependencies,
        };
        let evicted = self.entries.insert(entry.key, digest, slot, removed);
        self.counters.evicted.add(evicted);
    }

    fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        let probe = Probe::new(key);
        let mut removed = Removed::default();
        let now = self.clock.now();
        let mut protocol = self.lock(now)?;
        let Some(slot) = self.entries.get(&probe).filter(|slot| now < slot.expires) else {
            return Ok(false);
        };
        let Some(dependencies) = &slot.dependencies else {
            return Ok(false);
        };
        if !is_same(&slot.payload, &behind.payload) || behind.as_of.key.as_ref() != Some(key) {
            return Ok(false);
        }
        let Some(renewed) = protocol.renewed(dependencies, &behind.as_of) else {
            return Ok(false);
        };
        let slot = Slot { dependencies: Some(Arc::new(renewed)), ..slot.clone() };
        let replaced = self.entries.replace(&probe, slot, &mut removed);
        drop(protocol);
        self.counters.restamped.add(usize::from(replaced));
        Ok(replaced)
    }

    fn time_to_live(&self, entry: &NewEntry, random: u64) -> Duration {
        let usual = match entry.payload {
            Payload::Absent => self.config.absent_time_to_live,
            _ => self.config.time_to_live,
        };
        self.config.jittered(entry.time_to_live.unwrap_or(usual), random)
    }
}

/// Whether two payloads are the very same value.
pub(crate) fn is_same(a: &Payload, b: &Payload) -> bool {
    match (a, b) {
        (Payload::Shared(a), Payload::Shared(b)) => Arc::ptr_eq(a, b),
        (Payload::Encoded(a), Payload::Encoded(b)) => Arc::ptr_eq(a, b),
        (Payload::Decodable(a), Payload::Decodable(b)) => Arc::ptr_eq(a, b),
        (Payload::Absent, Payload::Absent) => true,
        _ => false,
    }
}
