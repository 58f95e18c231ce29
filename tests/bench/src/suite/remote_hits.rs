//! Remote hits: an entry in Redis beside a raw `GET` of as many bytes, each over one connection that all tasks share.

use std::sync::Arc;

use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use thing::driver::{
    CacheClient, CacheValue, EntryKey, Found, Key, LeaseRequest, Leased, NewEntry, Payload, Result, TableId, Tag,
    Wanted,
};
use thing_cache_redis::{RedisCache, RedisConfig};
use tokio::runtime::Builder;

use super::{Options, Outcome, runtime, tell};
use crate::meter::Measurement;
use crate::workload::{Load, TASKS, concurrently};
use thing_test_random::Random;

/// The bytes of a user in the cache, about.
const SIZE: usize = 300;
/// How many entries there are.
const ENTRIES: i64 = 1000;
const TABLE: TableId = TableId(0x6265_6e63_6800);

/// Runs `R1` (one task) and `R2` (64 tasks) against the Redis of this URL, each on a runtime of its own.
///
/// One task has one thread: on two its speed depends on whether they happen to wake each other, by a factor of five.
pub fn run(options: &Options, url: &str, outcome: &mut Outcome) {
    let one_thread = || Builder::new_current_thread().enable_all().build().expect("the runtime starts");
    if options.wants("R1") {
        one_thread().block_on(measure(options, url, "R1", 1, outcome));
    }
    if options.wants("R2") {
        runtime().block_on(measure(options, url, "R2", TASKS, outcome));
    }
}

async fn measure(options: &Options, url: &str, workload: &str, tasks: usize, outcome: &mut Outcome) {
    tell(&format!("{workload}: hits in Redis"));
    // The prefix of tests is longer than one of an application.
    let cache = RedisConfig::from_url(url).expect("the URL of Redis is valid").prefix("bench").connections(1);
    let cache = Arc::new(RedisCache::connect(cache).await.expect("Redis is there"));
    let entries: Arc<[(EntryKey, Tag)]> = (0..ENTRIES).map(entry).collect();
    // Those of an earlier run would be found leased or stored.
    cache.void_table(TABLE).await.expect("Redis forgets the entries");
    fill(&cache, &entries).await;
    let client = redis::Client::open(url).expect("the URL of Redis is valid");
    let mut raw = client.get_multiplexed_async_connection().await.expect("Redis is there");
    for id in 0..ENTRIES {
        let _: () = raw.set_ex(raw_key(id), vec![7_u8; SIZE], 3600).await.expect("a value is set");
    }
    for round in 0..options.rounds {
        for turn in 0..2 {
            let measured = if (round + turn) % 2 == 0 {
                ("redis GET", get(raw.clone(), tasks, options.load).await)
            } else {
                ("hit", hit(cache.clone(), entries.clone(), tasks, options.load).await)
            };
            outcome.add(round, workload, measured.0, measured.1);
        }
    }
}

fn raw_key(id: i64) -> String {
    format!("thing-bench:{id}")
}

fn entry(id: i64) -> (EntryKey, Tag) {
    let key = Key::Int(id);
    let tag = Tag::row(TABLE, &key);
    (EntryKey::Object { table: TABLE, key }, tag)
}

/// Bytes, encoded already.
struct Bytes(Vec<u8>);

impl CacheValue for Bytes {
    fn weight(&self) -> usize {
        self.0.len()
    }

    fn encode(&self) -> Result<Vec<u8>> {
        Ok(self.0.clone())
    }
}

async fn fill(cache: &RedisCache, entries: &[(EntryKey, Tag)]) {
    for (key, tag) in entries {
        let leased = cache.lease(&[LeaseRequest::Entry { key, tags: &[*tag] }]).await.expect("Redis leases");
        let Some(Leased::Granted(lease)) = leased.into_iter().next() else {
            panic!("nobody else fills the entry");
        };
        let payload = Payload::Shared(Arc::new(Bytes(vec![7; SIZE])));
        let kept = cache.store(&lease, vec![NewEntry::new(key.clone(), vec![*tag], payload)]).await;
        assert_eq!(kept.expect("Redis stores"), 1);
    }
}

fn keys(count: usize) -> Arc<[i64]> {
    let random = Random::seeded(10);
    (0..count).map(|_| random.below(ENTRIES as u64) as i64).collect()
}

fn operations(load: Load, tasks: usize) -> usize {
    ((if tasks == 1 { 20_000.0 } else { 300_000.0 }) * load.scale) as usize
}

async fn get(connection: MultiplexedConnection, tasks: usize, load: Load) -> Measurement {
    let ids = keys(operations(load, tasks));
    concurrently(load.meter, tasks, ids.len(), move |at| {
        let (mut connection, id) = (connection.clone(), ids[at]);
        async move {
            let value: Vec<u8> = connection.get(raw_key(id)).await.expect("a value is read");
            assert_eq!(value.len(), SIZE);
        }
    })
    .await
}

async fn hit(cache: Arc<RedisCache>, entries: Arc<[(EntryKey, Tag)]>, tasks: usize, load: Load) -> Measurement {
    let ids = keys(operations(load, tasks));
    concurrently(load.meter, tasks, ids.len(), move |at| {
        let (cache, entries, id) = (cache.clone(), entries.clone(), ids[at]);
        async move {
            let (key, tag) = &entries[id as usize];
            // Not through the `Arc`, as the core does it.
            let found =
                (*cache).load(&[Wanted::new(key).tags(std::slice::from_ref(tag))]).await.expect("Redis answers");
            let Some(Found::Hit(Payload::Encoded(bytes))) = found.first() else {
                panic!("the entry is there");
            };
            assert_eq!(bytes.len(), SIZE);
        }
    })
    .await
}
