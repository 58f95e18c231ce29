//! Messages to near caches, and the gate that limits how long a process serves without hearing.
//!
//! A near cache does to its one entry what the messages say: a writer's marks drop and close it until the writer's
//! release is heard, or the marks run out here too; whatever is heard keeps the reads under way from being admitted.
//! Messages take any time, and keep their order. A process does not hear of its own writers.
//!
//! Time is abstract: there is one event, *the bound passes*, and what is known afterwards is what lies before it. A
//! gate that was opened by a question asked before the event is closed by it, and a registration made before it has run
//! out. The question and its arrival at the server are one step, because the server may answer at once, and the sooner
//! it answers, the fewer messages are ahead of the answer.

use crate::action::Action;
use crate::configuration::Near;
use crate::model::{Model, Steps};
use crate::rules::Mutation;
use crate::state::{Link, Message, Registrations, State, Step};

impl Model {
    pub(crate) fn messages(&self, state: &State, steps: &mut Steps) {
        for number in 0..self.plan.processes as u8 {
            let process = &state.processes[usize::from(number)];
            let mut go = |action, change: &dyn Fn(&Self, &mut State, u8)| {
                let mut next = state.clone();
                change(self, &mut next, number);
                steps.push((action, next));
            };
            if !process.queue.is_empty() {
                go(Action::Deliver(number), &Self::deliver);
            }
            match process.link {
                Link::Up if self.asks_freely() && !process.queue.has_answer() => go(Action::Ask(number), &Self::ask),
                Link::Up => {}
                Link::Half => go(Action::Notice(number), &Self::disconnect),
                Link::Down => go(Action::Reconnect(number), &Self::reconnect),
            }
        }
        let mut next = state.clone();
        self.pass_bound(&mut next);
        steps.push((Action::BoundPasses, next));
    }

    fn deliver(&self, state: &mut State, number: u8) {
        let process = &mut state.processes[usize::from(number)];
        match process.queue.pop() {
            Some(Message::Voided) => self.close_near(state, number),
            Some(Message::Quarantined(writer)) => {
                process.heard |= 1 << writer;
                self.close_near(state, number);
            }
            // Without its quarantine it voids; with it nothing is there.
            Some(Message::Released(writer)) => {
                process.heard &= !(1 << writer);
                self.close_near(state, number);
            }
            Some(Message::Answer) => process.gate = true,
            Some(Message::LateAnswer) => process.gate |= self.rules.is(Mutation::GateFromArrival),
            Some(Message::Barrier(writer)) => state.writers[usize::from(writer)].awaiting &= !(1 << number),
            None => {}
        }
    }

    fn ask(&self, state: &mut State, number: u8) {
        state.processes[usize::from(number)].queue.push(Message::Answer);
        state.shared.registered |= 1 << number;
        if state.shared.registrations == Registrations::Lost {
            state.shared.registrations = Registrations::Young;
        }
    }

    /// A process learns that its stream is dead.
    pub(crate) fn disconnect(&self, state: &mut State, number: u8) {
        let process = &mut state.processes[usize::from(number)];
        (process.link, process.gate) = (Link::Down, false);
        process.queue = crate::state::Queue::default();
        if self.rules.is(Mutation::NearKeptOnDisconnect) {
            self.disturb(state, number);
        } else {
            self.close_near(state, number);
        }
    }

    /// Reads that began without a stream are not admitted under the new one: they began unclean.
    fn reconnect(&self, state: &mut State, number: u8) {
        state.processes[usize::from(number)].link = Link::Up;
        if !self.asks_freely() {
            self.ask(state, number);
        }
    }

    /// Where nobody counts registrations, only the earliest question matters, at once after the bound has passed: its
    /// answer has the fewest messages ahead of it.
    fn asks_freely(&self) -> bool {
        self.plan.near == Near::Strict
    }

    fn pass_bound(&self, state: &mut State) {
        state.promised.settled = state.promised.told;
        for process in &mut state.processes {
            process.gate = false;
            process.queue.age(self.rules.is(Mutation::GateFromArrival));
        }
        if !self.asks_freely() {
            let up = |number: &u8| state.processes[usize::from(*number)].link == Link::Up;
            let processes: Vec<u8> = (0..self.plan.processes as u8).filter(up).collect();
            processes.into_iter().for_each(|number| self.ask(state, number));
        }
        let shared = &mut state.shared;
        shared.registered = 0;
        if shared.registrations == Registrations::Young {
            shared.registrations = Registrations::Old;
        }
        for writer in &mut state.writers {
            if matches!(writer.step, Step::Settling | Step::Resettling) {
                (writer.awaiting, writer.whole) = (0, false);
            }
        }
    }
}
