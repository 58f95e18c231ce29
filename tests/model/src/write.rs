//! Writers.
//!
//! ```text
//! Idle ─ close the own near cache, mark tag by tag, publish ─▶ Marked ─ strict: barrier ─▶ Settling ─▶ Ready ─ COMMIT ┐
//!   └ cut: refused, or Indebted ─ COMMIT ─▶ Over                 ▲                    renew: half the time has gone ┘   │
//!                                                                └──────────────────────────────────────────────┘      │
//! Over ◀─ told ─ Releasing, tag by tag ◀─ committed, or certainly failed ◀─────────────────────────────────────────────┤
//!                  └ strict, a mark was lost: Resettling                    Doubting ─ prolong once ─▶ Over ◀─ unknown ┘
//! ```

use crate::action::Action;
use crate::cell::Outcome;
use crate::configuration::{Near, WriterKind};
use crate::model::{Model, Steps};
use crate::rules::Mutation;
use crate::state::{DIRTY, Entry, Link, Message, Registrations, State, Step};

/// What a step of the writer with this number does to a state.
type Change<'a> = dyn Fn(&Model, &mut State, usize) + 'a;

impl Model {
    pub(crate) fn writes(&self, state: &State, steps: &mut Steps) {
        for number in 0..self.plan.writers.len() as u8 {
            let mut go = |action, change: &Change<'_>| {
                let mut next = state.clone();
                change(self, &mut next, usize::from(number));
                steps.push((action, next));
            };
            let writer = &state.writers[usize::from(number)];
            match writer.step {
                Step::Idle => self.begin(number, &mut go),
                Step::Marking(tag) => go(Action::Quarantine(number, tag), &Self::quarantine),
                Step::Marked if self.is_strict() => go(Action::Barrier(number), &Self::barrier),
                Step::Marked => {}
                Step::Settling if writer.awaiting == 0 && !writer.whole => {
                    go(Action::Settled(number), &|model, next, at| {
                        model.recall_barriers(next, at);
                        next.writers[at].step = Step::Ready;
                    });
                }
                Step::Resettling if writer.awaiting == 0 && !writer.whole => {
                    go(Action::Settled(number), &|model, next, at| {
                        model.recall_barriers(next, at);
                        model.end(next, at);
                    });
                }
                Step::Settling | Step::Resettling | Step::Over => {}
                Step::Ready if self.may_commit(writer.age) => {
                    go(Action::Commit(number), &Self::commit);
                    go(Action::CommitFails(number), &Self::fail);
                }
                Step::Ready => go(Action::Renew(number), &Self::renew),
                Step::Indebted => {
                    go(Action::Commit(number), &Self::commit_debt);
                    go(Action::CommitFails(number), &|_, next, at| next.writers[at].step = Step::Over);
                }
                Step::Doubting => go(Action::Renew(number), &Self::prolong_in_doubt),
                Step::Releasing(tag) => go(Action::Release(number, tag), &Self::release),
            }
            let waits = matches!(writer.step, Step::Settling | Step::Ready);
            if waits && writer.age < 2 && state.pauses_left > 0 {
                go(Action::Pause(number), &|_, next, at| {
                    next.pauses_left -= 1;
                    next.writers[at].age += 1;
                });
            }
            if writer.pending {
                go(Action::CommitLate(number), &|model, next, at| {
                    next.writers[at].pending = false;
                    // This COMMIT does not return.
                    let committed = next.promised.committed;
                    model.apply(next, at);
                    next.promised.committed = committed;
                });
                go(Action::CommitNever(number), &|_, next, at| next.writers[at].pending = false);
            }
            self.late_commands(state, number, steps);
        }
    }

    fn begin(&self, number: u8, go: &mut dyn FnMut(Action, &Change<'_>)) {
        match self.plan.writers[usize::from(number)].kind {
            WriterKind::Outside => go(Action::Commit(number), &Self::commit_debt),
            _ if self.rules.is(Mutation::NoQuarantine) || self.rules.is(Mutation::QuarantineAfterCommit) => {
                go(Action::Skip(number), &|model, next, at| {
                    model.close_own_near(next, at);
                    next.writers[at].step = Step::Ready;
                });
            }
            _ if self.rules.is(Mutation::RegistrationsReadEarly) => go(Action::Skip(number), &|model, next, at| {
                model.close_own_near(next, at);
                next.writers[at].awaiting = model.awaited(next, at);
                next.writers[at].step = Step::Marking(model.first_tag(at));
            }),
            _ => go(Action::Quarantine(number, self.first_tag(usize::from(number))), &Self::quarantine),
        }
        if self.rules.is(Mutation::FillFromOwnWrite) {
            go(Action::StoreOwn(number), &|model, next, at| {
                if let Some(stamps) = model.note(next) {
                    next.shared.entry = Some(Entry { stamps, value: DIRTY | at as u8 });
                }
            });
        }
    }

    fn close_own_near(&self, state: &mut State, at: usize) {
        if self.has_near() && !self.rules.is(Mutation::OwnNearNotClosed) {
            let number = self.plan.writers[at].process;
            self.close_near(state, number);
            state.processes[usize::from(number)].closed |= 1 << at;
        }
    }

    /// Marks the next tag; the first time, closes the own near cache before.
    fn quarantine(&self, state: &mut State, at: usize) {
        let tag = match state.writers[at].step {
            Step::Marking(tag) => tag,
            _ => {
                self.close_own_near(state, at);
                self.first_tag(at)
            }
        };
        state.shared.cells[usize::from(tag)].quarantine(at as u8, self.rules);
        match self.next_tag(at, tag) {
            Some(next) => state.writers[at].step = Step::Marking(next),
            None => self.marked(state, at),
        }
    }

    /// All marks are there. What follows before COMMIT becomes possible depends on the mode.
    fn marked(&self, state: &mut State, at: usize) {
        let after = self.rules.is(Mutation::QuarantineAfterCommit);
        if self.has_near() && !self.rules.is(Mutation::PublishedAfterCommit) {
            self.publish(state, self.plan.writers[at].process, Message::Quarantined(at as u8));
        }
        state.writers[at].step = match () {
            () if after || self.rules.is(Mutation::ReleaseBeforeCommit) => Step::Releasing(self.first_tag(at)),
            () if self.is_strict() => Step::Marked,
            () => Step::Ready,
        };
    }

    /// The processes that may be serving what they held before.
    fn awaited(&self, state: &State, at: usize) -> u8 {
        let own = 1 << self.plan.writers[at].process;
        if self.rules.is(Mutation::StrictCountsConnected) {
            let up = |number: &usize| state.processes[*number].link == Link::Up;
            return (0..self.plan.processes).filter(up).fold(0, |all, number| all | 1 << number) & !own;
        }
        state.shared.registered & !own
    }

    fn barrier(&self, state: &mut State, at: usize) {
        self.begin_to_settle(state, at);
        state.writers[at].step = Step::Settling;
    }

    fn begin_to_settle(&self, state: &mut State, at: usize) {
        let lost = state.shared.registrations != Registrations::Old;
        let believed =
            self.rules.is(Mutation::LostRegistrationsBelieved) || self.rules.is(Mutation::StrictCountsConnected);
        if !self.rules.is(Mutation::RegistrationsReadEarly) {
            state.writers[at].awaiting = self.awaited(state, at);
        }
        state.writers[at].whole = lost && !believed;
        if state.shared.registrations == Registrations::Lost {
            state.shared.registrations = Registrations::Young;
        }
        self.publish(state, self.plan.writers[at].process, Message::Barrier(at as u8));
    }

    /// Barriers have names that never occur twice: one for which nobody waits any more does nothing.
    fn recall_barriers(&self, state: &mut State, at: usize) {
        if !self.rules.is(Mutation::BarriersWithoutName) {
            state.processes.iter_mut().for_each(|process| process.queue.remove(Message::Barrier(at as u8)));
        }
    }

    fn may_commit(&self, age: u8) -> bool {
        age == 0 || self.rules.is(Mutation::NoRenewal)
    }

    /// Marks all tags again, which also mends marks that were lost. Other processes hear of it, and a strict writer waits
    /// for them again: the marks may have been gone in between.
    fn renew(&self, state: &mut State, at: usize) {
        self.mark_again(state, at);
        state.writers[at].step =
            if self.is_strict() && !self.rules.is(Mutation::RenewalNotSettled) { Step::Marked } else { Step::Ready };
    }

    fn mark_again(&self, state: &mut State, at: usize) {
        let tags = self.plan.writers[at].tags;
        for (_, cell) in (0..).zip(&mut state.shared.cells).filter(|(tag, _)| tags & (1 << tag) != 0) {
            cell.quarantine(at as u8, self.rules);
        }
        (state.writers[at].age, state.writers[at].lost) = (0, false);
        if self.has_near() && !self.rules.is(Mutation::RenewalNotPublished) {
            self.publish(state, self.plan.writers[at].process, Message::Quarantined(at as u8));
        }
    }

    fn commit(&self, state: &mut State, at: usize) {
        self.apply(state, at);
        let listed = self.plan.writers[at].listed || self.rules.is(Mutation::UnlistedTakenForNone);
        let writer = &mut state.writers[at];
        writer.outcome = if listed { Outcome::Changed } else { Outcome::Unlisted };
        writer.step = Step::Releasing(self.first_tag(at));
        if self.rules.is(Mutation::QuarantineAfterCommit) {
            writer.step = Step::Marking(self.first_tag(at));
        }
        if self.rules.is(Mutation::ReleaseBeforeCommit) {
            self.end(state, at);
        }
        if self.rules.is(Mutation::ReleaseNotAwaited) {
            self.tell(state, at);
        }
    }

    fn fail(&self, state: &mut State, at: usize) {
        if self.rules.is(Mutation::ReleaseBeforeCommit) {
            return self.end(state, at);
        }
        state.writers[at].outcome = Outcome::Nothing;
        state.writers[at].step = Step::Releasing(self.first_tag(at));
    }

    /// The answer to COMMIT is lost: nothing is released.
    pub(crate) fn doubt(&self, state: &mut State, at: usize) {
        let writer = &mut state.writers[at];
        writer.pending = true;
        writer.step = Step::Doubting;
        if self.rules.is(Mutation::UnknownReleasedAsNothing) {
            writer.outcome = Outcome::Nothing;
            writer.step = Step::Releasing(self.first_tag(at));
        }
    }

    /// The marks are prolonged once, so that the database has their whole time to come to an end; then they lapse.
    fn prolong_in_doubt(&self, state: &mut State, at: usize) {
        self.mark_again(state, at);
        state.writers[at].step = Step::Over;
        self.open_own_near(state, at);
    }

    fn commit_debt(&self, state: &mut State, at: usize) {
        let plan = &self.plan.writers[at];
        state.database += u8::from(plan.affects);
        state.writers[at].version = state.database;
        state.writers[at].step = Step::Over;
        state.debts |= 1 << at;
        self.open_own_near(state, at);
    }

    /// The database commits.
    fn apply(&self, state: &mut State, at: usize) {
        state.database += u8::from(self.plan.writers[at].affects);
        let writer = &mut state.writers[at];
        // Who changes nothing that the entry says is promised nothing by it.
        let version = if self.plan.writers[at].affects { state.database } else { 0 };
        (writer.applied, writer.version) = (true, version);
        let (lost, over) = (writer.lost, writer.step == Step::Over);
        state.promised.committed = state.promised.committed.max(version);
        if lost {
            self.excuse(state, false);
        }
        if lost && over {
            self.excuse(state, true);
        }
    }

    /// Releases the next tag. After the last one the writer returns to its caller; a strict one that found a mark lost
    /// first waits until other processes know.
    fn release(&self, state: &mut State, at: usize) {
        let Step::Releasing(tag) = state.writers[at].step else { return };
        let first = tag == self.first_tag(at);
        if state.writers[at].outcome == Outcome::Changed && first {
            // One stamp for all tags of a write. Its changes are in the log before a tag names them.
            let fresh = self.fresh(state);
            state.writers[at].stamp = fresh;
            state.shared.records[at] = fresh;
        }
        self.release_cell(state, at, tag);
        if let Some(next) = self.next_tag(at, tag) {
            state.writers[at].step = Step::Releasing(next);
            return;
        }
        let writer = state.writers[at];
        let process = self.plan.writers[at].process;
        if self.has_near() && !self.rules.is(Mutation::ReleaseNotPublished) {
            self.publish(state, process, Message::Released(at as u8));
        }
        match () {
            () if self.rules.is(Mutation::ReleaseBeforeCommit) => state.writers[at].step = Step::Ready,
            () if self.is_strict() && writer.gone && !self.rules.is(Mutation::LostMarkNotSettled) => {
                self.begin_to_settle(state, at);
                state.writers[at].step = Step::Resettling;
            }
            () => self.end(state, at),
        }
    }

    pub(crate) fn release_cell(&self, state: &mut State, at: usize, tag: u8) {
        let fresh = match state.writers[at] {
            writer if writer.stamp != 0 => writer.stamp,
            _ => self.fresh(state),
        };
        let outcome = state.writers[at].outcome;
        let held = state.shared.cells[usize::from(tag)].release(at as u8, outcome, fresh, self.rules);
        state.writers[at].gone |= !held;
    }

    /// The writer returns to its caller.
    pub(crate) fn end(&self, state: &mut State, at: usize) {
        self.tell(state, at);
        self.open_own_near(state, at);
        let writer = &mut state.writers[at];
        *writer = crate::state::Writer {
            step: Step::Over,
            pending: writer.pending,
            outcome: if writer.late_release == 0 { Outcome::Nothing } else { writer.outcome },
            stamp: writer.stamp,
            late_marks: writer.late_marks,
            late_release: writer.late_release,
            ..Default::default()
        };
    }

    fn tell(&self, state: &mut State, at: usize) {
        if state.writers[at].applied {
            let version = state.writers[at].version;
            state.promised.told = state.promised.told.max(version);
            let process = &mut state.processes[usize::from(self.plan.writers[at].process)];
            process.own = process.own.max(version);
        }
    }

    pub(crate) fn open_own_near(&self, state: &mut State, at: usize) {
        state.processes[usize::from(self.plan.writers[at].process)].closed &= !(1 << at);
    }

    pub(crate) fn first_tag(&self, at: usize) -> u8 {
        self.plan.writers[at].tags.trailing_zeros() as u8
    }

    pub(crate) fn next_tag(&self, at: usize, tag: u8) -> Option<u8> {
        let later = self.plan.writers[at].tags >> (tag + 1);
        (later != 0).then(|| tag + 1 + later.trailing_zeros() as u8)
    }

    fn is_strict(&self) -> bool {
        self.plan.near == Near::Strict && !self.rules.is(Mutation::StrictWithoutWaiting)
    }
}
