//! The limits of the promise: which faults break what, found by demanding more than is promised.

use crate::configuration::{Configuration, Demand, Faults};
use crate::explorer::{Report, explore};
use crate::model::Model;
use crate::rules::Rules;

/// The faults that, alone, let a read return what was true before a commit until the writer has released: each loses a
/// mark. Being told of the write comes after that.
pub const UNTIL_RELEASE: &[Faults] = &[Faults::LAPSE, Faults::EVICT, Faults::RESTART];

/// The pairs of faults after which an entry may be old until its time to live: one loses a mark before the commit, the
/// other keeps the writer from releasing after it.
pub const UNTIL_TIME_TO_LIVE: &[[Faults; 2]] = &[
    [Faults::CRASH, Faults::LAPSE],
    [Faults::CRASH, Faults::EVICT],
    [Faults::CRASH, Faults::RESTART],
    [Faults::LAPSE, Faults::CUT],
    [Faults::LAPSE, Faults::DOUBT],
    [Faults::EVICT, Faults::CUT],
    [Faults::EVICT, Faults::DOUBT],
    [Faults::CUT, Faults::RESTART],
    [Faults::RESTART, Faults::DOUBT],
];

/// What one fault of a kind does to a world if a lost mark is no excuse.
pub fn explore_single(world: Configuration, kind: Faults, max_states: usize) -> Report {
    demand(world.with_faults(kind, 1), Demand::WithoutMarks, max_states)
}

/// What two faults do to a world if a commit that is never released is no excuse.
pub fn explore_pair(world: Configuration, [a, b]: [Faults; 2], max_states: usize) -> Report {
    demand(world.with_faults(a | b, 2), Demand::WithoutRelease, max_states)
}

/// Every pair of kinds, in the order of [`Faults::NAMES`], a kind with itself included.
pub fn pairs() -> impl Iterator<Item = [Faults; 2]> {
    let kinds = Faults::NAMES.iter().enumerate();
    kinds.flat_map(|(at, (a, _))| Faults::NAMES[at..].iter().map(|(b, _)| [*a, *b]))
}

fn demand(world: Configuration, demand: Demand, max_states: usize) -> Report {
    explore(&Model { plan: world.demanding(demand), rules: Rules::PROTOCOL }, max_states)
}
