//! Programs that share the cache and touch other scopes: what this one declares, and who else writes.
//!
//! A table's string of programs (`scripts/programs.lua`) begins with a stamp, on which every list depends that depends
//! on scopes. Before a list is read that program *joins*: it gets the stamp unless a program writes that touches other
//! scopes. Before a write its program *registers*: if it is new and others have joined, it replaces the stamp.

use std::borrow::Cow;
use std::collections::HashMap;

use arc_swap::ArcSwap;
use redis::{Cmd, RedisResult, Value};
use thing_driver_api::{EntryKey, Scope, TableId, Tag};

use crate::batch::bytes;
use crate::cell::Stamp;
use crate::error;
use crate::lease::random;
use crate::link::Link;
use crate::name::{self, Name};
use crate::script::Script;

/// What this client knows of programs. Asked before every query, so readers take no lock.
#[derive(Debug, Default)]
pub(crate) struct Programs(ArcSwap<State>);

#[derive(Clone, Debug, Default)]
struct State {
    tables: HashMap<TableId, Known>,
    writers: HashMap<Tag, Writer>,
}

/// A writer of this program, as one of its tags names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Writer {
    pub(crate) table: TableId,
    pub(crate) scopes: u64,
}

#[derive(Clone, Debug)]
struct Known {
    /// What lists of the whole table depend on, and no others.
    whole: Tag,
    /// The scopes that this program declares; several where it has several models of the table.
    own: Vec<u64>,
    /// Those of all that write, as was learned last.
    writers: Vec<u64>,
}

impl Known {
    fn is_alone(&self) -> bool {
        self.writers.iter().all(|writer| self.own.iter().all(|own| own == writer))
    }
}

/// What is asked before a list is read.
#[derive(Clone, Debug)]
pub(crate) struct Joining {
    pub(crate) table: TableId,
    own: Vec<u64>,
    /// Whether the list depends on scopes. If not, it is asked only whether the other programs are gone.
    scoped: bool,
}

impl Programs {
    /// Takes note of what this program declares. Whether all that write touch the same, as far as is known.
    pub(crate) fn declare(&self, table: TableId, scopes: u64) -> bool {
        if let Some(known) = self.0.load().tables.get(&table).filter(|known| known.own.contains(&scopes)) {
            return known.is_alone();
        }
        self.0.rcu(|state| {
            let mut state = State::clone(state);
            let whole = Tag::rows(table, &Scope::Table);
            let known = state.tables.entry(table).or_insert(Known { whole, own: Vec::new(), writers: Vec::new() });
            if !known.own.contains(&scopes) {
                known.own.push(scopes);
            }
            state.writers.insert(Tag::writer(table, scopes), Writer { table, scopes });
            state
        });
        self.0.load().tables.get(&table).is_none_or(Known::is_alone)
    }

    /// Parts the tags of a write from those that say who writes.
    pub(crate) fn part(&self, tags: &[Tag]) -> (Vec<Tag>, Vec<Writer>) {
        let state = self.0.load();
        let (mut others, mut writers) = (Vec::with_capacity(tags.len()), Vec::new());
        for tag in tags {
            match state.writers.get(tag).filter(|_| !tag.is_row()) {
                Some(writer) if !writers.contains(writer) => writers.push(*writer),
                Some(_) => {}
                None => others.push(*tag),
            }
        }
        (others, writers)
    }

    /// What to ask before an entry is read that is to depend on these tags, and all that it will depend on. Rows, and
    /// lists of the whole table, are reached by every writer.
    pub(crate) fn joining<'a>(&self, key: &EntryKey, tags: &'a [Tag]) -> (Option<Joining>, Cow<'a, [Tag]>) {
        let EntryKey::Query { table, .. } = key else { return (None, tags.into()) };
        let state = self.0.load();
        let Some(known) = state.tables.get(table) else { return (None, tags.into()) };
        let scoped = !tags.contains(&known.whole);
        if !scoped && known.is_alone() {
            return (None, tags.into());
        }
        let joining = Joining { table: *table, own: known.own.clone(), scoped };
        match scoped {
            true => (Some(joining), tags.iter().copied().chain([name::programs(*table)]).collect()),
            false => (Some(joining), tags.into()),
        }
    }

    /// The cell that a list with these tags depends on besides them.
    pub(crate) fn cell(&self, key: &EntryKey, tags: &[Tag]) -> Option<Name> {
        let EntryKey::Query { table, .. } = key else { return None };
        let state = self.0.load();
        let known = state.tables.get(table)?;
        (!tags.is_empty() && !tags.contains(&known.whole)).then(|| Name::programs(*table))
    }

    /// Takes note of who writes to a table.
    fn learn(&self, table: TableId, answers: &[Value]) -> RedisResult<()> {
        let scopes = |answer| bytes(answer)?.try_into().ok().map(u64::from_le_bytes);
        let writers: Option<Vec<u64>> = answers.iter().map(scopes).collect();
        let Some(mut writers) = writers else { return Err(error::unexpected("scopes of programs")) };
        writers.sort_unstable();
        if self.0.load().tables.get(&table).is_none_or(|known| known.writers == writers) {
            return Ok(());
        }
        self.0.rcu(|state| {
            let mut state = State::clone(state);
            if let Some(known) = state.tables.get_mut(&table) {
                known.writers.clone_from(&writers);
            }
            state
        });
        Ok(())
    }

    /// Reads what was answered to a joining program: whether it may read what it asked for, and the stamp of then.
    pub(crate) fn joined(&self, joining: &Joining, answer: &Value) -> RedisResult<Joined> {
        let Value::Array(answers) = answer else { return Err(error::unexpected("an array")) };
        let Some((stamp, writers)) = answers.split_first() else { return Err(error::unexpected("a stamp")) };
        self.learn(joining.table, writers)?;
        let stamp: Option<Stamp> = bytes(stamp).and_then(|stamp| stamp.try_into().ok());
        Ok(match (joining.scoped, stamp) {
            (false, _) => Joined::Free,
            (true, Some(stamp)) => Joined::Bound { tag: name::programs(joining.table), stamp },
            (true, None) => Joined::Declined,
        })
    }

    /// Reads what was answered to a writer that registered.
    pub(crate) fn registered(&self, writer: &Writer, answer: &Value) -> RedisResult<()> {
        let Value::Array(answers) = answer else { return Err(error::unexpected("an array")) };
        self.learn(writer.table, answers)
    }
}

