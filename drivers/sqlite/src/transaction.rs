//! Transactions: one connection until the end.

use std::sync::Arc;
use std::time::Instant;

use thing_driver_api::{
    ErrorKind, Key, Result, RowSink, Shape, Statement, Transaction, TransactionOptions, Written, async_trait,
};

use crate::connection::{self, Connection};
use crate::error::{self, Failure};
use crate::executor::SqliteExecutor;
use crate::plan::Plan;
use crate::pool::Lease;
use crate::runtime::{self, Weight};
use crate::statement::{self, Done, Query};
use crate::values::{OwnedValues, Values};
use crate::watch::BUDGET;
use crate::worker::{Course, Moved, Seat};

/// A transaction in progress. SQLite's are serializable, which serves every isolation that can be asked for.
///
/// The pool rolls back what is open when the connection comes back to it.
#[derive(Debug)]
pub(crate) struct SqliteTransaction {
    executor: SqliteExecutor,
    /// `None` while a statement runs on another thread, and when its future was dropped there.
    connection: Option<Lease<Connection>>,
    read_only: bool,
    /// How many writes there were: much to commit takes long.
    writes: usize,
}

/// More writes than these are committed where it may take long.
const COMMITTED_HERE: usize = 100;

impl SqliteTransaction {
    pub(crate) async fn begin(executor: &SqliteExecutor, options: &TransactionOptions) -> Result<Self> {
        let database = &executor.database;
        let connection =
            if options.read_only { database.reader().await? } else { database.writer.pool.acquire().await? };
        let mut transaction =
            Self { executor: executor.clone(), connection: Some(connection), read_only: options.read_only, writes: 0 };
        let begin = if options.read_only { begin_reading } else { begin_writing };
        if runtime::may_run_here() {
            match begin(&transaction.connection()?.raw) {
                Err(error) if *error.kind() == ErrorKind::Busy => {}
                result => return result.and_then(|()| transaction.begun()),
            }
        }
        let busy_timeout = database.config.busy_timeout;
        transaction.elsewhere(move |raw| Connection::waiting(raw, busy_timeout, || begin(raw))).await?;
        transaction.begun()
    }

    /// A transaction may keep the writer for long, from whom feeds of changes learn what others wrote before.
    fn begun(self) -> Result<Self> {
        if !self.read_only {
            self.executor.database.outside.look(self.connection()?);
        }
        Ok(self)
    }

    fn connection(&self) -> Result<&Lease<Connection>> {
        let connection = self.connection.as_ref().ok_or_else(error::abandoned)?;
        Ok(connection)
    }

    /// The connection, if the transaction is still open.
    fn open(&self) -> Result<&Lease<Connection>> {
        let connection = self.connection()?;
        if connection.raw.is_autocommit() {
            return Err(statement::ended());
        }
        Ok(connection)
    }

    fn seat(&mut self) -> Result<Seat> {
        self.connection.take().map(Seat::Connection).ok_or_else(error::abandoned)
    }

    fn sit(&mut self, seat: Option<Seat>) {
        if let Some(Seat::Connection(connection)) = seat {
            self.connection = Some(connection);
        }
    }

