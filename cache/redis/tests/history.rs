//! The promise under loss: whatever keys vanish, no read is older than the last write that had been released before it.
//!
//! Two clients (processes) with readers and writers, some of which go away between commit and release, and an evictor
//! that deletes keys at random. The numbers are the same in every run; the interleaving is as the scheduler has it.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod support;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use support::{LIST_TAGS, Server, TABLE, changed, config, connect, list, number, object, payload, row_tag};
use thing_cache_redis::{RedisCache, RedisConfig};
use thing_driver_api::{
    CacheClient, EntryKey, Found, Key, LeaseRequest, Leased, NewEntry, Outcome, Tag, Token, Wanted,
};
use thing_test_random::Random;
use thing_test_servers::Instance;

const ROWS: usize = 8;
/// Longer than a writer takes from quarantine to commit.
const LAPSE: Duration = Duration::from_millis(500);

#[derive(Default)]
struct World {
    /// Versions that are committed, and those whose writers have returned.
    committed: Mutex<[u64; ROWS]>,
    returned: [AtomicU64; ROWS],
    hits: AtomicU64,
    restamps: AtomicU64,
    brought: AtomicU64,
    over: AtomicBool,
}

async fn pause(random: &Random) {
    for _ in 0..random.below(4) {
        tokio::task::yield_now().await;
    }
}

impl World {
    fn versions(&self) -> [u64; ROWS] {
        *self.committed.lock().expect("no panic")
    }

    fn floor(&self) -> [u64; ROWS] {
        std::array::from_fn(|row| self.returned[row].load(SeqCst))
    }

    async fn write(&self, cache: &RedisCache, random: &Random, crashes: bool) {
        let row = random.below(ROWS as u64) as usize;
        let tags = [row_tag(row as i64), LIST_TAGS[row % 2]];
        let token = Token::random();
        let began = Instant::now();
        cache.quarantine(&tags, token, LAPSE).await.expect("the cache answers");
        pause(random).await;
        if random.below(8) == 0 || began.elapsed() > LAPSE / 2 {
            cache.release(&tags, token, Outcome::Nothing).await.expect("the cache answers");
            return;
        }
        let version = {
            let mut committed = self.committed.lock().expect("no panic");
            committed[row] += 1;
            committed[row]
        };
        pause(random).await;
        if crashes && random.below(100) == 0 {
            // Nobody is told that it ended, but its commit counts at once: the mark stands until it lapses.
            self.returned[row].fetch_max(version, SeqCst);
            return;
        }
        let outcome = match random.below(3) {
            0 => Outcome::Unlisted,
            _ => changed(row as i64, version as i64 - 1, version as i64),
        };
        cache.release(&tags, token, outcome).await.expect("the cache answers");
        self.returned[row].fetch_max(version, SeqCst);
    }

    async fn read(&self, cache: &RedisCache, key: EntryKey, tags: &[Tag], of: impl Fn([u64; ROWS]) -> u64) {
        let floor = of(self.floor());
        let wanted = Wanted::new(&key).tags(tags);
        let seen = match cache.load(&[wanted]).await.expect("the cache answers").remove(0) {
            Found::Hit(payload) => {
                self.hits.fetch_add(1, SeqCst);
                number(&payload)
            }
            // The list is the sum of the rows below 4.
            Found::Behind(behind) if behind.changes.iter().all(|change| change.key >= Key::Int(4)) => {
                let kept = cache.restamp(&key, &behind).await.expect("the cache answers");
                self.restamps.fetch_add(u64::from(kept), SeqCst);
                number(&behind.payload)
            }
            _ => {
                let leased = cache.lease(&[LeaseRequest::Entry { key: &key, tags }]).await.expect("the cache answers");
                tokio::task::yield_now().await;
                let value = of(self.versions());
                tokio::task::yield_now().await;
                if let [Leased::Granted(lease)] = &leased[..] {
                    let entry = NewEntry::new(key.clone(), tags.to_vec(), payload(value));
                    cache.store(lease, vec![entry]).await.expect("the cache answers");
                }
                value
            }
        };
        assert!(seen >= floor, "{key:?} is {seen}, but {floor} had been written before the read began");
    }

