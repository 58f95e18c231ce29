//! Races: what another process does while this one reads, and messages that are late.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use support::{
    LONG, Process, SharedMemory, changed, fill_row, fresh_hit, hit, near, object, others, process, row_tag, two, until,
    write,
};
use thing_driver_api::{CacheClient, EntryKey, Outcome, Token, Wanted};
use tokio::task::JoinHandle;

fn read(process: &Process, key: EntryKey) -> JoinHandle<Option<u64>> {
    let cache = process.cache.clone();
    tokio::spawn(async move { hit(&cache, &key).await })
}

fn read_fresh(process: &Process, key: EntryKey) -> JoinHandle<Option<u64>> {
    let cache = process.cache.clone();
    tokio::spawn(async move { fresh_hit(&cache, &key).await })
}

async fn heard(process: &Process, count: u64) {
    until("it is heard", || process.cache.statistics().heard >= count).await;
    others().await;
}

/// An answer that is under way while its row is written is given to its reader, and not kept.
#[tokio::test]
async fn an_answer_that_was_invalidated_on_its_way_is_not_kept() {
    for released in [false, true] {
        let (_server, a, b) = two().await;
        fill_row(&a.cache, 1, 1).await;
        let let_go = b.way.hold_next_answer();
        let slow = read(&b, object(1));
        others().await;
        let token = Token::random();
        a.cache.quarantine(&[row_tag(1)], token, LONG).await.expect("the cache answers");
        if released {
            a.cache.release(&[row_tag(1)], token, Outcome::Unlisted).await.expect("the cache answers");
        }
        heard(&b, 1 + u64::from(released)).await;
        let_go.send(()).expect("it waits");
        assert_eq!(slow.await.expect("no panic"), Some(1), "it was so when it was asked");
        assert_eq!(near(&b, &object(1)), None);
        assert!(b.memory.held(&object(1)).is_none());
    }
}

