//! Random commands, run through the specification's cells and through a client, and their answers compared.
//!
//! The specification knows more than a client has to: it says when a hit is forbidden, when it is demanded (nothing has
//! touched what the entry depends on since it was stored), and leaves the rest to the client.

mod commands;
mod specification;

pub(crate) use commands::{Command, World, commands};

use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::{
    Behind, CacheClient, Change, ColumnSet, EntryKey, Found, Key, Lease, LeaseRequest, Leased, NewEntry, Outcome,
    Payload, RowImage, Scope, TableId, Tag, Token,
};
use thing_test_model as model;

use self::specification::{Noted, Specification};

/// The entries: two rows and a list.
const ENTRIES: usize = 3;
/// The tags: of the rows, then of the list.
const TAGS: usize = 4;
/// Writers, each with its token and its tags.
const WRITERS: usize = 3;

/// The tags of each entry.
const DEPENDS: [&[usize]; ENTRIES] = [&[0], &[1], &[2, 3]];

/// How often a client gave each answer: a comparison that never sees one proves nothing about it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    hits: u32,
    behind: u32,
    restamped: u32,
    held: u32,
    quarantined: u32,
    stored: u32,
    refused: u32,
}

impl Seen {
    pub(crate) fn is_everything(&self) -> bool {
        let Self { hits, behind, restamped, held, quarantined, stored, refused } = *self;
        [hits, behind, restamped, held, quarantined, stored, refused].iter().all(|count| *count > 0)
    }
}

/// One run: a client, and what the specification says it should do.
pub(crate) struct Run<C> {
    client: C,
    specification: Specification,
    table: TableId,
    tokens: [Token; WRITERS],
    leases: Vec<(Lease, Noted)>,
    behind: Option<(Behind, Noted)>,
    values: u32,
    changes: i64,
    seen: Seen,
}

impl<C: CacheClient> Run<C> {
    pub(crate) fn new(client: C, table: TableId, world: World, seen: Seen) -> Self {
        let specification = Specification::new(world);
        let tokens = [(); WRITERS].map(|()| Token::random());
        Self { client, specification, table, tokens, leases: Vec::new(), behind: None, values: 0, changes: 0, seen }
    }

    /// What was seen, in this run and those before.
    pub(crate) fn seen(&self) -> Seen {
        self.seen
    }

    /// Runs a command on both sides, and looks for every entry.
    pub(crate) async fn step(&mut self, command: &Command) -> Result<(), String> {
        self.run(command).await?;
        for entry in 0..ENTRIES {
            self.look(entry, command).await?;
        }
        Ok(())
    }

    async fn run(&mut self, command: &Command) -> Result<(), String> {
        match *command {
            Command::Quarantine { writer, duration } => self.quarantine(writer, duration).await?,
            Command::Release { writer, outcome } => self.release(writer, outcome).await?,
            Command::Void { tag } => {
                self.client.void(&self.tags(&[tag])).await.map_err(text)?;
                self.specification.void(tag);
            }
            Command::VoidTable => {
                self.client.void_table(self.table).await.map_err(text)?;
                self.specification.void_table();
            }
            Command::Lease { entry } => self.lease(entry).await?,
            Command::LeaseRows => self.lease_rows().await?,
            Command::Store { lease } => self.store(lease).await?,
            Command::Fill { entry } => {
                let before = self.leases.len();
                self.lease(entry).await?;
                if self.leases.len() > before {
                    self.store(before).await?;
                }
            }
            Command::Write { writer, outcome } => {
                self.quarantine(writer, 600_000).await?;
                self.release(writer, outcome).await?;
            }
            Command::Restamp => self.restamp().await?,
            Command::Pass { time } => self.specification.pass(time),
        }
        Ok(())
    }

    async fn quarantine(&mut self, writer: usize, duration: u64) -> Result<(), String> {
        let tags = self.tags(&self.specification.tags_of(writer));
        self.client.quarantine(&tags, self.tokens[writer], Duration::from_millis(duration)).await.map_err(text)?;
        self.specification.quarantine(writer, duration);
        Ok(())
    }

    async fn release(&mut self, writer: usize, outcome: model::Outcome) -> Result<(), String> {
        self.changes += 1;
        let change =
            Change::new(self.table, Key::Int(self.changes), ColumnSet::ALL, RowImage::Unknown, RowImage::Unknown);
        let told = match outcome {
            model::Outcome::Nothing => Outcome::Nothing,
            model::Outcome::Changed => Outcome::Changed(vec![Arc::new(change)]),
            model::Outcome::Unlisted => Outcome::Unlisted,
        };
        let tags = self.tags(&self.specification.tags_of(writer));
        self.client.release(&tags, self.tokens[writer], told).await.map_err(text)?;
        self.specification.release(writer, outcome, self.changes);
        Ok(())
    }

