//! Stale answers: lists that are not valid any more, by their age.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use support::{change, fill, is_hit, lease, list, load, now, value, with_clock};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_api::{CacheClient, EntryKey, Found, NewEntry, Outcome, Tag, Token, Wanted};

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(1);
const TAG: Tag = Tag(2);

fn found(cache: &MemoryCache, key: &EntryKey, age: Duration) -> Found {
    now(cache.load(&[Wanted::new(key).tags(&[TAG]).stale(Some(age))])).remove(0)
}

fn is_stale(cache: &MemoryCache, key: &EntryKey, age: Duration) -> bool {
    matches!(found(cache, key, age), Found::Stale(_))
}

/// A list leased at 0 and stored at 3 seconds, by the clock that the caller goes on with.
fn filled_in_three_seconds() -> (MemoryCache, support::ManualClock) {
    let (cache, clock) = with_clock(MemoryConfig::default());
    let lease = lease(&cache, &list("a"), &[TAG]);
    clock.advance(3 * SECOND);
    assert_eq!(now(cache.store(&lease, vec![NewEntry::new(list("a"), vec![TAG], value(1))])), 1);
    (cache, clock)
}

#[test]
fn the_age_counts_from_the_lease() {
    let (cache, clock) = filled_in_three_seconds();
    now(cache.void(&[TAG]));
    assert!(is_stale(&cache, &list("a"), 3 * SECOND));
    clock.advance(2 * SECOND);
    assert!(is_stale(&cache, &list("a"), 5 * SECOND));
    assert!(matches!(found(&cache, &list("a"), 5 * SECOND - MOMENT), Found::Miss));
}

#[test]
fn under_quarantine_it_is_served_to_the_moment() {
    let (cache, clock) = filled_in_three_seconds();
    now(cache.quarantine(&[TAG], Token::random(), 60 * SECOND));
    assert!(matches!(load(&cache, &list("a")), Found::Quarantined));
    clock.advance(2 * SECOND);
    assert!(is_stale(&cache, &list("a"), 5 * SECOND));
    clock.advance(MOMENT);
    assert!(matches!(found(&cache, &list("a"), 5 * SECOND), Found::Quarantined));
}

#[test]
fn what_is_behind_says_its_age() {
    let (cache, clock) = filled_in_three_seconds();
    let token = Token::random();
    now(cache.quarantine(&[TAG], token, 60 * SECOND));
    now(cache.release(&[TAG], token, Outcome::Changed(vec![change(1)])));
    clock.advance(SECOND);
    let age = |wanted| match found(&cache, &list("a"), wanted) {
        Found::Behind(behind) => behind.age,
        other => panic!("{other:?}"),
    };
    assert_eq!((age(4 * SECOND), age(4 * SECOND - MOMENT)), (Some(4 * SECOND), None));
}

#[test]
fn a_restamp_keeps_the_age() {
    let (cache, clock) = filled_in_three_seconds();
    let token = Token::random();
    now(cache.quarantine(&[TAG], token, 60 * SECOND));
    now(cache.release(&[TAG], token, Outcome::Changed(vec![change(1)])));
    let Found::Behind(behind) = load(&cache, &list("a")) else { panic!("it is behind") };
    clock.advance(SECOND);
    assert!(now(cache.restamp(&list("a"), &behind)) && is_hit(&cache, &list("a")));
    now(cache.void(&[TAG]));
    assert!(is_stale(&cache, &list("a"), 4 * SECOND));
    assert!(!is_stale(&cache, &list("a"), 4 * SECOND - MOMENT));
}

#[test]
fn what_may_serve_as_stale_is_not_removed_until_it_is_too_old() {
    let (cache, clock) = filled_in_three_seconds();
    now(cache.void(&[TAG]));
    assert!(is_stale(&cache, &list("a"), 5 * SECOND) && is_stale(&cache, &list("a"), 5 * SECOND));
    assert_eq!(cache.statistics().entries, 1);
    clock.advance(3 * SECOND);
    assert!(!is_stale(&cache, &list("a"), 5 * SECOND));
    assert_eq!(cache.statistics().entries, 0);
}

#[test]
fn who_does_not_ask_removes_what_is_lost() {
    let (cache, _) = filled_in_three_seconds();
    now(cache.void(&[TAG]));
    assert!(matches!(load(&cache, &list("a")), Found::Miss));
    assert_eq!(cache.statistics().entries, 0);
}

#[test]
fn a_new_fill_is_young_again_and_an_expired_entry_is_gone() {
    let (cache, clock) = with_clock(MemoryConfig::default().jitter(0.0).time_to_live(10 * SECOND));
    fill(&cache, &list("a"), &[TAG], value(1));
    clock.advance(9 * SECOND);
    fill(&cache, &list("a"), &[TAG], value(2));
    now(cache.void(&[TAG]));
    assert!(is_stale(&cache, &list("a"), Duration::ZERO));
    clock.advance(10 * SECOND);
    assert!(matches!(found(&cache, &list("a"), 60 * SECOND), Found::Miss));
}
