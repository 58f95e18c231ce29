//! Connections: statements on one of them, prepared once.

mod prepared;

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use deadpool_postgres::ClientWrapper;
use futures_util::StreamExt;
use thing_driver_api::{Error, Flow, Result, Row, RowSink, Written};
use tokio_postgres::{Client, RowStream};

use crate::error::{self, Failure};
use crate::plan::{Plan, Text, Way};
use crate::row::PostgresRow;
use crate::statistics::{Counters, count};
use crate::values::{Codec, Input};

pub(crate) use prepared::Prepared;
use prepared::PreparedStatements;

/// A connection with what was prepared on it.
pub(crate) struct Connection {
    client: ClientWrapper,
    prepared: PreparedStatements,
    opened: Instant,
    counters: Arc<Counters>,
}

/// How far a read got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// To the last row.
    Wholly,
    /// The sink had enough; rows that it did not want may still arrive.
    Early,
}

/// Whether a statement is a transaction of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// It is: after a failure it can run again.
    Alone,
    /// It is part of one, which a failure aborts.
    Transaction,
}

impl Connection {
    pub(crate) fn new(client: ClientWrapper, statements: usize, counters: Arc<Counters>) -> Self {
        count(&counters.connections_opened);
        count(&counters.connections);
        Self {
            client,
            prepared: PreparedStatements::new(statements, counters.clone()),
            opened: Instant::now(),
            counters,
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn client_wrapper(&mut self) -> &mut ClientWrapper {
        &mut self.client
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(crate) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// The statement, prepared here.
    pub(crate) async fn prepare(&self, plan: &Plan, way: &Way<'_>) -> Result<Arc<Prepared>, Failure> {
        let prepared = self.prepared.get(&self.client, &way.text).await.map_err(Failure::unsent)?;
        let (wanted, given) = (prepared.statement.params().len(), way.parameters.len());
        if plan.raw && wanted != given {
            return Err(error::value_count(wanted, given).into());
        }
        if plan.returns_key && !matches!(prepared.codecs.last(), Some(Codec::I16 | Codec::I32 | Codec::I64)) {
            return Err(error::key_is_no_integer().into());
        }
        Ok(prepared)
    }

    pub(crate) async fn prepare_text(&self, text: &Text) -> Result<Arc<Prepared>, tokio_postgres::Error> {
        self.prepared.get(&self.client, text).await
    }

    /// Sends a statement, and waits until the server begins to answer.
    async fn start(&self, plan: &Plan, input: Input<'_>, scope: Scope) -> Result<(Arc<Prepared>, RowStream), Failure> {
        let way = plan.way(input);
        let prepared = self.prepare(plan, &way).await?;
        match self.send(&way, &prepared).await {
            Err(failure) if failure.is_stale() => {
                self.prepared.forget(&way.text);
                if scope == Scope::Transaction {
                    return Err(failure);
                }
                count(&self.counters.retries);
                let prepared = self.prepare(plan, &way).await?;
                let answer = self.send(&way, &prepared).await?;
                Ok((prepared, answer))
            }
            // Nothing was sent, so that a transaction goes on.
            Err(failure) if failure.is_refused_value() && self.is_outdated(&way.text).await => {
                count(&self.counters.retries);
                let prepared = self.prepare(plan, &way).await?;
                let answer = self.send(&way, &prepared).await?;
                Ok((prepared, answer))
            }
            answer => Ok((prepared, answer?)),
        }
    }

    /// Whether a statement takes values of other types now than when it was prepared here, because a column was changed: it
    /// may take a value then that was refused. It is prepared anew.
    pub(crate) async fn is_outdated(&self, text: &Text) -> bool {
        let Ok(before) = self.prepare_text(text).await else { return false };
        self.prepared.forget(text);
        self.prepare_text(text).await.is_ok_and(|now| now.statement.params() != before.statement.params())
    }

    async fn send(&self, way: &Way<'_>, prepared: &Prepared) -> Result<RowStream, Failure> {
        let sent = !self.is_closed();
        let parameters = way.parameters.clone();
        let answer = if way.planned_each_time {
            let types = prepared.statement.params().iter().cloned();
            self.client.query_typed_raw(way.text.as_str(), parameters.zip(types)).await
        } else {
            self.client.query_raw(&prepared.statement, parameters).await
        };
        answer.map_err(|error| Failure::Native { error, sent })
    }

    /// Runs a read. `progress` counts its rows.
    pub(crate) async fn read(
        &self,
        plan: &Plan,
        input: Input<'_>,
        scope: Scope,
        progress: &AtomicU64,
        rows: &mut dyn RowSink,
    ) -> Result<Ended, Failure> {
        let (prepared, answer) = self.start(plan, input, scope).await?;
        if plan.raw {
            let names: Vec<&str> = prepared.statement.columns().iter().map(|column| column.name()).collect();
            rows.columns(&names)?;
        }
        let mut answer = pin!(answer);
        while let Some(row) = answer.next().await {
            let row = row.map_err(Failure::sent)?;
            progress.fetch_add(1, Ordering::Relaxed);
            if rows.row(&PostgresRow::new(&row, &prepared.codecs))? == Flow::Stop {
                return Ok(Ended::Early);
            }
        }
        Ok(Ended::Wholly)
    }

    /// Runs a write to its end. Its rows are kept until then: they are not to be shown before it is committed.
    pub(crate) async fn write(&self, plan: &Plan, input: Input<'_>, scope: Scope) -> Result<Done, Failure> {
        let (prepared, answer) = self.start(plan, input, scope).await?;
        Self::written(plan, prepared, answer).await
    }

    /// As [`Connection::write`], in a transaction. The statement is sent by the first poll.
    pub(crate) async fn write_prepared(
        &self,
        plan: &Plan,
        input: Input<'_>,
        prepared: Arc<Prepared>,
    ) -> Result<Done, Failure> {
        let answer = self.send(&plan.whole(input), &prepared).await?;
        Self::written(plan, prepared, answer).await
    }

    async fn written(plan: &Plan, prepared: Arc<Prepared>, answer: RowStream) -> Result<Done, Failure> {
        let mut answer = pin!(answer);
        let mut rows = Vec::new();
        while let Some(row) = answer.next().await {
            rows.push(row.map_err(Failure::sent)?);
        }
        let mut written = Written::new(answer.rows_affected().unwrap_or_default());
        if plan.returns_key
            && let Some(row) = rows.first()
        {
            let key = PostgresRow::new(row, &prepared.codecs).i64(prepared.codecs.len() - 1)?;
            written = written.generated(key);
        }
        Ok(Done { written, prepared, rows })
    }

    /// Runs BEGIN, COMMIT and their like.
    pub(crate) async fn control(&self, text: &str) -> Result<(), Failure> {
        let sent = !self.is_closed();
        self.client.batch_execute(text).await.map_err(|error| Failure::Native { error, sent })
    }
}

/// Runs two pieces of work, the second behind the first: both send with their first poll, and the server answers in this
/// order. The failure of the first counts more.
pub(crate) async fn pipelined<A, B, E>(
    first: impl Future<Output = Result<A, E>>,
    second: impl Future<Output = Result<B, E>>,
) -> Result<B, E> {
    let mut first = pin!(first);
    if let Poll::Ready(ended) = poll_fn(|context| Poll::Ready(first.as_mut().poll(context))).await {
        ended?;
        return second.await;
    }
    let outcome = second.await;
    first.await?;
    outcome
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.counters.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

/// What a write did, with the rows that it gave back.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) written: Written,
    prepared: Arc<Prepared>,
    rows: Vec<tokio_postgres::Row>,
}

impl Done {
    /// Hands the rows to the sink. Names go before the rows of raw statements.
    pub(crate) fn deliver(self, plan: &Plan, rows: &mut dyn RowSink) -> Result<Written, Error> {
        let columns = self.prepared.statement.columns();
        if plan.raw && !columns.is_empty() {
            let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
            rows.columns(&names)?;
        }
        let shown = self.prepared.codecs.len() - usize::from(plan.returns_key);
        if shown > 0 {
            for row in &self.rows {
                if rows.row(&PostgresRow::new(row, &self.prepared.codecs[..shown]))? == Flow::Stop {
                    break;
                }
            }
        }
        Ok(self.written)
    }
}
