//! Programs whose models declare other indexes share a cache, as old and new versions do while one replaces the other.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod support;

use std::time::Duration;

use support::near::{BOUND, Near};
use support::{
    LIST_TAGS, LONG, Server, TABLE, config, connect, fill, found, hit, lease, leased, list, object, release, row_tag,
    store, until,
};
use thing_cache_redis::{RedisCache, RedisConfig};
use thing_driver_api::{CacheClient, Found, LeaseRequest, Leased, Outcome, Scope, Tag, Token};
use thing_test_servers::redis_url;

/// What the two programs touch.
const OLD: u64 = 0x01d;
const NEW: u64 = 0x4e3;

/// What each write of a program touches, and no list that depends on scopes of another.
fn written_by(scopes: u64) -> [Tag; 3] {
    [row_tag(9), Tag::rows(TABLE, &Scope::Table), Tag::writer(TABLE, scopes)]
}

/// What a list depends on that depends on no scope.
fn whole() -> [Tag; 1] {
    [Tag::rows(TABLE, &Scope::Table)]
}

async fn begin(cache: &RedisCache, scopes: u64, duration: Duration) -> Token {
    cache.declare(TABLE, scopes);
    let token = Token::random();
    cache.quarantine(&written_by(scopes), token, duration).await.expect("the cache answers");
    token
}

async fn write(cache: &RedisCache, scopes: u64) {
    let token = begin(cache, scopes, LONG).await;
    release(cache, &written_by(scopes), token, Outcome::Unlisted).await;
}

async fn two(config: &RedisConfig) -> (RedisCache, RedisCache) {
    let (old, new) = (connect(config).await, connect(config).await);
    assert!(old.declare(TABLE, OLD) && new.declare(TABLE, NEW), "nobody has written");
    (old, new)
}

fn programs() -> String {
    format!("t{:016x}", Tag::table(TABLE).0 ^ 2)
}

/// Loses the string that says which programs use the table.
async fn lose_programs(config: &RedisConfig) {
    lose(config, &programs()).await;
}

async fn lose(config: &RedisConfig, end: &str) {
    let server = Server::connect(&redis_url()).await;
    let keys = server.keys(config, Some('t')).await;
    let key = keys.iter().find(|key| key.ends_with(end)).expect("it is there");
    assert_eq!(server.run::<i64>(&[b"DEL", key.as_bytes()]).await, 1);
}

/// The program is not given leave for lists that depend on scopes, and is told why.
async fn assert_told(cache: &RedisCache, scopes: u64) {
    assert!(matches!(leased(cache, &list("scoped"), &LIST_TAGS).await, Leased::Quarantined));
    assert!(!cache.declare(TABLE, scopes));
    assert!(matches!(leased(cache, &list("scoped"), &LIST_TAGS).await, Leased::Quarantined));
}

/// As [`assert_told`], and lists that every writer reaches go on.
async fn assert_declined(cache: &RedisCache, scopes: u64) {
    assert_told(cache, scopes).await;
    fill(cache, &list("scoped"), &whole(), 8).await;
}

/// The first write of another program ends, before its commit, the lists that it does not reach, and nothing else.
#[tokio::test]
async fn a_new_writer_ends_lists_that_depend_on_scopes() {
    let config = config(&redis_url());
    let (old, new) = two(&config).await;
    fill(&old, &list("scoped"), &LIST_TAGS, 1).await;
    fill(&old, &list("other"), &[Tag(0x2222)], 2).await;
    fill(&old, &object(1), &[row_tag(1)], 3).await;
    let token = begin(&new, NEW, LONG).await;
    for question in ["scoped", "other"] {
        assert!(matches!(found(&old, &list(question)).await, Found::Miss), "{question}");
    }
    assert_eq!(hit(&old, &object(1)).await, Some(3));
    assert!(matches!(leased(&old, &list("scoped"), &LIST_TAGS).await, Leased::Quarantined));
    assert!(!old.declare(TABLE, OLD));
    release(&new, &written_by(NEW), token, Outcome::Unlisted).await;
    assert_declined(&old, OLD).await;
    assert!(new.declare(TABLE, NEW), "the old program has not written");
    fill(&new, &list("new"), &[Tag(0x4444)], 4).await;
    write(&new, NEW).await;
    assert_eq!(hit(&new, &list("new")).await, Some(4), "each reaches its own");
    assert_eq!(hit(&old, &list("scoped")).await, None, "and lists of the whole table");
}

/// A program learns of the other by its own writes too.
#[tokio::test]
async fn a_writer_is_told_of_the_other() {
    let (old, new) = two(&config(&redis_url())).await;
    write(&new, NEW).await;
    assert!(new.declare(TABLE, NEW));
    write(&old, OLD).await;
    assert!(!old.declare(TABLE, OLD));
    assert!(new.declare(TABLE, NEW), "as far as it knows");
    assert_declined(&new, NEW).await;
}

