//! What the tests share.

#![allow(dead_code, reason = "each test uses a part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures_util::FutureExt;
use thing_cache_memory::{Clock, MemoryCache, MemoryConfig};
use thing_driver_api::{
    CacheClient, CacheValue, Change, ColumnSet, EntryKey, Found, Key, Lease, LeaseRequest, Leased, NewEntry, Payload,
    Peek, Result, RowImage, TableId, Tag, Wanted,
};

pub(crate) const TABLE: TableId = TableId(0x0123_4567_89ab_cdef);

/// A clock that stands until it is told to go on.
#[derive(Clone, Debug, Default)]
pub(crate) struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    pub(crate) fn advance(&self, duration: Duration) {
        self.0.fetch_add(duration.as_millis() as u64, Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Relaxed))
    }
}

/// A value of this weight.
#[derive(Debug)]
pub(crate) struct Bytes(pub(crate) usize);

impl CacheValue for Bytes {
    fn weight(&self) -> usize {
        self.0
    }

    fn encode(&self) -> Result<Vec<u8>> {
        Ok(vec![0; self.0])
    }
}

pub(crate) fn with_clock(config: MemoryConfig) -> (MemoryCache, ManualClock) {
    let clock = ManualClock::default();
    (MemoryCache::with_clock(config, clock.clone()), clock)
}

/// The result of a command, none of which waits.
#[track_caller]
pub(crate) fn now<T>(command: impl Future<Output = Result<T>>) -> T {
    command.now_or_never().unwrap().unwrap()
}

pub(crate) fn row(key: i64) -> EntryKey {
    EntryKey::Object { table: TABLE, key: Key::Int(key) }
}

pub(crate) fn list(name: &str) -> EntryKey {
    EntryKey::Query { table: TABLE, question: name.as_bytes().into() }
}

pub(crate) fn value(bytes: usize) -> Payload {
    Payload::Shared(Arc::new(Bytes(bytes)))
}

pub(crate) fn leased(cache: &MemoryCache, key: &EntryKey, tags: &[Tag]) -> Leased {
    now(cache.lease(&[LeaseRequest::Entry { key, tags }])).remove(0)
}

#[track_caller]
pub(crate) fn lease(cache: &MemoryCache, key: &EntryKey, tags: &[Tag]) -> Lease {
    match leased(cache, key, tags) {
        Leased::Granted(lease) => lease,
        other => panic!("{other:?}"),
    }
}

/// Stores under a new lease.
#[track_caller]
pub(crate) fn fill(cache: &MemoryCache, key: &EntryKey, tags: &[Tag], payload: Payload) -> usize {
    let lease = lease(cache, key, tags);
    now(cache.store(&lease, vec![NewEntry::new(key.clone(), tags.to_vec(), payload)]))
}

/// Stores a row under a new lease.
#[track_caller]
pub(crate) fn fill_row(cache: &MemoryCache, key: i64, bytes: usize) -> usize {
    let entry = row(key);
    let tag = entry.digest();
    fill(cache, &entry, &[tag], value(bytes))
}

pub(crate) fn load(cache: &MemoryCache, key: &EntryKey) -> Found {
    now(cache.load(&[Wanted::new(key)])).remove(0)
}

pub(crate) fn is_hit(cache: &MemoryCache, key: &EntryKey) -> bool {
    let peeked = matches!(cache.peek(key), Peek::Hit(_));
    let loaded = matches!(load(cache, key), Found::Hit(_));
    assert_eq!(peeked, loaded);
    loaded
}

pub(crate) fn change(key: i64) -> Arc<Change> {
    Arc::new(Change::new(TABLE, Key::Int(key), ColumnSet::ALL, RowImage::Unknown, RowImage::Unknown))
}
