//! Fills: what may be stored under which lease.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use futures_util::FutureExt;
use support::{TABLE, change, fill, fill_row, is_hit, lease, leased, list, load, now, row, value};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_api::{
    CacheClient, CacheValue, EntryKey, Found, LeaseRequest, Leased, NewEntry, Outcome, Payload, Peek, Result, TableId,
    Tag, Token,
};

const SECOND: Duration = Duration::from_secs(1);

fn cache() -> MemoryCache {
    MemoryCache::new(MemoryConfig::default())
}

fn entry(key: EntryKey, tags: &[Tag]) -> NewEntry {
    NewEntry::new(key, tags.to_vec(), value(1))
}

#[test]
fn a_writer_in_the_table_leaves_room_for_rows_but_not_for_absence() {
    let (cache, rows) = (cache(), Tag(1));
    let tags = [row(1).digest(), rows];
    now(cache.quarantine(&[rows], Token(1), SECOND));
    let present = lease(&cache, &row(1), &tags);
    // Nobody joins a fill that may have read before that writer's commit.
    assert!(matches!(leased(&cache, &row(1), &tags), Leased::Quarantined));
    assert_eq!(now(cache.store(&present, vec![entry(row(1), &tags[..1])])), 1);
    assert!(is_hit(&cache, &row(1)));

    let absent = lease(&cache, &row(2), &[row(2).digest(), rows]);
    now(cache.release(&[rows], Token(1), Outcome::Nothing));
    let entries = vec![NewEntry::new(row(2), vec![row(2).digest(), rows], Payload::Absent)];
    assert_eq!(now(cache.store(&absent, entries)), 0);
}

#[test]
fn an_entry_that_the_lease_does_not_cover_is_refused() {
    let cache = cache();
    let (own, tags) = (row(1).digest(), [Tag(1), Tag(2)]);
    let of_list = || lease(&cache, &list("a"), &tags);
    assert_eq!(now(cache.store(&of_list(), vec![entry(list("a"), &[Tag(1), Tag(3)])])), 0);
    assert_eq!(now(cache.store(&of_list(), vec![entry(row(1), &[own])])), 0);
    assert_eq!(now(cache.store(&of_list(), vec![entry(list("a"), &[Tag(2)])])), 1);
    let of_row = lease(&cache, &row(1), &[own]);
    assert_eq!(now(cache.store(&of_row, vec![entry(row(2), &[row(2).digest()])])), 0);
    let Leased::Granted(of_rows) = now(cache.lease(&[LeaseRequest::Rows { table: TABLE }])).remove(0) else {
        panic!("not granted");
    };
    let elsewhere = EntryKey::Object { table: TableId(7), key: thing_driver_api::Key::Int(1) };
    let entries = vec![
        entry(list("b"), &[]),
        entry(row(1), &[own, Tag(1)]),
        entry(elsewhere.clone(), &[elsewhere.digest()]),
        entry(row(1), &[own]),
    ];
    assert_eq!(now(cache.store(&of_rows, entries)), 1);
}

#[test]
fn a_list_whose_tag_moved_or_is_marked_is_refused() {
    let cache = cache();
    let write = || now(cache.quarantine(&[Tag(1)], Token(1), SECOND));
    let store = |lease| now(cache.store(lease, vec![entry(list("a"), &[Tag(1)])]));
    let slow = lease(&cache, &list("a"), &[Tag(1)]);
    write();
    assert_eq!(store(&slow), 0);
    now(cache.release(&[Tag(1)], Token(1), Outcome::Nothing));
    let slow = lease(&cache, &list("a"), &[Tag(1)]);
    write();
    now(cache.release(&[Tag(1)], Token(1), Outcome::Changed(vec![change(1)])));
    assert_eq!(store(&slow), 0);
    assert_eq!((cache.statistics().refused, cache.statistics().entries), (2, 0));
}

#[test]
fn several_fills_are_stored_in_one_step() {
    let cache = cache();
    let fills: Vec<_> = (0..10)
        .map(|key| {
            let tags = [row(key).digest()];
            (lease(&cache, &row(key), &tags), vec![entry(row(key), &tags)])
        })
        .collect();
    now(cache.void(&[row(3).digest()]));
    assert_eq!(now(cache.store_many(fills)), 9);
    assert!(is_hit(&cache, &row(2)));
    assert!(!is_hit(&cache, &row(3)));
}

#[test]
fn an_abandoned_fill_is_not_waited_for() {
    let cache = cache();
    let tags = [row(1).digest()];
    let first = lease(&cache, &row(1), &tags);
    assert!(matches!(leased(&cache, &row(1), &tags), Leased::Held(id) if id == first.id));
    cache.abandon(&first);
    let second = lease(&cache, &row(1), &tags);
    // Late or twice: the second fill is not the first's to end.
    cache.abandon(&first);
    assert!(matches!(leased(&cache, &row(1), &tags), Leased::Held(id) if id == second.id));
}

#[test]
fn the_own_tag_of_a_row_is_named_in_its_lease() {
    let tags = [row(1).digest(), Tag(1)];
    let lease = lease(&cache(), &row(1), &tags);
    let mut named: Vec<Tag> = lease.stamps.iter().map(|(tag, _)| *tag).collect();
    named.sort();
    let mut expected = tags;
    expected.sort();
    assert_eq!(named, expected);
}

