//! Findings: what was read and should not have been.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::order::Sighting;
use super::rows::{RowHistory, Verdict};
use super::timeline::{NEVER, Window};
use super::truth::Settled;
use crate::cache::Promise;
use crate::history::{Query, Source};
use crate::model::{RowKey, Seen, WriteId};
use crate::run::Fault;

macro_rules! kinds {
    ($($(#[$about:meta])* $variant:ident = $name:literal,)*) => {
        /// What is wrong with a read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FindingKind { $($(#[$about])* $variant,)* }

        impl FindingKind {
            /// All.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in reports.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

kinds! {
    /// A row older than one whose write had returned before the read began.
    StaleRow = "stale rows",
    /// A list, a count or the like of a state before one whose write had returned.
    StaleAnswer = "stale lists and counts",
    /// A row older than one that was committed before the read began, while its writer was not told yet.
    RowBeforeReturn = "stale rows between commit and return",
    /// As [`FindingKind::RowBeforeReturn`], for a list, a count or the like.
    AnswerBeforeReturn = "stale lists and counts between commit and return",
    /// A value that was never committed.
    Aborted = "values never committed",
    /// A state that was sent only after the read had ended.
    Future = "states from the future",
    /// The columns of a row are not of one version.
    Torn = "torn rows",
    /// A row that is none of its versions.
    WrongRow = "wrong rows",
    /// An answer that its group never had.
    WrongAnswer = "wrong lists and counts",
    /// A process saw a row older than it had seen, or written, before.
    BackInProcess = "went back in one process",
    /// A process saw a row older than another had seen before.
    BackBetweenProcesses = "went back between processes",
    /// A write had an effect though its error says that it had none.
    Denied = "refused writes that were committed",
    /// A read past the cache is wrong, so something is wrong with the bench or the database.
    Control = "wrong reads past the cache",
}

impl FindingKind {
    /// Whether the promise speaks of it only as long as the cache loses no marks of writers.
    fn rests_on_marks(self) -> bool {
        matches!(
            self,
            Self::RowBeforeReturn | Self::AnswerBeforeReturn | Self::BackInProcess | Self::BackBetweenProcesses
        )
    }
}

/// What was found of one sort.
#[derive(Clone, Debug, Default)]
pub struct Finding {
    /// How often.
    pub count: u64,
    /// How many of them break the promise.
    pub broken: u64,
    /// The longest time by which a read was outdated, in nanoseconds.
    pub longest: u64,
    /// The first ones, with what was around them.
    pub examples: Vec<String>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Findings(pub BTreeMap<FindingKind, Finding>);

impl Findings {
    /// Whether the promise was broken.
    pub fn are_broken(&self) -> bool {
        self.0.values().any(|finding| finding.broken > 0)
    }

    /// What was found of a sort.
    pub fn of(&self, kind: FindingKind) -> Finding {
        self.0.get(&kind).cloned().unwrap_or_default()
    }

    /// Reads older than the last write that had returned.
    pub fn stale(&self) -> u64 {
        self.of(FindingKind::StaleRow).count + self.of(FindingKind::StaleAnswer).count
    }

    /// All findings of reads through the cache.
    pub fn count(&self) -> u64 {
        self.0.values().map(|finding| finding.count).sum::<u64>() - self.of(FindingKind::Control).count
    }

    /// The longest time by which a read was outdated.
    pub fn longest(&self) -> u64 {
        self.0.values().map(|finding| finding.longest).max().unwrap_or(0)
    }
}

/// How many findings of a sort are told in full.
const EXAMPLES: usize = 5;
/// How long after a loss of marks an effect of it is still possible: the longest time that a write takes.
const AFTERMATH: u64 = 10_000_000_000;

/// Judges reads, and remembers what is wrong.
pub(super) struct Judge<'a> {
    truth: &'a Settled,
    faults: &'a [Fault],
    promise: Promise,
    findings: Findings,
}

impl<'a> Judge<'a> {
    pub(super) fn new(truth: &'a Settled, faults: &'a [Fault], promise: Promise) -> Self {
        let mut judge = Self { truth, faults, promise, findings: Findings::default() };
        for (write, end) in &truth.denied {
            judge.note(FindingKind::Denied, 0, *end, || format!("write {write}: {}", truth.fate(*write)));
        }
        judge
    }

    pub(super) fn finish(self) -> Findings {
        self.findings
    }

    /// Judges a read of a row, and says which versions it may have been.
    pub(super) fn row(&mut self, source: Source, row: RowKey, seen: Seen, start: u64, end: u64) -> Option<Sighting> {
        let none = RowHistory::new(&[], std::iter::empty());
        let truth = self.truth;
        let history = truth.rows.get(&row).unwrap_or(&none);
        let verdict = match (seen.value, truth.values.get(&seen.value)) {
            (0, _) => history.judge_absent(start, end),
            (_, Some((of, version))) if *of == row => history.judge(*version, seen, start, end),
            (_, Some(_)) => Verdict::Wrong,
            (_, None) => {
                let write = WriteId::of_value(seen.value);
                self.note(FindingKind::Aborted, 0, start, || {
                    format!(
                        "{row} by {}: value {:x} of write {write}, {}",
                        source.name(),
                        seen.value,
                        truth.fate(write)
                    )
                });
                return None;
            }
        };
        let uncached = matches!(source, Source::Uncached | Source::ListedUncached);
        let text = || {
            let what = format!("{row} by {} saw {:x}, {verdict:?}", source.name(), seen.value);
            what + &around(history, truth, start, end)
        };
        let kinds = (FindingKind::StaleRow, FindingKind::RowBeforeReturn, FindingKind::WrongRow);
        self.verdict(verdict, kinds, uncached, (start, end), text);
        let (low, high) = match verdict {
            Verdict::Fine { low, high } => (low, high),
            Verdict::Stale { version, .. } | Verdict::StaleBeforeReturn { version, .. } => (version, version),
            _ => return None,
        };
        Some(Sighting { row, low: u32::try_from(low).ok()?, high: u32::try_from(high).ok()?, start, end })
    }

    /// Judges an answer about a group.
    pub(super) fn answer(&mut self, query: Query, uncached: bool, group: u32, answer: u64, start: u64, end: u64) {
        let truth = self.truth;
        let Some(history) = truth.groups.get(&group) else { return };
        let verdict = history.judge(query, answer, start, end);
        let text = || {
            let what = format!("{} of group {group} is {answer:x}, {verdict:?}", query.name());
            what + &history.around(query, start, end)
        };
        let kinds = (FindingKind::StaleAnswer, FindingKind::AnswerBeforeReturn, FindingKind::WrongAnswer);
        self.verdict(verdict, kinds, uncached, (start, end), text);
    }

    fn verdict(
        &mut self,
        verdict: Verdict,
        (stale, before_return, wrong): (FindingKind, FindingKind, FindingKind),
        uncached: bool,
        (start, end): (u64, u64),
        text: impl FnOnce() -> String,
    ) {
        let (kind, lag) = match verdict {
            Verdict::Fine { .. } => return,
            Verdict::Stale { lag, .. } => (stale, lag),
            Verdict::StaleBeforeReturn { lag, .. } => (before_return, lag),
            Verdict::Future { .. } => (FindingKind::Future, 0),
            Verdict::Torn { .. } => (FindingKind::Torn, 0),
            Verdict::Wrong => (wrong, 0),
        };
        let kind = if uncached { FindingKind::Control } else { kind };
        self.note(kind, lag, start, || format!("{}, read took {}", text(), milliseconds(end - start)));
    }

    /// Notes that a row was seen older than before.
    pub(super) fn went_back(&mut self, kind: FindingKind, earlier: Sighting, later: Sighting) {
        let truth = self.truth;
        if truth.rows.get(&later.row).is_some_and(|row| row.owes(later.high, earlier.low, later.start)) {
            return;
        }
        let lag = later.start - earlier.end;
        self.note(kind, lag, later.start, || {
            let what = format!("{} was version {}, then {}", later.row, earlier.low, later.high);
            truth
                .rows
                .get(&later.row)
                .map_or(what.clone(), |history| what + &around(history, truth, later.start, later.end))
        });
    }

    fn note(&mut self, kind: FindingKind, lag: u64, time: u64, text: impl FnOnce() -> String) {
        let broken = self.breaks(kind, lag, time);
        let finding = self.findings.0.entry(kind).or_default();
        finding.count += 1;
        finding.broken += u64::from(broken);
        finding.longest = finding.longest.max(lag);
        // Those that break the promise are worth more than those that don't.
        if finding.examples.len() < EXAMPLES || broken && finding.broken <= EXAMPLES as u64 {
            let mut text = text();
            for fault in self.faults.iter().filter(|fault| near(fault, time, 2_000_000_000)) {
                let (begin, end) = (relative(fault.begin, time), relative(fault.end, time));
                let process = fault.process.map_or("all".to_owned(), |process| process.to_string());
                let _ =
                    write!(text, "\n      {} of {process} from {begin} to {end} {}", fault.kind.name(), fault.detail);
            }
            finding.examples.push(text);
        }
    }

    fn breaks(&self, kind: FindingKind, lag: u64, time: u64) -> bool {
        if let Promise::Bounded(bound) = self.promise {
            let others = matches!(
                kind,
                FindingKind::StaleRow
                    | FindingKind::StaleAnswer
                    | FindingKind::RowBeforeReturn
                    | FindingKind::AnswerBeforeReturn
                    | FindingKind::BackBetweenProcesses
            );
            if others {
                return u128::from(lag) > bound.as_nanos();
            }
        }
        let lost = || self.faults.iter().any(|fault| fault.kind.loses_marks() && near(fault, time, AFTERMATH));
        !(kind.rests_on_marks() && lost())
    }
}

fn near(fault: &Fault, time: u64, aftermath: u64) -> bool {
    fault.begin <= time && time <= fault.end + aftermath
}

fn around(history: &RowHistory, truth: &Settled, start: u64, end: u64) -> String {
    let allowed = history.timeline.allowed(start, end);
    let from = allowed.start().saturating_sub(2);
    let to = (allowed.end() + 2).min(history.values.len() - 1);
    let version = |version: usize| {
        let value = history.values[version];
        let window = history.timeline.window(version).relative_to(start);
        let fate = if value == 0 { String::new() } else { truth.fate(WriteId::of_value(value)) };
        format!("\n      version {version}: {value:x}, {window}, {fate}")
    };
    (from..=to).map(version).collect()
}

impl Window {
    /// The window in words, before and after a time.
    pub(super) fn relative_to(&self, time: u64) -> String {
        let (sent, acknowledged) = (relative(self.begin, time), relative(self.acknowledged, time));
        format!("sent {sent}, committed before {}, acknowledged {acknowledged}", relative(self.committed, time))
    }
}

fn relative(time: u64, to: u64) -> String {
    match time {
        0 => "at the beginning".to_owned(),
        NEVER => "never".to_owned(),
        time if time < to => format!("-{}", milliseconds(to - time)),
        time => format!("+{}", milliseconds(time - to)),
    }
}

fn milliseconds(nanoseconds: u64) -> String {
    format!("{:.3} ms", nanoseconds as f64 / 1e6)
}
