//! Filling: of several processes that miss an entry one reads the database, and a hot entry is read again in time.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use support::{
    LIST_TAGS, LONG, Server, config, connect, fill, found, hit, lease, lease_rows, leased, list, number, object,
    payload, quarantine, row_tag, store, until, write,
};
use thing_cache_redis::RedisCache;
use thing_driver_api::{
    CacheClient, EntryKey, Found, LeaseRequest, Leased, NewEntry, Outcome, Payload, Scope, Tag, Wanted,
};
use thing_test_servers::{Instance, redis_url};

/// A reader as the core is one: it counts in `reads` how often it goes to the database.
async fn read(cache: &RedisCache, key: &EntryKey, tags: &[Tag], value: u64, reads: &AtomicUsize) -> u64 {
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(number) = hit(cache, key).await {
            return number;
        }
        match leased(cache, key, tags).await {
            Leased::Filled(payload) => return number(&payload),
            Leased::Granted(lease) => {
                // It may have been filled here since the look.
                if let Some(number) = hit(cache, key).await {
                    cache.abandon(&lease);
                    return number;
                }
                reads.fetch_add(1, SeqCst);
                tokio::time::sleep(Duration::from_millis(10)).await;
                store(cache, &lease, key, tags, value).await;
                return value;
            }
            Leased::Held(_) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(20));
            }
            Leased::Quarantined => panic!("nobody writes"),
        }
    }
}

/// Forty readers in two processes, and one read of the database, for rows and lists, time and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_all_processes_reads_the_database() {
    let config = config(&redis_url());
    let caches = [connect(&config).await, connect(&config).await];
    for round in 0..20 {
        for (key, tags) in [(object(1), vec![row_tag(1)]), (list("all"), LIST_TAGS.to_vec())] {
            let reads = Arc::new(AtomicUsize::new(0));
            let readers: Vec<_> = (0..40)
                .map(|reader| {
                    let (cache, reads) = (caches[reader % 2].clone(), reads.clone());
                    let (key, tags) = (key.clone(), tags.clone());
                    tokio::spawn(async move { read(&cache, &key, &tags, round, &reads).await })
                })
                .collect();
            for reader in readers {
                assert_eq!(reader.await.expect("it reads"), round);
            }
            assert_eq!(reads.load(SeqCst), 1, "{key:?} in round {round}");
            write(&caches[0], &tags, Outcome::Unlisted).await;
        }
    }
    let statistics = caches.map(|cache| cache.redis_statistics());
    assert!(statistics.iter().any(|statistics| statistics.held_elsewhere > 0), "{statistics:?}");
}

/// Who waits is told by the entry itself when it is there.
#[tokio::test]
async fn who_waits_gets_the_entry() {
    let config = config(&redis_url());
    let (one, other) = (connect(&config).await, connect(&config).await);
    for (key, tags) in [(object(1), vec![row_tag(1)]), (list("all"), LIST_TAGS.to_vec())] {
        let first = lease(&one, &key, &tags).await;
        for _ in 0..3 {
            assert!(matches!(leased(&other, &key, &tags).await, Leased::Held(id) if id == first.id));
        }
        assert_eq!(store(&one, &first, &key, &tags, 7).await, 1);
        let filled = leased(&other, &key, &tags).await;
        assert!(matches!(&filled, Leased::Filled(payload) if number(payload) == 7), "{filled:?}");
        // Nothing is left behind that others would wait for.
        one.void(&tags).await.expect("the cache answers");
        let second = lease(&other, &key, &tags).await;
        other.abandon(&second);
    }
    assert_eq!(other.redis_statistics().filled, 2);
}

/// The knowledge that a row is absent is waited for like the row.
#[tokio::test]
async fn absence_is_waited_for() {
    let config = config(&redis_url());
    let (one, other) = (connect(&config).await, connect(&config).await);
    let tags = [row_tag(1), Tag::rows(support::TABLE, &Scope::Table)];
    let first = lease(&one, &object(1), &tags).await;
    assert!(matches!(leased(&other, &object(1), &tags).await, Leased::Held(_)));
    let entry = NewEntry::new(object(1), tags.to_vec(), Payload::Absent);
    assert_eq!(one.store(&first, vec![entry]).await.expect("the cache answers"), 1);
    assert!(matches!(leased(&other, &object(1), &tags).await, Leased::Filled(Payload::Absent)));
    // Of the row alone nobody says that it depends on the other tag.
    let granted = leased(&other, &object(1), &tags[..1]).await;
    assert!(matches!(granted, Leased::Granted(_)), "{granted:?}");
}