/// A message that is late leaves a hit in place, for the bound at most. Then reads go to the shared cache.
#[tokio::test]
async fn a_late_message_is_waited_for_no_longer_than_the_bound() {
    let bound = Duration::from_millis(200);
    let server = SharedMemory::new();
    let (a, b) = (process(&server, LONG).await, process(&server, bound).await);
    fill_row(&a.cache, 1, 1).await;
    assert_eq!(hit(&b.cache, &object(1)).await, Some(1));
    b.way.delay(true);
    write(&a.cache, &[row_tag(1)], Outcome::Unlisted).await;
    fill_row(&a.cache, 1, 2).await;
    let committed = std::time::Instant::now();
    loop {
        let asked = committed.elapsed();
        if near(&b, &object(1)).is_none() {
            break;
        }
        assert!(asked < bound, "a hit is older than the bound");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(hit(&b.cache, &object(1)).await, Some(2));
    assert!(b.cache.statistics().misses_suspect > 0);
    assert_eq!(near(&b, &object(1)), None, "the gate is closed");
    b.way.delay(false);
    until("it serves again", || b.cache.is_near()).await;
    assert_eq!(hit(&b.cache, &object(1)).await, Some(2));
}

/// Messages that are lost without a sign are waited for as long.
#[tokio::test]
async fn a_silent_partition_closes_the_gate() {
    let bound = Duration::from_millis(100);
    let server = SharedMemory::new();
    let (a, b) = (process(&server, LONG).await, process(&server, bound).await);
    fill_row(&a.cache, 1, 1).await;
    assert_eq!(hit(&b.cache, &object(1)).await, Some(1));
    b.way.silence(true);
    write(&a.cache, &[row_tag(1)], Outcome::Unlisted).await;
    tokio::time::sleep(bound).await;
    assert_eq!(near(&b, &object(1)), None);
    assert_eq!(hit(&b.cache, &object(1)).await, None, "the shared cache knows");
}

/// A writer that settles waits until it is heard, and no reader is behind it.
#[tokio::test]
async fn a_writer_that_settles_waits_until_it_is_heard() {
    let (_server, a, b) = two().await;
    fill_row(&a.cache, 1, 1).await;
    assert_eq!(hit(&b.cache, &object(1)).await, Some(1));
    b.way.delay(true);
    a.cache.quarantine(&[row_tag(1)], Token::random(), LONG).await.expect("the cache answers");
    let writer = a.cache.clone();
    let settled = tokio::spawn(async move { writer.settle().await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!settled.is_finished());
    assert_eq!(near(&b, &object(1)), Some(1), "it is not committed yet");
    b.way.delay(false);
    settled.await.expect("no panic").expect("it is settled");
    assert_eq!(near(&b, &object(1)), None);
}

/// A stream that breaks ends what was held. The next one begins with nothing.
#[tokio::test]
async fn a_broken_stream_clears_the_memory() {
    let (_server, a, b) = two().await;
    fill_row(&a.cache, 1, 1).await;
    assert_eq!(hit(&b.cache, &object(1)).await, Some(1));
    b.way.break_stream();
    assert_eq!(near(&b, &object(1)), None);
    until("it is cleared", || b.cache.statistics().entries == 0).await;
    // Unheard.
    write(&a.cache, &[row_tag(1)], Outcome::Unlisted).await;
    fill_row(&a.cache, 1, 2).await;
    until("it serves again", || b.cache.is_near()).await;
    assert_eq!(hit(&b.cache, &object(1)).await, Some(2));
    assert_eq!(near(&b, &object(1)), Some(2));
    write(&a.cache, &[row_tag(1)], Outcome::Unlisted).await;
    heard(&b, 2).await;
    assert_eq!(near(&b, &object(1)), None);
}

/// While no stream can be opened reads go to the shared cache, or fail where that does.
#[tokio::test]
async fn a_server_that_is_gone_is_asked_again_and_again() {
    let (_server, a, b) = two().await;
    fill_row(&a.cache, 1, 1).await;
    b.way.take_down(true);
    b.way.break_stream();
    others().await;
    let key = object(1);
    b.cache.load(&[Wanted::new(&key)]).await.expect_err("there is nobody to ask");
    tokio::time::sleep(Duration::from_millis(50)).await;
    b.way.take_down(false);
    assert_eq!(hit(&b.cache, &object(1)).await, Some(1));
    until("it serves again", || b.cache.is_near()).await;
}

/// What was asked for under one stream is not kept under the next, which did not tell what was written in between.
#[tokio::test]
async fn an_answer_of_before_the_stream_is_not_kept() {
    let (_server, a, b) = two().await;
    fill_row(&a.cache, 1, 1).await;
    let let_go = b.way.hold_next_answer();
    let slow = read(&b, object(1));
    others().await;
    b.way.delay(true);
    write(&a.cache, &[row_tag(1)], Outcome::Unlisted).await;
    b.way.break_stream();
    b.way.delay(false);
    until("it does not serve", || !b.cache.is_near()).await;
    until("it serves again", || b.cache.is_near()).await;
    let_go.send(()).expect("it waits");
    assert_eq!(slow.await.expect("no panic"), Some(1));
    assert!(b.memory.held(&object(1)).is_none());
    assert_eq!(hit(&b.cache, &object(1)).await, None);
}

/// The same for what was read from the database: the lease of before the stream is good for the shared cache alone.
#[tokio::test]
async fn a_fill_of_before_the_stream_is_kept_by_the_shared_cache_alone() {
    let (_server, _a, b) = two().await;
    let lease = support::lease(&b.cache, &object(1), &[row_tag(1)]).await;
    b.way.break_stream();
    until("it does not serve", || !b.cache.is_near()).await;
    until("it serves again", || b.cache.is_near()).await;
    let payload = thing_conformance::cache::Number::new(1).payload();
    assert_eq!(support::store(&b.cache, &lease, &object(1), &[row_tag(1)], payload).await, 1);
    assert!(b.memory.held(&object(1)).is_none());
    assert_eq!(hit(&b.cache, &object(1)).await, Some(1));
}

/// A process sees its own writes at once, whatever messages do.
#[tokio::test]
async fn own_writes_are_seen_at_once() {
    let (_server, a, b) = two().await;
    for process in [&a, &b] {
        process.way.delay(true);
    }
    for outcome in [Outcome::Unlisted, changed(1)] {
        fill_row(&a.cache, 1, 1).await;
        assert_eq!(near(&a, &object(1)), Some(1));
        let token = Token::random();
        a.cache.quarantine(&[row_tag(1)], token, LONG).await.expect("the cache answers");
        assert_eq!(near(&a, &object(1)), None);
        assert_eq!(hit(&a.cache, &object(1)).await, None);
        a.cache.release(&[row_tag(1)], token, outcome).await.expect("the cache answers");
        assert_eq!(near(&a, &object(1)), None);
        fill_row(&a.cache, 1, 2).await;
        assert_eq!(near(&a, &object(1)), Some(2));
        a.cache.void(&[row_tag(1)]).await.expect("the cache answers");
    }
}

/// A fresh reader passes by what the memory holds, and no later reader goes back behind it.
#[tokio::test]
async fn a_fresh_read_is_not_followed_by_an_older_one() {
    let (_server, a, b) = two().await;
    fill_row(&a.cache, 1, 1).await;
    assert_eq!(hit(&b.cache, &object(1)).await, Some(1));
    b.way.delay(true);
    write(&a.cache, &[row_tag(1)], Outcome::Unlisted).await;
    assert_eq!(hit(&b.cache, &object(1)).await, Some(1), "nobody told it");
    assert_eq!(fresh_hit(&b.cache, &object(1)).await, None);
    assert_eq!(near(&b, &object(1)), None, "a miss of the shared cache is news too");
    fill_row(&a.cache, 1, 2).await;
    assert_eq!(fresh_hit(&b.cache, &object(1)).await, Some(2));
    assert_eq!(near(&b, &object(1)), Some(2), "it is replaced");
}

/// Nor by one whose answer was under way, and is older.
#[tokio::test]
async fn an_older_answer_that_comes_later_is_not_kept() {
    let (_server, a, b) = two().await;
    fill_row(&a.cache, 1, 1).await;
    let let_go = b.way.hold_next_answer();
    let slow = read(&b, object(1));
    others().await;
    b.way.delay(true);
    write(&a.cache, &[row_tag(1)], Outcome::Unlisted).await;
    fill_row(&a.cache, 1, 2).await;
    assert_eq!(hit(&b.cache, &object(1)).await, Some(2));
    let_go.send(()).expect("it waits");
    assert_eq!(slow.await.expect("no panic"), Some(1));
    assert_ne!(near(&b, &object(1)), Some(1));
    assert_eq!(hit(&b.cache, &object(1)).await, Some(2));
}

/// Nor where the older answer was kept in between.
#[tokio::test]
async fn an_older_answer_that_was_kept_meanwhile_goes() {
    let (_server, a, b) = two().await;
    fill_row(&a.cache, 1, 1).await;
    let older_goes = b.way.hold_next_answer();
    let older = read(&b, object(1));
    others().await;
    b.way.delay(true);
    write(&a.cache, &[row_tag(1)], Outcome::Unlisted).await;
    fill_row(&a.cache, 1, 2).await;
    let newer_goes = b.way.hold_next_answer();
    let newer = read_fresh(&b, object(1));
    others().await;
    older_goes.send(()).expect("it waits");
    assert_eq!(older.await.expect("no panic"), Some(1));
    assert_eq!(near(&b, &object(1)), Some(1), "the newer one has not been answered yet");
    newer_goes.send(()).expect("it waits");
    assert_eq!(newer.await.expect("no panic"), Some(2));
    assert_ne!(near(&b, &object(1)), Some(1));
    assert_eq!(hit(&b.cache, &object(1)).await, Some(2));
}

/// Many readers of one entry that come at once do not keep it out.
#[tokio::test]
async fn readers_at_once_keep_the_entry() {
    let (_server, a, b) = two().await;
    fill_row(&a.cache, 1, 1).await;
    let let_go = b.way.hold_next_answer();
    let slow = read(&b, object(1));
    others().await;
    let readers: Vec<_> = (0..10).map(|_| read(&b, object(1))).collect();
    for reader in readers {
        assert_eq!(reader.await.expect("no panic"), Some(1));
    }
    assert_eq!(near(&b, &object(1)), Some(1));
    let_go.send(()).expect("it waits");
    assert_eq!(slow.await.expect("no panic"), Some(1));
    assert_eq!(near(&b, &object(1)), Some(1), "the same content says nothing against it");
}

/// What is voided here does not come back from an answer that was under way.
#[tokio::test]
async fn a_void_is_not_undone_by_an_answer_on_its_way() {
    let (_server, _a, b) = two().await;
    for table in [false, true] {
        fill_row(&b.cache, 1, 1).await;
        b.memory.clear().expect("it is in order");
        let let_go = b.way.hold_next_answer();
        let slow = read(&b, object(1));
        others().await;
        let voided = if table { b.cache.void_table(support::TABLE).await } else { b.cache.void(&[row_tag(1)]).await };
        voided.expect("the cache answers");
        let_go.send(()).expect("it waits");
        assert_eq!(slow.await.expect("no panic"), Some(1));
        assert!(b.memory.held(&object(1)).is_none());
    }
}

/// Nor from one that was asked for while the void was under way.
#[tokio::test]
async fn a_void_is_not_undone_by_a_read_during_it() {
    let (_server, _a, b) = two().await;
    fill_row(&b.cache, 1, 1).await;
    let let_go = b.way.hold_next_void();
    let voiding = b.cache.clone();
    let voided = tokio::spawn(async move { voiding.void(&[row_tag(1)]).await });
    others().await;
    assert_eq!(hit(&b.cache, &object(1)).await, Some(1));
    let_go.send(()).expect("it waits");
    voided.await.expect("no panic").expect("the cache answers");
    assert_eq!(near(&b, &object(1)), None);
    assert_eq!(hit(&b.cache, &object(1)).await, None);
}

/// Readers of one process never go back, whatever is delayed: they and a writer of another process are at it for a while.
#[tokio::test(flavor = "multi_thread")]
async fn reads_of_one_process_never_go_back() {
    let bound = Duration::from_millis(40);
    let server = SharedMemory::new();
    let (a, b) = (process(&server, bound).await, process(&server, bound).await);
    let (a, b) = (Arc::new(a), Arc::new(b));
    let last = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let relaxed = std::sync::atomic::Ordering::SeqCst;
    let readers: Vec<_> = (0..6)
        .map(|reader| {
            let (b, last, done) = (b.clone(), last.clone(), done.clone());
            tokio::spawn(async move {
                let mut hits = 0;
                while !done.load(relaxed) {
                    let floor = last.load(relaxed);
                    let number = match near(&b, &object(1)) {
                        Some(number) if reader > 1 => Some(number),
                        _ if reader == 0 => fresh_hit(&b.cache, &object(1)).await,
                        _ => hit(&b.cache, &object(1)).await,
                    };
                    if let Some(number) = number {
                        assert!(number >= floor, "{number} after {floor}");
                        last.fetch_max(number, relaxed);
                        hits += 1;
                    }
                    tokio::task::yield_now().await;
                }
                hits
            })
        })
        .collect();
    for number in 1..600 {
        b.way.delay(number % 7 < 5);
        if number % 50 == 0 {
            b.way.break_stream();
        }
        write(&a.cache, &[row_tag(1)], if number % 2 == 0 { Outcome::Unlisted } else { changed(1) }).await;
        fill_row(&a.cache, 1, number).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    done.store(true, relaxed);
    for reader in readers {
        assert!(reader.await.expect("no reader goes back") > 0);
    }
    assert!(b.cache.statistics().near_hits > 0);
}
