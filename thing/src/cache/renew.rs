//! Renewals: entries that a task of this process reads anew, each one once at a time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thing_driver_api::{EntryKey, Tag};

use super::Cache;

/// The entries that are being read anew.
#[derive(Debug, Default)]
pub(super) struct Renewals(Mutex<HashSet<Tag>>);

/// An entry that is being read anew, until this is dropped.
#[derive(Debug)]
pub(crate) struct Renewing {
    renewals: Arc<Renewals>,
    entry: Tag,
}

impl Renewals {
    fn entries(&self) -> MutexGuard<'_, HashSet<Tag>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    /// Begins to read an entry anew, unless somebody is at it.
    pub(crate) fn renew(&self, entry: &EntryKey) -> Option<Renewing> {
        let entry = entry.digest();
        let renewals = self.renewals.clone();
        renewals.entries().insert(entry).then(|| Renewing { renewals: renewals.clone(), entry })
    }
}

impl Drop for Renewing {
    fn drop(&mut self) {
        self.renewals.entries().remove(&self.entry);
    }
}
