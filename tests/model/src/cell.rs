//! The cell of a tag: what the shared cache knows of it.
//!
//! ```text
//!            note                quarantine(t)             quarantine(u)
//! absent ──────────▶ stamped ───────────────▶ marked {t} ───────────────▶ marked {t, u}
//!    ▲                  ▲                        │  │                        │ release, lapse
//!    │                  │ release(t), last       │  │ lapse(t)               ▼
//!    │ evict, void      └────────────────────────┘  └──▶ absent           marked {u}
//! ```

use crate::rules::{Mutation, Rules};

/// A value that a cell carries once and never again. Zero stands for none.
pub type Stamp = u16;

/// How many stamps a cell keeps: the one of now, and those that listed changes replaced.
pub const STAMPS: usize = 3;

/// How a write ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Certainly nothing happened.
    #[default]
    Nothing,
    /// Committed, and the log says what.
    Changed,
    /// Committed, and nobody says what.
    Unlisted,
}

/// What the shared cache knows of a tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cell {
    /// The writers at work, one bit for each token.
    pub marks: u8,
    /// The stamp, and before it those it came from by listed changes, newest first. While the cell is marked, what it
    /// may get back.
    pub stamps: [Stamp; STAMPS],
}

impl Cell {
    /// Whether a writer is at work.
    pub fn is_marked(&self) -> bool {
        self.marks != 0
    }

    /// Whether this writer's mark is there.
    pub fn has_mark(&self, token: u8) -> bool {
        self.marks & (1 << token) != 0
    }

    /// The stamp of now, unless a writer is at work.
    pub fn stamp(&self) -> Option<Stamp> {
        (!self.is_marked() && self.stamps[0] != 0).then_some(self.stamps[0])
    }

    /// The stamps that came after this one, each by listed changes; `None` if that is not known.
    pub fn since(&self, stamp: Stamp) -> Option<&[Stamp]> {
        let at = self.stamps.iter().position(|known| *known == stamp)?;
        Some(&self.stamps[..at])
    }

    /// Adds a writer's mark.
    pub fn quarantine(&mut self, token: u8, rules: Rules) {
        if rules.is(Mutation::OneTokenPerMark) {
            self.marks = 0;
        }
        self.marks |= 1 << token;
    }

    /// Takes a writer's mark away and moves the tag as the outcome demands. Returns whether the mark was there; if not,
    /// the cell is void.
    pub fn release(&mut self, token: u8, outcome: Outcome, fresh: Stamp, rules: Rules) -> bool {
        if !self.has_mark(token) {
            if !rules.is(Mutation::ReleaseOfLostMarkIgnored) {
                self.void(rules);
            }
            return false;
        }
        self.marks &= !(1 << token);
        let outcome = if rules.is(Mutation::ReleaseKeepsStamp) { Outcome::Nothing } else { outcome };
        match outcome {
            Outcome::Nothing => {}
            _ if rules.is(Mutation::StampsAreCounters) => self.stamps[0] += 1,
            Outcome::Changed if self.stamps[0] != 0 => self.push(fresh),
            Outcome::Changed | Outcome::Unlisted => self.forget(),
        }
        true
    }

    /// Takes the stamps away and leaves marks alone.
    pub fn void(&mut self, rules: Rules) {
        if rules.is(Mutation::VoidRemovesMarks) {
            self.marks = 0;
        }
        if rules.is(Mutation::VoidSparesMarkedStamps) && self.is_marked() {
            return;
        }
        self.forget();
    }

    /// The stamp of now for a reader who is about to read the database, which is `fresh` where there is none; `None`
    /// where a writer is at work.
    pub fn note(&mut self, fresh: Stamp) -> Option<Stamp> {
        if self.is_marked() {
            return None;
        }
        if self.stamps[0] == 0 {
            self.stamps[0] = fresh;
        }
        Some(self.stamps[0])
    }

    /// Lets a mark run out. It takes the stamps along: nobody knows what its writer did.
    pub fn lapse(&mut self, token: u8, rules: Rules) {
        self.marks &= !(1 << token);
        if !rules.is(Mutation::LapseKeepsStamp) {
            self.forget();
        }
    }

    /// Loses the cell.
    pub fn evict(&mut self) {
        *self = Self::default();
    }

    fn forget(&mut self) {
        self.stamps = [0; STAMPS];
    }

    fn push(&mut self, fresh: Stamp) {
        self.stamps.copy_within(..STAMPS - 1, 1);
        self.stamps[0] = fresh;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules::PROTOCOL;

    #[test]
    fn a_mark_is_a_set_of_tokens_and_the_last_release_opens_the_cell() {
        let mut cell = Cell::default();
        assert_eq!(cell.note(1), Some(1));
        cell.quarantine(0, RULES);
        cell.quarantine(1, RULES);
        assert_eq!(cell.note(2), None);
        assert!(cell.release(0, Outcome::Changed, 2, RULES));
        assert_eq!(cell.stamp(), None);
        assert!(cell.release(1, Outcome::Nothing, 3, RULES));
        assert_eq!(cell.stamp(), Some(2));
        assert_eq!(cell.since(1), Some(&[2][..]));
    }

    #[test]
    fn whatever_is_not_listed_ends_the_history() {
        for end in [
            |cell: &mut Cell| _ = cell.release(0, Outcome::Unlisted, 2, RULES),
            |cell: &mut Cell| cell.lapse(0, RULES),
            |cell: &mut Cell| cell.void(RULES),
            |cell: &mut Cell| _ = cell.release(1, Outcome::Changed, 2, RULES),
            Cell::evict,
        ] {
            let mut cell = Cell::default();
            cell.note(1);
            cell.quarantine(0, RULES);
            end(&mut cell);
            assert_eq!(cell.stamps, [0; STAMPS]);
        }
    }
}
