//! Every rule is needed: without it, a promise breaks.

use thing_test_model::{Faults, Mutation};

#[test]
fn every_mutation_is_caught() {
    let mut missed = Vec::new();
    for &mutation in Mutation::ALL {
        let report = mutation.explore(10_000_000);
        let Some((violation, trace)) = report.violation else {
            missed.push(mutation);
            continue;
        };
        let world = mutation.world();
        let faults = if world.fault_budget == 0 { Faults::NONE } else { world.faults };
        println!("{mutation:<46} {:<20} {faults:<12} {violation:<12} {:>2} steps", world.name, trace.len());
        let steps: Vec<String> = trace.iter().map(ToString::to_string).collect();
        println!("    {}", steps.join(" · "));
        assert!(!trace.is_empty(), "{mutation}: the way to the violation is lost");
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
