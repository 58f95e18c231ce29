//! A breadth-first search through every state that can be reached.
//!
//! The search is written here, in a hundred lines, because what it has to do is small (a set of states, the way to
//! each, one predicate) and the crate for it, `stateright` 0.31, brings a web server and some forty more crates, says
//! of no property under which faults it holds, and runs a model's transitions once to list and once more to take them.
//! Distinct states are told apart by fingerprints of 128 bits: among 10^8 states two meet with a chance of 10^-22.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::time::{Duration, Instant};

use crate::action::Action;
use crate::model::Model;
use crate::property::Violation;
use crate::state::State;

/// What an exploration found.
#[derive(Clone, Debug)]
pub struct Report {
    /// How many different states were seen.
    pub states: usize,
    /// The length of the longest of the shortest ways to a state.
    pub depth: usize,
    /// How long it took.
    pub time: Duration,
    /// Whether everything was seen, or the first violation was.
    pub complete: bool,
    /// The first violation, and the shortest way to one.
    pub violation: Option<(Violation, Vec<Action>)>,
}

/// Sees everything that can happen in a model, or as much as `max_states` allow, and ends at the first violation.
pub fn explore(model: &Model, max_states: usize) -> Report {
    let begin = Instant::now();
    let mut ways: Ways = HashMap::default();
    let mut frontier = Vec::new();
    for state in model.starts() {
        ways.insert(fingerprint(&state), 0);
        frontier.push(state);
    }
    let mut report = Report { states: 0, depth: 0, time: Duration::ZERO, complete: true, violation: None };
    let mut successors = Vec::new();
    'search: while !frontier.is_empty() {
        let mut next = Vec::new();
        for state in frontier {
            let from = fingerprint(&state);
            model.successors(&state, &mut successors);
            for (_, successor) in successors.drain(..) {
                let to = fingerprint(&successor);
                let std::collections::hash_map::Entry::Vacant(vacant) = ways.entry(to) else { continue };
                vacant.insert(from);
                if let Some(violation) = model.check(&successor) {
                    report.violation = Some((violation, trace(model, &ways, to)));
                    report.depth += 1;
                    break 'search;
                }
                if !successor.promised.broken {
                    next.push(successor);
                }
            }
            if ways.len() > max_states {
                report.complete = false;
                break 'search;
            }
        }
        report.depth += usize::from(!next.is_empty());
        frontier = next;
    }
    report.states = ways.len();
    report.time = begin.elapsed();
    report
}

type Ways = HashMap<u128, u128, BuildHasherDefault<Prehashed>>;

/// The actions that lead to a state, by playing the way from its start again.
fn trace(model: &Model, ways: &Ways, end: u128) -> Vec<Action> {
    let mut prints = vec![end];
    while let Some(&from) = ways.get(prints.last().unwrap_or(&0)).filter(|from| **from != 0) {
        prints.push(from);
    }
    prints.reverse();
    let Some(mut state) = model.starts().into_iter().find(|start| Some(&fingerprint(start)) == prints.first()) else {
        return Vec::new();
    };
    let mut actions = Vec::new();
    let mut successors = Vec::new();
    for print in &prints[1..] {
        model.successors(&state, &mut successors);
        let Some((action, successor)) = successors.drain(..).find(|(_, successor)| fingerprint(successor) == *print)
        else {
            break;
        };
        actions.push(action);
        state = successor;
    }
    actions
}

fn fingerprint(state: &State) -> u128 {
    let mut hasher = Fingerprint { low: 0x243f_6a88_85a3_08d3, high: 0x1319_8a2e_0370_7344, word: 0, length: 0 };
    state.hash(&mut hasher);
    hasher.add();
    u128::from(hasher.low) << 64 | u128::from(hasher.high)
}

/// Two independent chains of folded multiplications over words of eight bytes. Every number of a state is below 256,
/// save queues.
struct Fingerprint {
    low: u64,
    high: u64,
    word: u64,
    length: u32,
}

impl Fingerprint {
    fn add(&mut self) {
        let word = std::mem::take(&mut self.word);
        self.length = 0;
        self.low = fold(self.low ^ word, 0xa076_1d64_78bd_642f).wrapping_add(self.high);
        self.high =
            fold(self.high.rotate_left(29) ^ word, 0xe703_7ed1_a0b4_28db) ^ word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u8(*byte));
    }

    fn write_u8(&mut self, n: u8) {
        self.word = self.word << 8 | u64::from(n);
        self.length += 1;
        if self.length == 8 {
            self.add();
        }
    }

    fn write_u16(&mut self, n: u16) {
        debug_assert!(n < 256, "a stamp is a small number");
        self.write_u8(n as u8);
    }

    fn write_u64(&mut self, n: u64) {
        self.add();
        self.word = n;
        self.add();
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u8(n as u8);
    }

    fn write_isize(&mut self, n: isize) {
        self.write_u8(n as u8);
    }

    fn finish(&self) -> u64 {
        self.low
    }
}

/// Takes a fingerprint for its own hash.
#[derive(Default)]
struct Prehashed(u64);

impl Hasher for Prehashed {
    fn write(&mut self, _: &[u8]) {}

    fn write_u128(&mut self, print: u128) {
        self.0 = print as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
