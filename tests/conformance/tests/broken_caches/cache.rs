//! A cache with one fault, around one that is right.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_api::{
    Behind, CacheClient, CacheStatistics, Change, ColumnSet, EntryKey, Found, InvalidationStream, Key, Lease, LeaseId,
    LeaseRequest, Leased, NewEntry, Outcome, Payload, Peek, Result, RowImage, TableId, Tag, Token, Wanted, async_trait,
};

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    IgnoresQuarantine,
    ChecksNoStamps,
    ChecksNoRows,
    RevivesOnRelease,
    OneTokenForAll,
    VoidsQuarantines,
    IgnoresUnknownTokens,
    ForgetsChanges,
    ListsUnlisted,
    RestampsUnseen,
    HoldsForEver,
    PeeksIntoThePast,
    MixesTables,
    KeepsTables,
    IgnoresTagsOfTables,
    CountsNothing,
}

/// The clock of the cache inside is coarse: what it marks may lapse that much early.
const COARSE: Duration = Duration::from_millis(25);

#[derive(Debug)]
pub(crate) struct Broken {
    inner: MemoryCache,
    fault: Fault,
    memory: Mutex<Memory>,
}

#[derive(Debug)]
struct Memory {
    /// The table of the last lease.
    table: TableId,
    tokens: HashMap<Tag, Vec<(Token, Instant)>>,
    held: HashMap<EntryKey, LeaseId>,
    past: HashMap<EntryKey, (Vec<Tag>, Payload)>,
}

