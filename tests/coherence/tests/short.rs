//! Short runs: the promise is kept under faults, and the checker sees it where it is not.
#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

use std::process::{Command, Output};

use serde_json::Value;

fn coherence(command: &str, arguments: &str) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_coherence")).arg(command).args(arguments.split(' ')).output();
    output.expect("the program of this package runs")
}

/// Runs for so many seconds, expects the promise to be kept, and returns the report.
fn kept(arguments: &str) -> Value {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().join("run");
    let output = coherence("run", &format!("{arguments} --directory {}", place.display()));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{text}");
    let report = std::fs::read_to_string(place.join("report.json")).expect("a report");
    serde_json::from_str(&report).expect("the report is JSON")
}

#[test]
fn postgres_and_redis_stay_coherent_under_faults() {
    let report = kept("--seconds 20 --database postgres --cache redis --gap 400 --minimum-reads 5000");
    assert!(report["faults_struck"].as_u64().is_some_and(|faults| faults >= 5), "{report:#}");
    assert!(report["cache_answered"].as_u64().is_some_and(|hits| hits >= 1000), "{report:#}");
}

#[test]
fn strict_writes_stay_coherent_when_the_clock_of_redis_jumps_and_when_a_replica_takes_over() {
    let faults = "redis-clock-ahead,redis-clock-back,redis-failover,kill-at-step";
    let report = kept(&format!("--seconds 20 --cache strict --faults {faults} --gap 800 --minimum-reads 5000"));
    assert!(report["faults_struck"].as_u64().is_some_and(|faults| faults >= 5), "{report:#}");
}

#[test]
fn what_is_owed_to_redis_is_paid_and_seen_from_then_on() {
    let faults = "redis-kill,redis-pause,link-cut,link-refuse,link-black-hole,link-stall,kill,database-cut";
    let report = kept(&format!("--seconds 20 --outage debt --faults {faults} --gap 400 --minimum-reads 5000"));
    assert!(report["debts"].as_u64().is_some_and(|debts| debts > 0), "{report:#}");
}

#[test]
fn mariadb_and_redis_stay_coherent_under_faults() {
    let report = kept("--seconds 10 --database mariadb --cache redis --gap 400 --workers 3 --minimum-reads 1000");
    assert!(report["faults_struck"].as_u64().is_some_and(|faults| faults >= 2), "{report:#}");
}

#[test]
fn sqlite_and_memory_stay_coherent_in_one_process_that_dies_now_and_then() {
    kept("--seconds 8 --database sqlite --cache memory --threads 2 --tasks 16 --minimum-reads 5000");
}

#[test]
fn a_naive_cache_and_broken_protocols_are_found_out() {
    let names = "naive release-before-commit late-stamps release-nothing no-quarantine";
    let output = coherence("defects", &format!("--seconds 5 {names}"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{text}");
}
