//! Writes: on the caller's thread when nobody else writes, else through the queue.

use std::sync::Arc;

use thing_driver_api::{Error, Result, RowSink, Statement, Value, Written};
use tokio::sync::oneshot;

use super::Database;
use crate::connection;
use crate::error::{self, Failure};
use crate::plan::Plan;
use crate::runtime::{self, Weight};
use crate::statement::{self, OwnedQuery, Query};
use crate::statistics::count;
use crate::values::Values;
use crate::writer::{self, Job, OwnedWrites, WriteJob};

/// How many statements of one atomic write are tried on the caller's thread.
const ATOMIC_HERE: usize = 8;

impl Database {
    pub(crate) async fn write(
        &self,
        plan: &Arc<Plan>,
        values: &[Value<'_>],
        rows: &mut dyn RowSink,
    ) -> Result<Written> {
        if plan.pace.is_short() && runtime::may_run_here() {
            runtime::take_turns(Weight::Write).await;
            if let Some(connection) = self.writer.alone() {
                let result = connection
                    .watch
                    .within_budget(|| statement::write(&connection.raw, plan, Values::Borrowed(values)));
                drop(connection);
                match result {
                    Ok(done) => {
                        count(&self.counters.inline_writes);
                        self.writer.committed(connection::take_log_pages());
                        return done.deliver(plan.raw, rows);
                    }
                    // An interrupted statement that commits by itself is undone.
                    Err(Failure::Elsewhere(_)) => plan.pace.was_long(),
                    Err(failure) => return Err(failure.into()),
                }
            }
        }
        Box::pin(self.write_queued(Query::new(plan, values).to_owned(), rows)).await
    }

    /// Sends a write to the writer thread.
    pub(super) async fn write_queued(&self, query: OwnedQuery, rows: &mut dyn RowSink) -> Result<Written> {
        let raw = query.plan.raw;
        let (answer, done) = oneshot::channel();
        let (plan, values) = query.into_parts();
        self.writer.send(Job::Write(WriteJob { plan, values, answer }))?;
        count(&self.counters.queued_writes);
        done.await.map_err(|_| error::writer_lost())??.deliver(raw, rows)
    }

    pub(crate) async fn write_atomic(&self, statements: &[Statement<'_>]) -> Result<Vec<Written>, (usize, Error)> {
        let mut plans = Vec::with_capacity(statements.len());
        for (at, statement) in statements.iter().enumerate() {
            plans.push(self.plan(statement.shape).map_err(|e| (at, e))?);
        }
        let short = statements.len() <= ATOMIC_HERE && plans.iter().all(|plan| plan.pace.is_short());
        if short
            && runtime::may_run_here()
            && let Some(connection) = self.writer.alone()
        {
            let result = connection.watch.within_budget(|| writer::run_borrowed(&connection.raw, &plans, statements));
            drop(connection);
            match result {
                Ok(written) => {
                    count(&self.counters.inline_writes);
                    self.writer.committed(connection::take_log_pages());
                    return Ok(written);
                }
                Err((_, Failure::Elsewhere(_))) => {}
                Err((at, failure)) => return Err((at, failure.into())),
            }
        }
        let (answer, written) = oneshot::channel();
        let writes = OwnedWrites::copied(plans, statements);
        self.writer.send(Job::Atomic { writes, answer }).map_err(|e| (0, e))?;
        count(&self.counters.queued_writes);
        written.await.map_err(|_| (0, error::writer_lost()))?
    }
}
