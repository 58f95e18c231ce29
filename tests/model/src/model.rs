//! A model: a configuration and the rules that its members follow.

use crate::action::Action;
use crate::cell::Stamp;
use crate::configuration::{Configuration, Demand, Near};
use crate::rules::{Mutation, Rules};
use crate::state::{Entry, Link, Message, Reader, Shared, State, TAGS, Version};

/// A world and its rules.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Who takes part.
    pub plan: Configuration,
    /// What they follow.
    pub rules: Rules,
}

/// The steps that are possible in a state.
pub(crate) type Steps = Vec<(Action, State)>;

/// What a reader finds in the shared cache.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) value: Version,
    /// The entry is behind, and was judged.
    pub(crate) judged: bool,
}

impl Model {
    /// The states in which the world may begin: the entry is cached everywhere, or nowhere.
    pub(crate) fn starts(&self) -> Vec<State> {
        [true, false].map(|warm| State::start(&self.plan, warm)).into()
    }

    /// Everything that can happen next.
    pub(crate) fn successors(&self, state: &State, steps: &mut Steps) {
        self.reads(state, steps);
        self.writes(state, steps);
        self.repairs(state, steps);
        if self.has_near() {
            self.messages(state, steps);
        }
        if state.faults_left > 0 {
            self.faults(state, steps);
        }
        self.lapses(state, steps);
        for (_, successor) in steps {
            self.normalise(successor);
        }
    }

    pub(crate) fn has_near(&self) -> bool {
        self.plan.near != Near::None
    }

    /// Takes note of a commit under a mark that was lost; `ends` if no release follows.
    pub(crate) fn excuse(&self, state: &mut State, ends: bool) {
        match self.plan.demand {
            Demand::Promised => (),
            Demand::WithoutMarks if ends => (),
            Demand::WithoutRelease if !ends => (),
            _ => return,
        }
        state.promised.unguarded = true;
        state.promised.broken |= ends;
    }

    /// A stamp that nothing carries.
    pub(crate) fn fresh(&self, state: &mut State) -> Stamp {
        if self.rules.is(Mutation::StampsAreCounters) {
            return 1;
        }
        if self.rules.stamps_recur() {
            state.next_stamp += 1;
            return state.next_stamp - 1;
        }
        let used = state.stamps().fold(0_u64, |used, stamp| used | 1 << stamp);
        (!(used | 1)).trailing_zeros() as Stamp
    }

    /// Notes the stamps of all tags of the entry, unless a writer is at work on one.
    pub(crate) fn note(&self, state: &mut State) -> Option<[Stamp; TAGS]> {
        if state.shared.cells[..self.plan.tags].iter().any(|cell| cell.is_marked()) {
            return None;
        }
        let mut stamps = [0; TAGS];
        let fresh = self.fresh(state);
        for (cell, noted) in state.shared.cells[..self.plan.tags].iter_mut().zip(&mut stamps) {
            *noted = cell.note(fresh)?;
        }
        Some(stamps)
    }

    /// What a read finds in the shared cache: the entry if it is valid, or behind by changes that do not affect it.
    pub(crate) fn found(&self, state: &State) -> Option<Found> {
        let entry = state.shared.entry?;
        let mut judged = false;
        for (cell, stamp) in state.shared.cells.iter().zip(entry.stamps).take(self.plan.tags) {
            cell.stamp()?;
            for moved in cell.since(stamp)? {
                judged = true;
                // A row's entry is never judged.
                let listed = self.plan.tags > 1;
                let writer = state.shared.records.iter().position(|record| record == moved && listed);
                match writer {
                    Some(writer) if self.says_that_it_affects(writer) => return None,
                    Some(_) => {}
                    None if self.rules.is(Mutation::MissingRecordIgnored) => {}
                    None => return None,
                }
            }
        }
        Some(Found { value: entry.value, judged })
    }

    /// Whether the record of a write says that it changes the entry.
    fn says_that_it_affects(&self, writer: usize) -> bool {
        let plan = &self.plan.writers[writer];
        plan.affects && (plan.listed || !self.rules.is(Mutation::UnlistedTakenForNone))
    }

    /// Tells the other processes that tags are quarantined or void.
    pub(crate) fn publish(&self, state: &mut State, from: u8, message: Message) {
        let processes = state.processes[..self.plan.processes].iter_mut().enumerate();
        for (_, process) in processes.filter(|(at, process)| *at != usize::from(from) && process.link == Link::Up) {
            process.queue.push(message);
        }
    }

    /// Drops what a process holds, and keeps the reads under way from being admitted.
    pub(crate) fn close_near(&self, state: &mut State, process: u8) {
        state.processes[usize::from(process)].entry = None;
        self.disturb(state, process);
    }

    /// Keeps the reads of a process that are under way from being admitted.
    pub(crate) fn disturb(&self, state: &mut State, process: u8) {
        let readers = state.readers.iter_mut().zip(self.plan.readers);
        readers.filter(|(_, at)| **at == process).for_each(|(reader, _)| reader.disturb());
    }
}

impl Shared {
    /// Whether no tag is marked or has moved since these stamps were noted.
    pub(crate) fn holds(&self, stamps: &[Stamp; TAGS], tags: usize) -> bool {
        self.cells.iter().zip(stamps).take(tags).all(|(cell, stamp)| cell.stamp() == Some(*stamp))
    }
}

impl State {
    /// Every stamp that something carries.
    pub(crate) fn stamps(&self) -> impl Iterator<Item = Stamp> {
        let cells = self.shared.cells.iter().flat_map(|cell| cell.stamps);
        let entry = self.shared.entry.iter().flat_map(|entry| entry.stamps);
        let readers = self.readers.iter().flat_map(Reader::stamps);
        let writers = self.writers.iter().map(|writer| writer.stamp);
        cells.chain(entry).chain(self.shared.records).chain(readers).chain(writers)
    }
}

impl Reader {
    fn stamps(&self) -> impl Iterator<Item = Stamp> {
        let (noted, renewed) = match self {
            Self::Read { stamps, .. } => (Some(*stamps), None),
            Self::Judged { from, to } => (Some(*from), Some(*to)),
            _ => (None, None),
        };
        noted.into_iter().chain(renewed).flatten()
    }
}

impl Entry {
    /// Whether the entry may yet be found: each of its stamps is known to its cell.
    pub(crate) fn is_alive(&self, shared: &Shared, tags: usize) -> bool {
        let known = |(cell, stamp): (&crate::cell::Cell, Stamp)| match tags {
            1 => cell.stamps[0] == stamp,
            _ => cell.since(stamp).is_some(),
        };
        shared.cells.iter().zip(self.stamps).take(tags).all(known)
    }
}
