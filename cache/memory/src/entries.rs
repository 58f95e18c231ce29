//! The entries, in a store bounded by bytes and by number.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Lifecycle, OptionsBuilder, Weighter};
use thing_driver_api::{EntryKey, NewEntry, Payload, TableId, Tag};

use crate::config::MemoryConfig;

/// The entries by key.
///
/// An entry is never found half replaced: each call takes the lock of the one shard where the key lives. Eviction only
/// removes. So an entry found here was here at a moment during the call.
pub(crate) struct Entries {
    cache: Cache<StoredKey, Slot, SlotWeighter, DigestHasher, Evictions>,
    min_weight: u64,
    max_weight: u64,
}

/// An entry.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) payload: Payload,
    /// When it is served no more, by the cache's clock.
    pub(crate) expires: Duration,
    pub(crate) weight: u64,
    /// What else than its own row's tag it depends on. `None` for a row: its presence here is its validity.
    pub(crate) dependencies: Option<Arc<Dependencies>>,
}

/// The tags that an entry depends on, as they were before the database was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dependencies {
    /// The tags and when each had last moved.
    pub(crate) stamps: Box<[(Tag, u64)]>,
    /// The position of which the entry's content is: every change up to it is in the content.
    pub(crate) position: u64,
    /// When leave to read it from the database was given, by the cache's clock; `None` for what another cache gave.
    pub(crate) filled: Option<Duration>,
}

/// A key and its digest, with which the row's tag finds the entry too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe<'a> {
    pub(crate) digest: Tag,
    pub(crate) key: &'a EntryKey,
}

impl<'a> Probe<'a> {
    pub(crate) fn new(key: &'a EntryKey) -> Self {
        Self { digest: key.digest(), key }
    }
}

/// What was removed. It is to be dropped only after the locks are released: dropping runs code of the payload's type.
#[derive(Default)]
pub(crate) struct Removed(Vec<(StoredKey, Slot)>);

impl Entries {
    pub(crate) fn new(config: &MemoryConfig) -> Self {
        let shards = shards(config);
        // Rounded down to whole shards, because the store rounds up.
        let shard_capacity = config.max_bytes / shards as u64;
        let mut options = OptionsBuilder::new();
        options
            .shards(shards)
            .weight_capacity(shard_capacity * shards as u64)
            // Sizes the memory of evicted keys; 32 for each shard keep the number of shards.
            .estimated_items_capacity(
                usize::try_from(config.max_entries.min(config.max_bytes / 1024)).unwrap_or(usize::MAX).max(shards * 32),
            )
            .hot_allocation(HOT_PART);
        let cache = match options.build() {
            Ok(options) => Cache::with_options(options, SlotWeighter, DigestHasher::default(), Evictions),
            // Happens only where a setting is missing.
            Err(_) => Cache::with(32, config.max_bytes, SlotWeighter, DigestHasher::default(), Evictions),
        };
        let max_weight = (cache.shard_capacity() as f64 * HOT_PART) as u64;
        Self { cache, min_weight: config.max_bytes.div_ceil(config.max_entries.max(1)).min(max_weight), max_weight }
    }

    pub(crate) fn get(&self, probe: &Probe<'_>) -> Option<Slot> {
        self.cache.get(probe)
    }

    /// What an entry will weigh.
    pub(crate) fn weigh(&self, entry: &NewEntry) -> u64 {
        let content = match &entry.payload {
            Payload::Shared(value) => value.weight(),
            Payload::Encoded(bytes) => bytes.len(),
            Payload::Decodable(value) => value.weight(),
            _ => 0,
        };
        let stamps = match &*entry.tags {
            [] | [_] => 0,
            tags => size_of::<Dependencies>() + tags.len() * size_of::<(Tag, u64)>(),
        };
        let bytes = (OVERHEAD + stamps + entry.key.size()).saturating_add(content);
        (bytes as u64).max(self.min_weight)
    }

    /// Inserts or replaces an entry. Returns how many were evicted for it; the entry itself, if it is too large for the
    /// cache.
    pub(crate) fn insert(&self, key: EntryKey, digest: Tag, slot: Slot, removed: &mut Removed) -> usize {
        let key = StoredKey { digest, key };
        if slot.weight > self.max_weight {
            removed.0.push((key, slot));
            return 1;
        }
        let before = removed.0.len();
        self.cache.insert_with_lifecycle(key, slot, removed);
        // The store reports the replaced entry among the evicted.
        removed.0[before..].iter().filter(|(key, _)| key.digest != digest).count()
    }

    /// Replaces an entry unless it has gone, and says whether it did.
    pub(crate) fn replace(&self, probe: &Probe<'_>, slot: Slot, removed: &mut Removed) -> bool {
        let key = StoredKey { digest: probe.digest, key: probe.key.clone() };
        self.cache.replace_with_lifecycle(key, slot, true, removed).is_ok()
    }

    /// Removes an entry if it is still as expected.
    pub(crate) fn remove_if(&self, probe: &Probe<'_>, expected: impl FnOnce(&Slot) -> bool, removed: &mut Removed) {
        removed.0.extend(self.cache.remove_if(probe, expected));
    }

