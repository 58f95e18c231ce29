//! The memory of this process, and whether it may answer.

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use thing_cache_memory::MemoryCache;
use thing_driver_api::{
    CacheClient, EntryKey, Error, Found, Gate, Lease, LeaseRequest, Leased, NewEntry, Payload, Peek, Result, Scope,
    TableId, Tag, Wanted,
};

use crate::config::TieredConfig;
use crate::counters::Counters;

/// The near cache.
#[derive(Debug)]
pub(crate) struct Near {
    pub(crate) memory: MemoryCache,
    pub(crate) config: TieredConfig,
    pub(crate) counters: Counters,
    /// That of the stream which is heard now; `None` while there is none.
    gate: ArcSwapOption<Gate>,
    /// Why there is none.
    trouble: ArcSwapOption<Error>,
    /// Tables that programs with other scopes write to.
    mixed: ArcSwap<Vec<TableId>>,
}

/// Reads of the shared cache, or of the database, whose answers may come into the memory. Taken before them.
#[derive(Debug)]
pub(crate) struct Reading {
    memory: MemoryCache,
    /// One for each table; none where a writer is at work on the whole table.
    leases: Vec<Lease>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.leases.iter().for_each(|lease| self.memory.abandon(lease));
    }
}

impl Near {
    pub(crate) fn new(memory: MemoryCache, config: TieredConfig) -> Self {
        Self {
            memory,
            config,
            counters: Counters::default(),
            gate: ArcSwapOption::empty(),
            trouble: ArcSwapOption::empty(),
            mixed: ArcSwap::default(),
        }
    }

    /// Whether the memory may answer a read by what it is found to hold **after** this call.
    pub(crate) fn is_open(&self) -> bool {
        self.gate.load().as_ref().is_some_and(|gate| gate.is_open())
    }

    /// Begins to serve. What was held and the leases of before are gone first.
    pub(crate) fn open(&self, gate: Arc<Gate>) -> Result<()> {
        self.memory.clear()?;
        self.gate.store(Some(gate));
        self.trouble.store(None);
        Ok(())
    }

    /// Why the memory does not serve, as far as there is a reason besides silence.
    pub(crate) fn trouble(&self) -> Option<Arc<Error>> {
        self.trouble.load_full()
    }

    pub(crate) fn explain(&self, trouble: Error) {
        self.trouble.store(Some(Arc::new(trouble)));
    }

    /// Ends to serve.
    pub(crate) fn shut(&self) {
        self.gate.store(None);
        // For the room. What counts is that it is cleared before the next gate is in its place.
        let _ = self.memory.clear();
    }

    pub(crate) fn peek(&self, key: &EntryKey) -> Peek {
        if self.is_open() { self.memory.peek(key) } else { Peek::Unknown }
    }

    /// What the memory has for each read: a hit, an entry that is behind by known changes, or that a writer is at work.
    pub(crate) async fn answers(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Option<Found>>> {
        // How old an entry is that came from the shared cache is not known here.
        let near = wanted.iter().filter(|wanted| !wanted.fresh).map(|wanted| wanted.stale(None));
        let near: Vec<Wanted<'_>> = near.collect();
        if near.is_empty() {
            return Ok(vec![None; wanted.len()]);
        }
        if !self.is_open() {
            self.counters.suspect.add(near.len());
            return Ok(vec![None; wanted.len()]);
        }
        let mut found = self.memory.load(&near).await?.into_iter();
        let answer = |wanted: &Wanted<'_>| {
            match if wanted.fresh { None } else { found.next() } {
                Some(hit @ Found::Hit(_)) => Some(hit),
                // Who would be content with an old answer asks for one that says how old it is.
                Some(behind @ Found::Behind(_)) if wanted.stale.is_none() => Some(behind),
                // The shared cache would say the same, and can't be answered by for as long.
                Some(Found::Quarantined) if wanted.stale.is_none() => Some(Found::Quarantined),
                _ => None,
            }
        };
        let answers: Vec<Option<Found>> = wanted.iter().map(answer).collect();
        let count = |is: fn(&Found) -> bool| answers.iter().flatten().filter(|found| is(found)).count();
        self.counters.behind.add(count(|found| matches!(found, Found::Behind(_))));
        self.counters.quarantined.add(count(|found| matches!(found, Found::Quarantined)));
        Ok(answers)
    }

