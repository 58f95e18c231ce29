//! Leases of several fills that one statement reads.

use thing_driver_api::{Lease, LeaseRequest, Leased, NewEntry};

use super::Cache;
use crate::Db;

/// The leases of a batch, in the order of their requests. Dropped before the entries were stored, they are given up.
pub(crate) struct Leases<'a> {
    cache: &'a Cache,
    db: &'a Db,
    leases: Vec<Option<Lease>>,
}

impl Cache {
    /// Asks for leases; those that are not granted are left out.
    pub(crate) async fn lease<'a>(&'a self, db: &'a Db, requests: &[LeaseRequest<'_>]) -> Leases<'a> {
        let granted = |leased| {
            if let Leased::Granted(lease) = leased { Some(lease) } else { None }
        };
        let leases = match self.client().lease(requests).await {
            Ok(leased) => leased.into_iter().map(granted).collect(),
            Err(_) => {
                db.counters().cache_error();
                Vec::new()
            }
        };
        Leases { cache: self, db, leases }
    }
}

impl Leases<'_> {
    /// Stores the entries of each lease.
    pub(crate) async fn store(mut self, entries: impl IntoIterator<Item = Vec<NewEntry>>) {
        let mut fills = Vec::with_capacity(self.leases.len());
        for (lease, entries) in self.leases.iter_mut().zip(entries) {
            if !entries.is_empty()
                && let Some(lease) = lease.take()
            {
                fills.push((lease, entries));
            }
        }
        if self.cache.client().store_many(fills).await.is_err() {
            self.db.counters().cache_error();
        }
    }
}

impl Drop for Leases<'_> {
    fn drop(&mut self) {
        self.leases.iter().flatten().for_each(|lease| self.cache.client().abandon(lease));
    }
}