    /// Removes every entry with this digest: the row whose tag it is, and what shares the digest by chance.
    pub(crate) fn remove_digest(&self, digest: Tag, removed: &mut Removed) {
        while let Some(entry) = self.cache.remove_if(&Digest(digest), |_| true) {
            removed.0.push(entry);
        }
    }

    /// Removes every entry of a table that is here at the start. Takes no lock for longer than one entry.
    pub(crate) fn remove_table(&self, table: TableId) {
        for (key, _) in self.cache.iter() {
            if key.key.table() == table {
                self.cache.remove(&key);
            }
        }
    }

    /// Removes every entry that is here at the start, as [`Entries::remove_table`].
    pub(crate) fn remove_all(&self) {
        for (key, _) in self.cache.iter() {
            self.cache.remove(&key);
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.cache.len() as u64
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.cache.weight()
    }
}

/// The part of a shard that entries in proven use may take; no entry can be larger.
const HOT_PART: f64 = 0.97;

/// Bytes that the store needs for an entry besides key and payload; the key's own size counts `size_of::<EntryKey>()`.
const OVERHEAD: usize = size_of::<StoredKey>() - size_of::<EntryKey>() + size_of::<Slot>() + 32;

/// Four for each core so that threads seldom meet, but none below 1 MiB or 32 entries: an entry has to fit in one.
fn shards(config: &MemoryConfig) -> usize {
    let possible = (config.max_bytes >> 20).min(config.max_entries / 32);
    if possible <= 1 {
        return 1;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let wanted = (cores * 4).next_power_of_two();
    1 << wanted.min(usize::try_from(possible).unwrap_or(wanted)).ilog2()
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct StoredKey {
    digest: Tag,
    key: EntryKey,
}

impl Hash for StoredKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl Hash for Probe<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl Equivalent<StoredKey> for Probe<'_> {
    fn equivalent(&self, stored: &StoredKey) -> bool {
        self.digest == stored.digest && *self.key == stored.key
    }
}

#[derive(Hash)]
struct Digest(Tag);

impl Equivalent<StoredKey> for Digest {
    fn equivalent(&self, stored: &StoredKey) -> bool {
        self.0 == stored.digest
    }
}

#[derive(Clone)]
struct SlotWeighter;

impl Weighter<StoredKey, Slot> for SlotWeighter {
    fn weight(&self, _: &StoredKey, slot: &Slot) -> u64 {
        slot.weight
    }
}

#[derive(Clone)]
struct Evictions;

impl Lifecycle<StoredKey, Slot> for Evictions {
    type RequestState = Removed;

    fn on_evict(&self, removed: &mut Removed, key: StoredKey, slot: Slot) {
        removed.0.push((key, slot));
    }
}

/// Hashes what is a digest already, by one multiplication of secret numbers: without them, whoever chooses the keys of
/// rows could fill one bucket.
#[derive(Clone, Debug)]
pub(crate) struct DigestHasher {
    factor: u64,
    state: u64,
}

impl Default for DigestHasher {
    fn default() -> Self {
        let secret = RandomState::new();
        Self { factor: secret.hash_one(0) | 1, state: secret.hash_one(1) }
    }
}

impl BuildHasher for DigestHasher {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        self.clone()
    }
}

impl Hasher for DigestHasher {
    fn write_u64(&mut self, digest: u64) {
        let product = u128::from(self.state ^ digest) * u128::from(self.factor);
        self.state = product as u64 ^ (product >> 64) as u64;
    }

    fn write_u128(&mut self, random: u128) {
        self.write_u64(random as u64);
        self.write_u64((random >> 64) as u64);
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use thing_driver_api::Key;

    use super::*;

    const DIGEST: Tag = Tag(7);

    fn key(key: i64) -> EntryKey {
        EntryKey::Object { table: TableId(1), key: Key::Int(key) }
    }

    fn insert(entries: &Entries, n: i64) {
        let entry = NewEntry::new(key(n), vec![DIGEST], Payload::Encoded(Arc::from([n as u8])));
        let weight = entries.weigh(&entry);
        let slot = Slot { payload: entry.payload, expires: Duration::MAX, weight, dependencies: None };
        entries.insert(entry.key, DIGEST, slot, &mut Removed::default());
    }

    fn found(entries: &Entries, n: i64) -> Option<u8> {
        match entries.get(&Probe { digest: DIGEST, key: &key(n) })?.payload {
            Payload::Encoded(bytes) => bytes.first().copied(),
            _ => None,
        }
    }

    #[test]
    fn keys_that_share_a_digest_are_told_apart_and_removed_together() {
        let entries = Entries::new(&MemoryConfig::default());
        (1..=3).for_each(|n| insert(&entries, n));
        assert_eq!([1, 2, 3, 4].map(|n| found(&entries, n)), [Some(1), Some(2), Some(3), None]);
        entries.remove_digest(DIGEST, &mut Removed::default());
        assert_eq!([1, 2, 3].map(|n| found(&entries, n)), [None; 3]);
        assert_eq!((entries.len(), entries.bytes()), (0, 0));
    }

    #[test]
    fn a_table_is_removed_and_others_stay() {
        let entries = Entries::new(&MemoryConfig::default());
        (0..1_000).for_each(|n| insert(&entries, n));
        entries.remove_table(TableId(2));
        assert_eq!(entries.len(), 1_000);
        entries.remove_table(TableId(1));
        assert_eq!(entries.len(), 0);
    }
}
