//! What the tests share: clients, the steps of readers and writers, and the keys in the server.
#![allow(dead_code, reason = "each test program uses a part")]
#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

pub(crate) mod near;

use std::sync::Arc;
use std::time::Duration;

use thing_cache_redis::{RedisCache, RedisConfig};
use thing_driver_api::{
    CacheClient, Change, ColumnSet, EntryKey, Found, Key, Lease, LeaseRequest, Leased, NewEntry, Outcome, Payload,
    RowImage, TableId, Tag, Token, Value, Wanted,
};
use thing_test_servers::redis_prefix;

pub(crate) const TABLE: TableId = TableId(0x7468_696e_6773);
const PATIENCE: Duration = Duration::from_secs(10);
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A configuration with a prefix that no other test has, and with patience for a busy machine.
pub(crate) fn config(url: &str) -> RedisConfig {
    let config = RedisConfig::from_url(url).expect("a URL").prefix(redis_prefix());
    config.read_timeout(PATIENCE).write_timeout(PATIENCE).connect_timeout(PATIENCE).bound(near::BOUND)
}

pub(crate) async fn connect(config: &RedisConfig) -> RedisCache {
    RedisCache::connect(config.clone()).await.expect("the server lets the cache in")
}

pub(crate) fn object(key: i64) -> EntryKey {
    EntryKey::Object { table: TABLE, key: Key::Int(key) }
}

pub(crate) fn row_tag(key: i64) -> Tag {
    Tag::row(TABLE, &Key::Int(key))
}

pub(crate) fn list(question: &str) -> EntryKey {
    EntryKey::Query { table: TABLE, question: question.as_bytes().into() }
}

pub(crate) const LIST_TAGS: [Tag; 2] = [Tag(0x1111_2222_3333_4444), Tag(0xeeee_2222_3333_4444)];

pub(crate) fn changed(key: i64, before: i64, after: i64) -> Outcome {
    let image = |value| RowImage::Row(Arc::from([Some(Value::I64(value))]));
    Outcome::Changed(vec![Arc::new(Change::new(TABLE, Key::Int(key), ColumnSet::ALL, image(before), image(after)))])
}

pub(crate) fn payload(number: u64) -> Payload {
    Payload::Encoded(number.to_le_bytes().as_slice().into())
}

pub(crate) fn number(payload: &Payload) -> u64 {
    match payload {
        Payload::Encoded(bytes) => u64::from_le_bytes((&**bytes).try_into().expect("a number was stored")),
        other => panic!("a number was stored, not {other:?}"),
    }
}

pub(crate) async fn found(cache: &RedisCache, key: &EntryKey) -> Found {
    cache.load(&[Wanted::new(key)]).await.expect("the cache answers").remove(0)
}

pub(crate) async fn hit(cache: &RedisCache, key: &EntryKey) -> Option<u64> {
    match found(cache, key).await {
        Found::Hit(payload) => Some(number(&payload)),
        _ => None,
    }
}

pub(crate) async fn leased(cache: &RedisCache, key: &EntryKey, tags: &[Tag]) -> Leased {
    cache.lease(&[LeaseRequest::Entry { key, tags }]).await.expect("the cache answers").remove(0)
}

pub(crate) async fn lease(cache: &RedisCache, key: &EntryKey, tags: &[Tag]) -> Lease {
    match leased(cache, key, tags).await {
        Leased::Granted(lease) => lease,
        other => panic!("nobody else is at work, but lease gives {other:?}"),
    }
}

pub(crate) async fn lease_rows(cache: &RedisCache) -> Lease {
    match cache.lease(&[LeaseRequest::Rows { table: TABLE }]).await.expect("the cache answers").remove(0) {
        Leased::Granted(lease) => lease,
        other => panic!("rows are leased, but lease gives {other:?}"),
    }
}

pub(crate) async fn store(cache: &RedisCache, lease: &Lease, key: &EntryKey, tags: &[Tag], number: u64) -> usize {
    let entry = NewEntry::new(key.clone(), tags.to_vec(), payload(number));
    cache.store(lease, vec![entry]).await.expect("the cache answers")
}

pub(crate) async fn fill(cache: &RedisCache, key: &EntryKey, tags: &[Tag], number: u64) {
    let lease = lease(cache, key, tags).await;
    assert_eq!(store(cache, &lease, key, tags, number).await, 1, "the entry is kept");
    assert_eq!(hit(cache, key).await, Some(number));
}

pub(crate) async fn quarantine(cache: &RedisCache, tags: &[Tag]) -> Token {
    let token = Token::random();
    cache.quarantine(tags, token, LONG).await.expect("the cache answers");
    token
}

pub(crate) async fn release(cache: &RedisCache, tags: &[Tag], token: Token, outcome: Outcome) {
    cache.release(tags, token, outcome).await.expect("the cache answers");
}

pub(crate) async fn write(cache: &RedisCache, tags: &[Tag], outcome: Outcome) {
    let token = quarantine(cache, tags).await;
    release(cache, tags, token, outcome).await;
}

/// Waits until something is so, at most half a minute: servers take their time, too.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

/// The server itself.
pub(crate) struct Server(redis::aio::MultiplexedConnection);

impl Server {
    pub(crate) async fn connect(url: &str) -> Self {
        let client = redis::Client::open(url).expect("a URL");
        let config = redis::AsyncConnectionConfig::new();
        let config = config.set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
        Self(client.get_multiplexed_async_connection_with_config(&config).await.expect("the server runs"))
    }

    pub(crate) async fn run<T: redis::FromRedisValue>(&self, command: &[&[u8]]) -> T {
        let mut packed = redis::Cmd::new();
        command.iter().for_each(|part| _ = packed.arg(part));
        packed.query_async(&mut self.0.clone()).await.expect("the server answers")
    }

    /// All keys of a prefix; of one sort, by its letter, if one is given.
    pub(crate) async fn keys(&self, config: &RedisConfig, sort: Option<char>) -> Vec<String> {
        let prefix = prefix_of(config);
        let keys: Vec<String> = self.run(&[b"KEYS", format!("{prefix}*").as_bytes()]).await;
        let is =
            |key: &String| sort.is_none_or(|sort| key.split('}').nth(1).is_some_and(|rest| rest.starts_with(sort)));
        keys.into_iter().filter(is).collect()
    }

    /// Loses keys, as an eviction does; returns how many.
    pub(crate) async fn evict(&self, config: &RedisConfig, sort: char) -> usize {
        let keys = self.keys(config, Some(sort)).await;
        for key in &keys {
            let _: i64 = self.run(&[b"DEL", key.as_bytes()]).await;
        }
        keys.len()
    }
}

fn prefix_of(config: &RedisConfig) -> String {
    let text = format!("{config:?}");
    let (_, rest) = text.split_once("prefix: \"").expect("the configuration shows its prefix");
    rest.split('"').next().expect("it ends").to_owned()
}
