//! Short runs: the promise is kept under faults, and the checker sees it where it is not.
#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

use std::process::{Command, Output};

use serde_json::Value;

fn coherence(command: &str, arguments: &str) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_coherence")).arg(command).args(arguments.split(' ')).output();
    output.expect("the program of this package runs")
}

/// What is to be seen of something, by its name in the report, at least.
type Wanted = (&'static str, u64);

/// Runs for so many seconds and expects the promise to be kept. A busy machine gets little done in the time: where too
/// little was seen it is run again, three times and then nine times as long. Anything else that is wrong fails at once.
fn kept(seconds: u32, arguments: &str, wanted: &[Wanted]) {
    for longer in [1, 3, 9] {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().join("run");
        let options = format!("--seconds {} {arguments} --directory {}", seconds * longer, place.display());
        let output = coherence("run", &options);
        let text = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        println!("{text}");
        let Ok(report) = std::fs::read_to_string(place.join("report.json")) else { panic!("no report: {text}") };
        let report: Value = serde_json::from_str(&report).expect("the report is JSON");
        let is_enough = wanted.iter().all(|(name, least)| report[name].as_u64().is_some_and(|seen| seen >= *least));
        if output.status.success() && is_enough {
            return;
        }
        assert!(output.status.success() || saw_too_little(&report), "{text}");
    }
    panic!("too little was seen, {wanted:?} are wanted");
}

/// Whether the promise was kept as far as is seen, and there is no problem but that too little is.
fn saw_too_little(report: &Value) -> bool {
    let ends = ["are wanted", "none struck", "no write left one", "nothing was written"];
    let findings = report["findings"].as_object().expect("findings");
    let problems = report["problems"].as_array().expect("problems");
    findings.values().all(|finding| finding["breaks"] == 0)
        && problems.iter().filter_map(Value::as_str).all(|problem| ends.iter().any(|end| problem.ends_with(end)))
}

#[test]
fn postgres_and_redis_stay_coherent_under_faults() {
    let wanted = [("faults_struck", 5), ("cache_answered", 1000)];
    kept(20, "--database postgres --cache redis --gap 400 --minimum-reads 5000", &wanted);
}

#[test]
fn strict_writes_stay_coherent_when_the_clock_of_redis_jumps_and_when_a_replica_takes_over() {
    let faults = "redis-clock-ahead,redis-clock-back,redis-failover,kill-at-step";
    let arguments = format!("--cache strict --faults {faults} --gap 800 --minimum-reads 5000");
    kept(20, &arguments, &[("faults_struck", 5)]);
}

#[test]
fn what_is_owed_to_redis_is_paid_and_seen_from_then_on() {
    let faults = "redis-kill,redis-pause,link-cut,link-refuse,link-black-hole,link-stall,kill,database-cut";
    let arguments = format!("--outage debt --faults {faults} --gap 400 --minimum-reads 5000");
    kept(20, &arguments, &[("debts", 1)]);
}

#[test]
fn mariadb_and_redis_stay_coherent_under_faults() {
    let arguments = "--database mariadb --cache redis --gap 400 --workers 3 --minimum-reads 1000";
    kept(10, arguments, &[("faults_struck", 2)]);
}

#[test]
fn sqlite_and_memory_stay_coherent_in_one_process_that_dies_now_and_then() {
    kept(8, "--database sqlite --cache memory --threads 2 --tasks 16 --minimum-reads 5000", &[]);
}

#[test]
fn a_naive_cache_and_broken_protocols_are_found_out() {
    let names = "naive release-before-commit late-stamps release-nothing no-quarantine";
    let output = coherence("defects", &format!("--seconds 5 {names}"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{text}");
}
