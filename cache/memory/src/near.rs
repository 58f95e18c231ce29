//! A memory cache as the near part of a shared cache: what it is asked besides the contract.

use std::sync::Arc;

use thing_driver_api::{EntryKey, Lease, NewEntry, Payload, Result, TableId, Token};

use crate::client::{MemoryCache, is_same};
use crate::config::MemoryConfig;
use crate::entries::{Probe, Removed};

/// For a cache in front of a shared one. Whoever puts entries in by these methods answers for them: they are right as of
/// a moment after the lease under which they come was given.
impl MemoryCache {
    /// What is held under a key, whether it is still valid or not. Counts as no read.
    pub fn held(&self, key: &EntryKey) -> Option<Payload> {
        self.shared.entries.get(&Probe::new(key)).map(|slot| slot.payload)
    }

    /// Takes the answers to reads that ran under a lease for rows of the table, rows and lists alike, and returns how
    /// many were stored. The lease goes on.
    ///
    /// An answer is stored unless something that it depends on was touched since the lease was given, or another answer
    /// about the same key came since, by this method or by [`MemoryCache::forget`]: then it may be the older one, and the
    /// entry is removed, unless it has the very same content.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Cache`](thing_driver_api::ErrorKind::Cache) when the cache is out of order.
    pub fn replace(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        let shared = &*self.shared;
        // What runs code of the payloads' types runs outside the lock.
        let mut removed = Removed::default();
        let mut refused = Vec::new();
        let weighed: Vec<_> = entries.into_iter().map(|entry| (shared.entries.weigh(&entry), entry)).collect();
        let mut kept = 0;
        let now = shared.clock.now();
        let mut protocol = shared.lock(now)?;
        for (weight, entry) in weighed {
            let digest = entry.key.digest();
            let admitted = protocol.admit_answer(lease.id, &entry, digest, now);
            protocol.arrive(digest);
            match admitted {
                Some(dependencies) => {
                    shared.insert(&mut protocol, entry, digest, (weight, dependencies), now, &mut removed);
                    kept += 1;
                }
                None => refused.push(entry),
            }
        }
        drop(protocol);
        refused.iter().for_each(|entry| self.remove_unlike(entry, &mut removed));
        shared.counters.stored.add(kept);
        shared.counters.refused.add(refused.len());
        Ok(kept)
    }

    /// Removes what is held under the key of an entry, if it has other content. What comes in meanwhile comes under a
    /// lease of after the answer's arrival, and stays.
    fn remove_unlike(&self, entry: &NewEntry, removed: &mut Removed) {
        let probe = Probe::new(&entry.key);
        if let Some(held) = self.held(&entry.key).filter(|held| !have_same_content(held, &entry.payload)) {
            self.shared.entries.remove_if(&probe, |slot| is_same(&slot.payload, &held), removed);
        }
    }

    /// Removes entries, and keeps those out that are about to come by [`MemoryCache::replace`] under leases of before.
    ///
    /// # Errors
    ///
    /// As [`MemoryCache::replace`].
    pub fn forget<'a>(&self, keys: impl IntoIterator<Item = &'a EntryKey>) -> Result<()> {
        let mut removed = Removed::default();
        let mut protocol = self.shared.lock(self.shared.clock.now())?;
        for key in keys {
            let probe = Probe::new(key);
            protocol.arrive(probe.digest);
            self.shared.entries.remove_if(&probe, |_| true, &mut removed);
        }
        Ok(())
    }

    /// Removes what is held of a table, and ends its leases; as [`CacheClient::void_table`](thing_driver_api::CacheClient)
    /// without a future.
    ///
    /// # Errors
    ///
    /// As [`MemoryCache::replace`].
    pub fn forget_table(&self, table: TableId) -> Result<()> {
        self.shared.lock(self.shared.clock.now())?.void_table(table);
        self.shared.entries.remove_table(table);
        Ok(())
    }

    /// Removes everything, and ends all leases: nothing that was read before comes in after. Quarantines stay.
    ///
    /// # Errors
    ///
    /// As [`MemoryCache::replace`].
    pub fn clear(&self) -> Result<()> {
        self.shared.lock(self.shared.clock.now())?.clear();
        self.shared.entries.remove_all();
        Ok(())
    }

    /// Whether some tag is quarantined by this writer.
    ///
    /// # Errors
    ///
    /// As [`MemoryCache::replace`].
    pub fn is_at_work(&self, token: Token) -> Result<bool> {
        Ok(self.shared.lock(self.shared.clock.now())?.is_at_work(token))
    }
}

impl From<MemoryConfig> for MemoryCache {
    fn from(config: MemoryConfig) -> Self {
        Self::new(config)
    }
}

fn have_same_content(a: &Payload, b: &Payload) -> bool {
    is_same(a, b) || matches!((encoding(a), encoding(b)), (Some(a), Some(b)) if a == b)
}

fn encoding(payload: &Payload) -> Option<Arc<[u8]>> {
    match payload {
        Payload::Shared(value) => value.encode().ok().map(Arc::from),
        Payload::Encoded(bytes) => Some(bytes.clone()),
        Payload::Decodable(value) => value.encoding(),
        _ => None,
    }
}