impl Broken {
    pub(crate) fn new(fault: Fault) -> Self {
        Self {
            inner: MemoryCache::new(MemoryConfig::default()),
            fault,
            memory: Mutex::new(Memory {
                table: TableId(0),
                tokens: HashMap::new(),
                held: HashMap::new(),
                past: HashMap::new(),
            }),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, key: &EntryKey) -> EntryKey {
        let mut key = key.clone();
        if self.fault == Fault::MixesTables {
            match &mut key {
                EntryKey::Object { table, .. } | EntryKey::Query { table, .. } => *table = TableId(1),
            }
        }
        key
    }

    fn token(&self, token: Token) -> Token {
        match self.fault {
            Fault::OneTokenForAll => Token(1),
            _ => token,
        }
    }

    /// Without the tags of tables, for a cache that does not know them.
    fn tags(&self, tags: &[Tag]) -> Vec<Tag> {
        if self.fault != Fault::IgnoresTagsOfTables {
            return tags.to_vec();
        }
        let memory = self.memory();
        let mut tables: Vec<Tag> = memory.past.keys().map(|key| Tag::table(key.table())).collect();
        tables.push(Tag::table(memory.table));
        tags.iter().filter(|tag| !tables.contains(tag)).copied().collect()
    }

    /// Stores again what depended on the tags.
    async fn revive(&self, tags: &[Tag]) -> Result<()> {
        let past = self.memory().past.clone();
        for (key, (own, payload)) in past {
            if !own.iter().chain([&Tag::table(key.table())]).any(|tag| tags.contains(tag)) {
                continue;
            }
            let request = LeaseRequest::Entry { key: &key, tags: &own };
            if let Some(Leased::Granted(lease)) = self.inner.lease(&[request]).await?.pop() {
                let entry = NewEntry::new(key.clone(), own.clone(), payload);
                self.inner.store(&lease, vec![entry]).await?;
            }
        }
        Ok(())
    }

    /// A lease of now for what was leased long ago; `None` while a writer is at work.
    async fn renewed(&self, lease: &Lease) -> Result<Option<Lease>> {
        let tags: Vec<_> = lease.stamps.iter().map(|(tag, _)| *tag).collect();
        let request = match &lease.key {
            Some(key) => LeaseRequest::Entry { key, tags: &tags },
            None => LeaseRequest::Rows { table: lease.table },
        };
        self.inner.abandon(lease);
        match self.inner.lease(&[request]).await?.pop() {
            Some(Leased::Granted(lease)) => Ok(Some(lease)),
            _ => Ok(None),
        }
    }
}

/// A change of a row that no case knows.
fn unrelated(table: TableId) -> Arc<Change> {
    let change = Change::new(table, Key::Int(9), ColumnSet::ALL, RowImage::Unknown, RowImage::Unknown);
    Arc::new(change)
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl CacheClient for Broken {
    fn declare(&self, table: TableId, scopes: u64) -> bool {
        self.inner.declare(table, scopes)
    }

    fn peek(&self, key: &EntryKey) -> Peek {
        if self.fault == Fault::PeeksIntoThePast
            && let Some((_, payload)) = self.memory().past.get(key)
        {
            return Peek::Hit(payload.clone());
        }
        self.inner.peek(&self.key(key))
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        let keys: Vec<_> = wanted.iter().map(|wanted| self.key(wanted.key)).collect();
        let wanted: Vec<_> = keys.iter().map(Wanted::new).collect();
        let mut found = self.inner.load(&wanted).await?;
        if self.fault == Fault::ForgetsChanges {
            for found in &mut found {
                if let Found::Behind(behind) = found {
                    behind.changes.truncate(behind.changes.len() / 2);
                }
            }
        }
        Ok(found)
    }

    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        let keys: Vec<_> = requests
            .iter()
            .map(|request| match request {
                LeaseRequest::Entry { key, .. } => Some(self.key(key)),
                LeaseRequest::Rows { .. } => None,
            })
            .collect();
        let inner: Vec<_> = requests
            .iter()
            .zip(&keys)
            .map(|(request, key)| match (request, key) {
                (LeaseRequest::Entry { tags, .. }, Some(key)) => LeaseRequest::Entry { key, tags },
                (other, _) => *other,
            })
            .collect();
        let mut leased = self.inner.lease(&inner).await?;
        if let Some(Leased::Granted(lease)) = leased.first() {
            self.memory().table = lease.table;
        }
        if self.fault == Fault::HoldsForEver {
            for (leased, key) in leased.iter_mut().zip(keys) {
                let (Leased::Granted(lease), Some(key)) = (&leased, key) else {
                    continue;
                };
                let id = *self.memory().held.entry(key).or_insert(lease.id);
                if id != lease.id {
                    *leased = Leased::Held(id);
                }
            }
        }
        Ok(leased)
    }

    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        for entry in &entries {
            let past = (entry.tags.clone(), entry.payload.clone());
            self.memory().past.insert(entry.key.clone(), past);
            self.memory().held.remove(&entry.key);
        }
        let unseen = match self.fault {
            Fault::ChecksNoStamps => lease.key.is_some(),
            Fault::ChecksNoRows => lease.key.is_none(),
            _ => false,
        };
        let entries: Vec<_> = entries
            .into_iter()
            .map(|mut entry| {
                entry.key = self.key(&entry.key);
                entry
            })
            .collect();
        if !unseen {
            return self.inner.store(lease, entries).await;
        }
        match self.renewed(lease).await? {
            Some(lease) => self.inner.store(&lease, entries).await,
            None => Ok(0),
        }
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
        if self.fault == Fault::RestampsUnseen
            && let Some(lease) = self.renewed(&behind.as_of).await?
        {
            let tags = lease.stamps.iter().map(|(tag, _)| *tag).collect();
            let entry = NewEntry::new(key.clone(), tags, behind.payload.clone());
            return Ok(self.inner.store(&lease, vec![entry]).await? == 1);
        }
        self.inner.restamp(key, behind).await
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        if self.fault == Fault::IgnoresQuarantine {
            return Ok(());
        }
        let tags = &*self.tags(tags);
        let until = Instant::now() + duration;
        for tag in tags {
            self.memory().tokens.entry(*tag).or_default().push((token, until));
        }
        self.inner.quarantine(tags, self.token(token), duration).await
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        let tags = &*self.tags(tags);
        let now = Instant::now();
        let known = tags.iter().all(|tag| {
            let memory = self.memory();
            let tokens = memory.tokens.get(tag);
            tokens.is_some_and(|tokens| tokens.iter().any(|(t, until)| *t == token && *until > now + COARSE))
        });
        if self.fault == Fault::IgnoresUnknownTokens && !known {
            return Ok(());
        }
        let table = self.memory().table;
        let outcome = match (self.fault, outcome) {
            (Fault::ListsUnlisted, Outcome::Unlisted) => Outcome::Changed(vec![unrelated(table)]),
            (_, outcome) => outcome,
        };
        self.inner.release(tags, self.token(token), outcome).await?;
        if self.fault == Fault::RevivesOnRelease {
            self.revive(tags).await?;
        }
        Ok(())
    }

    async fn void(&self, tags: &[Tag]) -> Result<()> {
        if self.fault == Fault::VoidsQuarantines {
            for tag in tags {
                let tokens = self.memory().tokens.remove(tag).unwrap_or_default();
                for (token, _) in tokens {
                    self.inner.release(&[*tag], token, Outcome::Unlisted).await?;
                }
            }
        }
        self.inner.void(&self.tags(tags)).await
    }

    async fn void_table(&self, table: TableId) -> Result<()> {
        if self.fault == Fault::KeepsTables {
            return Ok(());
        }
        self.inner.void_table(table).await
    }

    async fn settle(&self) -> Result<()> {
        self.inner.settle().await
    }

    async fn invalidations(&self, bound: Duration) -> Result<Option<Box<dyn InvalidationStream>>> {
        self.inner.invalidations(bound).await
    }

    fn statistics(&self) -> CacheStatistics {
        match self.fault {
            Fault::CountsNothing => CacheStatistics::default(),
            _ => self.inner.statistics(),
        }
    }
}
