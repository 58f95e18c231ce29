//! Flights: one fill of an entry at a time, and the callers that wait for it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use thing_driver_api::{
    EntryKey, Error, Found, Lease, LeaseId, LeaseRequest, Leased, NewEntry, Payload, Peek, Result, Tag, Wanted,
};
use tokio::sync::Notify;

use super::Cache;
use crate::task::Patience;

/// The fills that run in this process, by lease, and the waits for those that run elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    running: Mutex<HashMap<LeaseId, Arc<Flight>>>,
    /// Those whose entry is being stored, by the entry.
    landing: Mutex<HashMap<Tag, Arc<Flight>>>,
    /// Callers that asked for a lease and have not said yet whether they fill.
    departing: AtomicUsize,
    departed: Notify,
    /// The last entries that were stored, the latest first, and how many there were before.
    arrivals: Mutex<VecDeque<(Tag, u64)>>,
    patience: Patience,
}

/// How many arrivals are remembered for callers that come a moment late.
const ARRIVALS: usize = 64;

/// One fill, and what came of it.
#[derive(Debug, Default)]
struct Flight {
    /// `None` inside: the filler went away without an answer.
    landing: OnceLock<Option<Result<Payload, Error>>>,
    landed: Notify,
}

impl Flights {
    fn locked(&self) -> MutexGuard<'_, HashMap<LeaseId, Arc<Flight>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, id: LeaseId) -> Option<Arc<Flight>> {
        self.locked().get(&id).cloned()
    }

    fn landing(&self) -> MutexGuard<'_, HashMap<Tag, Arc<Flight>>> {
        self.landing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrivals(&self) -> MutexGuard<'_, VecDeque<(Tag, u64)>> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        Moment(self.arrivals().front().map_or(0, |(_, before)| before + 1))
    }

    fn arrive(&self, entry: Tag) {
        let mut arrivals = self.arrivals();
        let before = arrivals.front().map_or(0, |(_, before)| before + 1);
        arrivals.truncate(ARRIVALS - 1);
        arrivals.push_front((entry, before));
    }

    /// Whether the entry was stored since.
    fn arrived(&self, entry: Tag, since: Moment) -> bool {
        self.arrivals().iter().take_while(|(_, before)| *before >= since.0).any(|(arrived, _)| *arrived == entry)
    }
}

impl Flight {
    async fn wait(&self) -> Option<Result<Payload>> {
        let mut landed = std::pin::pin!(self.landed.notified());
        landed.as_mut().enable();
        if self.landing.get().is_none() {
            landed.await;
        }
        match self.landing.get()? {
            Some(Ok(payload)) => Some(Ok(payload.clone())),
            Some(Err(error)) => Some(Err(error.duplicate())),
            None => None,
        }
    }

    fn land(&self, landing: Option<Result<Payload, Error>>) {
        // Only the filler lands, once.
        let _ = self.landing.set(landing);
        self.landed.notify_waiters();
    }
}

/// A point in the order in which this process stored entries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(u64);

/// A caller between its request for a lease and the answer's consequences.
struct Departure<'a> {
    flights: &'a Flights,
    taken_off: bool,
}

impl<'a> Departure<'a> {
    fn begin(flights: &'a Flights) -> Self {
        flights.departing.fetch_add(1, Ordering::SeqCst);
        Self { flights, taken_off: false }
    }
}

impl Drop for Departure<'_> {
    fn drop(&mut self) {
        let left = self.flights.departing.fetch_sub(1, Ordering::SeqCst) - 1;
        // Callers that wait don't wake each other: each would ask again, and again wake the other.
        if self.taken_off || left == 0 {
            self.flights.departed.notify_waiters();
        }
    }
}

/// The time in which a filler stores.
struct Landing<'a> {
    flights: &'a Flights,
    entry: Tag,
    flight: Arc<Flight>,
}

