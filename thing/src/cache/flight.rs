//! Flights: one fill of an entry at a time, and the callers that wait for it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use thing_driver_api::{
    CacheClient, EntryKey, Error, Lease, LeaseId, LeaseRequest, Leased, NewEntry, Payload, Peek, Result, Tag,
};
use tokio::sync::watch;

use super::Cache;

type Landing = Option<Result<Payload, Arc<Error>>>;

/// The fills that run in this process, by lease.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    running: Mutex<HashMap<LeaseId, watch::Receiver<Landing>>>,
}

impl Flights {
    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<LeaseId, watch::Receiver<Landing>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often a caller looks again when another fill ended without an answer for it.
const ATTEMPTS: usize = 16;

/// What a caller that missed does.
#[derive(Debug)]
pub(crate) enum Turn<'a> {
    /// Reads the database and fills.
    Fill(Filling<'a>),
    /// Takes what another caller filled.
    Joined(Result<Payload>),
    /// Reads the database and stores nothing.
    Bypass,
}

impl Cache {
    /// Decides who fills: this caller, or one that is at it. A caller joins only a fill that no write has ended since
    /// it began (the client tells), so what it gets is no older than its own call.
    pub(crate) async fn turn(&self, key: &EntryKey, tags: &[Tag]) -> Result<Turn<'_>> {
        for _ in 0..ATTEMPTS {
            let request = [LeaseRequest::Entry { key, tags }];
            match self.client.lease(&request).await?.pop() {
                Some(Leased::Granted(lease)) => {
                    let filling = self.take_off(lease);
                    // Another fill may have landed between this caller's miss and its lease.
                    return match self.client.peek(key) {
                        Peek::Hit(payload) => Ok(Turn::Joined(Ok(payload))),
                        Peek::Unknown => Ok(Turn::Fill(filling)),
                    };
                }
                Some(Leased::Held(id)) => {
                    let running = self.flights.locked().get(&id).cloned();
                    match running {
                        Some(flight) => {
                            if let Some(landed) = wait(flight).await {
                                return Ok(Turn::Joined(landed));
                            }
                        }
                        None => crate::task::yield_now().await,
                    }
                    if let Peek::Hit(payload) = self.client.peek(key) {
                        return Ok(Turn::Joined(Ok(payload)));
                    }
                }
                _ => return Ok(Turn::Bypass),
            }
        }
        Ok(Turn::Bypass)
    }

    fn take_off(&self, lease: Lease) -> Filling<'_> {
        let (landing, flight) = watch::channel(None);
        self.flights.locked().insert(lease.id, flight);
        Filling { cache: self, lease, landing, ended: false }
    }
}

async fn wait(mut flight: watch::Receiver<Landing>) -> Option<Result<Payload>> {
    // An error means that the filler went away without an answer.
    let landed = flight.wait_for(Option::is_some).await.ok()?;
    landed.clone().map(|result| result.map_err(|error| error.duplicate()))
}

/// A fill in progress. Dropped before its end, it gives up the lease, and one of the waiting callers takes over.
pub(crate) struct Filling<'a> {
    cache: &'a Cache,
    lease: Lease,
    landing: watch::Sender<Landing>,
    ended: bool,
}

impl Filling<'_> {
    /// Stores the entry and hands it to the waiting callers, who get it even if the cache keeps it not.
    pub(crate) async fn land(mut self, entry: NewEntry) -> Result<usize> {
        let payload = entry.payload.clone();
        let stored = self.cache.client.store(&self.lease, vec![entry]).await;
        self.end(Ok(payload));
        stored
    }

    /// Hands the answer to the waiting callers and stores nothing.
    pub(crate) fn land_unstored(mut self, payload: Payload) {
        self.cache.client.abandon(&self.lease);
        self.end(Ok(payload));
    }

    /// Hands the error to the waiting callers.
    pub(crate) fn crash(mut self, error: &Error) {
        self.cache.client.abandon(&self.lease);
        self.end(Err(Arc::new(error.duplicate())));
    }

    fn end(&mut self, result: Result<Payload, Arc<Error>>) {
        self.ended = true;
        self.landing.send_replace(Some(result));
        self.cache.flights.locked().remove(&self.lease.id);
    }
}

impl Drop for Filling<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.cache.client.abandon(&self.lease);
            self.cache.flights.locked().remove(&self.lease.id);
        }
    }
}

impl fmt::Debug for Filling<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filling").field("lease", &self.lease).finish_non_exhaustive()
    }
}
