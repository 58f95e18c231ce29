//! Recovery: how long after a fault a process writes again, and how long until the cache answers as before.

use std::collections::BTreeMap;

use crate::history::{Outcome, Record};
use crate::run::Fault;

/// How long it took to recover, in nanoseconds, for each fault.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// Until the first write that was begun afterwards had succeeded.
    pub writes: Vec<u64>,
    /// Until the cache answered nine tenths of what it answered before.
    pub hits: Vec<u64>,
    /// How often the next fault came before a write had succeeded; such times are left out.
    pub interrupted: u64,
}

impl Recovery {
    /// The middle and the greatest of some times.
    pub fn middle_and_most(times: &[u64]) -> Option<(u64, u64)> {
        let mut times = times.to_vec();
        times.sort_unstable();
        Some((*times.get(times.len() / 2)?, *times.last()?))
    }
}

/// What the processes managed, by their place.
#[derive(Debug, Default)]
pub(super) struct Progress {
    written: BTreeMap<usize, BTreeMap<u64, u64>>,
    samples: BTreeMap<usize, Vec<Sample>>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    incarnation: u16,
    time: u64,
    answered: u64,
    asked: u64,
}

/// How long before a fault the cache is watched.
const BEFORE: u64 = 3_000_000_000;
/// Fewer reads say nothing about the share of hits.
const ENOUGH: u64 = 20;

impl Progress {
    pub(super) fn learn(&mut self, process: usize, incarnation: u16, record: Record) {
        match record {
            Record::Written { outcome: Outcome::Done, start, end, .. } => {
                self.written.entry(process).or_default().insert(start, end);
            }
            Record::Sample { time, answered, missed, .. } => {
                let sample = Sample { incarnation, time, answered, asked: answered + missed };
                self.samples.entry(process).or_default().push(sample);
            }
            _ => {}
        }
    }

    /// Adds how long it took to recover from a fault, if that was before the next one; of several processes, the slowest
    /// counts.
    pub(super) fn recovery_from(&self, fault: &Fault, next: Option<&Fault>, recovery: &mut Recovery) {
        let in_time = |time: &u64| next.is_none_or(|next| fault.end + time < next.begin);
        let is_struck = |process: &usize| fault.process.is_none_or(|one| one == *process);
        let written = self.written.iter().filter(|(process, _)| is_struck(process));
        let first = |writes: &BTreeMap<u64, u64>| Some(writes.range(fault.end..).next()?.1 - fault.end);
        match written.filter_map(|(_, writes)| first(writes)).max().filter(in_time) {
            Some(time) => recovery.writes.push(time),
            None => recovery.interrupted += 1,
        }
        let samples = self.samples.iter().filter(|(process, _)| is_struck(process));
        recovery.hits.extend(samples.filter_map(|(_, samples)| hits_return(samples, fault)).max().filter(in_time));
    }
}

fn hits_return(samples: &[Sample], fault: &Fault) -> Option<u64> {
    let begin = samples.partition_point(|sample| sample.time < fault.begin);
    let from = samples.partition_point(|sample| sample.time + BEFORE < fault.begin);
    let before: Vec<f64> = samples[from..begin].windows(2).filter_map(share).collect();
    if before.is_empty() {
        return None;
    }
    let wanted = 0.9 * before.iter().sum::<f64>() / before.len() as f64;
    let end = samples.partition_point(|sample| sample.time < fault.end);
    let back = samples[end..].windows(2).find(|pair| share(pair).is_some_and(|share| share >= wanted))?;
    Some(back[1].time - fault.end)
}

fn share(pair: &[Sample]) -> Option<f64> {
    let (first, second) = (pair.first()?, pair.get(1)?);
    let asked = second.asked.checked_sub(first.asked)?;
    (first.incarnation == second.incarnation && asked >= ENOUGH)
        .then(|| second.answered.saturating_sub(first.answered) as f64 / asked as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::WriteKind;
    use crate::model::WriteId;
    use crate::run::FaultKind;

    #[test]
    fn the_first_write_after_a_fault_and_the_return_of_hits_are_timed() {
        let mut progress = Progress::default();
        let write = |start, end| Record::Written {
            write: WriteId::new(2, 0),
            kind: WriteKind::Save,
            outcome: Outcome::Done,
            start,
            end,
        };
        let sample = |time, answered, missed| Record::Sample { time, answered, missed, statements: 0 };
        for record in [
            sample(10, 0, 0),
            write(15, 18),
            sample(20, 90, 10),
            write(35, 60),
            sample(40, 90, 110),
            write(55, 58),
            sample(60, 180, 120),
        ] {
            progress.learn(0, 2, record);
        }
        let fault = Fault {
            kind: FaultKind::LinkCut,
            process: Some(0),
            begin: 25,
            end: 30,
            applied: true,
            detail: String::new(),
        };
        let mut recovery = Recovery::default();
        progress.recovery_from(&fault, None, &mut recovery);
        let next = Fault { begin: 50, ..fault.clone() };
        progress.recovery_from(&fault, Some(&next), &mut recovery);
        assert_eq!((recovery.writes, recovery.hits, recovery.interrupted), (vec![30], vec![30], 1));
    }
}
