//! Settling: a writer waits until no near cache of another process answers by what it held before.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use support::near::{BOUND, Near};
use support::{LONG, Server, config, connect, quarantine, release, row_tag, until};
use thing_cache_redis::{RedisCache, RedisConfig};
use thing_driver_api::{CacheClient, Outcome, Tag};
use thing_test_servers::{Direction, Instance, Proxy, redis_url};

/// What a busy machine may add to a time.
const SLACK: Duration = Duration::from_secs(3);
/// Far less than the bound.
const QUICK: Duration = Duration::from_secs(2);

async fn settle(cache: &RedisCache) -> Duration {
    let began = Instant::now();
    cache.settle().await.expect("the near caches are told");
    began.elapsed()
}

/// The server has known for longer than the bound who has a near cache.
async fn known(cache: &RedisCache) {
    settle(cache).await;
}

/// The first time nobody knows who has a near cache; then nobody is waited for where there is none.
#[tokio::test]
async fn without_near_caches_a_round_trip_will_do() {
    let config = config(&redis_url());
    let (cache, other) = (connect(&config).await, connect(&config).await);
    let first = settle(&cache).await;
    assert!(first >= BOUND && first < BOUND + SLACK, "{first:?}");
    for cache in [&cache, &other] {
        let took = settle(cache).await;
        assert!(took < QUICK, "{took:?}");
    }
    assert_eq!(cache.redis_statistics().settles, 2);
    // Its own near cache has been told without the server.
    let near = Near::start(&cache, BOUND).await;
    near.pause();
    let took = settle(&cache).await;
    assert!(took < QUICK, "{took:?}");
}

/// What was published before has taken effect in all near caches that ask for the next, a thousand times, however many
/// write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_published_before_has_taken_effect() {
    let config = config(&redis_url());
    let caches = [connect(&config).await, connect(&config).await, connect(&config).await];
    known(&caches[0]).await;
    let nears = Arc::new([Near::start(&caches[0], BOUND).await, Near::start(&caches[1], BOUND).await]);
    let published: Arc<[AtomicUsize; 3]> = Arc::default();
    let writers: Vec<_> = (0..3)
        .map(|writer| {
            let (cache, nears, published) = (caches[writer].clone(), nears.clone(), published.clone());
            tokio::spawn(async move {
                for round in 0..350 {
                    cache.void(&[Tag(round)]).await.expect("the cache answers");
                    published[writer].fetch_add(1, SeqCst);
                    let least: Vec<usize> = published.iter().map(|count| count.load(SeqCst)).collect();
                    cache.settle().await.expect("the near caches are told");
                    for (near, own) in nears.iter().zip(0..) {
                        let expected: usize = (0..3).filter(|other| *other != own).map(|other| least[other]).sum();
                        // Its own near cache is not waited for.
                        let knows = near.applied() >= expected || own == writer;
                        assert!(knows, "{} of {expected}", near.applied());
                    }
                }
            })
        })
        .collect();
    let began = Instant::now();
    for writer in writers {
        writer.await.expect("all are told");
    }
    println!("a write that is told to two near caches: {:?}", began.elapsed() / 350);
    assert!(nears.iter().all(|near| near.gate.is_open()));
}

/// A near cache that does not ask for the next is waited for until its gate has closed.
#[tokio::test]
async fn a_near_cache_that_hangs_is_waited_for() {
    let config = config(&redis_url());
    let (cache, other) = (connect(&config).await, connect(&config).await);
    known(&other).await;
    let near = Near::start(&cache, BOUND).await;
    assert!(settle(&other).await < QUICK);
    near.pause();
    quarantine(&other, &[row_tag(1)]).await;
    let took = settle(&other).await;
    assert!(!near.gate.is_open(), "it may serve what is about to change");
    assert!(took > QUICK && took < BOUND + SLACK, "{took:?}");
    assert_eq!(near.applied(), 0);
    // Now it is known to be closed.
    assert!(settle(&other).await < QUICK);
    near.resume();
    until("it is open again, and has been told", || async { near.gate.is_open() && near.applied() == 1 }).await;
    assert!(settle(&other).await < QUICK);
}

