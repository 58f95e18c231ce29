//! The state of the coherence protocol: marks, stamps, running fills and change logs, behind one mutex.
//!
//! One counter, the *position*, numbers everything that happens. The stamp of a tag is the position at which it last
//! moved, so a stamp never occurs twice.
//!
//! # Why a hit is never wrong
//!
//! A commit lies between its quarantine and its release, both of which change this state under the mutex.
//!
//! - **Rows.** The row's entry is removed when its tag is quarantined, and is inserted only under a lease that began
//!   while the tag was unmarked and that no quarantine, release, lapse or void of the tag has met since. So the read
//!   that filled it began after the release of every commit that ended before the entry was found, and what is present
//!   is valid. A hit needs no look at marks.
//! - **Tables.** A table is closed as its rows are: when [`Tag::table`] is quarantined or voided, its fills and reads of
//!   rows end and its entries are removed, and while it is marked no lease is given. So when the mark goes there is
//!   nothing to remove. A table whose fills, reads and entries nobody ever asked for has none.
//! - **Everything else** carries the positions at which its tags had last moved before the database was read. A commit
//!   either still marks a tag, or its release, lapse or void moved the tag. Either way the entry does not validate.
//! - **Behind.** Each listed move of a tag is a position in the log. A move without a list (unlisted, void, lapse, a
//!   release without a change of the tag's table) breaks the chain of its tag: entries older than that can't be judged.
//!   A forgotten stamp breaks the chain too, because a new cell starts a new one. A forgotten change makes the log
//!   incomplete, which the log knows. The tags of an entry that is to be judged are those of its own table.
//! - **Outcome::Nothing** leaves stamps as they are: its tags did not change and nobody could use them meanwhile, unless
//!   another writer moved them, which then shows.

mod writers;
mod stamps;
mod fills;
mod rows;
mod near;
mod log;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::{Change, EntryKey, Lease, LeaseId, NewEntry, Outcome, Stamp, TableId, Tag, Token};

use self::fills::{Fill, Fills};
use self::log::Logs;
use self::rows::{Read, Rows};
use self::stamps::{Cell, Stamps};
use self::writers::Writers;
use crate::config::MemoryConfig;
use crate::entries::{Dependencies, DigestHasher};

/// The state of the protocol. Each method is one step, which nothing interrupts.
#[derive(Debug)]
pub(crate) struct Protocol {
    position: u64,
    /// The upper half of every stamp, so that those of two caches differ.
    random: u64,
    lease_time: Duration,
    writers: Writers,
    stamps: Stamps,
    fills: Fills,
    rows: Rows,
    logs: Logs,
    /// The tables that were ever leased, by their tags.
    tables: HashMap<Tag, TableId, DigestHasher>,
}

/// How an entry stands.
#[derive(Debug)]
pub(crate) enum Standing {
    /// It is valid.
    Valid,
    /// A writer is at work.
    Quarantined,
    /// Its tags moved because of these changes.
    Behind(Vec<Arc<Change>>),
    /// Its tags moved, and not everything that moved them is known.
    Lost,
}

/// The answer to a request to fill an entry.
#[derive(Debug)]
pub(crate) enum Granted {
    /// The fill has begun.
    Lease(Lease),
    /// Another fill is running that can be joined.
    Held(LeaseId),
    /// A writer is at work.
    Quarantined,
}

/// Leave to store, for the time of one step.
#[derive(Debug)]
pub(crate) enum Leave {
    Entry(Fill),
    Rows(Read),
}

impl Protocol {
    pub(crate) fn new(config: &MemoryConfig) -> Self {
        Self {
            position: 0,
            random: RandomState::new().hash_one(0),
            lease_time: config.lease_time,
            writers: Writers::default(),
            stamps: Stamps::new(config.max_tags),
            fills: Fills::default(),
            rows: Rows::default(),
            logs: Logs::new(config.max_log_changes, config.max_log_bytes),
            tables: HashMap::default(),
        }
    }

