//! A shared cache in memory, to which each process has a way of its own that a test can disturb.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_api::{
    Behind, CacheClient, CacheStatistics, EntryKey, Error, Found, Gate, Invalidation, InvalidationStream, Lease,
    LeaseRequest, Leased, NewEntry, Outcome, Payload, Peek, Result, TableId, Tag, Token, Wanted,
};
use tokio::sync::{Notify, oneshot};

/// The server.
#[derive(Clone, Debug)]
pub(crate) struct SharedMemory(Arc<Server>);

#[derive(Debug)]
struct Server {
    cache: MemoryCache,
    clients: Mutex<Vec<Arc<Way>>>,
}

/// The client of one process. Clones are handles to the same, to disturb it and to look at it.
#[derive(Clone, Debug)]
pub(crate) struct SharedClient {
    server: SharedMemory,
    way: Arc<Way>,
}

#[derive(Debug, Default)]
struct Way {
    feed: Mutex<Option<Arc<Feed>>>,
    /// Messages and answers to the gate's questions wait.
    delayed: AtomicBool,
    /// Messages and questions are lost, and nobody is told.
    silent: AtomicBool,
    /// Commands fail, and no stream can be opened.
    down: AtomicBool,
    /// The next answer to a load waits for this.
    held: Mutex<Option<oneshot::Receiver<()>>>,
    /// Programs with other scopes write too.
    mixed: AtomicBool,
    /// Leases say so where there is a valid entry.
    fills: AtomicBool,
    /// The next void waits for this, before it is done.
    held_void: Mutex<Option<oneshot::Receiver<()>>>,
    loads: AtomicUsize,
    restamps: AtomicUsize,
    changed: Notify,
}

/// What comes over a stream.
#[derive(Debug)]
struct Feed {
    gate: Arc<Gate>,
    bound: Duration,
    queue: Mutex<VecDeque<Item>>,
    sent: AtomicU64,
    applied: AtomicU64,
    broken: AtomicBool,
}

#[derive(Debug)]
enum Item {
    Told(Box<Invalidation>),
    Answer(Instant),
}

impl SharedMemory {
    pub(crate) fn new() -> Self {
        let cache = MemoryCache::new(MemoryConfig::default());
        Self(Arc::new(Server { cache, clients: Mutex::default() }))
    }

    /// A client of another process.
    pub(crate) fn client(&self) -> SharedClient {
        let way = Arc::new(Way::default());
        locked(&self.0.clients).push(way.clone());
        SharedClient { server: self.clone(), way }
    }

    /// Loses everything, as an eviction of all does.
    pub(crate) fn lose_everything(&self) {
        self.0.cache.clear().expect("it is in order");
    }
}

impl SharedClient {
    /// Delays messages and the answers to the gate's questions, or lets them through.
    pub(crate) fn delay(&self, delay: bool) {
        self.way.delayed.store(delay, SeqCst);
        self.way.changed.notify_waiters();
    }

    /// Loses messages and questions, or loses no more.
    pub(crate) fn silence(&self, silence: bool) {
        self.way.silent.store(silence, SeqCst);
    }

    /// Has commands fail, or work again.
    pub(crate) fn take_down(&self, down: bool) {
        self.way.down.store(down, SeqCst);
    }

    /// Has leases say so where there is a valid entry.
    pub(crate) fn say_what_is_filled(&self) {
        self.way.fills.store(true, SeqCst);
    }

    /// Has it say whether all programs touch the same scopes.
    pub(crate) fn mix(&self, mixed: bool) {
        self.way.mixed.store(mixed, SeqCst);
    }

    /// Breaks the stream.
    pub(crate) fn break_stream(&self) {
        if let Some(feed) = &*locked(&self.way.feed) {
            feed.broken.store(true, SeqCst);
            feed.gate.close();
        }
        self.way.changed.notify_waiters();
    }

    /// Holds the answer to the next load, which the server gives at once.
    pub(crate) fn hold_next_answer(&self) -> oneshot::Sender<()> {
        let (let_go, held) = oneshot::channel();
        *locked(&self.way.held) = Some(held);
        let_go
    }

    /// Holds the next void on its way to the server.
    pub(crate) fn hold_next_void(&self) -> oneshot::Sender<()> {
        let (let_go, held) = oneshot::channel();
        *locked(&self.way.held_void) = Some(held);
        let_go
    }

    /// How many loads it was asked for.
    pub(crate) fn loads(&self) -> usize {
        self.way.loads.load(SeqCst)
    }

    /// How many entries it was asked to stamp anew.
    pub(crate) fn restamps(&self) -> usize {
        self.way.restamps.load(SeqCst)
    }

    fn cache(&self) -> Result<&MemoryCache> {
        if self.way.down.load(SeqCst) { Err(Error::cache("the server is down")) } else { Ok(&self.server.0.cache) }
    }

    fn tell_others(&self, invalidation: &Invalidation) {
        for way in locked(&self.server.0.clients).iter().filter(|way| !Arc::ptr_eq(way, &self.way)) {
            if let Some(feed) = &*locked(&way.feed) {
                feed.sent.fetch_add(1, SeqCst);
                if !way.silent.load(SeqCst) {
                    locked(&feed.queue).push_back(Item::Told(Box::new(invalidation.clone())));
                }
            }
            way.changed.notify_waiters();
        }
    }

