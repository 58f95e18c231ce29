//! Writes that the shared cache refuses, and what else the two caches are told.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod support;

use std::time::Duration;

use support::{
    LIST_TAGS, LONG, SharedMemory, fill, fill_row, hit, lease, list, near, object, process, row_tag, store, two, until,
    write,
};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_cache_tiered::{TieredCache, TieredConfig};
use thing_conformance::cache::Number;
use thing_driver_api::{CacheClient, Decodable, NewEntry, Outcome, Payload, Peek, Token};

/// A write that the shared cache refuses has not happened: what it would have touched is as it was.
#[tokio::test]
async fn a_refused_write_leaves_lists_alone() {
    let (_server, a, _b) = two().await;
    let key = list("all");
    fill(&a.cache, &key, &LIST_TAGS, 1).await;
    fill_row(&a.cache, 1, 1).await;
    a.way.take_down(true);
    let tags = [LIST_TAGS[0], row_tag(1)];
    a.cache.quarantine(&tags, Token::random(), LONG).await.expect_err("nobody else could be told");
    a.way.take_down(false);
    assert_eq!(near(&a, &key), Some(1));
    fill_row(&a.cache, 1, 2).await;
    assert_eq!(near(&a, &object(1)), Some(2));
}

/// A renewal that fails leaves the marks of its writer, who may be about to commit.
#[tokio::test]
async fn a_renewal_that_fails_opens_nothing() {
    let (_server, a, _b) = two().await;
    let key = list("all");
    fill(&a.cache, &key, &LIST_TAGS, 1).await;
    let token = Token::random();
    a.cache.quarantine(&LIST_TAGS, token, LONG).await.expect("the cache answers");
    a.way.take_down(true);
    a.cache.quarantine(&LIST_TAGS, token, LONG).await.expect_err("it is down");
    a.way.take_down(false);
    assert_eq!(near(&a, &key), None);
    a.cache.release(&LIST_TAGS, token, Outcome::Nothing).await.expect("the cache answers");
    assert_eq!(near(&a, &key), Some(1));
}

/// A release that the shared cache does not get opens the memory, and what depended on the tags is gone.
#[tokio::test]
async fn a_release_that_fails_keeps_nothing() {
    let (_server, a, _b) = two().await;
    let key = list("all");
    fill(&a.cache, &key, &LIST_TAGS, 1).await;
    let token = Token::random();
    a.cache.quarantine(&LIST_TAGS, token, LONG).await.expect("the cache answers");
    a.way.take_down(true);
    a.cache.release(&LIST_TAGS, token, support::changed(9)).await.expect_err("it is down");
    a.way.take_down(false);
    assert_eq!(near(&a, &key), None);
    assert_eq!(hit(&a.cache, &key).await, None, "the shared cache is closed until the mark lapses");
    assert!(!a.memory.is_at_work(token).expect("it is in order"));
}

/// What the shared cache does not keep is not kept here, and nothing older is either.
#[tokio::test]
async fn what_the_shared_cache_drops_is_dropped_here() {
    let (_server, a, b) = two().await;
    fill_row(&a.cache, 1, 1).await;
    assert_eq!(hit(&b.cache, &object(1)).await, Some(1));
    b.way.delay(true);
    let leases = [lease(&b.cache, &object(1), &[row_tag(1)]).await, lease(&b.cache, &object(2), &[row_tag(2)]).await];
    write(&a.cache, &[row_tag(1)], Outcome::Unlisted).await;
    let entry = |key| NewEntry::new(object(key), vec![row_tag(key)], Number::new(2).payload());
    let fills = leases.into_iter().zip([1, 2]).map(|(lease, key)| (lease, vec![entry(key)]));
    assert_eq!(b.cache.store_many(fills.collect()).await.expect("the cache answers"), 1);
    assert_eq!((near(&b, &object(1)), near(&b, &object(2))), (None, None));
    assert_eq!((hit(&b.cache, &object(1)).await, hit(&b.cache, &object(2)).await), (None, Some(2)));
}

/// An abandoned fill leaves nothing behind.
#[tokio::test]
async fn an_abandoned_fill_is_forgotten() {
    let (_server, a, _b) = two().await;
    let abandoned = lease(&a.cache, &object(1), &[row_tag(1)]).await;
    a.cache.abandon(&abandoned);
    assert_eq!(store(&a.cache, &abandoned, &object(1), &[row_tag(1)], Number::new(1).payload()).await, 0);
    fill_row(&a.cache, 1, 2).await;
    assert_eq!(near(&a, &object(1)), Some(2));
}

