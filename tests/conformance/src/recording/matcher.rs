//! Matchers: which operations a fault or a gate is for.

use std::fmt;
use std::sync::Arc;

use thing_driver_api::{Key, Tag};

use super::{Command, Recorded};

type Predicate<R> = dyn Fn(&R) -> bool + Send + Sync;

/// Chooses operations: of an executor ([`Recorded`]) or of a cache ([`Command`]).
pub struct Matcher<R = Recorded> {
    name: Arc<str>,
    predicate: Arc<Predicate<R>>,
}

impl<R: 'static> Matcher<R> {
    /// Those of which the function says true; `name` is for messages.
    pub fn new(name: impl Into<Arc<str>>, predicate: impl Fn(&R) -> bool + Send + Sync + 'static) -> Self {
        Self { name: name.into(), predicate: Arc::new(predicate) }
    }

    /// Every operation.
    pub fn any() -> Self {
        Self::new("any", |_| true)
    }

    /// Those that both match.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let name = format!("{} and {}", self.name, other.name);
        Self::new(name, move |record| self.matches(record) && other.matches(record))
    }

    /// Those that this matches and the other does not.
    #[must_use]
    pub fn but_not(self, other: Self) -> Self {
        let name = format!("{} but not {}", self.name, other.name);
        Self::new(name, move |record| self.matches(record) && !other.matches(record))
    }

    /// Whether the operation is one of them.
    pub fn matches(&self, record: &R) -> bool {
        (self.predicate)(record)
    }
}

impl Matcher<Recorded> {
    /// Reads of any table, in and outside transactions: `fetch`, `get_many`, `stream`.
    pub fn reads() -> Self {
        Self::new("reads", Recorded::is_read)
    }

    /// Reads of one table.
    pub fn reads_of(table: &str) -> Self {
        Self::reads().and(Self::of(table))
    }

    /// Writes of any table, in and outside transactions: `write`, `write_atomic`.
    pub fn writes() -> Self {
        Self::new("writes", Recorded::is_write)
    }

    /// Writes of one table.
    pub fn writes_of(table: &str) -> Self {
        Self::writes().and(Self::of(table))
    }

    /// Whatever names the table.
    pub fn of(table: &str) -> Self {
        let name = table.to_owned();
        Self::new(format!("of `{table}`"), move |record: &Recorded| record.names_table(&name))
    }

    /// Statements whose SQL text contains `text`; never matches without a dialect.
    pub fn sql_contains(text: &str) -> Self {
        let text = text.to_owned();
        Self::new(format!("SQL with `{text}`"), move |record: &Recorded| {
            record.sent().iter().any(|s| s.sql.as_ref().is_some_and(|sql| sql.contains(&text)))
        })
    }

    /// Operations inside transactions, their ends included.
    pub fn in_transaction() -> Self {
        Self::new("in a transaction", |record: &Recorded| record.transaction().is_some())
    }

    /// Beginnings of transactions.
    pub fn begins() -> Self {
        Self::new("begins", |record| matches!(record, Recorded::Begin { .. }))
    }

    /// Commits of transactions. A `write` or `write_atomic` commits by itself: match those with [`Matcher::writes`].
    pub fn commits() -> Self {
        Self::new("commits", |record| matches!(record, Recorded::Commit { .. }))
    }

    /// Rollbacks asked for; a transaction dropped without an end is not among them.
    pub fn rollbacks() -> Self {
        Self::new("rollbacks", |record| matches!(record, Recorded::Rollback { .. }))
    }
}

impl Matcher<Command> {
    /// Loads of entries; [`Command::Peek`] is none of them.
    pub fn loads() -> Self {
        Self::new("loads", |command| matches!(command, Command::Load { .. }))
    }

    /// Requests for leave to fill.
    pub fn leases() -> Self {
        Self::new("leases", |command| matches!(command, Command::Lease { .. }))
    }

    /// Stores.
    pub fn stores() -> Self {
        Self::new("stores", |command| matches!(command, Command::Store { .. }))
    }

    /// Restamps.
    pub fn restamps() -> Self {
        Self::new("restamps", |command| matches!(command, Command::Restamp { .. }))
    }

    /// Quarantines.
    pub fn quarantines() -> Self {
        Self::new("quarantines", |command| matches!(command, Command::Quarantine { .. }))
    }

    /// Releases.
    pub fn releases() -> Self {
        Self::new("releases", |command| matches!(command, Command::Release { .. }))
    }

    /// Voids of tags and of tables.
    pub fn voids() -> Self {
        Self::new("voids", |command| matches!(command, Command::Void { .. } | Command::VoidTable { .. }))
    }

    /// Commands that name the object with this key, in whatever table.
    pub fn of_object(key: Key) -> Self {
        Self::new("of one object", move |command: &Command| command.names_object(&key))
    }

    /// Commands that name the tag.
    pub fn of_tag(tag: Tag) -> Self {
        Self::new("of one tag", move |command: &Command| command.tags().contains(&tag))
    }
}

impl<R> Clone for Matcher<R> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), predicate: self.predicate.clone() }
    }
}

impl<R> fmt::Debug for Matcher<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Matcher({})", self.name)
    }
}
