//! Reads: on one connection; once more on another when that one proves to be broken.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use mysql_async::Value as Native;
use thing_driver_api::{Error, Key, Result, RowSink, Value};

use super::Database;
use crate::error::Failure;
use crate::plan::{Plan, Text};
use crate::pool::{Lease, Purpose};
use crate::statistics::count;
use crate::values;

/// What a read is about.
#[derive(Clone, Copy)]
pub(crate) enum Query<'a> {
    Values(&'a [Value<'a>]),
    Keys(&'a [Key]),
}

impl Database {
    pub(crate) async fn read(&self, plan: &Arc<Plan>, query: Query<'_>, rows: &mut dyn RowSink) -> Result<()> {
        count(&self.counters.reads);
        if plan.raw() {
            return Box::pin(self.read_raw(plan, query, rows)).await;
        }
        let mut lease = self.pool.acquire(Purpose::Repeatable).await?;
        match self.read_on(&mut lease, plan, query, rows).await? {
            Ok(()) => Ok(()),
            // Only a connection that lay idle can have been broken before the read began.
            Err(failure) if lease.reused && failure.lost() => {
                drop(lease);
                rows.restart();
                Box::pin(self.read_again(plan, query, rows)).await
            }
            Err(failure) => Err(self.failed(failure, plan, true)),
        }
    }

    async fn read_again(&self, plan: &Arc<Plan>, query: Query<'_>, rows: &mut dyn RowSink) -> Result<()> {
        count(&self.counters.repeated_reads);
        self.pool.doubt();
        let mut lease = self.pool.acquire(Purpose::Repeatable).await?;
        match self.read_on(&mut lease, plan, query, rows).await? {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.failed(failure, plan, true)),
        }
    }

    /// Runs a statement of the application. What it does is not known: it must not run twice.
    async fn read_raw(&self, plan: &Arc<Plan>, query: Query<'_>, rows: &mut dyn RowSink) -> Result<()> {
        let mut lease = self.pool.acquire(Purpose::Once).await?;
        let result = self.read_on(&mut lease, plan, query, rows).await;
        self.settle(&mut lease).await;
        result?.map_err(|failure| self.failed(failure, plan, true))
    }

    /// Runs a read and delivers its rows. The outer error is that of the sink or of a value.
    pub(crate) async fn read_on(
        &self,
        lease: &mut Lease,
        plan: &Plan,
        query: Query<'_>,
        rows: &mut dyn RowSink,
    ) -> Result<Result<(), Failure>> {
        let keys = match query {
            Query::Keys(keys) => keys,
            Query::Values(given) => {
                let bound = if plan.raw() { values::bind_all(given)? } else { values::bind_slots(&plan.binds, given)? };
                return self.deliver(lease, plan, &plan.text, bound, rows).await;
            }
        };
        for part in keys.chunks(plan.most_keys()) {
            let (text, sent) = plan.keys(part.len())?;
            let bound = values::bind_keys(part, sent)?;
            if let Err(failure) = self.deliver(lease, plan, &text, bound, rows).await? {
                return Ok(Err(failure));
            }
            // The sink has enough.
            if lease.connection().is_ok_and(|connection| connection.has_unread()) {
                break;
            }
        }
        Ok(Ok(()))
    }

    async fn deliver(
        &self,
        lease: &mut Lease,
        plan: &Plan,
        text: &Arc<Text>,
        bound: Vec<Native>,
        rows: &mut dyn RowSink,
    ) -> Result<Result<(), Failure>> {
        values::check_size(&bound, self.server.max_packet)?;
        let limit = self.limit();
        if let Err(failure) = lease.execute(text, bound, limit).await {
            return Ok(Err(failure));
        }
        let delivering = match lease.connection() {
            Ok(connection) => pin!(connection.deliver(plan.raw(), rows)),
            Err(failure) => return Ok(Err(failure)),
        };
        within(limit, delivering).await
    }

    /// The error of a statement, in the terms of Thing. `alone` for a statement that is a transaction of its own.
    pub(crate) fn failed(&self, failure: Failure, plan: &Plan, alone: bool) -> Error {
        if failure.lost() {
            self.pool.doubt();
        }
        failure.explain(plan.about(alone))
    }

    /// After a raw statement: an error hides in which state it left the connection.
    pub(crate) async fn settle(&self, lease: &mut Lease) {
        let hidden = lease.connection().is_ok_and(|c| !c.has_unread() && c.in_transaction().is_none());
        if hidden && lease.ping(self.pool.connector.config.connect_timeout).await.is_err() {
            self.pool.doubt();
        }
    }
}

/// Waits for rows, but not for ever.
pub(crate) async fn within<T>(
    limit: Option<Duration>,
    rows: impl Future<Output = Result<Result<T, Failure>>>,
) -> Result<Result<T, Failure>> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, rows).await.unwrap_or(Ok(Err(Failure::TimedOut(limit)))),
        None => rows.await,
    }
}
