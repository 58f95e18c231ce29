//! Storing: what the shared cache kept is kept here too.

use thing_driver_api::{CacheClient, EntryKey, Lease, NewEntry, Result};

use crate::client::Tiers;
use crate::fills::Noted;

impl Tiers {
    pub(crate) async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        let copies = vec![(self.fills.end(lease.id), self.copies(&entries))];
        let total = entries.len();
        let stored = self.shared.store(lease, entries).await;
        self.keep_stored(copies, matches!(stored, Ok(kept) if kept == total))?;
        stored
    }

    pub(crate) async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        let copy = |(lease, entries): &(Lease, Vec<NewEntry>)| (self.fills.end(lease.id), self.copies(entries));
        let copies: Vec<_> = fills.iter().map(copy).collect();
        let total: usize = fills.iter().map(|(_, entries)| entries.len()).sum();
        let stored = self.shared.store_many(fills).await;
        self.keep_stored(copies, matches!(stored, Ok(kept) if kept == total))?;
        stored
    }

    fn copies(&self, entries: &[NewEntry]) -> Vec<NewEntry> {
        entries.iter().map(|entry| self.near.limited(entry.clone())).collect()
    }

    /// Keeps entries under what was noted before they were read, if the shared cache kept them all. It does not say which
    /// it dropped. What is not kept is what its reader got, so nothing older may stay.
    fn keep_stored(&self, copies: Vec<(Option<Noted>, Vec<NewEntry>)>, all: bool) -> Result<()> {
        let mut gone: Vec<EntryKey> = Vec::new();
        for (noted, entries) in copies {
            match noted.filter(|_| all) {
                Some(noted) => self.near.keep(&noted.reading, entries)?,
                None => gone.extend(entries.into_iter().map(|entry| entry.key)),
            }
        }
        self.near.forget(gone.iter())
    }
}