/// A near cache that asks again meanwhile is waited for no longer.
#[tokio::test]
async fn a_near_cache_that_is_slow_is_waited_for_until_it_asks() {
    let config = config(&redis_url()).bound(LONG);
    let (cache, other) = (connect(&config).await, connect(&config.clone().bound(BOUND)).await);
    known(&other).await;
    let near = Near::start(&cache, BOUND).await;
    near.pause();
    quarantine(&other, &[row_tag(1)]).await;
    let waiting = tokio::spawn({
        let other = other.clone();
        async move { settle(&other).await }
    });
    until("it waits", || async { other.redis_statistics().barriers == 2 }).await;
    near.resume();
    waiting.await.expect("it is told");
    assert_eq!(near.applied(), 1);
}

/// A process that died without a goodbye may still be alive somewhere, until its time is over.
#[tokio::test]
async fn a_process_that_is_gone_is_waited_for() {
    let instance = Instance::redis().await;
    let direct = config(instance.url());
    let proxy = Proxy::to_url(instance.url()).await;
    let cache = connect(&direct.clone().prefix("gone")).await;
    let far = RedisConfig::from_url(proxy.url_through(instance.url())).expect("a URL").prefix("gone");
    let far = connect(&far.read_timeout(LONG).write_timeout(LONG).bound(BOUND)).await;
    known(&cache).await;
    let near = Near::start(&far, BOUND).await;
    assert!(settle(&cache).await < QUICK);
    // Neither the messages nor its leaving come through.
    proxy.black_hole(Direction::ToClient);
    proxy.black_hole(Direction::ToServer);
    quarantine(&cache, &[row_tag(1)]).await;
    let took = settle(&cache).await;
    assert!(!near.gate.is_open() && took > QUICK / 4 && took < BOUND + SLACK, "{took:?}");
    assert!(settle(&cache).await < QUICK, "it is not waited for again");
    // Killed while its connection is open in the server.
    let far = connect(&direct.prefix("gone")).await;
    let near = Near::start(&far, BOUND).await;
    let server = Server::connect(instance.url()).await;
    let _: i64 = server.run(&[b"CLIENT", b"KILL", b"TYPE", b"pubsub"]).await;
    settle(&cache).await;
    assert!(!near.gate.is_open());
}

/// A server that forgot everything does not know who has a near cache: whoever had a gate is waited for, unheard.
#[tokio::test]
async fn after_a_flush_the_bound_is_waited_for() {
    let instance = Instance::redis().await;
    let config = config(instance.url());
    let (cache, other) = (connect(&config).await, connect(&config).await);
    known(&other).await;
    let near = Near::start(&cache, BOUND).await;
    let server = Server::connect(instance.url()).await;
    assert!(settle(&other).await < QUICK);
    near.pause();
    until("an answer waits in its queue", || async { !near.gate.is_open() }).await;
    near.resume();
    until("the gate opens", || async { near.gate.is_open() }).await;
    near.pause();
    let _: () = server.run(&[b"FLUSHALL"]).await;
    quarantine(&other, &[row_tag(1)]).await;
    let took = settle(&other).await;
    assert!(!near.gate.is_open() || near.applied() == 1, "it may serve what is about to change");
    assert!(took >= BOUND / 2 && took < BOUND + SLACK, "{took:?}");
    near.resume();
    until("the gate opens", || async { near.gate.is_open() }).await;
    assert!(settle(&other).await < QUICK);
}

/// Writers that wait at the same time share barriers: the server gets few commands.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_that_wait_share_barriers() {
    let instance = Instance::redis().await;
    let config = config(instance.url());
    let (cache, other) = (connect(&config).await, connect(&config).await);
    known(&other).await;
    let near = Near::start(&cache, BOUND).await;
    let server = Server::connect(instance.url()).await;
    let published = async || {
        let info: String = server.run(&[b"INFO", b"commandstats"]).await;
        let line = info.lines().find_map(|line| line.strip_prefix("cmdstat_publish:calls="));
        line.and_then(|line| line.split(',').next()?.parse::<u64>().ok()).unwrap_or_default()
    };
    let (before, barriers) = (published().await, other.redis_statistics().barriers);
    let writers: Vec<_> = (0..500)
        .map(|_| {
            let other = other.clone();
            tokio::spawn(async move { settle(&other).await })
        })
        .collect();
    for writer in writers {
        writer.await.expect("all are told");
    }
    let (sent, barriers) = (published().await - before, other.redis_statistics().barriers - barriers);
    println!("500 writers: {barriers} barriers, {sent} messages and acknowledgements");
    assert!((1..100).contains(&barriers), "{barriers}");
    assert!(sent <= 2 * barriers, "{sent}");
    assert!(near.gate.is_open());
}

