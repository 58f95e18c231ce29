//! What the tests share: processes, and the steps of readers and writers.
#![allow(dead_code, unused_imports, reason = "each test program uses a part")]
#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod several;
mod shared;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use several::Several;
pub(crate) use shared::{SharedClient, SharedMemory};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_cache_tiered::{TieredCache, TieredConfig};
use thing_conformance::cache::Number;
use thing_driver_api::{
    Behind, CacheClient, Change, ColumnSet, EntryKey, Found, Key, Lease, LeaseRequest, Leased, NewEntry, Outcome,
    Payload, Peek, RowImage, Scope, TableId, Tag, Token, Value, Wanted,
};

pub(crate) const TABLE: TableId = TableId(0x7468_696e_6773);
pub(crate) const LONG: Duration = Duration::from_secs(60);
pub(crate) const LIST_TAGS: [Tag; 2] = [Tag(11), Tag(12)];

/// One process: its near cache, the memory of that, and its way to the shared cache.
pub(crate) struct Process {
    pub(crate) cache: TieredCache,
    pub(crate) memory: MemoryCache,
    pub(crate) way: SharedClient,
}

/// A process whose near cache serves, for so long without news.
pub(crate) async fn process(server: &SharedMemory, bound: Duration) -> Process {
    let way = server.client();
    let memory = MemoryCache::new(MemoryConfig::default());
    let cache = TieredCache::new(memory.clone(), way.clone(), TieredConfig::default().bound(bound));
    serves(&cache).await;
    Process { cache, memory, way }
}

/// Two processes whose messages take as long as the test wants.
pub(crate) async fn two() -> (SharedMemory, Process, Process) {
    let server = SharedMemory::new();
    let (a, b) = (process(&server, LONG).await, process(&server, LONG).await);
    (server, a, b)
}

/// Waits until the near cache serves.
pub(crate) async fn serves(cache: &TieredCache) {
    until("the near cache serves", || cache.is_near()).await;
}

/// Waits until something is so, at most ten seconds.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

/// Lets everything that can go on do so.
pub(crate) async fn others() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn object(key: i64) -> EntryKey {
    EntryKey::Object { table: TABLE, key: Key::Int(key) }
}

pub(crate) fn row_tag(key: i64) -> Tag {
    Tag::row(TABLE, &Key::Int(key))
}

pub(crate) fn rows_tag() -> Tag {
    Tag::rows(TABLE, &Scope::Table)
}

pub(crate) fn list(question: &str) -> EntryKey {
    EntryKey::Query { table: TABLE, question: question.as_bytes().into() }
}

pub(crate) fn changed(key: i64) -> Outcome {
    let image = |value| RowImage::Row(Arc::from([Some(Value::I64(value))]));
    Outcome::Changed(vec![Arc::new(Change::new(TABLE, Key::Int(key), ColumnSet::ALL, image(0), image(1)))])
}

pub(crate) async fn found_with(cache: &impl CacheClient, key: &EntryKey, tags: &[Tag], fresh: bool) -> Found {
    cache.load(&[Wanted::new(key).tags(tags).fresh(fresh)]).await.expect("the cache answers").remove(0)
}

/// What a read finds, of a list with its tags.
pub(crate) async fn found(cache: &impl CacheClient, key: &EntryKey) -> Found {
    found_with(cache, key, tags(key), false).await
}

fn tags(key: &EntryKey) -> &'static [Tag] {
    match key {
        EntryKey::Object { .. } => &[],
        EntryKey::Query { .. } => &LIST_TAGS,
    }
}

/// The number that a read finds.
pub(crate) async fn hit(cache: &impl CacheClient, key: &EntryKey) -> Option<u64> {
    number(found(cache, key).await)
}

/// The number that a fresh read finds.
pub(crate) async fn fresh_hit(cache: &impl CacheClient, key: &EntryKey) -> Option<u64> {
    number(found_with(cache, key, tags(key), true).await)
}

pub(crate) fn number(found: Found) -> Option<u64> {
    match found {
        Found::Hit(payload) => Some(Number::read(&payload).expect("it is not absent")),
        _ => None,
    }
}

pub(crate) async fn behind(cache: &impl CacheClient, key: &EntryKey) -> Behind {
    match found(cache, key).await {
        Found::Behind(behind) => behind,
        other => panic!("it is {other:?}"),
    }
}

/// The number in the process's own memory, if it may be served.
pub(crate) fn near(process: &Process, key: &EntryKey) -> Option<u64> {
    match process.cache.peek(key) {
        Peek::Hit(payload) => Some(Number::read(&payload).expect("it is not absent")),
        Peek::Unknown => None,
    }
}

pub(crate) async fn leased(cache: &impl CacheClient, key: &EntryKey, tags: &[Tag]) -> Leased {
    cache.lease(&[LeaseRequest::Entry { key, tags }]).await.expect("the cache answers").remove(0)
}

pub(crate) async fn lease(cache: &impl CacheClient, key: &EntryKey, tags: &[Tag]) -> Lease {
    match leased(cache, key, tags).await {
        Leased::Granted(lease) => lease,
        other => panic!("nobody else is at work, but lease gives {other:?}"),
    }
}

pub(crate) async fn store(
    cache: &impl CacheClient,
    lease: &Lease,
    key: &EntryKey,
    tags: &[Tag],
    payload: Payload,
) -> usize {
    let entry = NewEntry::new(key.clone(), tags.to_vec(), payload);
    cache.store(lease, vec![entry]).await.expect("the cache answers")
}

pub(crate) async fn fill(cache: &impl CacheClient, key: &EntryKey, tags: &[Tag], number: u64) {
    let lease = lease(cache, key, tags).await;
    assert_eq!(store(cache, &lease, key, tags, Number::new(number).payload()).await, 1, "the entry is kept");
}

pub(crate) async fn fill_row(cache: &impl CacheClient, key: i64, number: u64) {
    fill(cache, &object(key), &[row_tag(key)], number).await;
}

/// A whole write, from quarantine to release.
pub(crate) async fn write(cache: &impl CacheClient, tags: &[Tag], outcome: Outcome) {
    let token = Token::random();
    cache.quarantine(tags, token, LONG).await.expect("the cache answers");
    cache.release(tags, token, outcome).await.expect("the cache answers");
}
