//! Replayers of debt rows, and tailers of a change feed: what tells the cache of commits that no mark told it of.
//!
//! ```text
//! Idle ─ lock and read the rows ─▶ Voiding, tag by tag ─▶ Publishing ─▶ Deleting ─▶ Idle
//! ```
//!
//! Each step may be the last of its process; the rows are then there for another. A commit that left a debt is promised
//! to be seen from the moment when its row is gone.

use crate::action::Action;
use crate::model::{Model, Steps};
use crate::rules::Mutation;
use crate::state::{Message, Repair, Repairer, State};

impl Model {
    pub(crate) fn repairs(&self, state: &State, steps: &mut Steps) {
        for number in 0..self.plan.repairers.len() as u8 {
            let at = usize::from(number);
            let Repairer { step, .. } = state.repairers[at];
            let mut next = state.clone();
            let action = match step {
                Repair::Idle => {
                    let rows = self.open_debts(state);
                    if rows == 0 {
                        continue;
                    }
                    self.take(&mut next, at, rows);
                    Action::TakeDebts(number)
                }
                Repair::Voiding(tag) => {
                    next.shared.cells[usize::from(tag)].void(self.rules);
                    next.repairers[at].step = self.after_void(tag);
                    Action::Void(number, tag)
                }
                Repair::Publishing => {
                    self.publish(&mut next, self.plan.repairers[at], Message::Voided);
                    // This process is not told by the stream.
                    self.close_near(&mut next, self.plan.repairers[at]);
                    let voided = !self.rules.is(Mutation::VoidPublishedFirst);
                    next.repairers[at].step = if voided { self.last() } else { Repair::Voiding(0) };
                    Action::PublishVoid(number)
                }
                Repair::Deleting => {
                    self.delete(&mut next, at);
                    let voids = self.rules.is(Mutation::DebtDeletedBeforeVoid);
                    next.repairers[at].step = if voids { Repair::Voiding(0) } else { Repair::Idle };
                    if !voids {
                        next.repairers[at].rows = 0;
                    }
                    Action::DeleteDebts(number)
                }
            };
            steps.push((action, next));
        }
    }

    /// The committed rows that no other replayer has locked.
    pub(crate) fn open_debts(&self, state: &State) -> u8 {
        let locked = state.repairers.iter().fold(0, |all, repairer| all | repairer.rows);
        let mut rows = state.debts & !locked;
        if self.rules.is(Mutation::DebtReadByCursor) {
            for (at, writer) in state.writers.iter().enumerate().filter(|(_, writer)| writer.debt_id <= state.cursor) {
                debug_assert!(writer.debt_id > 0 || rows & (1 << at) == 0, "a debt row has an id");
                rows &= !(1 << at);
            }
        }
        rows
    }

    fn take(&self, state: &mut State, at: usize, rows: u8) {
        let read = state.writers.iter().enumerate().filter(|(writer, _)| rows & (1 << writer) != 0);
        state.cursor = read.map(|(_, writer)| writer.debt_id).max().unwrap_or(0).max(state.cursor);
        if !self.rules.is(Mutation::DebtReadByCursor) {
            state.cursor = 0;
        }
        let step = match () {
            () if self.rules.is(Mutation::DebtDeletedBeforeVoid) => Repair::Deleting,
            () if self.rules.is(Mutation::VoidPublishedFirst) => Repair::Publishing,
            () => Repair::Voiding(0),
        };
        state.repairers[at] = Repairer { rows, step };
    }

    fn after_void(&self, tag: u8) -> Repair {
        match () {
            () if usize::from(tag) + 1 < self.plan.tags => Repair::Voiding(tag + 1),
            () if self.has_near() && !self.rules.is(Mutation::VoidPublishedFirst) => Repair::Publishing,
            () => self.last(),
        }
    }

    /// What follows when all is told.
    fn last(&self) -> Repair {
        if self.rules.is(Mutation::DebtDeletedBeforeVoid) { Repair::Idle } else { Repair::Deleting }
    }

    fn delete(&self, state: &mut State, at: usize) {
        let rows = state.repairers[at].rows;
        state.debts &= !rows;
        let told = state.writers.iter_mut().enumerate().filter(|(writer, _)| rows & (1 << writer) != 0);
        for (_, writer) in told {
            state.promised.told = state.promised.told.max(writer.version);
            *writer = crate::state::Writer { step: writer.step, late_marks: writer.late_marks, ..Default::default() };
        }
    }
}