    fn encoded(entries: Vec<NewEntry>) -> Vec<NewEntry> {
        let encoded = |mut entry: NewEntry| {
            if let Payload::Shared(value) = &entry.payload {
                entry.payload = Payload::Encoded(value.encode().expect("it can be encoded").into());
            }
            entry
        };
        entries.into_iter().map(encoded).collect()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheClient for SharedClient {
    fn declare(&self, _: TableId, _: u64) -> bool {
        !self.way.mixed.load(SeqCst)
    }

    fn peek(&self, _: &EntryKey) -> Peek {
        Peek::Unknown
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        self.way.loads.fetch_add(wanted.len(), SeqCst);
        let found = self.cache()?.load(wanted).await;
        let held = locked(&self.way.held).take();
        if let Some(held) = held {
            let _ = held.await;
        }
        found
    }

    /// As a shared cache does that saves readers of several processes from filling one entry each.
    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        let mut leased = self.cache()?.lease(requests).await?;
        if !self.way.fills.load(SeqCst) {
            return Ok(leased);
        }
        for (request, leased) in requests.iter().zip(&mut leased) {
            if let (LeaseRequest::Entry { key, .. }, Leased::Granted(lease)) = (request, &*leased)
                && let Peek::Hit(payload) = self.server.0.cache.peek(key)
            {
                self.server.0.cache.abandon(lease);
                *leased = Leased::Filled(payload);
            }
        }
        Ok(leased)
    }

    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        self.cache()?.store(lease, Self::encoded(entries)).await
    }

    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        let fills = fills.into_iter().map(|(lease, entries)| (lease, Self::encoded(entries))).collect();
        self.cache()?.store_many(fills).await
    }

    fn abandon(&self, lease: &Lease) {
        self.server.0.cache.abandon(lease);
    }

    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        self.way.restamps.fetch_add(1, SeqCst);
        self.cache()?.restamp(key, behind).await
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        self.cache()?.quarantine(tags, token, duration).await?;
        self.tell_others(&Invalidation::Quarantined { tags: tags.to_vec(), token, duration });
        Ok(())
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        self.cache()?.release(tags, token, outcome.clone()).await?;
        self.tell_others(&Invalidation::Released { tags: tags.to_vec(), token, outcome });
        Ok(())
    }

    async fn void(&self, tags: &[Tag]) -> Result<()> {
        let held = locked(&self.way.held_void).take();
        if let Some(held) = held {
            let _ = held.await;
        }
        self.cache()?.void(tags).await?;
        self.tell_others(&Invalidation::Voided(tags.to_vec()));
        Ok(())
    }

    async fn void_table(&self, table: TableId) -> Result<()> {
        self.cache()?.void_table(table).await?;
        self.tell_others(&Invalidation::VoidedTable(table));
        Ok(())
    }

    async fn settle(&self) -> Result<()> {
        let ways: Vec<Arc<Way>> = locked(&self.server.0.clients).clone();
        let others = ways.iter().filter(|way| !Arc::ptr_eq(way, &self.way));
        let feeds: Vec<Arc<Feed>> = others.filter_map(|way| locked(&way.feed).clone()).collect();
        for feed in feeds {
            let sent = feed.sent.load(SeqCst);
            for turn in 0.. {
                if feed.applied.load(SeqCst) >= sent || !feed.gate.is_open() {
                    break;
                }
                match turn {
                    0..1000 => tokio::task::yield_now().await,
                    _ => tokio::time::sleep(Duration::from_millis(1)).await,
                }
            }
        }
        Ok(())
    }

    async fn invalidations(&self, bound: Duration) -> Result<Option<Box<dyn InvalidationStream>>> {
        self.cache()?;
        let feed = Arc::new(Feed {
            gate: Arc::default(),
            bound,
            queue: Mutex::default(),
            sent: AtomicU64::new(0),
            applied: AtomicU64::new(0),
            broken: AtomicBool::new(false),
        });
        feed.ask(&self.way);
        *locked(&self.way.feed) = Some(feed.clone());
        Ok(Some(Box::new(Stream { way: self.way.clone(), feed, handed: 0 })))
    }

    fn statistics(&self) -> CacheStatistics {
        self.server.0.cache.statistics()
    }
}

impl Feed {
    /// Asks whether the gate may open; the server answers at once, behind what it sent before.
    fn ask(&self, way: &Way) {
        if !way.silent.load(SeqCst) {
            locked(&self.queue).push_back(Item::Answer(Instant::now()));
        }
    }
}

#[derive(Debug)]
struct Stream {
    way: Arc<Way>,
    feed: Arc<Feed>,
    handed: u64,
}

#[async_trait]
impl InvalidationStream for Stream {
    async fn next(&mut self) -> Result<Invalidation> {
        self.feed.applied.store(self.handed, SeqCst);
        loop {
            let mut changed = std::pin::pin!(self.way.changed.notified());
            changed.as_mut().enable();
            if self.feed.broken.load(SeqCst) {
                return Err(Error::cache("the stream broke"));
            }
            let delayed = self.way.delayed.load(SeqCst);
            let item = if delayed { None } else { locked(&self.feed.queue).pop_front() };
            match item {
                Some(Item::Told(invalidation)) => {
                    self.handed += 1;
                    return Ok(*invalidation);
                }
                Some(Item::Answer(asked)) => self.feed.gate.open_until(asked + self.feed.bound),
                None => {
                    if tokio::time::timeout(self.feed.bound / 10, changed).await.is_err() {
                        self.feed.ask(&self.way);
                    }
                }
            }
        }
    }

    fn gate(&self) -> Arc<Gate> {
        self.feed.gate.clone()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.feed.gate.close();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
