//! The memory cache as the near part of a shared one: answers to reads that overlap.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use support::{TABLE, change, fill, is_hit, lease, list, load, now, row, value, with_clock};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_api::{
    CacheClient, Decodable, EntryKey, Found, Lease, LeaseRequest, Leased, NewEntry, Outcome, Payload, TableId, Tag,
    Token,
};

const SECOND: Duration = Duration::from_secs(1);

fn cache() -> MemoryCache {
    MemoryConfig::default().into()
}

fn reading(cache: &MemoryCache) -> Lease {
    match now(cache.lease(&[LeaseRequest::Rows { table: TABLE }])).remove(0) {
        Leased::Granted(lease) => lease,
        other => panic!("{other:?}"),
    }
}

fn bytes(number: u8) -> Payload {
    Payload::Encoded(Arc::from([number]))
}

fn row_entry(key: i64, number: u8) -> NewEntry {
    NewEntry::new(row(key), vec![row(key).digest()], bytes(number))
}

fn list_entry(tags: &[Tag], number: u8) -> NewEntry {
    NewEntry::new(list("a"), tags.to_vec(), bytes(number))
}

#[test]
fn answers_are_stored_under_one_lease() {
    let cache = cache();
    let lease = reading(&cache);
    let entries = vec![row_entry(1, 1), row_entry(2, 1), list_entry(&[Tag(1)], 1)];
    assert_eq!(cache.replace(&lease, entries).unwrap(), 3);
    // The lease goes on, until it is given up.
    assert_eq!(cache.replace(&lease, vec![row_entry(3, 1)]).unwrap(), 1);
    cache.abandon(&lease);
    assert_eq!(cache.replace(&lease, vec![row_entry(4, 1)]).unwrap(), 0);
    assert_eq!([1, 2, 3, 4].map(|key| is_hit(&cache, &row(key))), [true, true, true, false]);
    assert!(is_hit(&cache, &list("a")));
    assert_eq!((cache.statistics().stored, cache.statistics().refused), (4, 1));
}

#[test]
fn what_was_touched_since_the_lease_is_not_stored() {
    type Touch = fn(&MemoryCache, &[Tag]);
    let touches: [Touch; 4] = [
        |cache, tags| now(cache.quarantine(tags, Token(1), SECOND)),
        |cache, tags| {
            now(cache.quarantine(tags, Token(1), SECOND));
            now(cache.release(tags, Token(1), Outcome::Changed(vec![change(9)])));
        },
        |cache, tags| now(cache.void(tags)),
        |cache, _| now(cache.void_table(TABLE)),
    ];
    for touch in touches {
        for tag in [row(1).digest(), Tag(1), Tag::table(TABLE)] {
            let cache = cache();
            let lease = reading(&cache);
            touch(&cache, &[tag]);
            let entries = vec![NewEntry::new(row(1), vec![row(1).digest(), Tag(1)], bytes(1))];
            assert_eq!(cache.replace(&lease, entries).unwrap(), 0, "{tag:?}");
            assert!(cache.held(&row(1)).is_none());
        }
    }
}

#[test]
fn of_overlapping_answers_the_first_is_stored_and_another_ends_it() {
    for key in [row(1), list("a")] {
        let entry = |number| NewEntry::new(key.clone(), vec![key.digest()], bytes(number));
        let cache = cache();
        let [first, same, other] = [0; 3].map(|_| reading(&cache));
        assert_eq!(cache.replace(&first, vec![entry(1)]).unwrap(), 1);
        assert_eq!(cache.replace(&same, vec![entry(1)]).unwrap(), 0);
        assert!(is_hit(&cache, &key));
        assert_eq!(cache.replace(&other, vec![entry(2)]).unwrap(), 0);
        assert!(!is_hit(&cache, &key));
        let later = reading(&cache);
        assert_eq!(cache.replace(&later, vec![entry(2)]).unwrap(), 1);
    }
}

#[test]
fn content_is_compared_in_whatever_form_it_is() {
    let cache = cache();
    let decodable = Arc::new(Decodable::new(Arc::from([0, 0])));
    for same in [Payload::Encoded(Arc::from([0, 0])), Payload::Decodable(decodable), value(2)] {
        let [first, second] = [0; 2].map(|_| reading(&cache));
        let entry = |payload| vec![NewEntry::new(row(1), vec![row(1).digest()], payload)];
        assert_eq!(cache.replace(&first, entry(value(2))).unwrap(), 1);
        assert_eq!(cache.replace(&second, entry(same)).unwrap(), 0);
        assert!(is_hit(&cache, &row(1)));
    }
}

