//! The truth: what was committed, when, and by whom.

use std::collections::HashMap;

use super::deletes::{Committed, Sent, match_deletes};
use super::groups::{GroupHistory, Membership};
use super::order::Sighting;
use super::rows::RowHistory;
use super::timeline::{NEVER, Window};
use crate::audit::Change;
use crate::debts::Debts;
use crate::history::{Outcome, Record};
use crate::model::{RowKey, SEEDER, WriteId};

/// How long after its beginning a commit of unknown outcome may come at most.
const LATEST_COMMIT: u64 = 30_000_000_000;

/// What the histories say about writes.
#[derive(Debug, Default)]
pub(super) struct Truth {
    writes: HashMap<WriteId, Write>,
    /// When each value was sent.
    sent: HashMap<u64, u64>,
    deletions: HashMap<RowKey, Vec<(WriteId, u64)>>,
    debts: Debts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Write {
    outcome: Option<Outcome>,
    end: u64,
    committed: Option<u64>,
    owed: Option<u64>,
}

/// What was committed.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) rows: HashMap<RowKey, RowHistory>,
    pub(super) groups: HashMap<u32, GroupHistory>,
    /// Where each committed value is: its row and its version.
    pub(super) values: HashMap<u64, (RowKey, usize)>,
    /// Writes that were committed though their callers were told that they had no effect.
    pub(super) denied: Vec<(WriteId, u64)>,
    /// How the writes ended.
    writes: HashMap<WriteId, Write>,
    pub(super) problems: Vec<String>,
}

impl Truth {
    pub(super) fn new(debts: Debts) -> Self {
        Self { debts, ..Self::default() }
    }

    /// Writes that left debts, and how long after their return these were paid.
    pub(super) fn payments(&self) -> Vec<u64> {
        let owing = self.writes.values().filter(|write| write.owed.is_some() && write.outcome == Some(Outcome::Done));
        owing.filter_map(|write| Some(self.debts.paid(write.end)? - write.end)).collect()
    }

    pub(super) fn learn(&mut self, record: Record) {
        match record {
            Record::Part { write, row, value: 0, start } => self.deletions.entry(row).or_default().push((write, start)),
            Record::Part { value, start, .. } => _ = self.sent.insert(value, start),
            Record::Committed { write, time } => self.writes.entry(write).or_default().committed = Some(time),
            Record::Owed { write, time } => self.writes.entry(write).or_default().owed = Some(time),
            Record::Written { write, outcome, end, .. } => {
                let known = self.writes.entry(write).or_default();
                (known.outcome, known.end) = (Some(outcome), end);
            }
            _ => {}
        }
    }

    /// Puts the changes in their place.
    pub(super) fn settle(self, changes: &[Change]) -> Settled {
        let mut settled = Settled::default();
        let mut by_row: HashMap<RowKey, Vec<&Change>> = HashMap::new();
        changes.iter().for_each(|change| by_row.entry(change.row).or_default().push(change));
        let mut members: HashMap<u32, Vec<Membership>> = HashMap::new();
        for (row, changes) in by_row {
            let windows = self.windows(row, &changes, &mut settled);
            for (change, (write, window)) in changes.iter().zip(&windows) {
                Membership::of(change, *write, *window, |group, member| members.entry(group).or_default().push(member));
            }
            let history = RowHistory::new(&changes, windows.iter().map(|(_, window)| *window));
            let values = changes.iter().enumerate().filter(|(_, change)| change.new_value != 0);
            settled.values.extend(values.map(|(at, change)| (change.new_value, (row, at + 1))));
            settled.rows.insert(row, history);
        }
        for (group, members) in members {
            let history = GroupHistory::new(members);
            if let Some(gap) = history.gap() {
                settled.problems.push(format!("group {group}: version {gap} is missing in the audit"));
            }
            settled.groups.insert(group, history);
        }
        settled.writes = self.writes;
        settled.problems.truncate(20);
        settled
    }

