//! Stale answers: lists that are not valid any more, by their age as the server's clock tells it.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod support;

use std::time::Duration;

use support::{
    LIST_TAGS, LONG, TABLE, changed, config, connect, fill, found, lease, list, number, object, quarantine, release,
    row_tag, store, write,
};
use thing_cache_redis::RedisCache;
use thing_driver_api::{CacheClient, EntryKey, Found, Outcome, Wanted};
use thing_test_servers::redis_url;

const BRIEF: Duration = Duration::from_millis(200);

async fn wanted(cache: &RedisCache, key: &EntryKey, age: Duration) -> Found {
    let wanted = Wanted::new(key).tags(&LIST_TAGS).stale(Some(age));
    cache.load(&[wanted]).await.expect("the cache answers").remove(0)
}

async fn stale(cache: &RedisCache, key: &EntryKey, age: Duration) -> Option<u64> {
    match wanted(cache, key, age).await {
        Found::Stale(payload) => Some(number(&payload)),
        _ => None,
    }
}

/// What one process stored serves another, from the quarantine on, for as long as it is content with that.
#[tokio::test]
async fn it_is_served_to_who_asks() {
    let config = config(&redis_url());
    let (one, other) = (connect(&config).await, connect(&config).await);
    fill(&one, &list("all"), &LIST_TAGS, 1).await;
    let token = quarantine(&one, &LIST_TAGS[..1]).await;
    assert_eq!(stale(&other, &list("all"), LONG).await, Some(1));
    assert!(matches!(found(&other, &list("all")).await, Found::Quarantined));
    release(&one, &LIST_TAGS[..1], token, Outcome::Unlisted).await;
    assert_eq!(stale(&other, &list("all"), LONG).await, Some(1));
    assert!(matches!(found(&other, &list("all")).await, Found::Miss));
    tokio::time::sleep(BRIEF).await;
    assert_eq!(stale(&other, &list("all"), BRIEF).await, None);
    assert_eq!(stale(&other, &list("all"), LONG).await, Some(1));
    one.void_table(TABLE).await.expect("the cache answers");
    assert_eq!(stale(&other, &list("all"), LONG).await, Some(1));
}

/// The age counts from the lease, which is before the database was read, and no restamp makes it less.
#[tokio::test]
async fn the_age_is_that_of_the_lease() {
    let cache = connect(&config(&redis_url())).await;
    let lease = lease(&cache, &list("all"), &LIST_TAGS).await;
    tokio::time::sleep(BRIEF).await;
    assert_eq!(store(&cache, &lease, &list("all"), &LIST_TAGS, 1).await, 1);
    write(&cache, &LIST_TAGS[..1], changed(1, 0, 1)).await;
    let Found::Behind(behind) = wanted(&cache, &list("all"), BRIEF).await else { panic!("its changes are known") };
    assert_eq!(behind.age, None);
    let Found::Behind(behind) = wanted(&cache, &list("all"), LONG).await else { panic!("its changes are known") };
    assert!(behind.age.is_some_and(|age| (BRIEF..LONG).contains(&age)), "{behind:?}");
    assert!(cache.restamp(&list("all"), &behind).await.expect("the cache answers"));
    write(&cache, &LIST_TAGS[..1], Outcome::Unlisted).await;
    assert_eq!(stale(&cache, &list("all"), BRIEF).await, None);
    assert_eq!(stale(&cache, &list("all"), LONG).await, Some(1));
}

/// Where the changes are not known any more, the list is served as stale, and not as behind.
#[tokio::test]
async fn without_its_changes_it_is_stale() {
    let config = config(&redis_url());
    let cache = connect(&config).await;
    fill(&cache, &list("all"), &LIST_TAGS, 1).await;
    write(&cache, &LIST_TAGS[..1], changed(1, 0, 1)).await;
    let server = support::Server::connect(&redis_url()).await;
    assert_eq!(server.evict(&config, 'l').await, 1);
    assert!(matches!(found(&cache, &list("all")).await, Found::Miss));
    assert_eq!(stale(&cache, &list("all"), LONG).await, Some(1));
}

/// Rows are not kept.
#[tokio::test]
async fn rows_are_never_stale() {
    let cache = connect(&config(&redis_url())).await;
    fill(&cache, &object(1), &[row_tag(1)], 1).await;
    let token = quarantine(&cache, &[row_tag(1)]).await;
    assert!(matches!(wanted(&cache, &object(1), LONG).await, Found::Quarantined));
    release(&cache, &[row_tag(1)], token, Outcome::Unlisted).await;
    assert!(matches!(wanted(&cache, &object(1), LONG).await, Found::Miss));
}
