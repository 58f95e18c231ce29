//! Lists and absent rows: what is behind is judged where it is held.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod support;

use support::{
    LIST_TAGS, TABLE, behind, changed, fill, fill_row, found, hit, lease, leased, list, near, number, object, others,
    row_tag, rows_tag, store, two, until, write,
};
use thing_conformance::cache::Number;
use thing_driver_api::{CacheClient, Found, Leased, Outcome, Payload, Tag, Token};

async fn heard(process: &support::Process, count: u64) {
    until("it is heard", || process.cache.statistics().heard >= count).await;
    others().await;
}

/// A listed change of another process leaves a list where it is: its reader judges it and goes on, without the server.
#[tokio::test]
async fn a_change_that_does_not_concern_a_list_costs_no_round_trip() {
    let (_server, a, b) = two().await;
    let key = list("all");
    fill(&a.cache, &key, &LIST_TAGS, 1).await;
    assert_eq!(hit(&b.cache, &key).await, Some(1));
    assert_eq!(near(&b, &key), Some(1));
    let asked = b.way.loads();
    for n in 1..4 {
        write(&a.cache, &[LIST_TAGS[0], row_tag(9)], changed(9)).await;
        heard(&b, 2 * n).await;
        assert_eq!(near(&b, &key), None);
        let behind = behind(&b.cache, &key).await;
        assert_eq!(behind.changes.len(), 1);
        assert!(b.cache.restamp(&key, &behind).await.expect("the cache answers"));
        assert_eq!(near(&b, &key), Some(1));
    }
    assert_eq!((b.way.loads(), b.way.restamps()), (asked, 0));
    let statistics = b.cache.statistics();
    assert_eq!(statistics.restamped, 3);
    write(&a.cache, &LIST_TAGS[1..], Outcome::Unlisted).await;
    heard(&b, 8).await;
    assert!(matches!(found(&b.cache, &key).await, Found::Miss));
}

/// An own listed change too.
#[tokio::test]
async fn an_own_change_that_does_not_concern_a_list_leaves_it() {
    let (_server, a, _b) = two().await;
    let key = list("all");
    fill(&a.cache, &key, &LIST_TAGS, 1).await;
    write(&a.cache, &LIST_TAGS, changed(9)).await;
    let behind = behind(&a.cache, &key).await;
    assert!(a.cache.restamp(&key, &behind).await.expect("the cache answers"));
    assert_eq!(near(&a, &key), Some(1));
    assert_eq!(a.way.restamps(), 0);
}

/// What the shared cache finds behind is stamped anew there, and then kept here.
#[tokio::test]
async fn what_is_behind_in_the_shared_cache_is_stamped_there() {
    let (_server, a, b) = two().await;
    let key = list("all");
    fill(&a.cache, &key, &LIST_TAGS, 1).await;
    write(&a.cache, &LIST_TAGS[..1], changed(9)).await;
    heard(&b, 2).await;
    let of_shared = behind(&b.cache, &key).await;
    assert!(b.cache.restamp(&key, &of_shared).await.expect("the cache answers"));
    assert_eq!(b.way.restamps(), 1);
    assert_eq!(near(&b, &key), Some(1));
    // Twice: nothing is known of it any more.
    assert!(!b.cache.restamp(&key, &of_shared).await.expect("the cache answers"));
    assert_eq!(b.way.restamps(), 1);
}

/// A write between the judgement and the stamp is hidden by neither.
#[tokio::test]
async fn a_late_stamp_hides_nothing() {
    let key = list("all");
    for in_shared in [false, true] {
        let (_server, a, b) = two().await;
        fill(&a.cache, &key, &LIST_TAGS, 1).await;
        if !in_shared {
            assert_eq!(hit(&b.cache, &key).await, Some(1));
        }
        write(&a.cache, &LIST_TAGS[..1], changed(9)).await;
        heard(&b, 2).await;
        let judged = behind(&b.cache, &key).await;
        write(&a.cache, &LIST_TAGS[1..], Outcome::Unlisted).await;
        heard(&b, 4).await;
        assert!(!b.cache.restamp(&key, &judged).await.expect("the cache answers"));
        assert!(matches!(found(&b.cache, &key).await, Found::Miss));
    }
}

/// A list that its reader found affected is taken from the shared cache where another process filled it meanwhile.
#[tokio::test]
async fn a_list_that_another_process_filled_anew_is_not_filled_again() {
    let (_server, a, b) = two().await;
    let key = list("all");
    fill(&a.cache, &key, &LIST_TAGS, 1).await;
    assert_eq!(hit(&b.cache, &key).await, Some(1));
    write(&a.cache, &LIST_TAGS[..1], changed(9)).await;
    fill(&a.cache, &key, &LIST_TAGS, 2).await;
    heard(&b, 2).await;
    let _affected = behind(&b.cache, &key).await;
    b.way.say_what_is_filled();
    match leased(&b.cache, &key, &LIST_TAGS).await {
        Leased::Filled(payload) => assert_eq!(Number::read(&payload), Some(2)),
        other => panic!("it is {other:?}"),
    }
    assert_eq!(near(&b, &key), Some(2));
}

/// A list whose tags the reader does not name can't be kept: nothing would end it.
#[tokio::test]
async fn a_list_without_tags_is_not_kept() {
    let (_server, a, b) = two().await;
    let key = list("all");
    fill(&a.cache, &key, &LIST_TAGS, 1).await;
    assert_eq!(number(support::found_with(&b.cache, &key, &[], false).await), Some(1));
    assert_eq!(near(&b, &key), None);
}