    fn windows(&self, row: RowKey, changes: &[&Change], settled: &mut Settled) -> Vec<(Option<WriteId>, Window)> {
        let mut windows = Vec::with_capacity(changes.len());
        let mut before = 0;
        for change in changes {
            if change.old_value != before {
                settled.problems.push(format!("{row}: change {} does not follow the one before", change.number));
            }
            before = change.new_value;
            windows.push(self.window(row, change, settled));
        }
        let places: Vec<usize> = (0..changes.len()).filter(|&at| changes[at].new_value == 0).collect();
        let committed = |&at: &usize| Committed {
            after: if at > 0 { windows[at - 1].1.begin } else { 0 },
            before: windows.get(at + 1).map_or(NEVER, |(_, window)| window.acknowledged),
        };
        let committed: Vec<Committed> = places.iter().map(committed).collect();
        let none = Vec::new();
        let sent: Vec<Sent> =
            self.deletions.get(&row).unwrap_or(&none).iter().filter_map(|sent| self.sent(*sent)).collect();
        for (at, matched) in places.into_iter().zip(match_deletes(&sent, &committed)) {
            match matched {
                Some(matched) => windows[at] = matched,
                None => settled.problems.push(format!("{row}: nobody made deletion {}", changes[at].number)),
            }
        }
        windows
    }

    /// A deletion that may have been committed.
    fn sent(&self, (write, begin): (WriteId, u64)) -> Option<Sent> {
        let known = self.writes.get(&write).copied().unwrap_or_default();
        match known.outcome {
            Some(Outcome::Refused(_) | Outcome::RolledBack) => None,
            _ => Some(Sent { write, window: known.window(begin, &self.debts) }),
        }
    }

    fn window(&self, row: RowKey, change: &Change, settled: &mut Settled) -> (Option<WriteId>, Window) {
        let write = WriteId::of_value(change.new_value);
        if change.new_value == 0 {
            return (None, Window { begin: 0, acknowledged: NEVER, committed: NEVER, paid: 0 });
        }
        if write.incarnation() == SEEDER {
            return (Some(write), Window::START);
        }
        let Some(begin) = self.sent.get(&change.new_value) else {
            settled.problems.push(format!("{row}: nobody wrote {:x}", change.new_value));
            return (None, Window { begin: 0, acknowledged: NEVER, committed: NEVER, paid: 0 });
        };
        let known = self.writes.get(&write).copied().unwrap_or_default();
        if matches!(known.outcome, Some(Outcome::Refused(_) | Outcome::RolledBack)) {
            settled.denied.push((write, known.end));
        }
        (Some(write), known.window(*begin, &self.debts))
    }
}

impl Write {
    /// Of a write that left a debt nothing is promised before that is paid.
    fn window(&self, begin: u64, debts: &Debts) -> Window {
        let done = self.outcome == Some(Outcome::Done);
        let Some(owed) = self.owed else {
            let acknowledged = if done { self.end } else { NEVER };
            return Window { begin, acknowledged, committed: self.committed.unwrap_or(NEVER), paid: 0 };
        };
        let committed = if done { self.end } else { owed + LATEST_COMMIT };
        let paid = debts.paid(committed).unwrap_or(NEVER);
        let acknowledged = if done { paid } else { NEVER };
        Window { begin, acknowledged, committed: acknowledged, paid }
    }
}

impl Settled {
    /// What a process has written it has as good as seen when its write returns.
    pub(super) fn own_write(&self, write: WriteId, value: u64, start: u64) -> Option<Sighting> {
        let (row, version) = self.values.get(&value)?;
        let known = self.writes.get(&write).filter(|write| write.outcome == Some(Outcome::Done))?;
        let version = u32::try_from(*version).ok()?;
        Some(Sighting { row: *row, low: version, high: version, start, end: known.end })
    }

    /// How a write ended, in words.
    pub(super) fn fate(&self, write: WriteId) -> String {
        match self.writes.get(&write).and_then(|write| write.outcome) {
            None => "its process died before it knew".to_owned(),
            Some(outcome) => format!("{outcome:?}"),
        }
    }
}