/// A fill that can't be stored any more is waited for by nobody, and a store that was refused leaves nothing.
#[tokio::test]
async fn a_fill_that_lost_is_not_waited_for() {
    let config = config(&redis_url());
    let (one, other) = (connect(&config).await, connect(&config).await);
    for (key, tags) in [(object(1), vec![row_tag(1)]), (list("all"), LIST_TAGS.to_vec())] {
        let lost = lease(&one, &key, &tags).await;
        write(&other, &tags[..1], Outcome::Unlisted).await;
        let second = lease(&other, &key, &tags).await;
        assert_eq!(store(&one, &lost, &key, &tags, 1).await, 0);
        assert!(matches!(leased(&one, &key, &tags).await, Leased::Held(id) if id == second.id), "it is still at it");
        assert_eq!(store(&other, &second, &key, &tags, 2).await, 1);
        assert_eq!(hit(&one, &key).await, Some(2));
    }
    let closed = quarantine(&other, &[row_tag(5)]).await;
    assert!(matches!(leased(&one, &object(5), &[row_tag(5)]).await, Leased::Quarantined));
    support::release(&other, &[row_tag(5)], closed, Outcome::Unlisted).await;
    let free = lease(&other, &object(5), &[row_tag(5)]).await;
    other.abandon(&free);
}

/// A fill that is given up makes room, and one whose process died does so in time.
#[tokio::test]
async fn a_filler_that_goes_away_is_taken_over() {
    let config = config(&redis_url()).fill_lease(Duration::from_secs(3));
    let (one, other) = (connect(&config).await, connect(&config).await);
    let take_over = async || {
        until("the other takes over", || async {
            match leased(&other, &object(1), &[row_tag(1)]).await {
                Leased::Granted(lease) => {
                    other.abandon(&lease);
                    true
                }
                _ => false,
            }
        })
        .await;
    };
    let given_up = lease(&one, &object(1), &[row_tag(1)]).await;
    assert!(matches!(leased(&other, &object(1), &[row_tag(1)]).await, Leased::Held(_)));
    one.abandon(&given_up);
    take_over().await;
    until("nobody is at it", || async { matches!(leased(&one, &object(1), &[row_tag(1)]).await, Leased::Granted(_)) })
        .await;
    // That one is never ended.
    let began = Instant::now();
    assert!(matches!(leased(&other, &object(1), &[row_tag(1)]).await, Leased::Held(_)));
    take_over().await;
    assert!(began.elapsed() > Duration::from_millis(1500), "{:?}", began.elapsed());
}

/// Without fill leases, and in batches, every process fills for itself.
#[tokio::test]
async fn fill_leases_can_be_turned_off() {
    let config = config(&redis_url());
    let (one, other) = (connect(&config.clone().fill_lease(Duration::ZERO)).await, connect(&config).await);
    let _first = lease(&one, &object(1), &[row_tag(1)]).await;
    let second = lease(&other, &object(1), &[row_tag(1)]).await;
    assert_eq!(store(&other, &second, &object(1), &[row_tag(1)], 1).await, 1);
    let third = lease(&one, &object(2), &[row_tag(2)]).await;
    one.abandon(&third);
    let requests = [2, 3].map(|n| (object(n), [row_tag(n)]));
    let requests = requests.each_ref().map(|(key, tags)| LeaseRequest::Entry { key, tags });
    for cache in [&one, &other] {
        let leased = cache.lease(&requests).await.expect("the cache answers");
        assert!(leased.iter().all(|leased| matches!(leased, Leased::Granted(_))), "{leased:?}");
    }
    lease_rows(&one).await;
}