impl<'a> Landing<'a> {
    fn begin(flights: &'a Flights, entry: Tag, flight: Arc<Flight>) -> Self {
        flights.landing().insert(entry, flight.clone());
        Self { flights, entry, flight }
    }
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let mut landing = self.flights.landing();
        // A later filler may have taken the place.
        if landing.get(&self.entry).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            landing.remove(&self.entry);
        }
    }
}

/// How often a caller asks again for a fill that is not of this process, or that has just ended.
const ATTEMPTS: usize = 16;
/// After so many times it waits in between, from one millisecond up to the longest pause: some 300 ms in all, after
/// which it reads for itself.
const AT_ONCE: usize = 4;
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

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

/// What came of waiting for a fill.
enum Followed {
    Landed(Result<Payload>),
    /// It has ended without an answer, or is not of this process.
    Nowhere,
    /// Its caller may never go on.
    ForTooLong,
}

impl Cache {
    /// To be taken before a look into the cache.
    pub(crate) fn now(&self) -> Moment {
        self.flights.now()
    }

    /// Decides who fills: this caller, or one that is at it. A caller joins only a fill that no write has ended since
    /// it began (the client tells), so what it gets is no older than its own call. `since` is from before the look that found
    /// nothing.
    pub(crate) async fn turn(&self, key: &EntryKey, tags: &[Tag], since: Moment, fresh: bool) -> Result<Turn<'_>> {
        let mut attempts = 0;
        // For a fill that is not of this `Db`, of those who wait for it here.
        let mut watch: Option<Filling<'_>> = None;
        while attempts < ATTEMPTS {
            let mut departure = Departure::begin(&self.flights);
            let request = [LeaseRequest::Entry { key, tags }];
            match self.client().lease(&request).await?.pop() {
                Some(Leased::Granted(lease)) => {
                    let filling = self.take_off(lease);
                    departure.taken_off = true;
                    // Another fill may have landed between this caller's miss and its lease.
                    return Ok(match self.look_again(key, since, fresh).await? {
                        Some(payload) => Turn::Joined(Ok(payload)),
                        None => Turn::Fill(filling),
                    });
                }
                Some(Leased::Held(id)) => {
                    drop(departure);
                    match self.follow(id, &mut watch, &mut attempts).await {
                        Followed::Landed(landed) => return Ok(Turn::Joined(landed)),
                        Followed::Nowhere => {}
                        Followed::ForTooLong => return Ok(Turn::Bypass),
                    }
                    if !fresh && let Peek::Hit(payload) = self.client().peek(key) {
                        return Ok(Turn::Joined(Ok(payload)));
                    }
                }
                Some(Leased::Filled(payload)) => {
                    if let Some(watch) = watch {
                        watch.land_unstored(payload.clone());
                    }
                    return Ok(Turn::Joined(Ok(payload)));
                }
                _ => return Ok(Turn::Bypass),
            }
        }
        Ok(watch.map_or(Turn::Bypass, Turn::Fill))
    }

    /// Looks for an entry that was not there before this caller asked for its lease. A cache that can't be peeked into is
    /// asked only when the entry has been stored here since.
    async fn look_again(&self, key: &EntryKey, since: Moment, fresh: bool) -> Result<Option<Payload>> {
        if !fresh && let Peek::Hit(payload) = self.client().peek(key) {
            return Ok(Some(payload));
        }
        let digest = key.digest();
        // The cache may have stored an entry whose filler has not heard of it yet.
        let landing = self.flights.landing().get(&digest).cloned();
        if let Some(flight) = landing {
            self.flights.patience.wait(flight.wait()).await;
        }
        if !self.flights.arrived(digest, since) {
            return Ok(None);
        }
        Ok(match self.client().load(&[Wanted::new(key).fresh(fresh)]).await?.pop() {
            Some(Found::Hit(payload)) => Some(payload),
            _ => None,
        })
    }

    /// Waits for the fill with this lease. Where it is not of this `Db`, one caller watches for its end, and reads the
    /// database if that is long in coming; the others wait for this one. What it gets is as good for them: the lease stood
    /// when they were told of it, so that no write has ended between its beginning and their calls.
    async fn follow<'a>(&'a self, id: LeaseId, watch: &mut Option<Filling<'a>>, attempts: &mut usize) -> Followed {
        // Asked for before the look, so that no departure is missed.
        let mut departed = std::pin::pin!(self.flights.departed.notified());
        departed.as_mut().enable();
        let watches = watch.as_ref().is_some_and(|watch| watch.id == id);
        if !watches && let Some(flight) = self.flights.find(id) {
            *watch = None;
            return match self.flights.patience.wait(flight.wait()).await {
                Some(Some(landed)) => Followed::Landed(landed),
                Some(None) => Followed::Nowhere,
                None => Followed::ForTooLong,
            };
        }
        if self.flights.departing.load(Ordering::SeqCst) > 0 {
            // It may be one whose filler has the lease and has not taken off.
            if self.flights.patience.wait(departed).await.is_none() {
                return Followed::ForTooLong;
            }
        } else {
            match attempts.checked_sub(AT_ONCE) {
                None => crate::task::yield_now().await,
                Some(pauses) => {
                    if !watches {
                        *watch = self.watch(id);
                    }
                    crate::task::pause(Duration::from_millis(1 << pauses.min(8)).min(LONGEST_PAUSE)).await;
                }
            }
            *attempts += 1;
        }
        Followed::Nowhere
    }

    fn take_off(&self, lease: Lease) -> Filling<'_> {
        let flight = Arc::new(Flight::default());
        self.flights.locked().insert(lease.id, flight.clone());
        Filling { cache: self, id: lease.id, lease: Some(lease), flight, ended: false }
    }

    /// Begins to watch for the end of another's fill; `None` if somebody does.
    fn watch(&self, id: LeaseId) -> Option<Filling<'_>> {
        let flight = Arc::new(Flight::default());
        match self.flights.locked().entry(id) {
            Entry::Occupied(_) => return None,
            Entry::Vacant(place) => place.insert(flight.clone()),
        };
        Some(Filling { cache: self, id, lease: None, flight, ended: false })
    }
}