/// With RESP2 nothing comes back, so a writer waits until the gates are closed that it knows.
#[tokio::test]
async fn with_resp2_gates_are_waited_for() {
    let config = config(&redis_url());
    let (cache, old) = (connect(&config).await, connect(&config.clone().resp3(false)).await);
    known(&old).await;
    assert!(settle(&old).await < QUICK);
    let near = Near::start(&cache, BOUND).await;
    quarantine(&old, &[row_tag(1)]).await;
    let took = settle(&old).await;
    assert!(near.applied() == 1 && took < BOUND + SLACK, "{took:?}");
}

/// A server that does not answer fails the write, in time.
#[tokio::test]
async fn a_silent_server_is_an_error() {
    let proxy = Proxy::to_url(&redis_url()).await;
    let config = config(&proxy.url_through(&redis_url())).write_timeout(QUICK);
    let cache = connect(&config).await;
    known(&cache).await;
    proxy.stall(Direction::ToClient);
    let began = Instant::now();
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.settle().await })
        })
        .collect();
    for call in calls {
        call.await.expect("no panic").expect_err("nobody knows who has been told");
    }
    assert!(began.elapsed() < BOUND + QUICK + SLACK, "{:?}", began.elapsed());
    proxy.resume();
    until("it answers again", || async { cache.settle().await.is_ok() }).await;
}

/// The promise of strict writes, with near caches that come, hang and go: between a settled quarantine and its release
/// no open gate has not heard of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_open_gate_misses_a_settled_quarantine() {
    let config = config(&redis_url()).bound(Duration::from_millis(300)).gate_interval(Duration::from_millis(20));
    let writer = connect(&config).await;
    settle(&writer).await;
    let over = Arc::new(AtomicBool::new(false));
    // For each near cache: the latest round that it knows while its gate may be open.
    let round = Arc::new(AtomicUsize::new(0));
    let readers: Vec<_> = (0..3u64)
        .map(|number| {
            let (config, over, round) = (config.clone(), over.clone(), round.clone());
            tokio::spawn(async move {
                let cache = connect(&config).await;
                let (mut random, mut checks) = (number * 7919 + 1, 0u64);
                while !over.load(SeqCst) {
                    let near = Near::start(&cache, Duration::from_millis(300)).await;
                    let since = round.load(SeqCst);
                    for _ in 0..100 {
                        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                        match random >> 60 {
                            0 => near.pause(),
                            1..4 => near.resume(),
                            _ => {}
                        }
                        tokio::time::sleep(Duration::from_millis(2)).await;
                        // What is settled by now must be known, if the gate is open after that.
                        let settled = round.load(SeqCst);
                        if near.gate.is_open() && settled > since + 1 {
                            let (knows, expected) = (near.told(), format!("[Tag({settled})]"));
                            assert!(knows.iter().any(|told| told.contains(&expected)), "round {settled} is not known");
                            checks += 1;
                        }
                    }
                }
                checks
            })
        })
        .collect();
    let began = Instant::now();
    let mut rounds = 0;
    while began.elapsed() < Duration::from_secs(5) || rounds <= 10 {
        rounds += 1;
        let tag = [Tag(rounds)];
        let token = quarantine(&writer, &tag).await;
        settle(&writer).await;
        round.store(rounds as usize, SeqCst);
        release(&writer, &tag, token, Outcome::Unlisted).await;
    }
    over.store(true, SeqCst);
    let mut checks = 0;
    for reader in readers {
        checks += reader.await.expect("no gate is wrong");
    }
    println!("{rounds} settled writes, {checks} looks at open gates");
    assert!(rounds > 10 && checks > 100);
}
