//! Normal forms: states from which the same can follow are made equal.
//!
//! Stamps never recur, so a stamp that its cell has lost will never be found again, and which numbers stamps have does
//! not matter. Readers of one process are alike. None of this holds where a mutation makes stamps recur; there, states
//! are left as they are.

use crate::cell::{Outcome, Stamp};
use crate::model::Model;
use crate::state::{Promised, Reader, State, Step, TAGS, Version, Writer};

impl Model {
    pub(crate) fn normalise(&self, state: &mut State) {
        if state.promised.broken {
            *state = State { promised: Promised { broken: true, ..Promised::default() }, ..State::default() };
            return;
        }
        if state.promised.unguarded {
            state.promised.committed = 0;
            state.processes.iter_mut().for_each(|process| process.seen = 0);
        }
        if !self.has_near() {
            state.processes.iter_mut().for_each(|process| process.own = 0);
        }
        for writer in state.writers.iter_mut().filter(|writer| writer.step == Step::Over && !writer.pending) {
            *writer = Writer {
                step: Step::Over,
                stamp: writer.stamp,
                version: writer.version,
                outcome: if writer.late_release == 0 { Outcome::Nothing } else { writer.outcome },
                late_marks: writer.late_marks,
                late_release: writer.late_release,
                debt_id: writer.debt_id,
                ..Writer::default()
            };
        }
        if !self.rules.stamps_recur() {
            self.drop_dead_stamps(state);
            forget_old_versions(state);
            self.sort_readers(state);
            rename_stamps(state);
        }
    }

    fn drop_dead_stamps(&self, state: &mut State) {
        let tags = self.plan.tags;
        let State { shared, readers, writers, .. } = state;
        shared.entry = shared.entry.filter(|entry| entry.is_alive(shared, tags));
        let current = |stamps: &[Stamp; TAGS]| (0..tags).all(|tag| shared.cells[tag].stamps[0] == stamps[tag]);
        let keeps_ended = self.rules.is(crate::rules::Mutation::JoinsEndedFlight);
        for reader in readers {
            match *reader {
                Reader::Read { stamps, value, clean } if !keeps_ended && !current(&stamps) => {
                    *reader = if self.has_near() { Reader::Holding { value, clean } } else { Reader::Idle };
                }
                Reader::Judged { from, to }
                    if shared.entry.is_none_or(|entry| entry.stamps != from)
                        || !(current(&to) || self.rules.is(crate::rules::Mutation::RestampedAsOfNow)) =>
                {
                    *reader = Reader::Idle;
                }
                _ => {}
            }
        }
        for (record, writer) in shared.records.iter_mut().zip(writers) {
            let known = shared.cells.iter().any(|cell| cell.stamps.contains(record));
            if !known && !matches!(writer.step, Step::Releasing(_)) && writer.late_release == 0 {
                *record = 0;
                writer.stamp = 0;
            }
        }
    }

    fn sort_readers(&self, state: &mut State) {
        let readers = self.plan.readers;
        for at in 1..readers.len() {
            let mut at = at;
            while at > 0 && readers[at] == readers[at - 1] && state.readers[at] < state.readers[at - 1] {
                state.readers.swap(at, at - 1);
                at -= 1;
            }
        }
    }
}

/// Counts versions from the oldest that is anywhere: what is promised of older ones can't be broken any more.
fn forget_old_versions(state: &mut State) {
    let State { database, shared, processes, readers, writers, promised, .. } = state;
    let mut oldest = *database;
    let mut meet = |value: &mut Version| oldest = oldest.min(*value);
    shared.entry.iter_mut().for_each(|entry| meet(&mut entry.value));
    processes.iter_mut().filter_map(|process| process.entry.as_mut()).for_each(&mut meet);
    readers.iter_mut().filter_map(Reader::value).for_each(&mut meet);
    if oldest == 0 {
        return;
    }
    let age = |value: &mut Version| *value = value.saturating_sub(oldest);
    age(database);
    shared.entry.iter_mut().for_each(|entry| age(&mut entry.value));
    for process in processes {
        process.entry.iter_mut().chain([&mut process.own, &mut process.seen]).for_each(age);
    }
    readers.iter_mut().filter_map(Reader::value).for_each(age);
    writers.iter_mut().map(|writer| &mut writer.version).for_each(age);
    [&mut promised.told, &mut promised.settled, &mut promised.committed].into_iter().for_each(age);
}

/// Numbers the stamps in the order in which they are met.
fn rename_stamps(state: &mut State) {
    let mut names = [0; 64];
    let mut last = 0;
    let mut rename = |stamp: &mut Stamp| {
        if *stamp != 0 {
            let name = &mut names[usize::from(*stamp) % 64];
            if *name == 0 {
                last += 1;
                *name = last;
            }
            *stamp = *name;
        }
    };
    state.shared.cells.iter_mut().flat_map(|cell| &mut cell.stamps).for_each(&mut rename);
    state.shared.entry.iter_mut().flat_map(|entry| &mut entry.stamps).for_each(&mut rename);
    state.shared.records.iter_mut().for_each(&mut rename);
    state.writers.iter_mut().map(|writer| &mut writer.stamp).for_each(&mut rename);
    for reader in &mut state.readers {
        match reader {
            Reader::Read { stamps, .. } => stamps.iter_mut().for_each(&mut rename),
            Reader::Judged { from, to } => from.iter_mut().chain(to).for_each(&mut rename),
            _ => {}
        }
    }
}