/// What is no fill lease, or the entry of nobody, is not believed.
#[tokio::test]
async fn damage_costs_nothing_but_effort() {
    let instance = Instance::redis().await;
    let config = config(instance.url());
    let (one, other, server) = (connect(&config).await, connect(&config).await, Server::connect(instance.url()).await);
    let first = lease(&one, &object(1), &[row_tag(1)]).await;
    let name = server.keys(&config, Some('f')).await.remove(0);
    let held: Vec<u8> = server.run(&[b"GET", name.as_bytes()]).await;
    for at in 32..held.len() {
        let mut damaged = held.clone();
        damaged[at] ^= 1;
        let _: () = server.run(&[b"SET", name.as_bytes(), &damaged]).await;
        let granted = lease(&other, &object(1), &[row_tag(1)]).await;
        other.abandon(&granted);
        until("it is free", || async { server.keys(&config, Some('f')).await.is_empty() }).await;
    }
    let _: i64 = server.run(&[b"LPUSH", name.as_bytes(), b"x"]).await;
    let granted = lease(&other, &object(1), &[row_tag(1)]).await;
    other.abandon(&granted);
    assert_eq!(store(&one, &first, &object(1), &[row_tag(1)], 1).await, 1);
    assert_eq!(other.redis_statistics().failures, 0);
    // An entry with a bit too many: it may look right to the script, and not to the client.
    let cell = server.keys(&config, Some('t')).await;
    for name in cell {
        let bytes: Vec<u8> = server.run(&[b"GET", name.as_bytes()]).await;
        if bytes.first() != Some(&b'V') {
            continue;
        }
        for at in 17..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            let _: () = server.run(&[b"SET", name.as_bytes(), &damaged]).await;
            let granted = lease(&other, &object(1), &[row_tag(1)]).await;
            other.abandon(&granted);
            until("it is free", || async { server.keys(&config, Some('f')).await.is_empty() }).await;
        }
    }
}

/// One reader reads a hot entry again before its end; the others, and other processes, go on to hit it.
#[tokio::test]
async fn a_hot_entry_is_read_again_early() {
    let config = config(&redis_url()).time_to_live(LONG);
    // So eager that every look decides for it.
    let eager = connect(&config.clone().early_refresh(1e12)).await;
    let (calm, never) = (connect(&config).await, connect(&config.clone().early_refresh(0.0)).await);
    for (key, tags) in [(object(1), vec![row_tag(1)]), (list("all"), LIST_TAGS.to_vec())] {
        fill(&calm, &key, &tags, 1).await;
        let before = eager.statistics();
        for _ in 0..2 {
            // The first look at a row asks for the generation of its table too.
            let found = eager.load(&[Wanted::new(&key).tags(&tags)]).await.expect("the cache answers").remove(0);
            assert!(matches!(found, Found::Miss), "{found:?}");
        }
        assert_eq!(eager.statistics().misses_expired, before.misses_expired + 2);
        let again = lease(&eager, &key, &tags).await;
        assert_eq!((hit(&calm, &key).await, hit(&never, &key).await), (Some(1), Some(1)));
        // Another one that would read it again finds it at hand.
        let second = connect(&config.clone().early_refresh(1e12)).await;
        assert!(matches!(found(&second, &key).await, Found::Miss));
        let filled = leased(&second, &key, &tags).await;
        assert!(matches!(&filled, Leased::Filled(payload) if number(payload) == 1), "{filled:?}");
        assert_eq!(store(&eager, &again, &key, &tags, 2).await, 1);
        assert_eq!((hit(&calm, &key).await, hit(&never, &key).await), (Some(2), Some(2)));
    }
    assert_eq!(calm.statistics().misses_expired, 0);
}

/// Keys that nobody has ever had don't fill the cache.
#[tokio::test]
async fn absent_rows_are_stored_up_to_a_number() {
    let config = config(&redis_url()).max_absent_stores(3).absent_time_to_live(Duration::from_secs(5));
    let cache = connect(&config).await;
    let absent = async |key: i64| {
        let tags = [row_tag(key), Tag::rows(support::TABLE, &Scope::Table)];
        let lease = lease(&cache, &object(key), &tags).await;
        let entry = NewEntry::new(object(key), tags.to_vec(), Payload::Absent);
        cache.store(&lease, vec![entry]).await.expect("the cache answers")
    };
    let mut kept = 0;
    for key in 0..10 {
        kept += absent(key).await;
    }
    assert_eq!(kept, 3);
    assert_eq!(cache.statistics().refused, 7);
    let lease = lease(&cache, &object(50), &[row_tag(50)]).await;
    let entry = NewEntry::new(object(50), vec![row_tag(50)], payload(1));
    assert_eq!(cache.store(&lease, vec![entry]).await.expect("the cache answers"), 1, "rows are not counted");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(absent(20).await, 1, "another time");
}
