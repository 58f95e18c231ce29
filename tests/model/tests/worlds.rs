//! What the protocol promises holds in every world. `THING_MODEL_DEPTH` says how far to look.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

use thing_test_model::{Model, Near, Rules, explore, worlds};

fn every_promise_holds(near: Near) {
    let depth = std::env::var("THING_MODEL_DEPTH").map_or(1, |depth| depth.parse().expect("a small number"));
    for plan in worlds::worlds(depth).into_iter().filter(|plan| plan.near == near) {
        let report = explore(&Model { plan, rules: Rules::PROTOCOL }, usize::MAX);
        assert!(report.complete);
        assert!(report.violation.is_none(), "{}: {:#?}", plan.name, report.violation);
        println!("{:<24} {:>9} states, depth {}, {:?}", plan.name, report.states, report.depth, report.time);
    }
}

#[test]
fn every_promise_holds_for_the_shared_cache() {
    every_promise_holds(Near::None);
}

#[test]
fn every_promise_holds_for_near_caches_with_a_bound() {
    every_promise_holds(Near::Bounded);
}

#[test]
fn every_promise_holds_for_strict_near_caches() {
    every_promise_holds(Near::Strict);
}
