//! The recording cache: its log, its faults and its gates.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests report by panicking")]

use std::sync::Arc;
use std::time::Duration;

use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_conformance::cache::Number;
use thing_conformance::recording::{Command, Matcher, RecordingCache, When};
use thing_driver_api::{
    CacheClient, EntryKey, Error, Found, Key, LeaseRequest, Leased, NewEntry, Outcome, Peek, TableId, Tag, Token,
    Wanted,
};

const TABLE: TableId = TableId(1);
const MINUTE: Duration = Duration::from_secs(60);

fn cache() -> Arc<RecordingCache> {
    RecordingCache::new(Arc::new(MemoryCache::new(MemoryConfig::default())))
}

fn object(key: i64) -> EntryKey {
    EntryKey::Object { table: TABLE, key: Key::Int(key) }
}

fn tag(key: i64) -> Tag {
    Tag::row(TABLE, &Key::Int(key))
}

async fn fill(cache: &RecordingCache, key: i64) -> usize {
    let (entry, tags) = (object(key), [tag(key)]);
    let request = LeaseRequest::Entry { key: &entry, tags: &tags };
    let Leased::Granted(lease) = cache.lease(&[request]).await.unwrap().remove(0) else {
        panic!("nobody else is at work");
    };
    let entry = NewEntry::new(object(key), tags.to_vec(), Number::new(1).payload());
    cache.store(&lease, vec![entry]).await.unwrap()
}

#[tokio::test]
async fn commands_are_recorded_in_order() {
    let cache = cache();
    fill(&cache, 1).await;
    assert!(matches!(cache.peek(&object(1)), Peek::Hit(_)));
    let token = Token::random();
    cache.quarantine(&[tag(1)], token, MINUTE).await.unwrap();
    cache.release(&[tag(1)], token, Outcome::Nothing).await.unwrap();
    cache.void_table(TABLE).await.unwrap();
    let log = cache.log();
    assert!(matches!(&log[0], Command::Lease { keys, tags, .. } if keys[..] == [object(1)] && tags[..] == [tag(1)]));
    assert!(matches!(&log[1], Command::Store { keys, .. } if keys[..] == [object(1)]));
    assert!(matches!(&log[2], Command::Peek { hit: true, .. }));
    assert!(matches!(&log[3], Command::Quarantine { token: t, duration: MINUTE, .. } if *t == token));
    assert!(matches!(&log[4], Command::Release { outcome: Outcome::Nothing, .. }));
    assert!(matches!(&log[5], Command::VoidTable { table: TABLE }));
    assert_eq!(cache.count(&Matcher::of_tag(tag(1))), 4);
    assert_eq!(cache.count(&Matcher::of_object(Key::Int(1))), 3);
    assert_eq!(cache.count(&Matcher::voids()), 1);
    cache.reset();
    assert!(cache.log().is_empty());
}

#[tokio::test]
async fn faults_strike_before_or_after() {
    for (when, quarantined) in [(When::Before, false), (When::After, true)] {
        let cache = cache();
        cache.fail_next(Matcher::quarantines(), Error::cache("cut"), when);
        let error = cache.quarantine(&[tag(1)], Token::random(), MINUTE).await.unwrap_err();
        assert_eq!(error.message(), "cut");
        assert_eq!(cache.pending_faults(), 0);
        let request = [LeaseRequest::Entry { key: &object(1), tags: &[tag(1)] }];
        let leased = cache.lease(&request).await.unwrap().remove(0);
        assert_eq!(matches!(leased, Leased::Quarantined), quarantined);
    }
}

#[tokio::test]
async fn a_cache_can_be_out_of_reach() {
    let cache = cache();
    fill(&cache, 1).await;
    cache.fail_all(Matcher::any(), Error::cache("out of reach"), When::Before);
    for _ in 0..3 {
        assert!(cache.load(&[Wanted::new(&object(1))]).await.is_err());
        assert!(cache.void(&[tag(1)]).await.is_err());
    }
    cache.clear_faults();
    assert!(matches!(cache.load(&[Wanted::new(&object(1))]).await.unwrap()[..], [Found::Hit(_)]));
}

#[tokio::test]
async fn gates_hold_commands() {
    let cache = cache();
    let gate = cache.gate(Matcher::stores().and(Matcher::of_object(Key::Int(1))), When::Before);
    let filling = tokio::spawn({
        let cache = cache.clone();
        async move { fill(&cache, 1).await }
    });
    gate.reached().await;
    assert_eq!(fill(&cache, 2).await, 1, "other entries pass");
    cache.void(&[tag(1)]).await.unwrap();
    gate.open();
    assert_eq!(filling.await.unwrap(), 0, "the fill came after the void");
}

#[tokio::test]
async fn peeks_can_be_refused() {
    let cache = cache();
    fill(&cache, 1).await;
    cache.refuse_peek(true);
    assert!(matches!(cache.peek(&object(1)), Peek::Unknown));
    assert!(matches!(cache.load(&[Wanted::new(&object(1))]).await.unwrap()[..], [Found::Hit(_)]));
    cache.refuse_peek(false);
    assert!(matches!(cache.peek(&object(1)), Peek::Hit(_)));
}
