//! Leasing: leave of the shared cache, with what the memory noted before.

use std::sync::Arc;

use thing_driver_api::{CacheClient, EntryKey, LeaseRequest, Leased, NewEntry, Payload, Result, TableId};

use crate::client::Tiers;
use crate::fills::Noted;
use crate::load::decodable;

impl Tiers {
    pub(crate) async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        self.make_room(requests)?;
        // Before the leases, so before the database is read.
        let reading = Arc::new(self.near.begin(requests.iter().map(table)).await?);
        let mut leased = match self.shared.lease(requests).await {
            Ok(leased) => leased,
            Err(error) => {
                self.near.forget(requests.iter().filter_map(key))?;
                return Err(error);
            }
        };
        let mut entries = Vec::new();
        let mut gone = Vec::new();
        for (request, leased) in requests.iter().zip(&mut leased) {
            match leased {
                Leased::Granted(lease) => {
                    self.fills.begin(lease.id, Noted { reading: reading.clone(), behind: None });
                }
                Leased::Filled(payload) => {
                    *payload = decodable(payload);
                    match self.entry(request, payload) {
                        Some(entry) => entries.push(entry),
                        None => gone.extend(key(request)),
                    }
                }
                // The reader goes to the database.
                Leased::Quarantined => gone.extend(key(request)),
                // Waits for who will store, or asks again.
                Leased::Held(_) => {}
            }
        }
        self.near.keep(&reading, entries)?;
        self.near.forget(gone.into_iter())?;
        Ok(leased)
    }

    /// Lets go of entries that nobody could decode, as their readers found: they are to be replaced.
    fn make_room(&self, requests: &[LeaseRequest<'_>]) -> Result<()> {
        let is_foreign = |key: &&EntryKey| match self.near.memory.held(key) {
            Some(Payload::Decodable(value)) => !value.is_decoded(),
            _ => false,
        };
        let foreign: Vec<&EntryKey> = requests.iter().filter_map(key).filter(is_foreign).collect();
        self.near.forget(foreign.into_iter())
    }

    fn entry(&self, request: &LeaseRequest<'_>, payload: &Payload) -> Option<NewEntry> {
        match *request {
            LeaseRequest::Entry { key, tags } => self.near.entry(key, tags, payload),
            LeaseRequest::Rows { .. } => None,
        }
    }
}

fn key<'a>(request: &LeaseRequest<'a>) -> Option<&'a EntryKey> {
    match *request {
        LeaseRequest::Entry { key, .. } => Some(key),
        LeaseRequest::Rows { .. } => None,
    }
}

fn table(request: &LeaseRequest<'_>) -> TableId {
    match *request {
        LeaseRequest::Entry { key, .. } => key.table(),
        LeaseRequest::Rows { table } => table,
    }
}
