//! Properties: what no state may show.
//!
//! | property | promised |
//! |---|---|
//! | `Told`, `OwnWrite` | always, unless a named double fault happened |
//! | `Bounded` (near caches) | always, unless a named double fault happened |
//! | `Committed`, `Monotonic` | while no commit happens under a mark that was lost |
//! | `AtRest` | always, unless a named double fault happened |
//! | `NeverCommitted` | always |
//!
//! The named double faults are those after which a commit stands that no release, mark or debt tells of: **a mark is
//! lost before the commit, and the writer does not get to release or prolong it after the commit** (it dies, or its
//! release is cut, or the database commits when nobody waits any more). They end at the time to live.

use std::fmt;

use crate::configuration::Near;
use crate::model::Model;
use crate::rules::Mutation;
use crate::state::{DIRTY, Link, Reader, State, Step, Version, Writer};

/// A property that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A read that begins now would return an older state than one of which a caller was told.
    Told,
    /// A read would return an older state than one that was told in its own process.
    OwnWrite,
    /// A near cache would serve an older state than was told when the bound last passed.
    Bounded,
    /// A read would return an older state than one whose COMMIT has returned.
    Committed,
    /// A read would return an older state than an earlier read of its process did.
    Monotonic,
    /// Nothing is under way any more, and an entry that validates is old.
    AtRest,
    /// A read would return what was never committed.
    NeverCommitted,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Told => "told",
            Self::OwnWrite => "own write",
            Self::Bounded => "bounded",
            Self::Committed => "committed",
            Self::Monotonic => "monotonic",
            Self::AtRest => "at rest",
            Self::NeverCommitted => "never committed",
        })
    }
}

impl Model {
    /// The first property that the state violates.
    pub(crate) fn check(&self, state: &State) -> Option<Violation> {
        let promised = &state.promised;
        if promised.broken {
            return None;
        }
        let at_rest = self.is_at_rest(state);
        for value in self.answers(state) {
            if value >= DIRTY {
                return Some(Violation::NeverCommitted);
            }
            if value < promised.told {
                return Some(Violation::Told);
            }
            if !promised.unguarded && value < promised.committed {
                return Some(Violation::Committed);
            }
            if !promised.unguarded && state.processes.iter().any(|process| value < process.seen) {
                return Some(Violation::Monotonic);
            }
            if at_rest && value < state.database {
                return Some(Violation::AtRest);
            }
        }
        (0..self.plan.processes).find_map(|process| self.check_near(state, process, at_rest))
    }

    /// What reads that begin now would get from the shared cache.
    fn answers(&self, state: &State) -> impl Iterator<Item = Version> {
        let joined = state.readers.iter().filter_map(|reader| match reader {
            Reader::Read { stamps, value, .. }
                if self.rules.is(Mutation::JoinsEndedFlight) || state.shared.holds(stamps, self.plan.tags) =>
            {
                Some(*value)
            }
            _ => None,
        });
        self.found(state).map(|found| found.value).into_iter().chain(joined)
    }

    fn check_near(&self, state: &State, at: usize, at_rest: bool) -> Option<Violation> {
        let process = &state.processes[at];
        let value = process.entry?;
        let promised = &state.promised;
        if at_rest && process.link == Link::Up && process.queue.is_empty() && value < state.database {
            return Some(Violation::AtRest);
        }
        if process.closed | process.heard != 0 || !(process.gate || self.rules.is(Mutation::NearWithoutGate)) {
            return None;
        }
        let strict = self.plan.near == Near::Strict;
        if value >= DIRTY {
            return Some(Violation::NeverCommitted);
        }
        if value < process.own {
            return Some(Violation::OwnWrite);
        }
        if strict && value < promised.told {
            return Some(Violation::Told);
        }
        if value < promised.settled {
            return Some(Violation::Bounded);
        }
        if promised.unguarded {
            return None;
        }
        if strict && value < promised.committed {
            return Some(Violation::Committed);
        }
        (value < process.seen).then_some(Violation::Monotonic)
    }

    /// Whether nothing is under way that would end an old entry. Readers may be at work, and late commands under way:
    /// nobody may rely on them.
    fn is_at_rest(&self, state: &State) -> bool {
        let marked = state.shared.cells.iter().any(|cell| cell.is_marked());
        let writing = |writer: &Writer| writer.pending || !matches!(writer.step, Step::Idle | Step::Over);
        !marked
            && !state.writers.iter().any(writing)
            && self.open_debts(state) == 0
            && state.repairers.iter().all(|repairer| repairer.rows == 0)
    }
}
