//! Several processes: what one does, all others see. Each client here stands for a process.

mod support;

use std::time::Duration;

use support::{
    LIST_TAGS, LONG, TABLE, changed, config, connect, fill, found, hit, lease, lease_rows, leased, list, object,
    quarantine, release, row_tag, store, write,
};
use thing_driver_api::{CacheClient, Found, Leased, Outcome, Tag, Token};
use thing_test_servers::redis_url;

/// What one stores, the other finds.
#[tokio::test]
async fn entries_are_shared() {
    let config = config(&redis_url());
    let (one, other) = (connect(&config).await, connect(&config).await);
    fill(&one, &object(1), &[row_tag(1)], 7).await;
    fill(&one, &list("all"), &LIST_TAGS, 8).await;
    assert_eq!((hit(&other, &object(1)).await, hit(&other, &list("all")).await), (Some(7), Some(8)));
}

/// Prefixes keep programs apart.
#[tokio::test]
async fn prefixes_do_not_meet() {
    let (one, other) = (connect(&config(&redis_url())).await, connect(&config(&redis_url())).await);
    fill(&one, &object(1), &[row_tag(1)], 7).await;
    assert_eq!(hit(&other, &object(1)).await, None);
    quarantine(&one, &[row_tag(1)]).await;
    fill(&other, &object(1), &[row_tag(1)], 8).await;
}

/// A writer here closes the tags for readers and fills there, and its release opens them.
#[tokio::test]
async fn quarantines_and_releases_are_seen() {
    let config = config(&redis_url());
    let (writer, reader) = (connect(&config).await, connect(&config).await);
    let tags = [row_tag(1), LIST_TAGS[0]];
    for outcome in [Outcome::Unlisted, changed(1, 0, 1)] {
        fill(&reader, &object(1), &tags[..1], 1).await;
        fill(&reader, &list("all"), &LIST_TAGS, 1).await;
        let late = lease(&reader, &list("late"), &LIST_TAGS).await;
        let token = quarantine(&writer, &tags).await;
        assert!(matches!(found(&reader, &object(1)).await, Found::Quarantined));
        assert!(matches!(found(&reader, &list("all")).await, Found::Quarantined));
        assert!(matches!(leased(&reader, &object(1), &tags[..1]).await, Leased::Quarantined));
        assert_eq!(store(&reader, &late, &list("late"), &LIST_TAGS, 1).await, 0);
        release(&writer, &tags, token, outcome).await;
        assert_eq!((hit(&reader, &object(1)).await, hit(&reader, &list("all")).await), (None, None));
        fill(&reader, &object(1), &tags[..1], 2).await;
        assert_eq!(hit(&writer, &object(1)).await, Some(2));
    }
}

/// A writer in each process: the tag opens when both have ended.
#[tokio::test]
async fn writers_of_two_processes_are_a_set() {
    let config = config(&redis_url());
    let (one, other) = (connect(&config).await, connect(&config).await);
    let (first, second) = (quarantine(&one, &[row_tag(1)]).await, quarantine(&other, &[row_tag(1)]).await);
    release(&one, &[row_tag(1)], first, Outcome::Nothing).await;
    assert!(matches!(leased(&one, &object(1), &[row_tag(1)]).await, Leased::Quarantined));
    release(&other, &[row_tag(1)], second, Outcome::Unlisted).await;
    fill(&one, &object(1), &[row_tag(1)], 1).await;
}