/// Writes of a program with the same indexes end what they touch alone.
#[tokio::test]
async fn programs_with_the_same_indexes_do_not_disturb_each_other() {
    let config = config(&redis_url());
    let (one, other) = (connect(&config).await, connect(&config).await);
    assert!(one.declare(TABLE, OLD) && other.declare(TABLE, OLD));
    fill(&one, &list("scoped"), &LIST_TAGS, 1).await;
    fill(&one, &object(1), &[row_tag(1)], 2).await;
    for writer in [&other, &one] {
        write(writer, OLD).await;
        assert_eq!((hit(&other, &list("scoped")).await, hit(&one, &object(1)).await), (Some(1), Some(2)));
    }
    assert!(one.declare(TABLE, OLD) && other.declare(TABLE, OLD));
    let running = lease(&one, &list("next"), &LIST_TAGS).await;
    assert!(matches!(leased(&other, &list("next"), &LIST_TAGS).await, Leased::Held(_)));
    assert_eq!(store(&one, &running, &list("next"), &LIST_TAGS, 3).await, 1);
    assert!(matches!(leased(&other, &list("next"), &LIST_TAGS).await, Leased::Filled(_)));
}

/// A list that was leased before the other program's first write is not stored after it.
#[tokio::test]
async fn a_fill_under_way_is_lost() {
    let config = config(&redis_url());
    for config in [config.clone(), config.fill_lease(Duration::ZERO).prefix(thing_test_servers::redis_prefix())] {
        let (old, new) = two(&config).await;
        let scoped = lease(&old, &list("scoped"), &LIST_TAGS).await;
        let row = lease(&old, &object(1), &[row_tag(1)]).await;
        write(&new, NEW).await;
        assert_eq!(store(&old, &scoped, &list("scoped"), &LIST_TAGS, 1).await, 0);
        assert_eq!(store(&old, &row, &object(1), &[row_tag(1)], 1).await, 1, "rows are reached by every writer");
        assert_declined(&old, OLD).await;
    }
}

/// Of several entries that are leased at once those alone are declined that depend on scopes.
#[tokio::test]
async fn several_leases_at_once() {
    let (old, new) = two(&config(&redis_url())).await;
    write(&new, NEW).await;
    let (a, b, c) = (list("a"), list("b"), object(1));
    let (tags, row) = (whole(), [row_tag(1)]);
    let requests = [
        LeaseRequest::Entry { key: &a, tags: &LIST_TAGS },
        LeaseRequest::Entry { key: &b, tags: &tags },
        LeaseRequest::Entry { key: &c, tags: &row },
        LeaseRequest::Rows { table: TABLE },
    ];
    let leased = old.lease(&requests).await.expect("the cache answers");
    assert!(matches!(&leased[..], [Leased::Quarantined, Leased::Granted(_), Leased::Granted(_), Leased::Granted(_)]));
    assert!(!old.declare(TABLE, OLD));
}

/// When the other program has not written for the time, lists depend on scopes again, and its next write is its first.
#[tokio::test]
async fn a_silent_program_is_forgotten() {
    let config = config(&redis_url()).other_programs_time(Duration::from_secs(3));
    let (old, new) = two(&config).await;
    let duration = Duration::from_millis(100);
    for round in 0..2 {
        fill(&old, &list("scoped"), &LIST_TAGS, round).await;
        let token = begin(&new, NEW, duration).await;
        assert_eq!(hit(&old, &list("scoped")).await, None);
        release(&new, &written_by(NEW), token, Outcome::Unlisted).await;
        assert_declined(&old, OLD).await;
        until("the other program is forgotten", || async {
            // With each lease of a list it is asked again, if need be.
            if let Leased::Granted(lease) = leased(&old, &list("whole"), &whole()).await {
                old.abandon(&lease);
            }
            old.declare(TABLE, OLD)
        })
        .await;
    }
}

/// A writer is reckoned with for as long as its write may take, however short the time.
#[tokio::test]
async fn a_write_under_way_is_not_forgotten() {
    let config = config(&redis_url()).other_programs_time(Duration::from_millis(1));
    let (old, new) = two(&config).await;
    let token = begin(&new, NEW, LONG).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_told(&old, OLD).await;
    release(&new, &written_by(NEW), token, Outcome::Unlisted).await;
}

/// What is lost in the server while another program writes leaves no list behind when the write has returned.
#[tokio::test]
async fn losses_during_a_write_end_with_it() {
    for what in [programs(), format!("t{:016x}", Tag::table(TABLE).0)] {
        let config = config(&redis_url());
        let (old, new) = two(&config).await;
        fill(&old, &list("before"), &LIST_TAGS, 1).await;
        let token = begin(&new, NEW, LONG).await;
        lose(&config, &what).await;
        assert_eq!(hit(&old, &list("before")).await, None);
        if let Leased::Granted(lease) = leased(&old, &list("during"), &LIST_TAGS).await {
            store(&old, &lease, &list("during"), &LIST_TAGS, 2).await;
        }
        release(&new, &written_by(NEW), token, Outcome::Unlisted).await;
        assert_eq!((hit(&old, &list("before")).await, hit(&old, &list("during")).await), (None, None));
        assert_declined(&old, OLD).await;
    }
}