    /// Lets the writers lapse whose time is over; the first thing in every step. Returns how many.
    pub(crate) fn lapse(&mut self, now: Duration) -> usize {
        let lapsed = self.writers.lapse(now);
        for tags in &lapsed {
            let position = self.advance();
            tags.iter().for_each(|&tag| self.move_unlisted(tag, position));
        }
        lapsed.len()
    }

    /// A number that never occurred before.
    pub(crate) fn advance(&mut self) -> u64 {
        self.position += 1;
        self.position
    }

    /// Whether a writer is at work on the row with this tag, or on the whole table.
    pub(crate) fn is_marked(&self, table: TableId, row: Option<Tag>) -> bool {
        row.is_some_and(|tag| self.writers.is_marked(tag)) || self.is_table_marked(table)
    }

    fn is_table_marked(&self, table: TableId) -> bool {
        self.writers.any() && self.writers.is_marked(Tag::table(table))
    }

    /// The tables that are named as a whole among tags, as far as anybody asked for them.
    pub(crate) fn tables(&self, tags: &[Tag]) -> Vec<TableId> {
        tags.iter().filter_map(|tag| self.tables.get(tag).copied()).collect()
    }

    /// How an entry stands that depends on more than its row's tag.
    pub(crate) fn standing(&mut self, table: TableId, dependencies: &Dependencies) -> Standing {
        if self.is_table_marked(table) {
            return Standing::Quarantined;
        }
        let mut moved = false;
        let mut listed = true;
        for &(tag, stamp) in &dependencies.stamps {
            if self.writers.is_marked(tag) {
                return Standing::Quarantined;
            }
            match self.stamps.get(tag) {
                Some(cell) if cell.moved == stamp => {}
                Some(cell) => {
                    moved = true;
                    listed &= cell.listed_since <= dependencies.position && cell.table == table;
                }
                None => {
                    moved = true;
                    listed = false;
                }
            }
        }
        if !moved {
            return Standing::Valid;
        }
        listed.then(|| self.logs.since(table, dependencies.position)).flatten().map_or(Standing::Lost, Standing::Behind)
    }

    /// The stamps of now of an entry that is behind, of which no tag is marked.
    pub(crate) fn as_of(&mut self, key: &EntryKey, dependencies: &Dependencies) -> Lease {
        let tags = dependencies.stamps.iter().map(|(tag, _)| *tag);
        let stamps = tags.filter_map(|tag| self.stamps.get(tag).map(|cell| (tag, self.stamp(cell.moved)))).collect();
        Lease::entry(key.clone(), stamps, self.position)
    }

    /// Whether an entry may carry the stamps of `as_of`: they cover all of its tags, and are those of now.
    pub(crate) fn renewed(&mut self, dependencies: &Dependencies, as_of: &Lease) -> Option<Dependencies> {
        if self.is_table_marked(as_of.table) {
            return None;
        }
        let mut stamps = Vec::with_capacity(dependencies.stamps.len());
        for &(tag, _) in &dependencies.stamps {
            let (_, stamp) = as_of.stamps.iter().find(|(of, _)| *of == tag)?;
            let moved = self.stamps.get(tag)?.moved;
            if self.writers.is_marked(tag) || self.stamp(moved) != *stamp {
                return None;
            }
            stamps.push((tag, moved));
        }
        Some(Dependencies { stamps: stamps.into(), position: as_of.position, filled: dependencies.filled })
    }

