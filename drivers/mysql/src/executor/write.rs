//! Writes: one statement that commits by itself, or several as one transaction.

mod batch;

use std::sync::Arc;

use thing_driver_api::{Error, Page, Result, RowSink, Statement, Value, Written};

use super::{Database, within};
use crate::error::{self, Failure};
use crate::plan::Plan;
use crate::pool::{Lease, Purpose};
use crate::statistics::count;
use crate::values;

impl Database {
    pub(crate) async fn write(
        &self,
        plan: &Arc<Plan>,
        values: &[Value<'_>],
        rows: &mut dyn RowSink,
    ) -> Result<Written> {
        count(&self.counters.writes);
        let mut lease = self.pool.acquire(Purpose::Once).await?;
        let done = match self.write_on(&mut lease, plan, values, true).await? {
            Err(failure) if failure.not_begun() => {
                drop(lease);
                self.pool.doubt();
                lease = self.pool.acquire(Purpose::Once).await?;
                Box::pin(self.write_on(&mut lease, plan, values, true)).await?
            }
            done => done,
        };
        if plan.raw() {
            Box::pin(self.settle(&mut lease)).await;
            if done.is_ok() && lease.connection().is_ok_and(|connection| connection.in_transaction() == Some(true)) {
                // What it began is rolled back.
                return Err(error::transaction_control());
            }
        }
        let done = done.map_err(|failure| self.failed(failure, plan, true))?;
        drop(lease);
        done.deliver(rows)
    }

    /// Runs one write. The outer error is that of a value.
    pub(crate) async fn write_on(
        &self,
        lease: &mut Lease,
        plan: &Plan,
        values: &[Value<'_>],
        alone: bool,
    ) -> Result<Result<Done, Failure>> {
        let bound = if plan.raw() { values::bind_all(values)? } else { values::bind_slots(&plan.binds, values)? };
        values::check_size(&bound, self.server.max_packet)?;
        let limit = self.limit();
        if let Err(failure) = lease.execute(&plan.text, bound, limit).await {
            return Ok(Err(failure));
        }
        let connection = match lease.connection() {
            Ok(connection) => connection,
            Err(failure) => return Ok(Err(failure)),
        };
        let mut rows = None;
        if connection.has_unread() {
            // In a box, as all that is rare, so that the future of a write stays small.
            match Box::pin(within(limit, connection.page())).await? {
                Ok(page) => rows = Some(page),
                Err(failure) => return Ok(Err(failure)),
            }
        }
        let mut written = Written::new(connection.affected_rows());
        if plan.generates_key {
            match connection.generated_key().map(i64::try_from) {
                Some(Ok(key)) => written = written.generated(key),
                Some(Err(_)) => return Err(error::key_out_of_range(alone)),
                None => {}
            }
        }
        Ok(Ok(Done { written, rows }))
    }

    /// Runs writes as one transaction.
    pub(crate) async fn write_atomic(&self, statements: &[Statement<'_>]) -> Result<Vec<Written>, (usize, Error)> {
        count(&self.counters.atomic_writes);
        let mut plans = Vec::with_capacity(statements.len());
        for (at, statement) in statements.iter().enumerate() {
            plans.push(self.plan(statement.shape).map_err(|e| (at, e))?);
        }
        batch::write(self, &plans, statements).await
    }
}

/// What a write did, with the rows that it gave back.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) written: Written,
    rows: Option<Page>,
}

impl Done {
    /// Hands the rows to the sink, their names first.
    pub(crate) fn deliver(self, rows: &mut dyn RowSink) -> Result<Written> {
        if let Some(page) = &self.rows {
            let names: Vec<&str> = page.names().iter().map(String::as_str).collect();
            rows.columns(&names)?;
            page.replay(rows)?;
        }
        Ok(self.written)
    }
}
