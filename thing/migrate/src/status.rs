//! The status: what there is, compared with what was run.

use std::fmt;
use std::time::Duration;

use crate::history::{Phase, Record};
use crate::{Direction, Migrations, Version};

/// How it is with one migration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The version.
    pub version: Version,
    /// The name, without the version.
    pub name: String,
    /// What became of it.
    pub state: State,
}

/// What became of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It was not run.
    Pending {
        /// A newer one was: it is run only where that is allowed.
        out_of_order: bool,
    },
    /// It was run.
    Applied {
        /// When it was finished, in UTC.
        at: String,
        /// How long it took. Nothing where it was there before the history began.
        took: Duration,
    },
    /// It was run, and its file is not as it was then.
    Edited {
        /// When it was finished, in UTC.
        at: String,
    },
    /// It was run, and its file is missing.
    Missing {
        /// When it was finished, in UTC.
        at: String,
    },
    /// It was begun, in a database that can't roll it back or in no transaction, and is not finished.
    Unfinished(Unfinished),
}

/// How far a migration came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// Whether it is made or undone.
    pub direction: Direction,
    /// How many statements took effect. The next run begins behind them.
    pub done: usize,
    /// The number of the statement of which it is not known whether it took effect: the program ended, or lost its
    /// connection, while it was under way.
    pub in_doubt: Option<usize>,
    /// Why the statement behind `done` had no effect.
    pub error: Option<String>,
}

/// The status of all migrations, and of what was run and is missing, by version.
pub(crate) fn compare(migrations: &Migrations, records: &[Record]) -> Vec<Status> {
    let newest = records.iter().filter(|record| record.is_applied()).map(|record| record.version).max();
    let mut all: Vec<Status> = migrations
        .iter()
        .map(|migration| {
            let version = migration.version();
            let state = match records.iter().find(|record| record.version == version) {
                None => State::Pending { out_of_order: newest.is_some_and(|newest| newest > version) },
                Some(record) if record.is_applied() && record.checksum != migration.checksum() => {
                    State::Edited { at: record.at.clone() }
                }
                Some(record) => known(record),
            };
            Status { version, name: migration.name().to_owned(), state }
        })
        .collect();
    for record in records.iter().filter(|record| migrations.get(record.version).is_none()) {
        let state = if record.is_applied() { State::Missing { at: record.at.clone() } } else { known(record) };
        all.push(Status { version: record.version, name: record.name.clone(), state });
    }
    all.sort_by_key(|status| status.version);
    all
}

fn known(record: &Record) -> State {
    match record.phase {
        Phase::Applied => State::Applied { at: record.at.clone(), took: record.took },
        Phase::Underway(direction) => State::Unfinished(Unfinished {
            direction,
            done: record.done,
            in_doubt: (record.begun > record.done).then_some(record.begun),
            error: record.error.clone(),
        }),
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending { out_of_order: false } => f.write_str("pending"),
            Self::Pending { out_of_order: true } => f.write_str("pending, older than one that was applied"),
            Self::Applied { at, took } => write!(f, "applied at {at} in {} ms", took.as_millis()),
            Self::Edited { at } => write!(f, "applied at {at}, and changed since"),
            Self::Missing { at } => write!(f, "applied at {at}, and its file is missing"),
            Self::Unfinished(unfinished) => unfinished.fmt(f),
        }
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { direction, done, in_doubt, error } = self;
        write!(f, "{direction} unfinished: {done} statements took effect")?;
        if let Some(number) = in_doubt {
            write!(f, "; of statement {number} it is not known")?;
        }
        if let Some(error) = error {
            write!(f, "; then {error}")?;
        }
        Ok(())
    }
}
