//! Faults of a real server: no hit is older than the bound, reads go on, and near hits come back by themselves.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod support;

use std::time::{Duration, Instant};

use support::{Several, changed, fill_row, hit, object, row_tag, serves, until, write};
use thing_cache_memory::MemoryConfig;
use thing_cache_redis::{RedisCache, RedisConfig};
use thing_cache_tiered::{TieredCache, TieredConfig};
use thing_conformance::cache::{Number, case};
use thing_driver_api::{CacheClient, EntryKey, Outcome, Peek};
use thing_test_servers::{Direction, Instance, Proxy, redis_prefix, redis_url};

const BOUND: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(10);

async fn connect(url: &str, prefix: &str, bound: Duration) -> TieredCache {
    let config = RedisConfig::from_url(url).expect("a URL").prefix(prefix).bound(bound);
    let config = config.read_timeout(Duration::from_secs(2)).write_timeout(PATIENCE).connect_timeout(PATIENCE);
    let shared = RedisCache::connect(config.gate_interval(bound / 5)).await.expect("the server runs");
    let cache = TieredCache::new(MemoryConfig::default(), shared, TieredConfig::default().bound(bound));
    serves(&cache).await;
    cache
}

fn near(cache: &TieredCache, key: &EntryKey) -> Option<u64> {
    match cache.peek(key) {
        Peek::Hit(payload) => Number::read(&payload),
        Peek::Unknown => None,
    }
}

/// Waits until the memory does not answer any more, and says for how long it did.
async fn until_unknown(cache: &TieredCache, key: &EntryKey) -> Duration {
    let (began, mut served) = (Instant::now(), Duration::ZERO);
    loop {
        // Before the look: what follows an answer may take long.
        let asked = began.elapsed();
        if near(cache, key).is_none() {
            return served;
        }
        served = asked;
        assert!(served < PATIENCE, "it answers for ever");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Reads until the number is found.
async fn until_found(cache: &TieredCache, key: &EntryKey, number: u64) {
    let began = Instant::now();
    loop {
        let found = cache.load(&[thing_driver_api::Wanted::new(key)]).await;
        if found.is_ok_and(|mut found| support::number(found.remove(0)) == Some(number)) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "it is not found");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Three processes on one server, with writers that settle, keep the promise of one cache.
#[tokio::test(flavor = "multi_thread")]
async fn no_process_is_behind_a_writer_that_settles() {
    let setup = async || {
        let prefix = redis_prefix();
        let mut clients = Vec::new();
        for _ in 0..3 {
            clients.push(connect(&redis_url(), &prefix, PATIENCE).await);
        }
        Several::new(clients)
    };
    for name in ["promise::of_rows_in_many_tasks", "promise::of_lists_in_many_tasks"] {
        case(name).run(&|| setup()).await;
    }
}

/// What one process writes the other hears of long before the bound.
#[tokio::test]
async fn writes_of_other_processes_are_heard() {
    let prefix = redis_prefix();
    let a = connect(&redis_url(), &prefix, PATIENCE).await;
    let b = connect(&redis_url(), &prefix, PATIENCE).await;
    let mut longest = Duration::ZERO;
    for number in 1..50 {
        fill_row(&a, 1, number).await;
        assert_eq!(hit(&b, &object(1)).await, Some(number));
        assert_eq!(near(&b, &object(1)), Some(number));
        write(&a, &[row_tag(1)], if number % 2 == 0 { Outcome::Unlisted } else { changed(1) }).await;
        longest = longest.max(until_unknown(&b, &object(1)).await);
    }
    assert!(longest < PATIENCE / 4, "{longest:?}");
    // The last release.
    until("all is heard", || b.statistics().heard >= 98).await;
    assert_eq!(b.statistics().heard, 98);
}

/// A server that hangs, or whose answers are held on their way: hits end with the bound, and come back.
#[tokio::test]
async fn a_silent_server_is_trusted_for_the_bound() {
    let proxy = Proxy::to_url(&redis_url()).await;
    let prefix = redis_prefix();
    let a = connect(&redis_url(), &prefix, BOUND).await;
    let b = connect(&proxy.url_through(&redis_url()), &prefix, BOUND).await;
    for (number, direction) in [(1, Direction::ToClient), (2, Direction::ToServer)] {
        fill_row(&a, 1, number).await;
        until_found(&b, &object(1), number).await;
        serves(&b).await;
        until_found(&b, &object(1), number).await;
        proxy.stall(direction);
        write(&a, &[row_tag(1)], Outcome::Unlisted).await;
        let served = until_unknown(&b, &object(1)).await;
        assert!(served <= BOUND + Duration::from_millis(5), "{served:?}");
        proxy.resume();
        serves(&b).await;
        assert!(near(&b, &object(1)).is_none_or(|found| found != number));
    }
}

/// Connections that break: what was held is gone, and what others wrote meanwhile is found.
#[tokio::test]
async fn a_broken_connection_leaves_nothing_stale() {
    let proxy = Proxy::to_url(&redis_url()).await;
    let prefix = redis_prefix();
    let a = connect(&redis_url(), &prefix, BOUND).await;
    let b = connect(&proxy.url_through(&redis_url()), &prefix, BOUND).await;
    for number in 1..6 {
        fill_row(&a, 1, number).await;
        until_found(&b, &object(1), number).await;
        proxy.refuse(true);
        proxy.cut_all().await;
        write(&a, &[row_tag(1)], Outcome::Unlisted).await;
        let served = until_unknown(&b, &object(1)).await;
        assert!(served <= BOUND, "{served:?}");
        proxy.refuse(false);
        serves(&b).await;
        assert!(near(&b, &object(1)).is_none_or(|found| found != number));
    }
}

/// A server that is killed and comes back empty, and one that stands still for a while.
#[tokio::test]
async fn a_server_that_dies_or_stops_leaves_nothing_stale() {
    let mut server = Instance::redis().await;
    let prefix = redis_prefix();
    let a = connect(server.url(), &prefix, BOUND).await;
    let b = connect(server.url(), &prefix, BOUND).await;
    fill_row(&a, 1, 1).await;
    until_found(&b, &object(1), 1).await;
    server.kill().await;
    until_unknown(&b, &object(1)).await;
    server.start().await;
    serves(&a).await;
    serves(&b).await;
    assert_eq!((near(&a, &object(1)), near(&b, &object(1))), (None, None));

    fill_row(&a, 1, 2).await;
    until_found(&b, &object(1), 2).await;
    server.pause();
    let served = until_unknown(&b, &object(1)).await;
    assert!(served <= BOUND + Duration::from_millis(5), "{served:?}");
    server.resume();
    serves(&b).await;
    until_found(&b, &object(1), 2).await;
}
