//! Groups: who was in them in each version, and what the answer to each question was.

use std::collections::BTreeMap;

use super::rows::Verdict;
use super::timeline::{Timeline, Window};
use crate::audit::Change;
use crate::history::Query;
use crate::model::{WriteId, digest};

/// A change of a group by a change of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Membership {
    version: u64,
    row: u64,
    /// The value and the flag of the member; `None` when it leaves.
    member: Option<(u64, bool)>,
    write: Option<WriteId>,
    window: Window,
}

impl Membership {
    /// Hands the changes of groups that a change of a row makes to `add`.
    pub(super) fn of(change: &Change, write: Option<WriteId>, window: Window, mut add: impl FnMut(u32, Self)) {
        let row = change.row.0;
        let group = |form: u64| u32::try_from(form >> 1).unwrap_or(u32::MAX);
        let (old, new) = (group(change.old_form), group(change.new_form));
        if change.old_version > 0 && old != new {
            add(old, Self { version: change.old_version, row, member: None, write, window });
        }
        if change.new_version > 0 {
            let member = Some((change.new_value, change.new_form & 1 == 1));
            add(new, Self { version: change.new_version, row, member, write, window });
        }
    }
}

/// The states of a group; the first is the empty one.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupHistory {
    answers: Vec<Answers>,
    timeline: Timeline,
    gap: Option<u64>,
}

type Answers = [u64; Query::ALL.len()];
type Members = BTreeMap<u64, (u64, bool)>;

impl GroupHistory {
    pub(super) fn new(mut changes: Vec<Membership>) -> Self {
        changes.sort_unstable_by_key(|change| change.version);
        let mut members = Members::new();
        let mut states = vec![(answers(&members), None, Window::START)];
        let mut gap = None;
        for (at, change) in changes.iter().enumerate() {
            if change.version != at as u64 + 1 && gap.is_none() {
                gap = Some(at as u64 + 1);
            }
            match change.member {
                Some(member) => members.insert(change.row, member),
                None => members.remove(&change.row),
            };
            let state = (answers(&members), change.write, change.window);
            match states.last_mut() {
                // What one transaction did is seen at once.
                Some(last) if change.write.is_some() && last.1 == change.write => *last = state,
                _ => states.push(state),
            }
        }
        let mut windows: Vec<Window> = states.iter().map(|(_, _, window)| *window).collect();
        // A later write need not have touched what depends on one that left a debt.
        let mut paid = 0;
        for window in &mut windows {
            paid = paid.max(window.paid);
            (window.acknowledged, window.committed) = (window.acknowledged.max(paid), window.committed.max(paid));
        }
        let answers = states.into_iter().map(|(answers, ..)| answers).collect();
        Self { answers, timeline: Timeline::new(&windows), gap }
    }

    /// The first version that is missing.
    pub(super) fn gap(&self) -> Option<u64> {
        self.gap
    }

    pub(super) fn judge(&self, query: Query, answer: u64, start: u64, end: u64) -> Verdict {
        let fits = |version: &usize| self.answers[*version][query as usize] == answer;
        let allowed = self.timeline.allowed(start, end);
        let (first, last) = (*allowed.start(), *allowed.end());
        if let Some(high) = allowed.clone().rev().find(fits) {
            return match self.timeline.lag_by_driver(high, start) {
                Some(lag) => Verdict::StaleBeforeReturn { version: high, lag },
                None => Verdict::Fine { low: allowed.into_iter().find(fits).unwrap_or(high), high },
            };
        }
        if let Some(version) = (0..first).rev().find(fits) {
            return Verdict::Stale { version, lag: self.timeline.lag(version, start).unwrap_or(0) };
        }
        match (last + 1..self.answers.len()).find(fits) {
            Some(version) => Verdict::Future { version },
            None => Verdict::Wrong,
        }
    }

    /// The answers around what a read may have seen, in words.
    pub(super) fn around(&self, query: Query, start: u64, end: u64) -> String {
        let allowed = self.timeline.allowed(start, end);
        let from = allowed.start().saturating_sub(2);
        let to = (allowed.end() + 2).min(self.answers.len() - 1);
        let state = |version: usize| {
            let window = self.timeline.window(version);
            format!(
                "\n      state {version}: {:x}, {}",
                self.answers[version][query as usize],
                window.relative_to(start)
            )
        };
        (from..=to).map(state).collect()
    }
}

