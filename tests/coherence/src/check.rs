//! The checker: compares what was read with what was committed.
//!
//! ```text
//! audit + writes of the histories ─▶ truth: versions of rows and groups, with the windows of their commits
//! reads of the histories ─▶ verdicts ─▶ findings        what one read saw ─▶ order: nobody goes back
//! faults + writes + samples ─▶ recovery
//! ```
//!
//! A version's commit lies between the moment at which its write was sent and the one at which it was acknowledged, or
//! never if that is not known. Commits of one row, or one group, are in a known order, which narrows the windows. A read
//! is stale if the next version was acknowledged before the read began.

mod timeline;
mod deletes;
mod truth;
mod rows;
mod groups;
mod order;
mod recovery;
mod findings;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

pub use self::findings::{Finding, FindingKind, Findings};
pub use self::recovery::Recovery;
pub use self::timeline::{NEVER, Timeline, Window};

use self::findings::Judge;
use self::order::{Sighting, went_back};
use self::recovery::Progress;
use self::truth::Truth;
use crate::audit;
use crate::debts::Debts;
use crate::history::{ErrorClass, Outcome, Query, Record, Source, WriteKind, histories};
use crate::options::Options;
use crate::run::{FaultKind, load_faults};

/// What a check found.
#[derive(Debug, Default)]
pub struct Checked {
    /// From the first record to the last, in nanoseconds.
    pub time: u64,
    /// Rows seen, by the way of reading.
    pub rows: BTreeMap<Source, u64>,
    /// Reads that failed.
    pub failed: BTreeMap<ErrorClass, u64>,
    /// Lists, counts and the like.
    pub answers: BTreeMap<Query, u64>,
    /// Writes by what they were and how they ended.
    pub writes: BTreeMap<(WriteKind, String), u64>,
    /// Changes of rows that were committed.
    pub changes: u64,
    /// Faults: how many struck, how many were tried, and how long it took to recover.
    pub faults: BTreeMap<FaultKind, (u64, u64, Recovery)>,
    /// How long after their return the debts of writes had been paid, in nanoseconds.
    pub payments: Vec<u64>,
    /// Reads that the cache answered.
    pub answered: u64,
    /// Reads that the cache did not answer.
    pub missed: u64,
    /// Statements sent to the database.
    pub statements: u64,
    /// What should not be.
    pub findings: Findings,
    /// What is wrong with the history itself, or what there is too little of.
    pub problems: Vec<String>,
}

impl Checked {
    /// Reads that were judged: rows, and answers about groups.
    pub fn judged(&self) -> u64 {
        self.rows.values().sum::<u64>() + self.answers.values().sum::<u64>()
    }

    /// Faults that struck.
    pub fn struck(&self) -> u64 {
        self.faults.values().map(|(struck, ..)| struck).sum()
    }

    /// Whether the promise was kept, and enough was seen to say so.
    pub fn is_kept(&self) -> bool {
        self.problems.is_empty() && !self.findings.are_broken()
    }
}

/// Checks the history in a directory.
///
/// # Errors
///
/// Those of the file system, and files that are not those of a run.
pub fn check(directory: &Path) -> io::Result<Checked> {
    let options = Options::load(directory)?;
    let (changes, faults, files) = (audit::load(directory)?, load_faults(directory)?, histories(directory)?);
    let mut truth = Truth::new(Debts::load(directory)?);
    for file in &files {
        file.for_each(|record| truth.learn(record))?;
    }
    let payments = truth.payments();
    let truth = truth.settle(&changes);
    let mut checked =
        Checked { changes: changes.len() as u64, problems: truth.problems.clone(), payments, ..Checked::default() };
    let mut judge = Judge::new(&truth, &faults, options.cache.promise());
    let mut progress = Progress::default();
    let mut all_sightings: Vec<Sighting> = Vec::new();
    let (mut first, mut last) = (u64::MAX, 0);
    for file in &files {
        let mut sightings = Vec::new();
        let mut sample = (0, 0, 0);
        file.for_each(|record| {
            progress.learn(file.process, file.incarnation, record);
            match record {
                Record::Row { source, row, seen, start, end } => {
                    *checked.rows.entry(source).or_default() += 1;
                    (first, last) = (first.min(start), last.max(end));
                    sightings.extend(judge.row(source, row, seen, start, end));
                }
                Record::Answer { query, uncached, group, answer, start, end } => {
                    *checked.answers.entry(query).or_default() += 1;
                    judge.answer(query, uncached, group, answer, start, end);
                }
                Record::ReadFailed { class, .. } => *checked.failed.entry(class).or_default() += 1,
                Record::Written { kind, outcome, .. } => {
                    *checked.writes.entry((kind, outcome_name(outcome))).or_default() += 1;
                }
                Record::Sample { answered, missed, statements, .. } => sample = (answered, missed, statements),
                Record::Part { write, value, start, .. } => sightings.extend(truth.own_write(write, value, start)),
                Record::Committed { .. } | Record::Owed { .. } => {}
            }
        })?;
        checked.answered += sample.0;
        checked.missed += sample.1;
        checked.statements += sample.2;
        went_back(&mut sightings, |earlier, later| judge.went_back(FindingKind::BackInProcess, earlier, later));
        all_sightings.append(&mut sightings);
    }
    went_back(&mut all_sightings, |earlier, later| judge.went_back(FindingKind::BackBetweenProcesses, earlier, later));
    checked.findings = judge.finish();
    checked.time = last.saturating_sub(first);
    for (at, fault) in faults.iter().enumerate() {
        let (struck, tried, recovery) = checked.faults.entry(fault.kind).or_default();
        *tried += 1;
        if fault.applied {
            *struck += 1;
            progress.recovery_from(fault, faults.get(at + 1), recovery);
        }
    }
    checked.problems.extend(too_little(&checked, &options));
    Ok(checked)
}

fn outcome_name(outcome: Outcome) -> String {
    match outcome {
        Outcome::Done => "done".to_owned(),
        Outcome::RolledBack => "rolled back".to_owned(),
        Outcome::Refused(class) => format!("refused: {}", class.name()),
        Outcome::Unknown(class) => format!("unknown: {}", class.name()),
    }
}

fn too_little(checked: &Checked, options: &Options) -> Vec<String> {
    let mut problems = Vec::new();
    if checked.judged() < options.minimum_reads {
        problems.push(format!("{} reads were checked, {} are wanted", checked.judged(), options.minimum_reads));
    }
    if !options.faults.is_empty() && checked.struck() == 0 {
        problems.push("faults were asked for, and none struck".to_owned());
    }
    if options.leaves_debts() && !options.faults.is_empty() && checked.payments.is_empty() {
        problems.push("debts were asked for, and no write left one".to_owned());
    }
    if checked.changes == 0 {
        problems.push("nothing was written".to_owned());
    }
    problems
}