/// Voids here are seen there, of tags and of tables; running fills of the table are refused.
#[tokio::test]
async fn voids_are_seen() {
    let config = config(&redis_url());
    let (one, other) = (connect(&config).await, connect(&config).await);
    fill(&other, &object(1), &[row_tag(1)], 1).await;
    one.void(&[row_tag(1)]).await.expect("the cache answers");
    assert_eq!(hit(&other, &object(1)).await, None);
    fill(&other, &object(1), &[row_tag(1)], 2).await;
    let (late, rows) = (lease(&other, &object(2), &[row_tag(2)]).await, lease_rows(&other).await);
    one.void_table(TABLE).await.expect("the cache answers");
    assert_eq!(hit(&other, &object(1)).await, None);
    assert_eq!(store(&other, &late, &object(2), &[row_tag(2)], 1).await, 0);
    assert_eq!(store(&other, &rows, &object(3), &[row_tag(3)], 1).await, 0);
    fill(&other, &object(1), &[row_tag(1)], 3).await;
    for number in 4..8 {
        one.void_table(TABLE).await.expect("the cache answers");
        assert_eq!((hit(&other, &object(1)).await, hit(&one, &object(1)).await), (None, None));
        fill(&other, &object(1), &[row_tag(1)], number).await;
        assert_eq!(hit(&one, &object(1)).await, Some(number));
    }
}

/// A void is seen by the very next read of every process, whatever that process knows: a thousand times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_void_of_a_table_is_seen_at_once() {
    for resp3 in [true, false] {
        let config = config(&redis_url()).resp3(resp3);
        let (writer, reader) = (connect(&config).await, connect(&config.clone().connections(2)).await);
        let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let busy: Vec<_> = (2..6)
            .map(|n| {
                let (reader, over) = (reader.clone(), over.clone());
                tokio::spawn(async move {
                    while !over.load(std::sync::atomic::Ordering::Relaxed) {
                        hit(&reader, &object(n)).await;
                    }
                })
            })
            .collect();
        for number in 0..500 {
            fill(&writer, &object(1), &[row_tag(1)], number).await;
            assert_eq!(hit(&reader, &object(1)).await, Some(number));
            let by = if number % 2 == 0 { &writer } else { &reader };
            by.void_table(TABLE).await.expect("the cache answers");
            assert_eq!(hit(&reader, &object(1)).await, None, "void {number}");
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        for task in busy {
            task.await.expect("it reads");
        }
    }
}

/// A list that is behind by what another process wrote comes with the changes, and is a hit everywhere once it is
/// stamped anew.
#[tokio::test]
async fn a_list_survives_what_does_not_concern_it() {
    let config = config(&redis_url());
    let (writer, reader) = (connect(&config).await, connect(&config).await);
    fill(&reader, &list("all"), &LIST_TAGS, 1).await;
    for n in 0..10 {
        write(&writer, &[row_tag(n), LIST_TAGS[0]], changed(n, 0, 1)).await;
        write(&writer, &[row_tag(n), LIST_TAGS[1]], changed(n, 1, 2)).await;
        let behind = match found(&reader, &list("all")).await {
            Found::Behind(behind) => behind,
            other => panic!("the changes are known, but load gives {other:?}"),
        };
        assert_eq!(behind.changes.len(), 2);
        assert!(reader.restamp(&list("all"), &behind).await.expect("the cache answers"));
        assert_eq!(hit(&writer, &list("all")).await, Some(1));
    }
    assert_eq!(reader.statistics().restamped, 10);
}

/// Rows that a list brought along are stored, and refused if another process touched them.
#[tokio::test]
async fn rows_are_brought_along_unless_another_process_wrote_them() {
    let config = config(&redis_url());
    let (writer, reader) = (connect(&config).await, connect(&config).await);
    let rows = lease_rows(&reader).await;
    assert_eq!(store(&reader, &rows, &object(1), &[row_tag(1)], 1).await, 1);
    assert_eq!(hit(&writer, &object(1)).await, Some(1));
    let rows = lease_rows(&reader).await;
    write(&writer, &[row_tag(2)], Outcome::Unlisted).await;
    assert_eq!(store(&reader, &rows, &object(2), &[row_tag(2)], 1).await, 0);
    let rows = lease_rows(&reader).await;
    write(&writer, &[row_tag(3)], Outcome::Nothing).await;
    assert_eq!(store(&reader, &rows, &object(3), &[row_tag(3)], 1).await, 1, "nothing happened");
}

