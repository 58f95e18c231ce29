//! Which write deleted a row: a deletion carries no value that would say so.

use super::timeline::{NEVER, Window};
use crate::model::WriteId;

/// A deletion that was sent and may have been committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) write: WriteId,
    pub(super) window: Window,
}

/// A deletion of a row that was committed, between the versions before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Committed {
    /// When the version before was sent: the row was there afterwards only.
    pub(super) after: u64,
    /// When the version after was acknowledged: the row was gone before.
    pub(super) before: u64,
}

/// Finds the writers of the committed deletions of one row, as far as they are certain, and the windows that hold in any
/// case. `None` where nobody can have done it.
pub(super) fn match_deletes(sent: &[Sent], committed: &[Committed]) -> Vec<Option<(Option<WriteId>, Window)>> {
    let meets = |sent: &Sent, committed: &Committed| {
        sent.window.begin <= committed.before && sent.window.acknowledged >= committed.after
    };
    let candidates_of = |committed: &Committed| (0..sent.len()).filter(|&at| meets(&sent[at], committed)).collect();
    let mut candidates: Vec<Vec<usize>> = committed.iter().map(candidates_of).collect();
    // A write that is the only candidate of one deletion is none of another.
    let mut settled = vec![false; committed.len()];
    while let Some(at) = (0..committed.len()).find(|&at| !settled[at] && candidates[at].len() == 1) {
        settled[at] = true;
        let only = candidates[at][0];
        for (other, candidates) in candidates.iter_mut().enumerate() {
            if other != at && candidates.len() > 1 {
                candidates.retain(|candidate| *candidate != only);
            }
        }
    }
    candidates.iter().map(|candidates| widest(candidates.iter().map(|&at| sent[at]))).collect()
}

fn widest(candidates: impl Iterator<Item = Sent> + Clone) -> Option<(Option<WriteId>, Window)> {
    let first = candidates.clone().next()?;
    let write = (candidates.clone().count() == 1).then_some(first.write);
    let windows = candidates.map(|sent| sent.window);
    Some((
        write,
        Window {
            begin: windows.clone().map(|window| window.begin).min().unwrap_or(0),
            acknowledged: windows.clone().map(|window| window.acknowledged).max().unwrap_or(NEVER),
            committed: windows.clone().map(|window| window.committed).max().unwrap_or(NEVER),
            paid: windows.map(|window| window.paid).max().unwrap_or(0),
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(number: u32, begin: u64, acknowledged: u64) -> Sent {
        Sent {
            write: WriteId::new(2, number),
            window: Window { begin, acknowledged, committed: acknowledged, paid: 0 },
        }
    }

    fn writer(number: u32) -> Option<WriteId> {
        Some(WriteId::new(2, number))
    }

    #[test]
    fn times_tell_deletions_apart() {
        let committed = [Committed { after: 5, before: 30 }, Committed { after: 25, before: NEVER }];
        let matched = match_deletes(&[sent(1, 10, 20), sent(2, 40, 50)], &committed);
        assert_eq!(matched[0].map(|(write, _)| write), Some(writer(1)));
        assert_eq!(matched[1].map(|(write, window)| (write, window.acknowledged)), Some((writer(2), 50)));
    }

    #[test]
    fn what_is_certain_of_one_deletion_helps_with_another() {
        let committed = [Committed { after: 0, before: 15 }, Committed { after: 12, before: NEVER }];
        let matched = match_deletes(&[sent(1, 10, 20), sent(2, 18, 50)], &committed);
        assert_eq!(matched.map_writes(), [Some(writer(1)), Some(writer(2))]);
    }

    #[test]
    fn in_doubt_the_window_is_the_widest() {
        let matched = match_deletes(&[sent(1, 10, 20), sent(2, 12, NEVER)], &[Committed { after: 0, before: NEVER }]);
        assert_eq!(matched, [Some((None, Window { begin: 10, acknowledged: NEVER, committed: NEVER, paid: 0 }))]);
    }

    #[test]
    fn a_deletion_that_nobody_sent_is_seen() {
        assert_eq!(match_deletes(&[sent(1, 50, 60)], &[Committed { after: 0, before: 40 }]), [None]);
    }

    trait Writes {
        fn map_writes(&self) -> Vec<Option<Option<WriteId>>>;
    }

    impl Writes for Vec<Option<(Option<WriteId>, Window)>> {
        fn map_writes(&self) -> Vec<Option<Option<WriteId>>> {
            self.iter().map(|matched| matched.map(|(write, _)| write)).collect()
        }
    }
}
