//! Progress: what a change of the schema tells while it is made.

use std::fmt;
use std::time::Duration;

use super::PlannedStep;

/// Something that happens while [`SchemaSync::apply`](super::SchemaSync::apply) makes changes. Where there is nothing to
/// change, nothing happens.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'e> {
    /// The lock is asked for: the program waits while another one changes the schema.
    Locking,
    /// No other program changes the schema now.
    Locked,
    /// A step begins.
    Step {
        /// Its number, counted from 1.
        number: usize,
        /// How many steps there are.
        steps: usize,
        /// What is done.
        planned: &'e PlannedStep,
    },
    /// A step has ended well. In a transaction, nobody else sees it before the commit.
    StepDone {
        /// Its number, counted from 1.
        number: usize,
        /// How long it took.
        took: Duration,
    },
    /// The transaction is about to be committed, where there is one.
    Committing,
}

/// Who is told, if anybody is.
#[derive(Default)]
pub(super) struct Progress<'p>(Option<Box<Told<'p>>>);

type Told<'p> = dyn Fn(&Event<'_>) + Send + Sync + 'p;

impl<'p> Progress<'p> {
    pub(super) fn to(told: impl Fn(&Event<'_>) + Send + Sync + 'p) -> Self {
        Self(Some(Box::new(told)))
    }

    pub(super) fn tell(&self, event: &Event<'_>) {
        if let Some(told) = &self.0 {
            told(event);
        }
    }
}

impl fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").finish_non_exhaustive()
    }
}