/// A fill holds those of its own process and of others, as long as it can be stored.
#[tokio::test]
async fn fills_are_held() {
    let config = config(&redis_url());
    let (one, other) = (connect(&config).await, connect(&config).await);
    let first = lease(&one, &object(1), &[row_tag(1)]).await;
    for cache in [&one, &other] {
        assert!(matches!(leased(cache, &object(1), &[row_tag(1)]).await, Leased::Held(id) if id == first.id));
    }
    other.void(&[row_tag(1)]).await.expect("the cache answers");
    assert!(matches!(leased(&one, &object(1), &[row_tag(1)]).await, Leased::Granted(_)), "the first has lost");
}

/// A table that one process closes is closed at once for the fastest path of another, which knows its generation.
#[tokio::test]
async fn a_closed_table_is_seen_at_once() {
    for resp3 in [true, false] {
        let config = config(&redis_url()).resp3(resp3);
        let (writer, reader) = (connect(&config).await, connect(&config).await);
        let whole = [Tag::table(TABLE)];
        for number in 0..100 {
            fill(&writer, &object(1), &[row_tag(1)], number).await;
            assert_eq!((hit(&reader, &object(1)).await, hit(&reader, &object(1)).await), (Some(number), Some(number)));
            let token = quarantine(&writer, &whole).await;
            for _ in 0..3 {
                assert!(matches!(found(&reader, &object(1)).await, Found::Quarantined), "{number}");
            }
            assert!(matches!(leased(&reader, &object(1), &[row_tag(1)]).await, Leased::Quarantined));
            let outcome = if number % 2 == 0 { Outcome::Nothing } else { Outcome::Unlisted };
            release(&writer, &whole, token, outcome).await;
            let expected = (number % 2 == 0).then_some(number);
            assert_eq!(hit(&reader, &object(1)).await, expected);
            writer.void(&whole).await.expect("the cache answers");
            assert_eq!(hit(&reader, &object(1)).await, None);
        }
    }
}

/// Several connections to the server are one cache, and RESP3 is as good as RESP2.
#[tokio::test]
async fn connections_and_protocols_do_not_matter() {
    let config = config(&redis_url());
    let (one, other) = (connect(&config.clone().connections(3)).await, connect(&config.resp3(false)).await);
    for n in 0..20 {
        fill(&one, &object(n), &[row_tag(n)], 1).await;
        fill(&one, &list("all"), &LIST_TAGS, 1).await;
        assert_eq!(hit(&other, &object(n)).await, Some(1));
        write(&other, &[row_tag(n), LIST_TAGS[0]], changed(n, 0, 1)).await;
        assert_eq!(hit(&one, &object(n)).await, None);
        assert!(matches!(found(&one, &list("all")).await, Found::Behind(_)));
    }
}

/// The mark of a writer that went away lapses by the clock of the server, in every process.
#[tokio::test]
async fn marks_lapse_for_all() {
    let config = config(&redis_url());
    let (one, other) = (connect(&config).await, connect(&config).await);
    let tags = [row_tag(1), LIST_TAGS[0]];
    for outcome in [Outcome::Nothing, changed(1, 0, 1)] {
        fill(&other, &object(1), &tags[..1], 1).await;
        fill(&other, &list("all"), &LIST_TAGS, 1).await;
        one.quarantine(&tags, Token::random(), Duration::from_millis(50)).await.expect("the cache answers");
        let long = Token::random();
        one.quarantine(&tags, long, LONG).await.expect("the cache answers");
        tokio::time::sleep(Duration::from_millis(100)).await;
        // The one that lapsed may have committed, whatever the other says.
        release(&one, &tags, long, outcome).await;
        for key in [object(1), list("all")] {
            let found = found(&other, &key).await;
            assert!(matches!(found, Found::Miss), "{key:?} is {found:?}");
        }
    }
}