    async fn bring_rows(&self, cache: &RedisCache) {
        let leased = cache.lease(&[LeaseRequest::Rows { table: TABLE }]).await.expect("the cache answers");
        tokio::task::yield_now().await;
        let versions = self.versions();
        tokio::task::yield_now().await;
        if let [Leased::Granted(lease)] = &leased[..] {
            let row = |row: usize| NewEntry::new(object(row as i64), vec![row_tag(row as i64)], payload(versions[row]));
            let kept = cache.store(lease, (0..ROWS).map(row).collect()).await.expect("the cache answers");
            self.brought.fetch_add(kept as u64, SeqCst);
        }
    }

    async fn work(self: Arc<Self>, cache: RedisCache, seed: u64, crashes: bool) {
        let random = Random::seeded(seed);
        while !self.over.load(SeqCst) {
            match random.below(40) {
                0 | 1 => self.write(&cache, &random, crashes).await,
                2 | 3 => self.bring_rows(&cache).await,
                4..24 => {
                    let row = random.below(ROWS as u64) as usize;
                    self.read(&cache, object(row as i64), &[row_tag(row as i64)], |versions| versions[row]).await;
                }
                _ => {
                    let sum = |versions: [u64; ROWS]| versions[..4].iter().sum();
                    self.read(&cache, list("first half"), &LIST_TAGS, sum).await;
                }
            }
        }
    }
}

/// Deletes keys at random. With `spare`, none that is marked: then not even a moment between commit and release is
/// open.
async fn evict(world: Arc<World>, server: Server, config: RedisConfig, spare: bool) -> u64 {
    let (random, mut evicted) = (Random::seeded(99), 0);
    while !world.over.load(SeqCst) {
        let keys = server.keys(&config, None).await;
        for _ in 0..20 {
            if keys.is_empty() {
                break;
            }
            let key = keys[random.below(keys.len() as u64) as usize].as_bytes();
            let script: &[u8] = if spare {
                b"local is_string = redis.call('TYPE', KEYS[1]).ok == 'string' \
                  if is_string and redis.call('GETRANGE', KEYS[1], 0, 0) == 'Q' then return 0 end \
                  return redis.call('DEL', KEYS[1])"
            } else {
                b"return redis.call('DEL', KEYS[1])"
            };
            evicted += server.run::<u64>(&[b"EVAL", script, b"1", key]).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    evicted
}

async fn run(crashes: bool, spare: bool) {
    let instance = Instance::redis().await;
    let config = config(instance.url());
    let world = Arc::new(World::default());
    let clients = [connect(&config).await, connect(&config).await];
    let tasks: Vec<_> = (0..12)
        .map(|task| tokio::spawn(world.clone().work(clients[task % 2].clone(), task as u64 * 7919 + 1, crashes)))
        .collect();
    let server = Server::connect(instance.url()).await;
    let evictor = tokio::spawn(evict(world.clone(), server, config, spare));
    tokio::time::sleep(Duration::from_secs(6)).await;
    world.over.store(true, SeqCst);
    for task in tasks {
        task.await.expect("no read is stale");
    }
    let evicted = evictor.await.expect("the server answers");
    let counts = [&world.hits, &world.restamps, &world.brought].map(|count| count.load(SeqCst));
    println!("hits, restamps, rows brought along: {counts:?}; keys lost: {evicted}");
    assert!(counts.iter().all(|count| *count > 0) && evicted > 100, "{counts:?}, {evicted}");
}

/// Any key may be lost: what a writer did is seen once it has returned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_key_is_lost() {
    run(false, false).await;
}

/// Marks are not lost, and writers may go away: what a writer did is seen from its commit on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_go_away() {
    run(true, true).await;
}