    /// Begins the fill of an entry. For a row, only its own tag matters: where a mark lies on another, that tag is left
    /// out, and with it the leave to store that the row is absent.
    pub(crate) fn lease(&mut self, key: &EntryKey, digest: Tag, tags: &[Tag], now: Duration) -> Granted {
        let row = own_tag(key, digest);
        self.know(key.table());
        if self.is_table_marked(key.table()) {
            return Granted::Quarantined;
        }
        let others: Vec<Tag> = tags.iter().copied().filter(|&tag| Some(tag) != row).collect();
        let marked = others.iter().any(|&tag| self.writers.is_marked(tag));
        if row.map_or(marked, |row| self.writers.is_marked(row)) {
            return Granted::Quarantined;
        }
        if let Some(running) = self.fills.get(digest, key, now) {
            // The writer may have committed after the running fill read the database.
            if marked {
                return Granted::Quarantined;
            }
            if is_current(&mut self.stamps, running, &others) {
                return Granted::Held(running.id);
            }
        }
        let mut stamps = Vec::with_capacity(others.len());
        for tag in others {
            if !self.writers.is_marked(tag) {
                stamps.push((tag, self.noted(tag, key.table())));
            }
        }
        // The row's own tag has no cell: its stamp is good for as long as the fill is here.
        let own = row.filter(|row| tags.contains(row)).map(|row| (row, self.position));
        let named = stamps.iter().copied().chain(own);
        let named = named.map(|(tag, moved)| (tag, self.stamp(moved))).collect();
        let lease = Lease::entry(key.clone(), named, self.position);
        let fill = Fill {
            id: lease.id,
            key: key.clone(),
            began: now,
            deadline: now.saturating_add(self.lease_time),
            stamps,
            position: self.position,
        };
        self.fills.begin(digest, fill, now);
        Granted::Lease(lease)
    }

    /// Begins a read of rows that nobody named before; `None` while a writer is at work on the whole table.
    pub(crate) fn lease_rows(&mut self, table: TableId, now: Duration) -> Option<Lease> {
        self.know(table);
        if self.is_table_marked(table) {
            return None;
        }
        let lease = Lease::rows(table, self.position);
        let read = Read { table, position: self.position, deadline: now.saturating_add(self.lease_time) };
        self.rows.begin(lease.id, read, now);
        Some(lease)
    }

    fn know(&mut self, table: TableId) {
        self.tables.entry(Tag::table(table)).or_insert(table);
    }

    /// Ends a fill or a read of rows. `None` if it had ended before, by a write or for its time.
    pub(crate) fn end(&mut self, lease: &Lease, now: Duration) -> Option<Leave> {
        match &lease.key {
            Some(key) => self.fills.end(key.digest(), lease.id, now).map(Leave::Entry),
            None => self.rows.end(lease.id, now).map(Leave::Rows),
        }
    }

    /// What the entry depends on besides its row's tag, if it may be stored.
    pub(crate) fn admit(&mut self, leave: &Leave, entry: &NewEntry, digest: Tag) -> Option<Option<Arc<Dependencies>>> {
        let row = own_tag(&entry.key, digest);
        let others: Vec<Tag> = entry.tags.iter().copied().filter(|&tag| Some(tag) != row).collect();
        let fill = match leave {
            Leave::Entry(fill) if fill.key == entry.key => fill,
            Leave::Rows(read) => {
                let tag = row.filter(|_| others.is_empty() && entry.key.table() == read.table)?;
                let unmoved = !self.writers.is_marked(tag) && self.rows.is_unmoved(tag, read.position);
                return unmoved.then_some(None);
            }
            Leave::Entry(_) => return None,
        };
        let mut stamps = Vec::with_capacity(others.len());
        for tag in others {
            let noted = fill.stamps.iter().find(|(of, _)| *of == tag)?;
            if self.writers.is_marked(tag) || self.stamps.get(tag)?.moved != noted.1 {
                return None;
            }
            stamps.push(*noted);
        }
        let (position, filled) = (fill.position, Some(fill.began));
        let dependencies =
            (!stamps.is_empty()).then(|| Arc::new(Dependencies { stamps: stamps.into(), position, filled }));
        Some(dependencies)
    }

    /// Marks tags for a writer. The caller removes the rows' entries in the same step, and after it those of the tables.
    pub(crate) fn quarantine(&mut self, tags: &[Tag], token: Token, deadline: Duration) {
        self.writers.mark(tags, token, deadline);
        tags.iter().for_each(|&tag| self.end_fills(tag));
    }

