//! What may be answered, by the specification's cells.

use thing_test_model::{Cell, Outcome, Rules, Stamp};

use super::{DEPENDS, ENTRIES, TAGS, WRITERS, World};

const RULES: Rules = Rules::PROTOCOL;

/// What was noted before a read.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    /// What may be stored by it.
    pub(crate) entries: Vec<usize>,
    stamps: [Stamp; TAGS],
    /// How many commands had touched each tag, and how many moves there were.
    touched: [u32; TAGS],
    moves: usize,
    leases: u32,
    /// The read was of rows that nobody named; how exactly a client watches those is left to it.
    of_rows: bool,
}

#[derive(Clone, Debug)]
struct Stored {
    value: u32,
    noted: Noted,
}

/// The cells, the entries, and what has moved the cells.
#[derive(Debug)]
pub(crate) struct Specification {
    world: World,
    cells: [Cell; TAGS],
    /// When each writer's marks run out.
    deadlines: [u64; WRITERS],
    now: u64,
    stored: [Option<Stored>; ENTRIES],
    touched: [u32; TAGS],
    /// Every move of a tag and the change that is listed for it; `None` is a move without a list.
    moves: Vec<(usize, Option<i64>)>,
    leases: [u32; ENTRIES],
    last_stamp: Stamp,
}

impl Specification {
    pub(crate) fn new(world: World) -> Self {
        Self {
            world,
            cells: Default::default(),
            deadlines: [0; WRITERS],
            now: 0,
            stored: Default::default(),
            touched: [0; TAGS],
            moves: Vec::new(),
            leases: [0; ENTRIES],
            last_stamp: 0,
        }
    }

    pub(crate) fn tags_of(&self, writer: usize) -> Vec<usize> {
        (0..TAGS).filter(|tag| self.world[writer] & (1 << tag) != 0).collect()
    }

    pub(crate) fn quarantine(&mut self, writer: usize, duration: u64) {
        let deadline = self.now + duration;
        self.deadlines[writer] = deadline.max(self.deadlines[writer]);
        for tag in self.tags_of(writer) {
            self.touched[tag] += 1;
            self.cells[tag].quarantine(writer as u8, RULES);
        }
    }

    pub(crate) fn release(&mut self, writer: usize, outcome: Outcome, change: i64) {
        let fresh = self.fresh();
        for tag in self.tags_of(writer) {
            self.touched[tag] += 1;
            let held = self.cells[tag].release(writer as u8, outcome, fresh, RULES);
            match (held, outcome) {
                (true, Outcome::Nothing) => {}
                (true, Outcome::Changed) => self.moves.push((tag, Some(change))),
                _ => self.moves.push((tag, None)),
            }
        }
        self.deadlines[writer] = 0;
    }

    pub(crate) fn void(&mut self, tag: usize) {
        self.touched[tag] += 1;
        self.cells[tag].void(RULES);
        self.moves.push((tag, None));
    }

    pub(crate) fn void_table(&mut self) {
        (0..TAGS).for_each(|tag| self.void(tag));
    }

    /// Time passes, and marks run out.
    pub(crate) fn pass(&mut self, time: u64) {
        self.now += time;
        for writer in 0..WRITERS {
            if self.deadlines[writer] > self.now {
                continue;
            }
            for tag in self.tags_of(writer) {
                if self.cells[tag].has_mark(writer as u8) {
                    self.touched[tag] += 1;
                    self.cells[tag].lapse(writer as u8, RULES);
                    self.moves.push((tag, None));
                }
            }
            self.deadlines[writer] = 0;
        }
    }

    pub(crate) fn is_marked(&self, entry: usize) -> bool {
        DEPENDS[entry].iter().any(|tag| self.cells[*tag].is_marked())
    }

    /// The stamps before a read of one entry; `None` if a writer is at work.
    pub(crate) fn note(&mut self, entries: &[usize]) -> Option<Noted> {
        if entries.iter().any(|entry| self.is_marked(*entry)) {
            return None;
        }
        entries.iter().for_each(|entry| self.leases[*entry] += 1);
        Some(self.noted(entries.to_vec()))
    }