    /// Does work on a thread that may block. If the future is dropped meanwhile, the connection goes back to the pool
    /// when the work is done.
    async fn elsewhere<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let seat = self.seat()?;
        let (seat, result) = seat.run(true, move |raw, _| work(raw)).await?;
        self.sit(seat);
        result
    }

    /// Runs SAVEPOINT and its like.
    async fn control(&mut self, text: String) -> Result<()> {
        let connection = self.open()?;
        if runtime::may_run_here() {
            return statement::control(&connection.raw, &text);
        }
        self.elsewhere(move |raw| statement::control(raw, &text)).await
    }

    async fn read(&mut self, query: Query<'_>, rows: &mut dyn RowSink) -> Result<()> {
        if query.is_short() && runtime::may_run_here() {
            runtime::take_turns(Weight::Read).await;
            let connection = self.open()?;
            match query.run_here(&connection.raw, &connection.watch, rows) {
                Ok(()) => return Ok(()),
                Err(Failure::Elsewhere(_)) => {
                    query.was_long();
                    rows.restart();
                }
                Err(Failure::Writes) => return self.fetch_written(query, rows).await,
                Err(Failure::Error(error)) => return Err(error),
            }
        }
        self.open()?;
        let seat = self.seat()?;
        let course = Course { keep_seat: true, ..self.executor.database.course() };
        let moved = Moved::start(seat, query.to_owned(), course).await?;
        let (seat, outcome) = moved.deliver(query.plan.raw, rows).await;
        self.sit(seat);
        match outcome {
            Err(Failure::Writes) => self.fetch_written(query, rows).await,
            outcome => outcome.map_err(Into::into),
        }
    }

    /// A raw statement that writes, and gives rows.
    async fn fetch_written(&mut self, query: Query<'_>, rows: &mut dyn RowSink) -> Result<()> {
        if self.read_only {
            return Err(Failure::Writes.into());
        }
        let (plan, values) = query.to_owned().into_parts();
        let raw = plan.raw;
        let done = self.write_elsewhere(plan, values).await?;
        done.deliver(raw, rows).map(|_| ())
    }

    async fn write_elsewhere(&mut self, plan: Arc<Plan>, values: OwnedValues) -> Result<Done> {
        self.open()?;
        self.elsewhere(move |raw| {
            let started = Instant::now();
            let done = statement::write(raw, &plan, values.all());
            plan.pace_in_transaction.took(started.elapsed());
            Ok(done?)
        })
        .await
    }
}

#[async_trait]
impl Transaction for SqliteTransaction {
    async fn fetch(&mut self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()> {
        let plan = self.executor.database.plan(statement.shape)?;
        self.read(Query::new(&plan, statement.values), rows).await
    }

    async fn get_many(&mut self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let plan = self.executor.database.plan(shape)?;
        self.read(Query::keys(&plan, keys), rows).await
    }

    async fn write(&mut self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        if self.read_only {
            return Err(Failure::Writes.into());
        }
        self.writes += 1;
        let plan = self.executor.database.plan(statement.shape)?;
        if plan.pace_in_transaction.is_short() && runtime::may_run_here() {
            runtime::take_turns(Weight::Write).await;
            let connection = self.open()?;
            let started = Instant::now();
            let done = statement::write(&connection.raw, &plan, Values::Borrowed(statement.values))?;
            if started.elapsed() > BUDGET {
                plan.pace_in_transaction.was_long();
            }
            return done.deliver(plan.raw, rows);
        }
        let raw = plan.raw;
        let done = self.write_elsewhere(plan, OwnedValues::copied(statement.values)).await?;
        done.deliver(raw, rows)
    }

    async fn savepoint(&mut self, depth: u32) -> Result<()> {
        self.control(format!("SAVEPOINT sp_{depth}")).await
    }

    async fn rollback_to(&mut self, depth: u32) -> Result<()> {
        self.control(format!("ROLLBACK TO sp_{depth}")).await?;
        self.release(depth).await
    }

    async fn release(&mut self, depth: u32) -> Result<()> {
        self.control(format!("RELEASE sp_{depth}")).await
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        let connection = self.open()?;
        let writer = &self.executor.database.writer;
        let short = self.read_only || (writer.commits_fast() && self.writes <= COMMITTED_HERE);
        let log_pages = if short && runtime::may_run_here() {
            statement::commit(&connection.raw)?;
            connection::take_log_pages()
        } else {
            self.elsewhere(|raw| statement::commit(raw).map(|()| connection::take_log_pages())).await?
        };
        // The connection is free before the log is looked after.
        self.connection = None;
        self.executor.database.writer.committed(log_pages);
        Ok(())
    }

    async fn rollback(mut self: Box<Self>) -> Result<()> {
        if runtime::may_run_here() {
            // The pool rolls back.
            self.connection = None;
            return Ok(());
        }
        let Some(connection) = self.connection.take() else {
            return Ok(());
        };
        runtime::blocking(move || drop(connection)).await
    }
}

fn begin_writing(raw: &rusqlite::Connection) -> Result<()> {
    statement::control(raw, "BEGIN IMMEDIATE")
}

/// Begins and looks at the database, which fixes the state that the transaction reads.
fn begin_reading(raw: &rusqlite::Connection) -> Result<()> {
    statement::control(raw, "BEGIN")?;
    statement::look_at_schema(raw).map_err(|e| {
        // What remains open is closed by the pool.
        let _ = statement::control(raw, "ROLLBACK");
        error::translate(e, None)
    })
}