    /// Takes the writer's marks away and moves the tags as the outcome demands. Returns the tags that had lost the mark
    /// and are therefore void; the caller removes their rows' entries in the same step, and after it those of the tables.
    pub(crate) fn release(&mut self, tags: &[Tag], token: Token, outcome: Outcome) -> Vec<Tag> {
        let position = self.advance();
        // `None` where the changes are not listed.
        let tables = match &outcome {
            Outcome::Changed(changes) => {
                let mut tables: Vec<TableId> = changes.iter().map(|change| change.table).collect();
                tables.sort_unstable();
                tables.dedup();
                Some(tables)
            }
            _ => None,
        };
        let nothing = matches!(outcome, Outcome::Nothing);
        if let Outcome::Changed(changes) = outcome {
            changes.into_iter().for_each(|change| self.logs.append(position, change));
        }
        // A tag that is named twice has not lost its mark.
        let mut tags = tags.to_vec();
        tags.sort_unstable();
        tags.dedup();
        let mut void = Vec::new();
        for tag in tags {
            if !self.writers.unmark(tag, token) {
                self.void(tag);
                void.push(tag);
            } else if !nothing {
                self.move_tag(tag, position, tables.as_deref());
            }
        }
        void
    }

    /// Gives a tag a new stamp. A mark stays. The caller removes the row's entry in the same step, and after it those of
    /// the table.
    pub(crate) fn void(&mut self, tag: Tag) {
        let position = self.advance();
        self.end_fills(tag);
        self.move_unlisted(tag, position);
    }

    /// Ends the fills that depend on the tag of a row or a table without naming it.
    fn end_fills(&mut self, tag: Tag) {
        self.fills.end_row(tag);
        if let Some(&table) = self.tables.get(&tag) {
            self.fills.end_table(table);
            self.rows.end_table(table);
        }
    }

    /// Ends all fills of a table and forgets its changes. The caller removes the entries after this step: those that
    /// are stored in between were read after it.
    pub(crate) fn void_table(&mut self, table: TableId) {
        let position = self.advance();
        self.fills.end_table(table);
        self.rows.end_table(table);
        self.logs.forget(table, position);
    }

    fn move_unlisted(&mut self, tag: Tag, position: u64) {
        self.move_tag(tag, position, None);
    }

    /// Moves a tag by changes of these tables, which are in the log, or by unknown ones.
    fn move_tag(&mut self, tag: Tag, position: u64, tables: Option<&[TableId]>) {
        self.rows.note_move(tag, position);
        if let Some(cell) = self.stamps.get_mut(tag) {
            cell.moved = position;
            if !tables.is_some_and(|tables| tables.contains(&cell.table)) {
                cell.listed_since = position;
            }
        }
    }

    /// When an unmarked tag last moved; it gets a cell if it has none.
    fn noted(&mut self, tag: Tag, table: TableId) -> u64 {
        if let Some(cell) = self.stamps.get(tag) {
            return cell.moved;
        }
        let position = self.advance();
        let cell = Cell { moved: position, listed_since: position, table };
        self.stamps.insert(tag, cell);
        position
    }

    fn stamp(&self, moved: u64) -> Stamp {
        Stamp(u128::from(self.random) << 64 | u128::from(moved))
    }
}

/// Whether a running fill noted these tags, and nothing that it noted has moved.
fn is_current(stamps: &mut Stamps, running: &Fill, tags: &[Tag]) -> bool {
    let noted = |tag: &Tag| running.stamps.iter().any(|(of, _)| of == tag);
    let mut unmoved = |&(tag, stamp): &(Tag, u64)| stamps.get(tag).is_some_and(|cell| cell.moved == stamp);
    tags.iter().all(noted) && running.stamps.iter().all(&mut unmoved)
}

/// The tag of the row, for a key of a row.
fn own_tag(key: &EntryKey, digest: Tag) -> Option<Tag> {
    matches!(key, EntryKey::Object { .. }).then_some(digest)
}