    /// The stamps before a read of rows that are not known yet. Under a mark it is the stamp that the tag may get back: a
    /// writer who does nothing has changed nothing.
    pub(crate) fn note_rows(&mut self) -> Noted {
        for row in 0..2 {
            if self.cells[row].stamps[0] == 0 {
                self.cells[row].stamps[0] = self.fresh();
            }
        }
        let mut noted = Noted { of_rows: true, ..self.noted(vec![0, 1]) };
        (0..2).for_each(|row| noted.stamps[row] = self.cells[row].stamps[0]);
        noted
    }

    fn noted(&mut self, entries: Vec<usize>) -> Noted {
        let mut stamps = [0; TAGS];
        for tag in entries.iter().flat_map(|entry| DEPENDS[*entry]) {
            let fresh = self.fresh();
            stamps[*tag] = self.cells[*tag].note(fresh).unwrap_or(0);
        }
        let leases = entries.iter().map(|entry| self.leases[*entry]).sum();
        Noted { entries, stamps, touched: self.touched, moves: self.moves.len(), leases, of_rows: false }
    }

    /// Whether no tag of the entry is marked or has moved since.
    pub(crate) fn holds(&self, noted: &Noted, entry: usize) -> bool {
        DEPENDS[entry].iter().all(|tag| self.cells[*tag].stamp() == Some(noted.stamps[*tag]))
    }

    fn is_untouched(&self, noted: &Noted, entry: usize) -> bool {
        DEPENDS[entry].iter().all(|tag| self.touched[*tag] == noted.touched[*tag])
    }

    /// Whether nothing has touched the tags since, nor any other fill of the entry begun.
    pub(crate) fn must_keep(&self, noted: &Noted, entry: usize) -> bool {
        !noted.of_rows && noted.leases == self.leases[entry] && self.is_untouched(noted, entry)
    }

    pub(crate) fn store(&mut self, entry: usize, noted: &Noted, value: u32) {
        self.stored[entry] = Some(Stored { value, noted: noted.clone() });
    }

    /// The value of which a hit is allowed.
    pub(crate) fn may_hit(&self, entry: usize) -> Option<u32> {
        self.stored[entry].as_ref().filter(|stored| self.holds(&stored.noted, entry)).map(|stored| stored.value)
    }

    /// Whether a hit is demanded.
    pub(crate) fn must_hit(&self, entry: usize) -> bool {
        self.stored[entry].as_ref().is_some_and(|stored| self.is_untouched(&stored.noted, entry))
    }

    /// Whether the entry may be said to be behind by these changes: no tag is marked, and every move of its tags since
    /// its read is among them.
    pub(crate) fn may_be_behind(&self, entry: usize, value: Option<u32>, told: &[i64]) -> bool {
        let Some(stored) = &self.stored[entry] else { return false };
        let moves = self.moves[stored.noted.moves..].iter().filter(|(tag, _)| DEPENDS[entry].contains(tag));
        let mut listed = moves.map(|(_, change)| *change);
        !self.is_marked(entry)
            && value == Some(stored.value)
            && listed.all(|change| change.is_some_and(|change| told.contains(&change)))
    }

    /// The stamps of now, for an entry that is behind.
    pub(crate) fn as_of(&self, entry: usize) -> Noted {
        let stamps = self.cells.map(|cell| cell.stamps[0]);
        let leases = self.leases[entry];
        Noted { entries: vec![entry], stamps, touched: self.touched, moves: self.moves.len(), leases, of_rows: false }
    }

    pub(crate) fn restamp(&mut self, entry: usize, noted: Noted) {
        if let Some(stored) = &mut self.stored[entry] {
            stored.noted = noted;
        }
    }

    fn fresh(&mut self) -> Stamp {
        self.last_stamp += 1;
        self.last_stamp
    }
}
