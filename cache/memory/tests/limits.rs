//! The limits: bytes, entries, change logs and stamps.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use support::{change, fill, fill_row, is_hit, list, load, now, row, value};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_api::{CacheClient, Found, Outcome, Tag, Token};
use thing_test_random::Random;

#[test]
fn entries_and_bytes_stay_below_their_limits() {
    for (max_bytes, max_entries) in [(1 << 20, 1_000_000), (8 << 20, 500), (100_000, 100), (3 << 20, 64), (5_000, 1)] {
        let cache = MemoryCache::new(MemoryConfig::default().max_bytes(max_bytes).max_entries(max_entries));
        let random = Random::seeded(max_bytes);
        let mut most = 0;
        for _ in 0..20_000 {
            let key = random.below(10_000) as i64;
            match random.below(10) {
                0 => now(cache.void(&[row(key).digest()])),
                1 => {
                    cache.peek(&row(key));
                }
                _ => {
                    let bytes = random.below(2_000) as usize;
                    fill_row(&cache, key, bytes);
                }
            }
            let statistics = cache.statistics();
            assert!(statistics.bytes <= max_bytes, "{statistics:?}");
            assert!(statistics.entries <= max_entries, "{statistics:?}");
            most = most.max(statistics.entries);
        }
        assert!(most > 0);
        let statistics = cache.statistics();
        assert!(statistics.evicted > 0, "{statistics:?}");
        assert!(statistics.bytes > max_bytes / 2, "{statistics:?}");
    }
}

#[test]
fn every_entry_that_is_gone_is_accounted_for() {
    let cache = MemoryCache::new(MemoryConfig::default().max_bytes(1 << 20));
    for key in 0..5_000 {
        fill_row(&cache, key, 1_000);
        fill_row(&cache, key, 900);
    }
    let statistics = cache.statistics();
    assert_eq!(statistics.stored, 10_000);
    assert_eq!(statistics.entries + statistics.evicted, 5_000);
}

#[test]
fn an_entry_too_large_for_the_cache_is_not_kept() {
    let cache = MemoryCache::new(MemoryConfig::default().max_bytes(1 << 20));
    fill_row(&cache, 1, 100);
    fill_row(&cache, 2, 2 << 20);
    fill_row(&cache, 3, usize::MAX);
    assert!(is_hit(&cache, &row(1)));
    assert!(!is_hit(&cache, &row(2)));
    assert!(!is_hit(&cache, &row(3)));
    assert_eq!(cache.statistics().evicted, 2);
}

#[test]
fn a_cache_without_room_keeps_nothing_and_works() {
    let cache = MemoryCache::new(MemoryConfig::default().max_bytes(0).max_entries(0));
    fill_row(&cache, 1, 0);
    assert!(!is_hit(&cache, &row(1)));
}

#[test]
fn long_keys_weigh() {
    let cache = MemoryCache::new(MemoryConfig::default());
    fill(&cache, &list(&"x".repeat(10_000)), &[Tag(1)], value(1));
    assert!(cache.statistics().bytes > 10_000);
}

#[test]
fn a_list_behind_by_more_than_the_log_holds_is_read_again() {
    let cache = MemoryCache::new(MemoryConfig::default().max_log_changes(5));
    let write = |key| {
        now(cache.quarantine(&[Tag(1)], Token(1), Duration::from_secs(1)));
        now(cache.release(&[Tag(1)], Token(1), Outcome::Changed(vec![change(key)])));
    };
    fill(&cache, &list("a"), &[Tag(1)], value(1));
    (0..5).for_each(write);
    match load(&cache, &list("a")) {
        Found::Behind(behind) => assert_eq!(behind.changes.len(), 5),
        other => panic!("{other:?}"),
    }
    write(5);
    assert!(matches!(load(&cache, &list("a")), Found::Miss));
    assert_eq!(cache.statistics().entries, 0);
}

#[test]
fn stamps_beyond_the_limit_are_forgotten_and_their_lists_with_them() {
    let cache = MemoryCache::new(MemoryConfig::default().max_tags(100));
    fill(&cache, &list("first"), &[Tag(0)], value(1));
    fill(&cache, &list("used"), &[Tag(1)], value(1));
    for tag in 2..1_000 {
        let name = tag.to_string();
        fill(&cache, &list(&name), &[Tag(tag)], value(1));
        assert!(is_hit(&cache, &list(&name)));
        assert!(is_hit(&cache, &list("used")));
    }
    assert!(!is_hit(&cache, &list("first")));
    // Its tag is noted again, which does not bring it back.
    fill(&cache, &list("second"), &[Tag(0)], value(1));
    assert!(!is_hit(&cache, &list("first")));
}

#[test]
fn a_list_whose_stamp_was_forgotten_is_not_judged() {
    let cache = MemoryCache::new(MemoryConfig::default().max_tags(4));
    fill(&cache, &list("a"), &[Tag(0)], value(1));
    (1..10).for_each(|tag| {
        fill(&cache, &list("others"), &[Tag(tag)], value(1));
    });
    fill(&cache, &list("c"), &[Tag(100)], value(1));
    (11..20).for_each(|tag| {
        fill(&cache, &list("others"), &[Tag(tag)], value(1));
    });
    assert!(matches!(load(&cache, &list("c")), Found::Miss));
    now(cache.void(&[Tag(0)]));
    fill(&cache, &list("b"), &[Tag(0)], value(1));
    now(cache.quarantine(&[Tag(0)], Token(1), Duration::from_secs(1)));
    now(cache.release(&[Tag(0)], Token(1), Outcome::Changed(vec![change(1)])));
    assert!(matches!(load(&cache, &list("a")), Found::Miss));
    assert!(matches!(load(&cache, &list("b")), Found::Behind(_)));
}