/// A renewal of a write under way registers again.
#[tokio::test]
async fn a_renewal_makes_up_for_a_loss() {
    let config = config(&redis_url());
    let (old, new) = two(&config).await;
    let token = begin(&new, NEW, LONG).await;
    lose_programs(&config).await;
    fill(&old, &list("scoped"), &LIST_TAGS, 1).await;
    new.quarantine(&written_by(NEW), token, LONG).await.expect("the cache answers");
    assert_eq!(hit(&old, &list("scoped")).await, None);
    assert_told(&old, OLD).await;
}

/// Lists prove themselves: without the string on which they depend none is valid.
#[tokio::test]
async fn lists_are_lost_with_what_is_known_of_programs() {
    let config = config(&redis_url());
    let (old, _) = two(&config).await;
    fill(&old, &list("scoped"), &LIST_TAGS, 1).await;
    fill(&old, &list("whole"), &whole(), 2).await;
    lose_programs(&config).await;
    assert_eq!((hit(&old, &list("scoped")).await, hit(&old, &list("whole")).await), (None, Some(2)));
    fill(&old, &list("scoped"), &LIST_TAGS, 3).await;
}

/// A write that had no way to say so before says so when its tags are voided.
#[tokio::test]
async fn a_void_registers_too() {
    let (old, new) = two(&config(&redis_url())).await;
    fill(&old, &list("scoped"), &LIST_TAGS, 1).await;
    new.void(&written_by(NEW)).await.expect("the cache answers");
    assert_eq!(hit(&old, &list("scoped")).await, None);
    assert_declined(&old, OLD).await;
}

/// Tags that say who writes are no cells: they would be marked for nobody.
#[tokio::test]
async fn tags_of_writers_have_no_cells() {
    let config = config(&redis_url());
    let (old, _) = two(&config).await;
    let token = begin(&old, OLD, LONG).await;
    let server = Server::connect(&redis_url()).await;
    let writer = format!("t{:016x}", Tag::writer(TABLE, OLD).0);
    assert!(server.keys(&config, Some('t')).await.iter().all(|key| !key.ends_with(&writer)));
    release(&old, &written_by(OLD), token, Outcome::Nothing).await;
}

/// Two models of one table in one program: the client can't tell for which of them a list is.
#[tokio::test]
async fn two_models_of_one_program() {
    let cache = connect(&config(&redis_url())).await;
    assert!(cache.declare(TABLE, OLD));
    fill(&cache, &list("scoped"), &LIST_TAGS, 1).await;
    write(&cache, NEW).await;
    assert_eq!(hit(&cache, &list("scoped")).await, None);
    assert!(!cache.declare(TABLE, OLD) && !cache.declare(TABLE, NEW));
    assert_declined(&cache, OLD).await;
}

/// Near caches hear of a new writer before its commit; of one with the same indexes only if what they hold may be older
/// than what is known.
#[tokio::test]
async fn near_caches_are_told() {
    let config = config(&redis_url()).bound(BOUND);
    let (old, new) = two(&config).await;
    let near = Near::start(&old, BOUND).await;
    let forgotten = || near.told().iter().filter(|told| told.starts_with("VoidedTable")).count();
    let other = connect(&config).await;
    assert!(other.declare(TABLE, OLD));
    let heard = |count| {
        let (other, forgotten) = (&other, &forgotten);
        async move {
            other.settle().await.expect("the near cache answers");
            assert_eq!(forgotten(), count);
        }
    };
    fill(&old, &list("scoped"), &LIST_TAGS, 1).await;
    write(&other, OLD).await;
    heard(1).await;
    write(&other, OLD).await;
    heard(1).await;
    let token = begin(&new, NEW, LONG).await;
    heard(2).await;
    release(&new, &written_by(NEW), token, Outcome::Unlisted).await;
    heard(2).await;
    lose_programs(&config).await;
    write(&new, NEW).await;
    heard(3).await;
}

/// The near cache of a writer does not hear what that tells. It hears of the next program nevertheless.
#[tokio::test]
async fn the_near_cache_of_a_writer_is_told_by_others() {
    let config = config(&redis_url()).bound(BOUND);
    let (old, new) = two(&config).await;
    let near = Near::start(&old, BOUND).await;
    fill(&old, &list("scoped"), &LIST_TAGS, 1).await;
    lose_programs(&config).await;
    write(&old, OLD).await;
    let token = begin(&new, NEW, LONG).await;
    new.settle().await.expect("the near cache answers");
    assert!(near.told().iter().any(|told| told.starts_with("VoidedTable")), "{:?}", near.told());
    release(&new, &written_by(NEW), token, Outcome::Unlisted).await;
}