    async fn lease(&mut self, entry: usize) -> Result<(), String> {
        let (key, tags) = (self.key(entry), self.tags(DEPENDS[entry]));
        let answer = self.client.lease(&[LeaseRequest::Entry { key: &key, tags: &tags }]).await.map_err(text)?.pop();
        let noted = self.specification.note(&[entry]);
        match (answer, noted) {
            (Some(Leased::Granted(lease)), Some(noted)) => self.leases.push((lease, noted)),
            (Some(Leased::Held(id)), Some(_)) => {
                let held = self.leases.iter().find(|(lease, _)| lease.id == id);
                if !held.is_some_and(|(_, noted)| self.specification.holds(noted, entry)) {
                    return Err(format!("entry {entry}: a reader is to join a fill that a write has ended"));
                }
                self.seen.held += 1;
            }
            (Some(Leased::Quarantined), None) => self.seen.quarantined += 1,
            (answer, noted) => return Err(format!("entry {entry}: {answer:?}, though it noted {noted:?}")),
        }
        Ok(())
    }

    async fn lease_rows(&mut self) -> Result<(), String> {
        let answer = self.client.lease(&[LeaseRequest::Rows { table: self.table }]).await.map_err(text)?.pop();
        let Some(Leased::Granted(lease)) = answer else { return Ok(()) };
        let noted = self.specification.note_rows();
        self.leases.push((lease, noted));
        Ok(())
    }

    /// Stores under a lease.
    async fn store(&mut self, lease: usize) -> Result<(), String> {
        if self.leases.is_empty() {
            return Ok(());
        }
        let (lease, noted) = self.leases.swap_remove(lease % self.leases.len());
        // Of several rows that may be stored, one.
        let entry = noted.entries[self.values as usize % noted.entries.len()];
        self.values += 1;
        let new = NewEntry::new(self.key(entry), self.tags(DEPENDS[entry]), payload(self.values));
        let kept = self.client.store(&lease, vec![new]).await.map_err(text)?;
        if kept == 0 && self.specification.must_keep(&noted, entry) {
            return Err(format!("entry {entry} was refused, though nothing had touched its tags"));
        }
        if kept > 0 {
            self.specification.store(entry, &noted, self.values);
            self.seen.stored += 1;
        } else {
            self.seen.refused += 1;
        }
        Ok(())
    }

    async fn restamp(&mut self) -> Result<(), String> {
        let Some((behind, noted)) = self.behind.take() else { return Ok(()) };
        let entry = noted.entries[0];
        if self.client.restamp(&self.key(entry), &behind).await.map_err(text)? {
            self.specification.restamp(entry, noted);
            self.seen.restamped += 1;
        }
        Ok(())
    }

    /// Looks for an entry, and judges the answer.
    async fn look(&mut self, entry: usize, command: &Command) -> Result<(), String> {
        let key = self.key(entry);
        let wanted = [thing_driver_api::Wanted::new(&key)];
        let found = self.client.load(&wanted).await.map_err(text)?.pop();
        let wrong = |what: &str| Err(format!("after {command:?}, entry {entry}: {what}"));
        let must = self.specification.must_hit(entry);
        if let thing_driver_api::Peek::Hit(found) = self.client.peek(&key)
            && self.specification.may_hit(entry) != value(&found)
        {
            return wrong("a hit in memory that is not allowed");
        }
        match found {
            Some(Found::Hit(found)) if self.specification.may_hit(entry) == value(&found) => {
                self.seen.hits += 1;
                Ok(())
            }
            Some(Found::Hit(_)) => wrong("a hit that is not allowed"),
            _ if must => wrong("no hit, though nothing touched what it depends on"),
            Some(Found::Quarantined) if !self.specification.is_marked(entry) => wrong("quarantined by nobody"),
            Some(Found::Behind(behind)) => {
                let told: Vec<i64> = behind.changes.iter().filter_map(|change| number(&change.key)).collect();
                if !self.specification.may_be_behind(entry, value(&behind.payload), &told) {
                    return wrong("behind, with changes that are not all");
                }
                self.behind = Some((behind, self.specification.as_of(entry)));
                self.seen.behind += 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn key(&self, entry: usize) -> EntryKey {
        match entry {
            2 => EntryKey::Query { table: self.table, question: [1, 2, 3].into() },
            row => EntryKey::Object { table: self.table, key: Key::Int(row as i64) },
        }
    }

    fn tags(&self, tags: &[usize]) -> Vec<Tag> {
        let tag = |tag: &usize| match tag {
            2 => Tag::rows(self.table, &Scope::Table),
            3 => Tag::column(self.table, &Scope::Table, "name"),
            row => Tag::row(self.table, &Key::Int(*row as i64)),
        };
        tags.iter().map(tag).collect()
    }
}

fn payload(value: u32) -> Payload {
    Payload::Encoded(Arc::from(value.to_le_bytes()))
}

fn value(payload: &Payload) -> Option<u32> {
    match payload {
        Payload::Encoded(bytes) => bytes[..].try_into().ok().map(u32::from_le_bytes),
        _ => None,
    }
}

fn number(key: &Key) -> Option<i64> {
    match key {
        Key::Int(number) => Some(*number),
        _ => None,
    }
}

/// Taken by value, as `map_err` gives it.
#[allow(clippy::needless_pass_by_value, reason = "it is called by map_err")]
fn text(error: thing_driver_api::Error) -> String {
    format!("the client failed: {error}")
}