#[test]
fn changes_of_another_table_are_no_explanation() {
    let cache = cache();
    fill(&cache, &list("a"), &[Tag(1)], value(1));
    let mut elsewhere = (*change(1)).clone();
    elsewhere.table = TableId(7);
    now(cache.quarantine(&[Tag(1)], Token(1), SECOND));
    now(cache.release(&[Tag(1)], Token(1), Outcome::Changed(vec![Arc::new(elsewhere)])));
    assert!(matches!(load(&cache, &list("a")), Found::Miss));

    fill(&cache, &list("a"), &[Tag(1)], value(1));
    now(cache.quarantine(&[Tag(1)], Token(1), SECOND));
    now(cache.release(&[Tag(1)], Token(1), Outcome::Changed(Vec::new())));
    assert!(matches!(load(&cache, &list("a")), Found::Miss));
}

#[test]
fn a_restamp_is_of_the_entry_that_was_judged() {
    let cache = cache();
    let behind = || {
        now(cache.quarantine(&[Tag(1)], Token(1), SECOND));
        now(cache.release(&[Tag(1)], Token(1), Outcome::Changed(vec![change(1)])));
        match load(&cache, &list("a")) {
            Found::Behind(behind) => behind,
            other => panic!("{other:?}"),
        }
    };
    fill(&cache, &list("a"), &[Tag(1)], value(1));
    let judged = behind();
    assert!(!now(cache.restamp(&list("b"), &judged)));
    assert!(now(cache.restamp(&list("a"), &judged)));
    assert!(is_hit(&cache, &list("a")));
    let judged = behind();
    fill(&cache, &list("a"), &[Tag(1)], value(2));
    assert!(!now(cache.restamp(&list("a"), &judged)));
    assert!(is_hit(&cache, &list("a")));
    let judged = behind();
    now(cache.void_table(TABLE));
    assert!(!now(cache.restamp(&list("a"), &judged)));
    assert_eq!((cache.statistics().restamped, cache.statistics().misses_stale), (1, 3));
}

#[test]
fn a_tag_that_another_table_noted_is_not_judged() {
    let cache = cache();
    let elsewhere = EntryKey::Query { table: TableId(7), question: Box::from(*b"a") };
    fill(&cache, &elsewhere, &[Tag(1)], value(1));
    fill(&cache, &list("a"), &[Tag(1)], value(1));
    let mut moved = (*change(1)).clone();
    moved.table = TableId(7);
    now(cache.quarantine(&[Tag(1)], Token(1), SECOND));
    now(cache.release(&[Tag(1)], Token(1), Outcome::Changed(vec![Arc::new(moved)])));
    assert!(matches!(load(&cache, &elsewhere), Found::Behind(_)));
    assert!(matches!(load(&cache, &list("a")), Found::Miss));
}

#[test]
fn a_tag_that_a_release_names_twice_is_released_once() {
    let cache = cache();
    fill(&cache, &list("a"), &[Tag(1)], value(1));
    now(cache.quarantine(&[Tag(1), Tag(1)], Token(1), SECOND));
    now(cache.release(&[Tag(1), Tag(1)], Token(1), Outcome::Changed(vec![change(1)])));
    assert!(matches!(load(&cache, &list("a")), Found::Behind(_)));
}

#[test]
fn handles_share_one_cache() {
    let cache = cache();
    fill_row(&cache, 1, 1);
    let other = cache.clone();
    assert!(matches!(other.peek(&row(1)), Peek::Hit(_)));
    assert_eq!(cache.statistics().hits, 1);
    assert!(format!("{cache:?}").contains("hits: 1"));
}

/// A value that uses the cache while it is dropped.
struct Reentrant {
    cache: MemoryCache,
    dropped: Arc<AtomicBool>,
}

impl CacheValue for Reentrant {
    fn weight(&self) -> usize {
        self.cache.statistics().entries as usize
    }

    fn encode(&self) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }
}

impl Drop for Reentrant {
    fn drop(&mut self) {
        fill_row(&self.cache, 99, 1);
        let removed = self.cache.void(&[row(98).digest()]).now_or_never();
        self.dropped.store(removed.is_some(), SeqCst);
    }
}

#[test]
fn values_are_weighed_and_dropped_outside_all_locks() {
    let tag = row(1).digest();
    let removals: [fn(&MemoryCache); 5] = [
        |cache| now(cache.void(&[row(1).digest()])),
        |cache| now(cache.quarantine(&[row(1).digest()], Token(1), SECOND)),
        |cache| now(cache.void_table(TABLE)),
        |cache| assert_eq!(fill_row(cache, 1, 1), 1),
        |cache| {
            let lease = lease(cache, &row(2), &[]);
            let dropped = Arc::default();
            let value = Reentrant { cache: cache.clone(), dropped };
            let refused = NewEntry::new(row(3), Vec::new(), Payload::Shared(Arc::new(value)));
            now(cache.store(&lease, vec![refused]));
            now(cache.void(&[row(1).digest()]));
        },
    ];
    for remove in removals {
        let cache = cache();
        let dropped = Arc::new(AtomicBool::new(false));
        let value = Reentrant { cache: cache.clone(), dropped: dropped.clone() };
        fill(&cache, &row(1), &[tag], Payload::Shared(Arc::new(value)));
        remove(&cache);
        assert!(dropped.load(SeqCst));
    }
}
