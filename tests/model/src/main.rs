//! Explores the worlds, their limits and the mutations, and prints what was found.
//!
//! `THING_MODEL_DEPTH` says how far to look, 1 if it is not set. Arguments are parts of names: of worlds and mutations to
//! take, all if there are none. The way to each violation is printed for those that were named.

use std::env;
use std::process::ExitCode;

use thing_test_model::{Action, Faults, Model, Mutation, Report, Rules, explore, limits, worlds};

fn main() -> ExitCode {
    let names: Vec<String> = env::args().skip(1).collect();
    let depth = env::var("THING_MODEL_DEPTH").ok().and_then(|depth| depth.parse().ok()).unwrap_or(1);
    let holds = print_worlds(&names, depth);
    if names.is_empty() {
        print_limits();
    }
    let caught = print_mutations(&names);
    if holds && caught { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn is_named(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|part| name.contains(part.as_str()))
}

fn print_worlds(names: &[String], depth: u8) -> bool {
    let mut holds = true;
    println!("{:<24} {:<26} {:>6} {:>10} {:>5} {:>8}  verdict", "world", "faults", "pauses", "states", "depth", "time");
    for plan in worlds::worlds(depth).into_iter().filter(|plan| is_named(names, plan.name)) {
        let report = explore(&Model { plan, rules: Rules::PROTOCOL }, usize::MAX);
        let faults = match plan.fault_budget {
            0 => "none".to_owned(),
            budget => format!("{budget} of {}", plan.faults),
        };
        println!("{:<24} {faults:<26} {:>6} {}", plan.name, plan.pauses, row(&report));
        holds &= report.violation.is_none();
        print_trace(report.violation.as_ref().map(|(_, trace)| trace.as_slice()));
    }
    holds
}

fn row(report: &Report) -> String {
    let verdict = match &report.violation {
        Some((violation, trace)) => format!("{violation} violated after {} steps", trace.len()),
        None => "holds".to_owned(),
    };
    format!("{:>10} {:>5} {:>7.2}s  {verdict}", report.states, report.depth, report.time.as_secs_f64())
}

fn print_limits() {
    println!("\nmore than is promised    {:<34}{:>10} {:>5} {:>8}  verdict", "faults", "states", "depth", "time");
    for (kind, name) in Faults::NAMES {
        let report = limits::explore_single(worlds::ROW, kind, usize::MAX);
        println!("before the release       {name:<34}{}", row(&report));
    }
    for pair in limits::pairs() {
        let report = limits::explore_pair(worlds::ROW, pair, usize::MAX);
        println!("until the time to live   {:<34}{}", (pair[0] | pair[1]).to_string(), row(&report));
    }
}

fn print_mutations(names: &[String]) -> bool {
    let mut caught = true;
    println!(
        "\n{:<46} {:<19} {:<20} {:>10} {:>5} {:>8}  verdict",
        "mutation", "world", "faults", "states", "depth", "time"
    );
    for mutation in Mutation::ALL.iter().filter(|mutation| is_named(names, mutation.text())) {
        let report = mutation.explore(usize::MAX);
        let world = mutation.world();
        let faults = if world.fault_budget == 0 { Faults::NONE } else { world.faults };
        println!("{:<46} {:<19} {:<20} {}", mutation.text(), world.name, faults.to_string(), row(&report));
        caught &= report.violation.is_some();
        if !names.is_empty() {
            print_trace(report.violation.as_ref().map(|(_, trace)| trace.as_slice()));
        }
    }
    caught
}

fn print_trace(trace: Option<&[Action]>) {
    for action in trace.into_iter().flatten() {
        println!("    {action}");
    }
}