/// A fill in progress. Dropped before its end, it gives up the lease, and one of the waiting callers takes over.
pub(crate) struct Filling<'a> {
    cache: &'a Cache,
    id: LeaseId,
    /// `None` where the lease is another's: then nothing is stored.
    lease: Option<Lease>,
    flight: Arc<Flight>,
    ended: bool,
}

impl Filling<'_> {
    /// Stores the entry and hands it to the waiting callers, who get it even if the cache keeps it not.
    pub(crate) async fn land(mut self, entry: NewEntry) -> Result<usize> {
        let payload = entry.payload.clone();
        let digest = entry.key.digest();
        let stored = match &self.lease {
            Some(lease) => {
                let _landing = Landing::begin(&self.cache.flights, digest, self.flight.clone());
                let stored = self.cache.client().store(lease, vec![entry]).await;
                if matches!(stored, Ok(1..)) {
                    self.cache.flights.arrive(digest);
                }
                stored
            }
            None => Ok(0),
        };
        self.end(Ok(payload));
        stored
    }

    /// Hands the answer to the waiting callers and stores nothing.
    pub(crate) fn land_unstored(mut self, payload: Payload) {
        self.abandon();
        self.end(Ok(payload));
    }

    /// Hands the error to the waiting callers.
    pub(crate) fn crash(mut self, error: &Error) {
        self.abandon();
        self.end(Err(error.duplicate()));
    }

    fn abandon(&self) {
        if let Some(lease) = &self.lease {
            self.cache.client().abandon(lease);
        }
    }

    fn end(&mut self, result: Result<Payload, Error>) {
        self.ended = true;
        self.cache.flights.locked().remove(&self.id);
        self.flight.land(Some(result));
    }
}

impl Drop for Filling<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.abandon();
            self.cache.flights.locked().remove(&self.id);
            self.flight.land(None);
        }
    }
}

impl fmt::Debug for Filling<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filling").field("id", &self.id).finish_non_exhaustive()
    }
}