/// An entry of which no reader could make anything (another version of the program wrote it) makes room for the next
/// fill.
#[tokio::test]
async fn an_entry_that_nobody_can_decode_is_replaced() {
    let (_server, a, b) = two().await;
    let foreign = Payload::Encoded((*b"foreign").into());
    let of_a = lease(&a.cache, &object(1), &[row_tag(1)]).await;
    assert_eq!(store(&a.cache, &of_a, &object(1), &[row_tag(1)], foreign).await, 1);
    let found = support::found(&b.cache, &object(1)).await;
    assert!(matches!(found, thing_driver_api::Found::Hit(Payload::Decodable(_))), "{found:?}");
    fill_row(&b.cache, 1, 2).await;
    assert_eq!(near(&b, &object(1)), Some(2));
}

/// A hit of the shared cache is decoded once, whoever reads it.
#[tokio::test]
async fn a_near_hit_is_not_decoded_again() {
    let (_server, a, b) = two().await;
    fill_row(&a.cache, 1, 1).await;
    assert_eq!(hit(&b.cache, &object(1)).await, Some(1));
    for _ in 0..2 {
        match b.cache.peek(&object(1)) {
            Peek::Hit(Payload::Decodable(value)) => {
                assert!(Decodable::is_decoded(&value));
                assert!(value.value(|_| panic!("it was decoded")).is_some());
            }
            other => panic!("it is {other:?}"),
        }
    }
}

/// An entry is served for as long as the configuration says, then asked for again.
#[tokio::test]
async fn entries_are_asked_for_again() {
    let server = SharedMemory::new();
    let a = process(&server, LONG).await;
    let way = server.client();
    let config = TieredConfig::default().bound(LONG).time_to_live(Duration::from_secs(2));
    let b = TieredCache::new(MemoryConfig::default(), way.clone(), config);
    support::serves(&b).await;
    fill_row(&a.cache, 1, 1).await;
    assert_eq!(hit(&b, &object(1)).await, Some(1));
    assert_eq!((hit(&b, &object(1)).await, way.loads()), (Some(1), 1));
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!((hit(&b, &object(1)).await, way.loads()), (Some(1), 2));
}

/// Over a cache that tells no invalidations the near cache holds nothing.
#[tokio::test]
async fn a_cache_that_tells_nothing_is_asked_each_time() {
    let shared = MemoryCache::new(MemoryConfig::default());
    let cache = TieredCache::new(MemoryConfig::default(), shared, TieredConfig::default());
    fill_row(&cache, 1, 1).await;
    support::others().await;
    assert!(!cache.is_near());
    let trouble = cache.trouble().expect("there is a reason");
    assert!(trouble.to_string().contains("does not tell"), "{trouble}");
    assert!(matches!(cache.peek(&object(1)), Peek::Unknown));
    assert_eq!(hit(&cache, &object(1)).await, Some(1));
    let statistics = cache.statistics();
    assert_eq!((statistics.hits, statistics.near_hits, statistics.misses_suspect), (1, 0, 1));
    assert_eq!((statistics.stored, statistics.entries), (1, 0));
    assert!(cache.invalidations(LONG).await.expect("it says so").is_none());
}

/// The task that hears ends with the last handle.
#[tokio::test]
async fn the_stream_ends_with_the_last_clone() {
    let (_server, a, b) = two().await;
    let clone = b.cache.clone();
    drop(b.cache);
    write(&a.cache, &[row_tag(1)], Outcome::Unlisted).await;
    until("it is heard", || clone.statistics().heard == 2).await;
    drop(clone);
    // Nobody is waited for.
    b.way.delay(true);
    support::others().await;
    write(&a.cache, &[row_tag(1)], Outcome::Unlisted).await;
    tokio::time::timeout(Duration::from_secs(5), a.cache.settle()).await.expect("in time").expect("the cache answers");
}

/// Hits are those of both caches; the memory's misses are what the shared cache finds.
#[tokio::test]
async fn statistics_are_of_both() {
    let (_server, a, b) = two().await;
    hit(&b.cache, &object(1)).await;
    fill_row(&a.cache, 1, 1).await;
    assert_eq!(hit(&b.cache, &object(1)).await, Some(1));
    assert_eq!(near(&b, &object(1)), Some(1));
    assert_eq!(hit(&b.cache, &object(1)).await, Some(1));
    let statistics = b.cache.statistics();
    assert_eq!((statistics.hits, statistics.near_hits, statistics.misses()), (3, 2, 1));
    assert!(statistics.entries == 1 && statistics.bytes > 0);
    let shown = format!("{:?}", b.cache);
    assert!(shown.contains("is_near: true"), "{shown}");
}
