//! Rows: their versions, and what a read may see of them.

use super::timeline::{Timeline, Window};
use crate::audit::Change;
use crate::model::Seen;

/// The versions of one row; the first is that it is absent.
#[derive(Clone, Debug, Default)]
pub(super) struct RowHistory {
    pub(super) values: Vec<u64>,
    forms: Vec<u64>,
    absences: Vec<usize>,
    /// When the debts of the versions had been paid; 0 where there was none.
    paid: Vec<u64>,
    pub(super) timeline: Timeline,
}

/// What is to be said about an answer. Versions are places in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is one of these versions.
    Fine { low: usize, high: usize },
    /// A later version was acknowledged before the read began, by so many nanoseconds.
    Stale { version: usize, lag: u64 },
    /// A later version was committed before the read began, but its writer was not told yet.
    StaleBeforeReturn { version: usize, lag: u64 },
    /// The version was sent after the read ended.
    Future { version: usize },
    /// The columns are not those that were written together.
    Torn { version: usize },
    /// No version fits.
    Wrong,
}

impl RowHistory {
    pub(super) fn new(changes: &[&Change], windows: impl Iterator<Item = Window>) -> Self {
        let windows: Vec<Window> = [Window::START].into_iter().chain(windows).collect();
        let values: Vec<u64> = [0].into_iter().chain(changes.iter().map(|change| change.new_value)).collect();
        Self {
            absences: (0..values.len()).filter(|&at| values[at] == 0).collect(),
            values,
            forms: [0].into_iter().chain(changes.iter().map(|change| change.new_form)).collect(),
            paid: windows.iter().map(|window| window.paid).collect(),
            timeline: Timeline::new(&windows),
        }
    }

    /// Whether one of the versions after `from`, up to `to`, left a debt that was not paid at a time.
    pub(super) fn owes(&self, from: u32, to: u32, time: u64) -> bool {
        self.paid[from as usize + 1..=to as usize].iter().any(|paid| *paid >= time)
    }

    /// Judges a read that saw a version.
    pub(super) fn judge(&self, version: usize, seen: Seen, start: u64, end: u64) -> Verdict {
        if seen.torn || seen.form != self.forms[version] {
            return Verdict::Torn { version };
        }
        if self.timeline.is_future(version, end) {
            return Verdict::Future { version };
        }
        if let Some(lag) = self.timeline.lag(version, start) {
            return Verdict::Stale { version, lag };
        }
        match self.timeline.lag_by_driver(version, start) {
            Some(lag) => Verdict::StaleBeforeReturn { version, lag },
            None => Verdict::Fine { low: version, high: version },
        }
    }

    /// Judges a read that saw no row.
    pub(super) fn judge_absent(&self, start: u64, end: u64) -> Verdict {
        let allowed = self.timeline.allowed(start, end);
        let first = self.absences.partition_point(|&at| at < *allowed.start());
        let after = self.absences.partition_point(|&at| at <= *allowed.end());
        if first < after {
            let (low, high) = (self.absences[first], self.absences[after - 1]);
            return match self.timeline.lag_by_driver(high, start) {
                Some(lag) => Verdict::StaleBeforeReturn { version: high, lag },
                None => Verdict::Fine { low, high },
            };
        }
        match first.checked_sub(1).map(|before| self.absences[before]) {
            Some(version) => Verdict::Stale { version, lag: self.timeline.lag(version, start).unwrap_or(0) },
            None => Verdict::Wrong,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RowKey, form};

    fn change(old_value: u64, new_value: u64) -> Change {
        let new_form = if new_value == 0 { 0 } else { form(1, false) };
        let row = RowKey::item(1);
        Change { number: 0, row, old_value, new_value, old_form: 0, new_form, old_version: 0, new_version: 0 }
    }

    /// Made at 10-20, changed at 30-40, deleted at 50-60, made again at 70-80.
    fn history() -> RowHistory {
        let changes = [change(0, 1), change(1, 2), change(2, 0), change(0, 3)];
        let windows = [(10, 20), (30, 40), (50, 60), (70, 80)];
        let windows = windows.map(|(begin, end)| Window { begin, acknowledged: end, committed: end, paid: 0 });
        RowHistory::new(&changes.each_ref(), windows.into_iter())
    }

    fn seen(value: u64) -> Seen {
        Seen { value, form: form(1, false), torn: false }
    }

    #[test]
    fn versions_are_judged_by_their_successors() {
        let history = history();
        assert_eq!(history.judge(1, seen(1), 25, 35), Verdict::Fine { low: 1, high: 1 });
        assert_eq!(history.judge(1, seen(1), 41, 45), Verdict::Stale { version: 1, lag: 1 });
        assert_eq!(history.judge(2, seen(2), 25, 29), Verdict::Future { version: 2 });
    }

    #[test]
    fn absence_is_judged_as_a_version() {
        let history = history();
        assert_eq!(history.judge_absent(1, 15), Verdict::Fine { low: 0, high: 0 });
        assert_eq!(history.judge_absent(25, 35), Verdict::Stale { version: 0, lag: 5 });
        assert_eq!(history.judge_absent(45, 55), Verdict::Fine { low: 3, high: 3 });
        assert_eq!(history.judge_absent(81, 90), Verdict::Stale { version: 3, lag: 1 });
        assert_eq!(history.judge_absent(19, 55), Verdict::Fine { low: 0, high: 3 });
    }

    #[test]
    fn a_row_of_two_versions_is_torn() {
        let wrong_group = Seen { form: form(2, false), ..seen(1) };
        assert_eq!(history().judge(1, wrong_group, 25, 35), Verdict::Torn { version: 1 });
        assert_eq!(history().judge(1, Seen { torn: true, ..seen(1) }, 25, 35), Verdict::Torn { version: 1 });
    }

    #[test]
    fn what_was_committed_but_not_acknowledged_counts_apart() {
        let windows = [Window::START, Window { begin: 30, acknowledged: 50, committed: 40, paid: 0 }];
        let history = RowHistory::new(&[&change(0, 1), &change(1, 2)], windows.into_iter());
        assert_eq!(history.judge(1, seen(1), 45, 46), Verdict::StaleBeforeReturn { version: 1, lag: 5 });
    }
}