/// The answers to all questions, in the order of [`Query::ALL`].
fn answers(members: &Members) -> Answers {
    let flagged = || members.iter().filter(|(_, (_, flag))| *flag).map(|(id, _)| *id);
    let all = digest(members.keys().copied());
    let mut by_value: Vec<(u64, u64)> = members.iter().map(|(id, (value, _))| (*value, *id)).collect();
    by_value.sort_unstable();
    let id = |(_, id): &(u64, u64)| *id;
    let count = members.len() as u64;
    let answer = |query: &Query| match query {
        Query::All | Query::Range => all,
        Query::Newest => digest(by_value.iter().rev().take(5).map(id)),
        Query::Flagged => digest(flagged()),
        Query::Page => digest(by_value.iter().skip(2).take(3).map(id)),
        Query::Count | Query::CountRange => count,
        Query::CountFlagged => flagged().count() as u64,
        Query::Exists => flagged().next().is_some().into(),
    };
    std::array::from_fn(|at| answer(&Query::ALL[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joins(version: u64, row: u64, number: u32, window: (u64, u64)) -> Membership {
        change(version, row, Some((number.into(), false)), number, window)
    }

    fn change(version: u64, row: u64, member: Option<(u64, bool)>, number: u32, window: (u64, u64)) -> Membership {
        let window = Window { begin: window.0, acknowledged: window.1, committed: window.1, paid: 0 };
        Membership { version, row, member, write: Some(WriteId::new(2, number)), window }
    }

    #[test]
    fn a_count_is_judged_by_the_states_that_a_read_may_have_met() {
        let history = GroupHistory::new(vec![joins(1, 7, 1, (10, 20)), joins(2, 8, 2, (30, 40))]);
        assert_eq!(history.judge(Query::Count, 1, 25, 29), Verdict::Fine { low: 1, high: 1 });
        assert_eq!(history.judge(Query::Count, 1, 41, 49), Verdict::Stale { version: 1, lag: 1 });
        assert_eq!(history.judge(Query::Count, 2, 25, 29), Verdict::Future { version: 2 });
        assert_eq!(history.judge(Query::Count, 3, 25, 29), Verdict::Wrong);
    }

    #[test]
    fn lists_are_judged_by_their_keys_and_their_order() {
        let moved = change(3, 7, Some((9, true)), 3, (50, 60));
        let history = GroupHistory::new(vec![moved, joins(1, 7, 1, (10, 20)), joins(2, 8, 2, (30, 40))]);
        assert_eq!(history.judge(Query::All, digest([7, 8]), 45, 49), Verdict::Fine { low: 2, high: 2 });
        assert_eq!(history.judge(Query::Newest, digest([8, 7]), 45, 49), Verdict::Fine { low: 2, high: 2 });
        assert_eq!(history.judge(Query::Newest, digest([8, 7]), 61, 70), Verdict::Stale { version: 2, lag: 1 });
        assert_eq!(history.judge(Query::Newest, digest([7, 8]), 61, 70), Verdict::Fine { low: 3, high: 3 });
        assert_eq!(history.judge(Query::Flagged, digest([7]), 45, 55), Verdict::Fine { low: 3, high: 3 });
        assert_eq!(history.judge(Query::Exists, 0, 61, 70), Verdict::Stale { version: 2, lag: 1 });
    }

    #[test]
    fn a_transaction_is_seen_as_a_whole() {
        let history = GroupHistory::new(vec![joins(1, 7, 1, (10, 20)), joins(2, 8, 1, (12, 20))]);
        assert_eq!(history.judge(Query::Count, 1, 1, 30), Verdict::Wrong);
        assert_eq!(history.judge(Query::Count, 2, 1, 30), Verdict::Fine { low: 1, high: 1 });
    }

    #[test]
    fn missing_versions_are_seen() {
        assert_eq!(GroupHistory::new(vec![joins(1, 7, 1, (1, 2)), joins(3, 8, 2, (3, 4))]).gap(), Some(2));
    }
}
