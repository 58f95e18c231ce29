//! Jobs: what the writer thread does.

use std::sync::Arc;

use thing_driver_api::{Error, Result, Statement, Written};
use tokio::sync::oneshot;

use crate::connection::Connection;
use crate::error::Failure;
use crate::plan::Plan;
use crate::statement::{self, Done};
use crate::values::{OwnedValues, Part, Values};

/// Something for the writer thread.
pub(crate) enum Job {
    /// One write.
    Write(WriteJob),
    /// Writes that are one transaction.
    Atomic { writes: OwnedWrites, answer: oneshot::Sender<Result<Vec<Written>, (usize, Error)>> },
    /// Copy the log into the database.
    Checkpoint,
}

impl Job {
    /// Whether its caller went away before it began. It must not run then: whoever announced the write elsewhere has
    /// stopped waiting for it.
    pub(super) fn is_given_up(&self) -> bool {
        match self {
            Self::Write(write) => write.answer.is_closed(),
            Self::Atomic { answer, .. } => answer.is_closed(),
            Self::Checkpoint => false,
        }
    }
}

/// One write, and who waits for it.
pub(crate) struct WriteJob {
    pub(crate) plan: Arc<Plan>,
    pub(crate) values: OwnedValues,
    pub(crate) answer: oneshot::Sender<Result<Done>>,
}

impl WriteJob {
    pub(crate) fn run(&self, connection: &Connection) -> Result<Done, Failure> {
        statement::write(&connection.raw, &self.plan, self.values.all())
    }
}

/// Writes on their way to another thread.
pub(crate) struct OwnedWrites {
    writes: Vec<(Arc<Plan>, Part)>,
    values: OwnedValues,
}

impl OwnedWrites {
    pub(crate) fn copied(plans: Vec<Arc<Plan>>, statements: &[Statement<'_>]) -> Self {
        let mut values = OwnedValues::new();
        let writes = plans
            .into_iter()
            .zip(statements)
            .map(|(plan, statement)| (plan, values.extend(statement.values)))
            .collect();
        Self { writes, values }
    }

    /// Runs them as one transaction.
    pub(crate) fn run(&self, raw: &rusqlite::Connection) -> Result<Vec<Written>, (usize, Error)> {
        let writes = self.writes.iter().map(|(plan, part)| (plan, Values::Owned(&self.values, *part)));
        run_atomic(raw, writes).map_err(|(at, failure)| (at, failure.into()))
    }
}

/// Runs borrowed writes as one transaction.
pub(crate) fn run_borrowed(
    raw: &rusqlite::Connection,
    plans: &[Arc<Plan>],
    statements: &[Statement<'_>],
) -> Result<Vec<Written>, (usize, Failure)> {
    run_atomic(raw, plans.iter().zip(statements).map(|(plan, s)| (plan, Values::Borrowed(s.values))))
}

fn run_atomic<'a>(
    raw: &rusqlite::Connection,
    writes: impl ExactSizeIterator<Item = (&'a Arc<Plan>, Values<'a>)>,
) -> Result<Vec<Written>, (usize, Failure)> {
    let end = writes.len();
    statement::control(raw, "BEGIN IMMEDIATE").map_err(|e| (0, e.into()))?;
    let result = run_each(raw, writes).and_then(|written| {
        statement::commit(raw).map_err(|e| (end, e.into()))?;
        Ok(written)
    });
    if result.is_err() && !raw.is_autocommit() {
        // What remains open is closed by the pool.
        let _ = statement::control(raw, "ROLLBACK");
    }
    result
}

fn run_each<'a>(
    raw: &rusqlite::Connection,
    writes: impl ExactSizeIterator<Item = (&'a Arc<Plan>, Values<'a>)>,
) -> Result<Vec<Written>, (usize, Failure)> {
    let mut done = Vec::with_capacity(writes.len());
    let mut prepared: Option<(&Arc<Plan>, rusqlite::CachedStatement<'_>)> = None;
    for (at, (plan, values)) in writes.enumerate() {
        let mut statement = match prepared.take() {
            Some((last, statement)) if Arc::ptr_eq(last, plan) => statement,
            _ => statement::prepare(raw, plan).map_err(|e| (at, e.into()))?,
        };
        let result = statement::write_prepared(raw, plan, values, &mut statement).map_err(|e| (at, e))?;
        done.push(result.written);
        prepared = Some((plan, statement));
    }
    Ok(done)
}