/// Whether a program may read what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// It does not depend on scopes.
    Free,
    /// While the tag has the stamp.
    Bound { tag: Tag, stamp: Stamp },
    /// A program writes that does not touch all of the scopes.
    Declined,
}

impl Joined {
    /// Whether the stamps that were noted after the program joined are of the time in which it may read.
    pub(crate) fn allows(self, noted: &[(Tag, Stamp)]) -> bool {
        match self {
            Self::Free => true,
            Self::Bound { tag, stamp } => noted.contains(&(tag, stamp)),
            Self::Declined => false,
        }
    }
}

impl Joining {
    pub(crate) fn command(&self, link: &Link) -> Cmd {
        let mut command = link.call(Script::Join, &[Name::programs(self.table)]);
        command.arg(if self.scoped { "1" } else { "" }).arg(&random()[..]);
        self.own.iter().for_each(|scopes| _ = command.arg(&scopes.to_le_bytes()));
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: TableId = TableId(3);

    fn writers(scopes: &[u64]) -> Vec<Value> {
        scopes.iter().map(|scopes| Value::BulkString(scopes.to_le_bytes().to_vec())).collect()
    }

    #[test]
    fn a_program_is_alone_until_another_writes() {
        let programs = Programs::default();
        assert!(programs.declare(TABLE, 1));
        programs.learn(TABLE, &writers(&[1])).expect("scopes");
        assert!(programs.declare(TABLE, 1));
        programs.learn(TABLE, &writers(&[2, 1])).expect("scopes");
        assert!(!programs.declare(TABLE, 1));
        assert!(programs.declare(TableId(4), 1), "another table");
        programs.learn(TABLE, &writers(&[])).expect("scopes");
        assert!(programs.declare(TABLE, 1));
    }

    /// The client does not say for which of its models an entry is.
    #[test]
    fn a_program_with_two_models_is_not_alone_with_itself() {
        let programs = Programs::default();
        programs.learn(TABLE, &writers(&[7])).expect("scopes");
        assert!(programs.declare(TABLE, 1));
        assert!(programs.declare(TABLE, 2));
        programs.learn(TABLE, &writers(&[1])).expect("scopes");
        assert!(!programs.declare(TABLE, 1) && !programs.declare(TABLE, 2));
    }

    #[test]
    fn writers_are_told_from_tags_once_they_are_declared() {
        let programs = Programs::default();
        let tags = [Tag(2), Tag::writer(TABLE, 1), Tag(4), Tag::writer(TABLE, 1)];
        assert_eq!(programs.part(&tags).1, []);
        programs.declare(TABLE, 1);
        assert_eq!(programs.part(&tags), (vec![Tag(2), Tag(4)], vec![Writer { table: TABLE, scopes: 1 }]));
    }

    #[test]
    fn lists_that_depend_on_scopes_depend_on_the_programs_too() {
        let programs = Programs::default();
        let list = EntryKey::Query { table: TABLE, question: [1].into() };
        let (scoped, whole) = ([Tag(2)], [Tag::rows(TABLE, &Scope::Table)]);
        assert!(programs.joining(&list, &scoped).0.is_none(), "nothing is declared");
        programs.declare(TABLE, 1);
        let (joining, tags) = programs.joining(&list, &scoped);
        assert!(joining.is_some_and(|joining| joining.scoped));
        assert_eq!(*tags, [Tag(2), name::programs(TABLE)]);
        assert!(programs.joining(&list, &whole).0.is_none());
        programs.learn(TABLE, &writers(&[2])).expect("scopes");
        let (joining, tags) = programs.joining(&list, &whole);
        assert!(joining.is_some_and(|joining| !joining.scoped), "whether the other is still there");
        assert_eq!(*tags, whole);
    }
}