#[test]
fn what_is_forgotten_does_not_come_back_from_before() {
    let cache = cache();
    let before = reading(&cache);
    assert_eq!(cache.replace(&before, vec![row_entry(1, 1)]).unwrap(), 1);
    let overlapping = reading(&cache);
    cache.forget([&row(1), &row(2)]).unwrap();
    assert_eq!(cache.replace(&overlapping, vec![row_entry(1, 1), row_entry(2, 1), row_entry(3, 1)]).unwrap(), 1);
    assert_eq!([1, 2, 3].map(|key| is_hit(&cache, &row(key))), [false, false, true]);
}

#[test]
fn a_list_that_came_as_an_answer_is_judged_by_changes_after_it() {
    let cache = cache();
    fill(&cache, &list("b"), &[Tag(1), Tag(2)], value(1));
    let lease = reading(&cache);
    let write = |tag, key| {
        now(cache.quarantine(&[tag], Token(1), SECOND));
        now(cache.release(&[tag], Token(1), Outcome::Changed(vec![change(key)])));
    };
    write(Tag(3), 1);
    // One tag has been noted before, the other has not.
    assert_eq!(cache.replace(&lease, vec![list_entry(&[Tag(1), Tag(9)], 1)]).unwrap(), 1);
    write(Tag(1), 2);
    write(Tag(9), 3);
    match load(&cache, &list("a")) {
        Found::Behind(behind) => {
            assert_eq!(behind.changes, [change(2), change(3)]);
            assert!(now(cache.restamp(&list("a"), &behind)));
        }
        other => panic!("{other:?}"),
    }
    assert!(is_hit(&cache, &list("a")));
}

#[test]
fn a_list_without_tags_and_an_entry_of_another_table_are_not_stored() {
    let cache = cache();
    let lease = reading(&cache);
    let elsewhere = EntryKey::Object { table: TableId(7), key: thing_driver_api::Key::Int(1) };
    let tags = vec![elsewhere.digest()];
    let entries = vec![list_entry(&[], 1), NewEntry::new(elsewhere, tags, bytes(1))];
    assert_eq!(cache.replace(&lease, entries).unwrap(), 0);
    assert_eq!(cache.statistics().entries, 0);
}

#[test]
fn an_answer_that_took_too_long_is_not_stored() {
    let (cache, clock) = with_clock(MemoryConfig::default().lease_time(SECOND));
    let lease = reading(&cache);
    clock.advance(SECOND);
    assert_eq!(cache.replace(&lease, vec![row_entry(1, 1)]).unwrap(), 0);
}

#[test]
fn a_cleared_cache_holds_nothing_and_keeps_marks() {
    let cache = cache();
    fill(&cache, &list("a"), &[Tag(1)], value(1));
    fill(&cache, &row(1), &[row(1).digest()], value(1));
    now(cache.quarantine(&[Tag(2)], Token(1), SECOND));
    let of_rows = reading(&cache);
    let of_list = lease(&cache, &list("b"), &[Tag(1)]);
    let of_row = lease(&cache, &row(2), &[row(2).digest()]);
    cache.clear().unwrap();
    assert_eq!((cache.statistics().entries, cache.statistics().bytes), (0, 0));
    assert_eq!(now(cache.store(&of_list, vec![NewEntry::new(list("b"), vec![Tag(1)], value(1))])), 0);
    assert_eq!(now(cache.store(&of_row, vec![row_entry(2, 1)])), 0);
    assert_eq!(cache.replace(&of_rows, vec![row_entry(3, 1)]).unwrap(), 0);
    assert!(cache.is_at_work(Token(1)).unwrap());
    assert!(!cache.is_at_work(Token(2)).unwrap());
    now(cache.release(&[Tag(2)], Token(1), Outcome::Nothing));
    assert!(!cache.is_at_work(Token(1)).unwrap());
    fill(&cache, &list("a"), &[Tag(1)], value(1));
    assert!(is_hit(&cache, &list("a")));
}
