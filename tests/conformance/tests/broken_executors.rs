//! The driver suite fails where it should: executors that are broken on purpose, and the cases that find them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests report by panicking")]

mod broken_executors {
    pub(crate) mod executor;
    pub(crate) mod sink;
    pub(crate) mod transaction;
}

use std::panic::catch_unwind;

use broken_executors::executor::{Broken, Fault};
use thing_conformance::driver;
use thing_driver_api::Capability;
use thing_driver_sqlite::SqliteExecutor;

fn passes(fault: Fault, case: &'static str) -> bool {
    let setup = move || async move { Broken::new(SqliteExecutor::memory().await.unwrap(), fault) };
    catch_unwind(|| driver::run(case, &setup)).is_ok()
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
fn a_lost_row_is_found() {
    found_by(
        Fault::LosesARow,
        &[
            "reads::order_of_exact_types",
            "filters::comparisons_of_exact_types",
            "agreement::conditions_on_exact_types",
            "sinks::every_row_comes_once",
            "values::text_round_trips",
        ],
    );
}

#[test]
fn a_row_delivered_twice_is_found() {
    found_by(Fault::RepeatsARow, &["reads::limit_and_offset", "sinks::every_row_comes_once", "keys::one_key"]);
}

#[test]
fn a_failure_reported_as_not_found_is_found() {
    found_by(
        Fault::SaysNotFound,
        &["errors::a_missing_table_is_a_failure", "constraints::primary_key", "raw::nonsense_is_an_error"],
    );
}

#[test]
fn a_failure_that_claims_to_be_uncertain_is_found() {
    found_by(Fault::SaysUncertain, &["errors::a_missing_table_is_a_failure", "constraints::unique"]);
}

#[test]
fn a_forgotten_rollback_is_found() {
    found_by(
        Fault::CommitsOnRollback,
        &["transactions::rollback_undoes", "cancellation::of_rollback", "concurrency::transactions_at_once"],
    );
}

#[test]
fn a_drop_that_commits_is_found() {
    found_by(
        Fault::CommitsOnDrop,
        &["transactions::drop_without_commit_rolls_back", "cancellation::inside_a_transaction"],
    );
}

#[test]
fn an_emulated_transaction_is_found() {
    found_by(
        Fault::EmulatesTransactions,
        &["transactions::others_do_not_see_it_before_commit", "concurrency::readers_during_a_transaction"],
    );
}

#[test]
fn a_batch_that_is_not_atomic_is_found() {
    found_by(
        Fault::WritesOneByOne,
        &["atomic::a_failure_undoes_everything", "atomic::others_see_all_or_nothing", "cancellation::of_write_atomic"],
    );
}

#[test]
fn a_stop_that_is_ignored_is_found() {
    found_by(Fault::IgnoresStop, &["sinks::a_sink_stops_the_read", "keys::a_sink_stops_a_read_by_keys"]);
}

#[test]
fn an_error_of_the_sink_that_is_swallowed_is_found() {
    found_by(Fault::SwallowsErrors, &["sinks::errors_are_passed_on", "rows::a_wrong_declaration_is_invalid_data"]);
}

#[test]
fn text_that_loses_its_case_is_found() {
    found_by(
        Fault::LowersText,
        &["values::text_round_trips", "filters::like_tells_letter_case_apart", "filters::comparisons_of_text"],
    );
}

#[test]
fn a_missing_generated_key_is_found() {
    found_by(
        Fault::HidesGeneratedKeys,
        &["writes::insert_gives_the_generated_key", "concurrency::generated_keys_differ"],
    );
}

#[test]
fn a_write_that_counts_changes_only_is_found() {
    found_by(Fault::CountsNothing, &["writes::update_counts_unchanged_rows", "writes::guarded_update"]);
}

#[test]
fn a_read_only_transaction_that_writes_is_found() {
    found_by(Fault::IgnoresReadOnly, &["transactions::read_only_refuses_writes"]);
}

#[test]
fn a_capability_that_is_not_declared_as_lacking_is_found() {
    let setup = || async { Broken::new(SqliteExecutor::memory().await.unwrap(), Fault::HidesStreaming) };
    // A database in memory has no others whose changes could be followed, or whose locks could be passed over.
    const LACKING: [Capability; 2] = [Capability::ChangeFeed, Capability::SkipLocked];
    let with_streaming = [LACKING[0], LACKING[1], Capability::Streaming];
    assert!(catch_unwind(|| driver::check_declared(&setup, &LACKING)).is_err());
    driver::check_declared(&setup, &with_streaming);
    let complete = || async { Broken::new(SqliteExecutor::memory().await.unwrap(), Fault::None) };
    driver::check_declared(&complete, &LACKING);
    assert!(catch_unwind(|| driver::check_declared(&complete, &with_streaming)).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_is_not_run_says_so() {
    let setup = || async { Broken::new(SqliteExecutor::memory().await.unwrap(), Fault::HidesStreaming) };
    let case = driver::case("streaming::a_stream_filters");
    assert_eq!(case.run(&setup).await, driver::Outcome::NotRun(vec![Capability::Streaming]));
}

#[test]
fn names_of_cases_are_unique() {
    let mut names: Vec<_> = driver::CASES.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), driver::CASES.len());
}
