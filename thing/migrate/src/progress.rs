//! Progress: what a run tells while it works.

use std::time::Duration;

use crate::{Direction, SqlStatement, Version};

/// Something that happened in a run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'e> {
    /// The run asks for the lock, and waits while another has it.
    Locking,
    /// The run has the lock.
    Locked,
    /// A migration was run whose file is missing.
    Missing {
        /// Its version.
        version: Version,
        /// Its name.
        name: &'e str,
    },
    /// A migration begins.
    Started {
        /// Version and name.
        title: &'e str,
        /// Whether it is made or undone.
        direction: Direction,
        /// How many statements it has; 0 for one in Rust.
        statements: usize,
        /// How many of these were finished by an earlier run.
        done: usize,
        /// Whether it is rolled back as a whole when it fails.
        in_transaction: bool,
    },
    /// A statement begins. In no transaction, this has been written down.
    Statement {
        /// Its number, counted from 1.
        number: usize,
        /// What is run.
        statement: &'e SqlStatement,
    },
    /// A statement has ended. In no transaction, it has taken effect.
    StatementDone {
        /// Its number, counted from 1.
        number: usize,
        /// How long it took.
        took: Duration,
    },
    /// In no transaction, that a statement has taken effect has been written down.
    StatementRecorded {
        /// Its number, counted from 1.
        number: usize,
    },
    /// The transaction of a migration is about to be committed.
    Committing,
    /// A migration has ended well.
    Finished {
        /// Version and name.
        title: &'e str,
        /// How long it took.
        took: Duration,
    },
    /// Another run was quicker with a migration.
    Skipped {
        /// Version and name.
        title: &'e str,
    },
}

/// Hears of what happens in a run. Functions of an [`Event`] do.
pub trait Progress: Send + Sync {
    /// Called when something has happened. The run goes on when it returns.
    fn event(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Send + Sync> Progress for F {
    fn event(&self, event: &Event<'_>) {
        self(event);
    }
}
