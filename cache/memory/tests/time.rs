//! Times to live, quarantines and leases that end by themselves.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use support::{change, fill, fill_row, is_hit, lease, leased, list, load, now, row, value, with_clock};
use thing_cache_memory::MemoryConfig;
use thing_driver_api::{CacheClient, Found, LeaseRequest, Leased, NewEntry, Outcome, Payload, Tag, Token};

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(1);

fn exact() -> MemoryConfig {
    MemoryConfig::default().jitter(0.0)
}

#[test]
fn an_entry_is_served_for_its_time_to_live_and_no_longer() {
    let (cache, clock) = with_clock(exact().time_to_live(600 * SECOND));
    fill_row(&cache, 1, 1);
    fill(&cache, &list("a"), &[Tag(1)], value(1));
    clock.advance(600 * SECOND - MOMENT);
    assert!(is_hit(&cache, &row(1)));
    assert!(is_hit(&cache, &list("a")));
    clock.advance(MOMENT);
    assert!(!is_hit(&cache, &row(1)));
    assert!(!is_hit(&cache, &list("a")));
    let statistics = cache.statistics();
    assert_eq!((statistics.misses_expired, statistics.entries), (2, 0));
}

#[test]
fn absent_rows_and_entries_with_a_time_of_their_own() {
    let (cache, clock) = with_clock(exact());
    fill(&cache, &row(1), &[row(1).digest(), Tag(1)], Payload::Absent);
    let lease = lease(&cache, &row(2), &[row(2).digest()]);
    let entry = NewEntry::new(row(2), vec![row(2).digest()], value(1)).time_to_live(5 * SECOND);
    now(cache.store(&lease, vec![entry]));
    clock.advance(5 * SECOND - MOMENT);
    assert!(is_hit(&cache, &row(2)));
    clock.advance(MOMENT);
    assert!(!is_hit(&cache, &row(2)));
    assert!(is_hit(&cache, &row(1)));
    clock.advance(55 * SECOND);
    assert!(!is_hit(&cache, &row(1)));
}

#[test]
fn entries_stored_together_expire_at_different_times_within_the_jitter() {
    let (cache, clock) = with_clock(MemoryConfig::default().time_to_live(100 * SECOND));
    (0..1_000).for_each(|key| {
        fill_row(&cache, key, 1);
    });
    let mut served = Vec::new();
    clock.advance(90 * SECOND - MOMENT);
    for _ in 0..=21 {
        served.push((0..1_000).filter(|&key| is_hit(&cache, &row(key))).count());
        clock.advance(SECOND);
    }
    assert_eq!((served[0], served[21]), (1_000, 0));
    assert!((400..600).contains(&served[11]), "{served:?}");
}

#[test]
fn a_restamp_does_not_prolong() {
    let (cache, clock) = with_clock(exact().time_to_live(100 * SECOND));
    fill(&cache, &list("a"), &[Tag(1)], value(1));
    now(cache.quarantine(&[Tag(1)], Token(1), SECOND));
    now(cache.release(&[Tag(1)], Token(1), Outcome::Changed(vec![change(1)])));
    clock.advance(50 * SECOND);
    let Found::Behind(behind) = load(&cache, &list("a")) else {
        panic!("not behind");
    };
    assert!(now(cache.restamp(&list("a"), &behind)));
    clock.advance(50 * SECOND - MOMENT);
    assert!(is_hit(&cache, &list("a")));
    clock.advance(MOMENT);
    assert!(!now(cache.restamp(&list("a"), &behind)));
    assert!(!is_hit(&cache, &list("a")));
}

#[test]
fn a_quarantine_lapses_at_its_time_and_is_counted_once() {
    let (cache, clock) = with_clock(exact());
    let tags = [row(1).digest(), Tag(1), Tag(2)];
    fill(&cache, &list("a"), &[Tag(1)], value(1));
    now(cache.quarantine(&tags, Token(1), 10 * SECOND));
    clock.advance(10 * SECOND - MOMENT);
    assert!(matches!(leased(&cache, &row(1), &tags[..1]), Leased::Quarantined));
    assert!(matches!(load(&cache, &row(1)), Found::Quarantined));
    assert!(matches!(load(&cache, &list("a")), Found::Quarantined));
    clock.advance(MOMENT);
    assert!(matches!(load(&cache, &list("a")), Found::Miss));
    assert_eq!(fill_row(&cache, 1, 1), 1);
    assert_eq!(cache.statistics().lapsed, 1);

    // The writer comes back: what was read since may be older than its commit.
    now(cache.release(&tags, Token(1), Outcome::Changed(vec![change(1)])));
    assert!(!is_hit(&cache, &row(1)));
}

#[test]
fn a_quarantine_can_be_prolonged() {
    let (cache, clock) = with_clock(exact());
    now(cache.quarantine(&[Tag(1)], Token(1), 10 * SECOND));
    clock.advance(9 * SECOND);
    now(cache.quarantine(&[Tag(1)], Token(1), 10 * SECOND));
    clock.advance(9 * SECOND);
    assert!(matches!(leased(&cache, &list("a"), &[Tag(1)]), Leased::Quarantined));
    assert_eq!(cache.statistics().lapsed, 0);
    clock.advance(SECOND);
    assert!(matches!(leased(&cache, &list("a"), &[Tag(1)]), Leased::Granted(_)));
    assert_eq!(cache.statistics().lapsed, 1);
}

#[test]
fn a_fill_that_takes_longer_than_its_lease_is_refused_and_not_waited_for() {
    let (cache, clock) = with_clock(exact().lease_time(10 * SECOND));
    let tag = row(1).digest();
    let entry = || vec![NewEntry::new(row(1), vec![tag], value(1))];
    let slow = lease(&cache, &row(1), &[tag]);
    let rows = now(cache.lease(&[LeaseRequest::Rows { table: support::TABLE }])).remove(0);
    clock.advance(10 * SECOND - MOMENT);
    assert!(matches!(leased(&cache, &row(1), &[tag]), Leased::Held(id) if id == slow.id));
    clock.advance(MOMENT);
    let next = lease(&cache, &row(1), &[tag]);
    assert_eq!(now(cache.store(&slow, entry())), 0);
    let Leased::Granted(rows) = rows else {
        panic!("{rows:?}");
    };
    assert_eq!(now(cache.store(&rows, entry())), 0);
    assert_eq!(now(cache.store(&next, entry())), 1);
    let statistics = cache.statistics();
    assert_eq!((statistics.held, statistics.refused, statistics.stored), (1, 2, 1));
}