    /// Begins to read entries of these tables.
    pub(crate) async fn begin(&self, tables: impl Iterator<Item = TableId>) -> Result<Reading> {
        let mut reading = Reading { memory: self.memory.clone(), leases: Vec::new() };
        // What comes in while nothing is heard would be cleared away before it is served.
        if self.gate.load().is_none() {
            return Ok(reading);
        }
        let mut tables: Vec<TableId> = tables.collect();
        tables.sort_unstable();
        tables.dedup();
        let requests: Vec<LeaseRequest<'_>> = tables.into_iter().map(|table| LeaseRequest::Rows { table }).collect();
        let granted = |leased| match leased {
            Leased::Granted(lease) => Some(lease),
            _ => None,
        };
        reading.leases = self.memory.lease(&requests).await?.into_iter().filter_map(granted).collect();
        Ok(reading)
    }

    /// Takes what a reading got, which has not been returned to anybody yet.
    pub(crate) fn keep(&self, reading: &Reading, mut entries: Vec<NewEntry>) -> Result<()> {
        for lease in &reading.leases {
            let is_kept = |entry: &NewEntry| entry.key.table() == lease.table && !self.is_in_doubt(entry);
            let (of_table, others) = entries.into_iter().partition(is_kept);
            self.memory.replace(lease, of_table)?;
            entries = others;
        }
        self.forget(entries.iter().map(|entry| &entry.key))
    }

    /// Notes whether all programs touch the same scopes of a table. Where they don't, no list of it is held: those that
    /// are here may depend on scopes, and those that come may be of a reader who did not know yet.
    pub(crate) fn note(&self, table: TableId, is_mixed: bool) {
        let noted = self.mixed.load();
        if noted.contains(&table) == is_mixed {
            return;
        }
        self.mixed.rcu(|mixed| {
            let mut mixed = Vec::clone(mixed);
            mixed.retain(|other| *other != table);
            if is_mixed {
                mixed.push(table);
            }
            mixed
        });
        // A memory that is out of order takes nothing in, and its gate is about to close.
        if is_mixed && self.memory.forget_table(table).is_err() {
            self.gate.store(None);
        }
    }

    /// Whether an entry may depend on what some writers don't touch.
    fn is_in_doubt(&self, entry: &NewEntry) -> bool {
        matches!(entry.key, EntryKey::Query { .. }) && self.mixed.load().contains(&entry.key.table())
    }

    /// Gives up what is held under keys, of which a read got an answer that can't be kept.
    pub(crate) fn forget<'a>(&self, keys: impl Iterator<Item = &'a EntryKey>) -> Result<()> {
        let mut keys = keys.peekable();
        if keys.peek().is_none() {
            return Ok(());
        }
        self.memory.forget(keys)
    }

    /// The entry for what the shared cache has under a key; `None` where it is not known what that depends on.
    pub(crate) fn entry(&self, key: &EntryKey, tags: &[Tag], payload: &Payload) -> Option<NewEntry> {
        let tags = match (key, payload) {
            (EntryKey::Object { table, .. }, Payload::Absent) => vec![key.digest(), Tag::rows(*table, &Scope::Table)],
            (EntryKey::Object { .. }, _) => vec![key.digest()],
            (EntryKey::Query { .. }, _) if tags.is_empty() => return None,
            (EntryKey::Query { .. }, _) => tags.to_vec(),
        };
        Some(self.limited(NewEntry::new(key.clone(), tags, payload.clone())))
    }

    /// An entry that expires early enough.
    pub(crate) fn limited(&self, entry: NewEntry) -> NewEntry {
        let usual = match entry.payload {
            Payload::Absent => self.memory.config().absent_time_to_live,
            _ => self.memory.config().time_to_live,
        };
        let time_to_live = entry.time_to_live.unwrap_or(usual).min(self.config.time_to_live);
        entry.time_to_live(time_to_live)
    }
}