/// Where programs with other scopes write, lists that were held are forgotten, and none is held any more.
#[tokio::test]
async fn lists_of_a_mixed_table_are_not_held() {
    let (_server, a, _b) = two().await;
    let key = list("all");
    fill(&a.cache, &key, &LIST_TAGS, 1).await;
    assert!(a.cache.declare(TABLE, 1));
    assert_eq!(near(&a, &key), Some(1));
    let on_its_way = lease(&a.cache, &list("other"), &LIST_TAGS).await;
    a.way.mix(true);
    assert!(!a.cache.declare(TABLE, 1));
    assert_eq!(near(&a, &key), None);
    store(&a.cache, &on_its_way, &list("other"), &LIST_TAGS, Number::new(1).payload()).await;
    assert_eq!(near(&a, &list("other")), None);
    fill(&a.cache, &key, &LIST_TAGS, 2).await;
    fill_row(&a.cache, 1, 1).await;
    assert_eq!((near(&a, &key), near(&a, &object(1))), (None, Some(1)));
    a.way.mix(false);
    assert!(a.cache.declare(TABLE, 1));
    fill(&a.cache, &key, &LIST_TAGS, 3).await;
    assert_eq!(near(&a, &key), Some(3));
}

/// Who is content with an old answer does not get one of which the memory can't say how old it is.
#[tokio::test]
async fn old_answers_come_from_the_shared_cache() {
    let (_server, a, b) = two().await;
    let key = list("all");
    fill(&a.cache, &key, &LIST_TAGS, 1).await;
    assert_eq!(hit(&b.cache, &key).await, Some(1));
    let wanted = thing_driver_api::Wanted::new(&key).tags(&LIST_TAGS).stale(Some(support::LONG));
    let asked = b.way.loads();
    b.cache.load(&[wanted]).await.expect("the cache answers");
    assert_eq!(b.way.loads(), asked, "a hit is no old answer");
    write(&a.cache, &LIST_TAGS[..1], changed(9)).await;
    heard(&b, 2).await;
    b.cache.load(&[wanted]).await.expect("the cache answers");
    assert_eq!(b.way.loads(), asked + 1);
}

/// That a row is absent depends on all rows of the table, also where the reader did not name them.
#[tokio::test]
async fn an_absent_row_is_forgotten_when_rows_come() {
    let (_server, a, b) = two().await;
    let (key, tags) = (object(5), [row_tag(5), rows_tag()]);
    let absent = |found: Found| matches!(found, Found::Hit(Payload::Absent));
    let fill_absent = async || {
        let lease = lease(&a.cache, &key, &tags).await;
        assert_eq!(store(&a.cache, &lease, &key, &tags, Payload::Absent).await, 1);
        assert!(absent(found(&b.cache, &key).await));
        assert!(matches!(b.cache.peek(&key), thing_driver_api::Peek::Hit(Payload::Absent)));
    };
    fill_absent().await;
    // Another row comes, and is known.
    write(&a.cache, &[row_tag(6), rows_tag()], changed(6)).await;
    heard(&b, 2).await;
    let judged = behind(&b.cache, &key).await;
    assert!(b.cache.restamp(&key, &judged).await.expect("the cache answers"));
    assert!(absent(found(&b.cache, &key).await));
    // The row itself comes, of which only the table is named.
    write(&a.cache, &[rows_tag()], Outcome::Unlisted).await;
    heard(&b, 4).await;
    assert!(matches!(found(&b.cache, &key).await, Found::Miss));
    fill_absent().await;
    write(&a.cache, &[row_tag(5)], Outcome::Unlisted).await;
    heard(&b, 6).await;
    assert!(matches!(found(&b.cache, &key).await, Found::Miss));
}

/// The tag of a table ends all that is held of it, and its answers on their way.
#[tokio::test]
async fn the_tag_of_a_table_ends_everything() {
    let (_server, a, b) = two().await;
    let key = list("all");
    fill(&a.cache, &key, &LIST_TAGS, 1).await;
    fill_row(&a.cache, 1, 1).await;
    assert_eq!((hit(&b.cache, &key).await, hit(&b.cache, &object(1)).await), (Some(1), Some(1)));
    let token = Token::random();
    let tags = [Tag::table(TABLE)];
    a.cache.quarantine(&tags, token, support::LONG).await.expect("the cache answers");
    heard(&b, 1).await;
    assert_eq!((near(&b, &key), near(&b, &object(1))), (None, None));
    assert_eq!((hit(&b.cache, &key).await, hit(&b.cache, &object(1)).await), (None, None));
    a.cache.release(&tags, token, Outcome::Unlisted).await.expect("the cache answers");
    heard(&b, 2).await;
    assert_eq!((hit(&b.cache, &key).await, hit(&b.cache, &object(1)).await), (None, None));
}

/// A table that is voided is voided in every process.
#[tokio::test]
async fn voids_are_heard() {
    let (_server, a, b) = two().await;
    for (n, table) in [(1, false), (2, true)] {
        fill_row(&a.cache, 1, 1).await;
        assert_eq!(hit(&b.cache, &object(1)).await, Some(1));
        assert_eq!(near(&b, &object(1)), Some(1));
        let voided = if table { a.cache.void_table(TABLE).await } else { a.cache.void(&[row_tag(1)]).await };
        voided.expect("the cache answers");
        heard(&b, n).await;
        assert_eq!(near(&b, &object(1)), None);
    }
}
