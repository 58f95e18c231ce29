//! Faults, and what nobody has to be at fault for: marks that nobody holds any more run out, and commands that were cut
//! run late.

use crate::action::Action;
use crate::cell::Cell;
use crate::configuration::{Faults, WriterKind};
use crate::model::{Model, Steps};
use crate::rules::Mutation;
use crate::state::{Link, Process, Reader, Registrations, Repairer, Shared, State, Step, Writer};

/// What a fault does to a state.
type Change<'a> = dyn Fn(&Model, &mut State) + 'a;

impl Model {
    /// Faults. Each takes one from the budget.
    pub(crate) fn faults(&self, state: &State, steps: &mut Steps) {
        let mut go = |kind, action, change: &Change<'_>| {
            if self.plan.faults.contains(kind) {
                let mut next = state.clone();
                next.faults_left -= 1;
                change(self, &mut next);
                steps.push((action, next));
            }
        };
        for number in 0..self.plan.processes as u8 {
            let at = usize::from(number);
            go(Faults::CRASH, Action::Crash(number), &|model, next| model.crash(next, number, false));
            if self.has_commit_to_send(state, number) {
                go(Faults::CRASH, Action::Crash(number), &|model, next| model.crash(next, number, true));
            }
            if self.has_near() && state.processes[at].link == Link::Up {
                go(Faults::PARTITION, Action::Partition(number), &|_, next| next.processes[at].link = Link::Half);
                go(Faults::DISCONNECT, Action::Disconnect(number), &|model, next| model.disconnect(next, number));
            }
        }
        for number in 0..self.plan.writers.len() as u8 {
            self.writer_faults(state, number, &mut go);
        }
        for tag in 0..self.plan.tags as u8 {
            go(Faults::EVICT, Action::EvictCell(tag), &|model, next| {
                model.lose_marks(next, tag);
                next.shared.cells[usize::from(tag)].evict();
            });
        }
        if state.shared.records != [0; 3] {
            go(Faults::EVICT, Action::EvictLog, &|_, next| next.shared.records = [0; 3]);
        }
        if self.has_near() {
            go(Faults::EVICT, Action::EvictRegistrations, &|_, next| lose_registrations(&mut next.shared));
        }
        go(Faults::RESTART, Action::Restart, &Self::restart);
        if self.rules.is(Mutation::NoEpoch) && state.snapshot.is_none() && self.plan.faults.contains(Faults::RESTART) {
            let mut next = state.clone();
            next.snapshot = Some((state.shared.cells, state.shared.entry));
            steps.push((Action::Snapshot, next));
        }
    }

    fn writer_faults(&self, state: &State, number: u8, go: &mut dyn FnMut(Faults, Action, &Change<'_>)) {
        let at = usize::from(number);
        let writer = &state.writers[at];
        let kind = self.plan.writers[at].kind;
        match writer.step {
            Step::Idle if kind != WriterKind::Outside => {
                let tag = self.first_tag(at);
                go(Faults::CUT, Action::QuarantineCut(number, tag), &|model, next| model.cut_quarantine(next, at, tag));
            }
            Step::Marking(tag) => {
                go(Faults::CUT, Action::QuarantineCut(number, tag), &|model, next| model.cut_quarantine(next, at, tag));
            }
            Step::Releasing(tag) => {
                go(Faults::CUT, Action::ReleaseCut(number, tag), &|model, next| {
                    if writer.lost && writer.applied {
                        model.excuse(next, true);
                    }
                    next.writers[at].late_release = model.plan.writers[at].tags & !((1 << tag) - 1);
                    model.end(next, at);
                });
            }
            Step::Ready if writer.age == 0 => {
                go(Faults::DOUBT, Action::CommitUnknown(number), &|model, next| model.doubt(next, at));
            }
            _ => {}
        }
        for tag in (0..self.plan.tags as u8).filter(|tag| state.shared.cells[usize::from(*tag)].has_mark(number)) {
            if !may_lapse(writer) {
                go(Faults::LAPSE, Action::Lapse(number, tag), &|model, next| {
                    next.writers[at].lost |= !writer.applied;
                    next.shared.cells[usize::from(tag)].lapse(number, model.rules);
                });
            }
        }
    }

    /// Marks that nobody prolongs run out.
    pub(crate) fn lapses(&self, state: &State, steps: &mut Steps) {
        self.near_lapses(state, steps);
        for number in 0..self.plan.writers.len() as u8 {
            let tags = 0..self.plan.tags as u8;
            for tag in tags.filter(|tag| state.shared.cells[usize::from(*tag)].has_mark(number)) {
                if may_lapse(&state.writers[usize::from(number)]) {
                    let mut next = state.clone();
                    next.shared.cells[usize::from(tag)].lapse(number, self.rules);
                    steps.push((Action::Lapse(number, tag), next));
                }
            }
        }
    }

    /// What processes heard of marks runs out, as the marks do.
    fn near_lapses(&self, state: &State, steps: &mut Steps) {
        for (process, writer) in (0..self.plan.processes as u8)
            .flat_map(|at| (0..self.plan.writers.len() as u8).map(move |writer| (at, writer)))
        {
            if state.processes[usize::from(process)].heard & (1 << writer) == 0 {
                continue;
            }
            let free = may_lapse(&state.writers[usize::from(writer)]);
            if free || (state.faults_left > 0 && self.plan.faults.contains(Faults::LAPSE)) {
                let mut next = state.clone();
                next.faults_left -= u8::from(!free);
                next.processes[usize::from(process)].heard &= !(1 << writer);
                self.close_near(&mut next, process);
                steps.push((Action::LapseNear(process, writer), next));
            }
        }
    }

    /// Commands that were cut run, each at any later time, or never.
    pub(crate) fn late_commands(&self, state: &State, number: u8, steps: &mut Steps) {
        let at = usize::from(number);
        for tag in 0..self.plan.tags as u8 {
            if state.writers[at].late_marks & (1 << tag) != 0 {
                let mut next = state.clone();
                next.writers[at].late_marks &= !(1 << tag);
                next.shared.cells[usize::from(tag)].quarantine(number, self.rules);
                steps.push((Action::QuarantineLate(number, tag), next));
            }
            if state.writers[at].late_release & (1 << tag) != 0 {
                let mut next = state.clone();
                next.writers[at].late_release &= !(1 << tag);
                self.release_cell(&mut next, at, tag);
                next.writers[at].gone = false;
                steps.push((Action::ReleaseLate(number, tag), next));
            }
        }
    }

    /// A quarantine is cut from this tag on. The writer does not know what of it ran.
    fn cut_quarantine(&self, state: &mut State, at: usize, tag: u8) {
        let kind = self.plan.writers[at].kind;
        let late_marks = self.plan.writers[at].tags & !((1 << tag) - 1);
        self.open_own_near(state, at);
        state.writers[at] = Writer { step: Step::Over, late_marks, ..Writer::default() };
        if kind == WriterKind::Debt {
            state.debt_ids += 1;
            state.writers[at].debt_id = state.debt_ids;
            state.writers[at].step = Step::Indebted;
        }
    }

    fn has_commit_to_send(&self, state: &State, process: u8) -> bool {
        let writers = state.writers.iter().zip(self.plan.writers);
        writers
            .into_iter()
            .any(|(writer, plan)| plan.process == process && writer.step == Step::Ready && writer.age == 0)
    }

    /// A process dies with all its members and begins anew, without its writers. What it has sent may be carried out: a
    /// COMMIT that could be under way either is, or is not.
    fn crash(&self, state: &mut State, number: u8, commits: bool) {
        let mut unreleased = false;
        for (at, plan) in self.plan.writers.iter().enumerate().filter(|(_, plan)| plan.process == number) {
            let writer = &mut state.writers[at];
            if state.debts & (1 << at) != 0 || writer.step == Step::Over {
                continue;
            }
            unreleased |= writer.lost && writer.applied;
            let sent = writer.step == Step::Ready && writer.age == 0 && plan.kind != WriterKind::Outside;
            *writer = Writer {
                step: Step::Over,
                pending: writer.pending || (commits && sent),
                lost: writer.lost,
                late_marks: writer.late_marks,
                ..Writer::default()
            };
            writer.lost &= writer.pending;
        }
        if unreleased {
            self.excuse(state, true);
        }
        for (reader, _) in state.readers.iter_mut().zip(self.plan.readers).filter(|(_, process)| **process == number) {
            *reader = Reader::Idle;
        }
        let repairers = state.repairers.iter_mut().zip(self.plan.repairers);
        repairers.filter(|(_, process)| **process == number).for_each(|(repairer, _)| *repairer = Repairer::default());
        let link = if self.has_near() { Link::Down } else { Link::Up };
        state.processes[usize::from(number)] = Process { link, ..Process::default() };
    }

    /// The marks on a tag are lost. Those of writers that have yet to commit are missed.
    fn lose_marks(&self, state: &mut State, tag: u8) {
        let cell = state.shared.cells[usize::from(tag)];
        for (number, writer) in (0..).zip(&mut state.writers) {
            let waited_for = writer.pending || !matches!(writer.step, Step::Idle | Step::Over | Step::Indebted);
            writer.lost |= cell.has_mark(number) && waited_for && !writer.applied;
        }
    }

    /// Another server process takes its place. Names of cells carry its epoch, so it is empty for everyone whatever it
    /// read from its disk.
    fn restart(&self, state: &mut State) {
        (0..self.plan.tags as u8).for_each(|tag| self.lose_marks(state, tag));
        let (cells, entry) = state.snapshot.take().unwrap_or(([Cell::default(); 2], None));
        state.shared = Shared { cells, entry, ..Shared::default() };
        lose_registrations(&mut state.shared);
        for process in &mut state.processes {
            if process.link == Link::Up && self.has_near() {
                process.link = Link::Half;
            }
        }
    }
}

/// Whether the marks of this writer run out without a fault: it is gone and the database is not at its commit any more,
/// or it has let all of their time pass.
fn may_lapse(writer: &Writer) -> bool {
    writer.age >= 2 || (writer.step == Step::Over && !writer.pending)
}

fn lose_registrations(shared: &mut Shared) {
    shared.registered = 0;
    shared.registrations = Registrations::Lost;
}
