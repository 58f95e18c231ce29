//! Readers.
//!
//! ```text
//! near hit ────────────────────────────────────────────────────────────────▶ answer   (a property of the state)
//! shared hit ──────────────────────────────▶ Holding ── admit ─────────────▶ answer
//!    └ behind, judged ─▶ Judged ── restamp ─▶
//! miss: note the stamps, read the database ─▶ Read ── store ─▶ Holding ────▶ answer
//! quarantined, or the cache fails: bypass ─────────────────────────────────▶ answer
//! ```
//!
//! Some steps of the program are one step here, always in the order that is the worst for the protocol. The database is
//! read in the step that notes the stamps: to read it later brings something newer under the same stamps. A read begins
//! in the step that finds its answer: had it begun before, it might return something older. And whatever is found may
//! be ignored, as if it could not be decoded, so a read may go on to the next place at any time.

use crate::action::Action;
use crate::model::{Model, Steps};
use crate::rules::Mutation;
use crate::state::{Entry, Link, Reader, State};

impl Model {
    pub(crate) fn reads(&self, state: &State, steps: &mut Steps) {
        for reader in 0..self.plan.readers.len() as u8 {
            self.read(state, reader, steps);
        }
        if self.has_near() {
            (0..self.plan.processes as u8).for_each(|process| self.bypass(state, process, steps));
        }
    }

    fn read(&self, state: &State, number: u8, steps: &mut Steps) {
        let at = usize::from(number);
        let process = &state.processes[usize::from(self.plan.readers[at])];
        let mut go = |action, change: &mut dyn FnMut(&mut State)| {
            let mut next = state.clone();
            change(&mut next);
            steps.push((action, next));
        };
        match state.readers[at] {
            Reader::Idle => {
                let heard = process.link != Link::Down || self.rules.is(Mutation::ReadOutlivesReconnect);
                let clean = heard && process.closed | process.heard == 0;
                let value = state.database;
                if self.rules.is(Mutation::StampsNotedAfterRead) || self.rules.is(Mutation::FillFromOldSnapshot) {
                    go(Action::ReadEarly(number), &mut |next| next.readers[at] = Reader::Early { value, clean });
                } else {
                    go(Action::Lease(number), &mut |next| {
                        if let Some(stamps) = self.note(next) {
                            next.readers[at] = Reader::Read { stamps, value, clean };
                        }
                    });
                }
                let Some(found) = self.found(state) else { return };
                let entry = state.shared.entry;
                if let (true, Some(entry)) = (found.judged, entry) {
                    let to = state.shared.cells.map(|cell| cell.stamps[0]);
                    go(Action::Judge(number), &mut |next| next.readers[at] = Reader::Judged { from: entry.stamps, to });
                }
                if self.has_near() {
                    let value = found.value;
                    go(Action::Hit(number), &mut |next| next.readers[at] = Reader::Holding { value, clean });
                }
            }
            Reader::Early { value, clean } => go(Action::NoteLate(number), &mut |next| {
                let noted = self.note(next);
                next.readers[at] = noted.map_or(Reader::Idle, |stamps| Reader::Read { stamps, value, clean });
            }),
            Reader::Read { stamps, value, clean } => go(Action::Store(number), &mut |next| {
                if next.shared.holds(&stamps, self.plan.tags) {
                    next.shared.entry = Some(Entry { stamps, value });
                }
                next.readers[at] = if self.has_near() { Reader::Holding { value, clean } } else { Reader::Idle };
            }),
            Reader::Judged { from, to } => go(Action::Restamp(number), &mut |next| {
                let to = match self.rules.is(Mutation::RestampedAsOfNow) {
                    true => next.shared.cells.map(|cell| cell.stamps[0]),
                    false => to,
                };
                if next.shared.holds(&to, self.plan.tags)
                    && let Some(entry) = next.shared.entry.as_mut().filter(|entry| entry.stamps == from)
                {
                    entry.stamps = to;
                }
                next.readers[at] = Reader::Idle;
            }),
            Reader::Holding { value, clean } => {
                go(Action::Admit(number), &mut |next| self.admit(next, at, value, clean));
            }
        }
    }

    /// An answer reaches its caller, and before that the near cache: it is admitted if nothing came in between, and
    /// otherwise the key is closed. Either way no other read that is under way may be admitted after it, or the process
    /// could return first this value and then that one, which may be older.
    fn admit(&self, state: &mut State, at: usize, value: u8, clean: bool) {
        let number = self.plan.readers[at];
        let process = &mut state.processes[usize::from(number)];
        let admitted = clean || self.rules.is(Mutation::NearAdmitsAlways);
        process.entry = admitted.then_some(value);
        process.seen = process.seen.max(value.min(state.promised.newest()));
        state.readers[at] = Reader::Idle;
        if !self.rules.is(Mutation::SlowReadOverwrites) {
            self.disturb(state, number);
        }
    }

    /// A process reads the database and stores nothing: because a tag is quarantined, or because the cache fails. That
    /// closes the key in its near cache, as an answer that is not admitted does.
    fn bypass(&self, state: &State, number: u8, steps: &mut Steps) {
        let mut next = state.clone();
        let process = &mut next.processes[usize::from(number)];
        process.seen = process.seen.max(state.database.min(state.promised.newest()));
        if !self.rules.is(Mutation::BypassLeavesNearEntry) {
            self.close_near(&mut next, number);
        }
        steps.push((Action::Bypass(number), next));
    }
}
