//! The cache suite fails where it should: caches that are broken on purpose, and the cases that find them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests report by panicking")]

mod broken_caches {
    pub(crate) mod cache;
}

use std::panic::catch_unwind;

use broken_caches::cache::{Broken, Fault};
use thing_conformance::cache;

fn passes(fault: Fault, case: &'static str) -> bool {
    let setup = move || async move { Broken::new(fault) };
    catch_unwind(|| cache::run(case, &setup)).is_ok()
}

/// The cases pass with nothing broken and fail with the fault.
fn found_by(fault: Fault, cases: &[&'static str]) {
    for case in cases {
        assert!(passes(Fault::None, case), "{case} passes with nothing broken");
        // Some find it by chance.
        assert!((0..5).any(|_| !passes(fault, case)), "{case} finds {fault:?}");
    }
}

#[test]
fn a_quarantine_that_does_nothing_is_found() {
    found_by(
        Fault::IgnoresQuarantine,
        &[
            "quarantine::it_hides_entries",
            "quarantine::a_running_fill_is_refused",
            "voids::a_void_leaves_quarantines",
            "promise::of_rows_in_one_task",
            "promise::of_rows_in_many_tasks",
            "promise::of_lists_in_one_task",
        ],
    );
}

#[test]
fn a_store_that_checks_no_stamps_is_found() {
    found_by(
        Fault::ChecksNoStamps,
        &[
            "quarantine::a_late_store_is_refused",
            "quarantine::a_late_store_does_not_replace_a_newer_entry",
            "quarantine::a_store_after_the_lapse_is_refused",
            "voids::a_void_refuses_running_fills",
            "lists::any_tag_that_moves_refuses_the_fill",
            "repetition::store_twice",
            "promise::of_rows_in_one_task",
            "promise::of_lists_in_one_task",
        ],
    );
}

#[test]
fn rows_that_are_stored_unseen_are_found() {
    found_by(
        Fault::ChecksNoRows,
        &[
            "rows::touched_rows_are_refused",
            "rows::a_writer_at_work_at_the_lease_counts",
            "rows::a_lapse_since_the_lease_counts",
            "rows::an_unseen_lapse_counts",
            "rows::a_touch_long_ago_counts",
            "promise::of_rows_brought_along",
        ],
    );
}

#[test]
fn a_release_that_keeps_everything_is_found() {
    found_by(
        Fault::RevivesOnRelease,
        &[
            "quarantine::release_gives_life_to_new_fills_only",
            "quarantine::nothing_of_one_is_not_nothing_of_all",
            "lists::any_tag_that_moves_ends_the_entry",
            "promise::of_rows_in_one_task",
            "promise::of_lists_in_one_task",
        ],
    );
}

#[test]
fn a_mark_that_is_no_set_is_found() {
    found_by(
        Fault::OneTokenForAll,
        &["quarantine::writers_are_a_set", "lists::two_listed_writers_at_once", "promise::of_rows_in_many_tasks"],
    );
}

#[test]
fn a_void_that_removes_quarantines_is_found() {
    found_by(Fault::VoidsQuarantines, &["voids::a_void_leaves_quarantines"]);
}

#[test]
fn a_release_of_an_unknown_token_that_does_nothing_is_found() {
    found_by(
        Fault::IgnoresUnknownTokens,
        &["quarantine::release_of_an_unknown_token_voids", "quarantine::a_release_after_the_lapse_voids"],
    );
}

#[test]
fn a_change_that_is_missing_is_found() {
    found_by(
        Fault::ForgetsChanges,
        &[
            "lists::behind_has_every_change",
            "lists::behind_has_all_changes_of_a_write",
            "lists::two_listed_writers_at_once",
            "promise::of_lists_in_one_task",
        ],
    );
}

#[test]
fn unlisted_changes_that_are_taken_for_others_are_found() {
    found_by(
        Fault::ListsUnlisted,
        &[
            "lists::unlisted_changes_end_the_entry",
            "lists::one_unlisted_writer_ends_the_entry",
            "promise::of_lists_in_one_task",
        ],
    );
}

#[test]
fn a_restamp_without_a_check_is_found() {
    found_by(Fault::RestampsUnseen, &["lists::a_late_restamp_hides_nothing"]);
}

#[test]
fn a_fill_that_is_held_for_ever_is_found() {
    found_by(
        Fault::HoldsForEver,
        &[
            "leases::a_fill_that_lost_is_not_waited_for",
            "leases::a_fill_that_was_voided_is_not_waited_for",
            "leases::an_abandoned_fill_makes_room",
        ],
    );
}

#[test]
fn a_peek_with_a_memory_of_its_own_is_found() {
    found_by(Fault::PeeksIntoThePast, &["quarantine::it_hides_entries", "promise::of_rows_in_one_task"]);
}

#[test]
fn tables_that_meet_are_found() {
    found_by(Fault::MixesTables, &["entries::tables_do_not_meet"]);
}

#[test]
fn a_table_that_is_not_forgotten_is_found() {
    found_by(Fault::KeepsTables, &["voids::a_table_is_forgotten", "voids::voiding_a_table_refuses_running_fills"]);
}

#[test]
fn a_tag_of_a_table_that_is_like_any_other_is_found() {
    found_by(
        Fault::IgnoresTagsOfTables,
        &[
            "tables::a_closed_table_has_no_entries",
            "tables::a_closed_table_refuses_running_fills",
            "tables::a_released_table_is_empty",
            "tables::a_closed_table_lapses",
            "tables::a_void_of_the_tag_forgets_the_table",
            "tables::a_void_leaves_a_closed_table_closed",
            "tables::rows_and_table_in_one_write",
        ],
    );
}

#[test]
fn faults_at_a_table_are_found() {
    found_by(Fault::IgnoresQuarantine, &["tables::a_table_is_closed_before_its_first_entry"]);
    found_by(Fault::OneTokenForAll, &["tables::writers_of_a_table_are_a_set"]);
    found_by(Fault::VoidsQuarantines, &["tables::a_void_leaves_a_closed_table_closed"]);
    found_by(Fault::RevivesOnRelease, &["tables::nothing_opens_a_table"]);
    found_by(Fault::ChecksNoStamps, &["tables::a_closed_table_refuses_running_fills"]);
    found_by(Fault::ChecksNoRows, &["tables::a_void_of_the_tag_forgets_the_table"]);
    found_by(Fault::IgnoresUnknownTokens, &["tables::a_closed_table_lapses"]);
}

#[test]
fn counters_that_stand_still_are_found() {
    found_by(Fault::CountsNothing, &["statistics::hits_and_misses", "statistics::quarantines_and_releases"]);
}

#[test]
fn names_of_cases_are_unique() {
    let mut names: Vec<_> = cache::CASES.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cache::CASES.len());
}
