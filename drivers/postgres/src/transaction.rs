//! Transactions: one connection until the end.

use std::sync::Arc;

use thing_driver_api::{
    Error, Isolation, Key, Result, RowSink, Shape, Statement, Transaction, TransactionOptions, Written, async_trait,
};

use crate::connection::{Connection, Ended, Scope, pipelined};
use crate::error::{self, Effect, Failure};
use crate::executor::read::{of_keys, read_parts};
use crate::executor::{Database, PostgresExecutor};
use crate::plan::Plan;
use crate::pool::Lease;
use crate::statistics::count;
use crate::values::Input;

/// A transaction in progress. BEGIN goes out with the first statement; a transaction without statements sends nothing.
///
/// Dropped, it is rolled back in the background before the connection is used again.
#[derive(Debug)]
pub(crate) struct PostgresTransaction {
    database: Arc<Database>,
    lease: Lease,
    /// BEGIN, while it was not sent.
    begin: Option<String>,
    read_only: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The rest of a result was not read, and may hold an error.
    Unsure,
    /// A statement failed: only going back to a savepoint helps.
    Failed,
    /// A statement is at work; it stays so when its future is dropped.
    Busy,
}

impl PostgresTransaction {
    pub(crate) async fn begin(executor: &PostgresExecutor, options: &TransactionOptions) -> Result<Self> {
        let mut begin = String::from("BEGIN");
        match options.isolation {
            None => {}
            Some(Isolation::ReadCommitted) => begin.push_str(" ISOLATION LEVEL READ COMMITTED"),
            Some(Isolation::RepeatableRead) => begin.push_str(" ISOLATION LEVEL REPEATABLE READ"),
            Some(Isolation::Serializable) => begin.push_str(" ISOLATION LEVEL SERIALIZABLE"),
            Some(_) => return Err(Error::unsupported("this level of isolation is not known to the driver")),
        }
        if options.read_only {
            begin.push_str(" READ ONLY");
        }
        Ok(Self {
            lease: executor.database.pool.lease().await?,
            database: executor.database.clone(),
            begin: Some(begin),
            read_only: options.read_only,
            state: State::Open,
        })
    }

    /// Before each statement: refuses it when the transaction is over, else says whether BEGIN goes before it.
    fn enter(&mut self) -> Result<Entered> {
        match self.state {
            State::Busy => Err(error::abandoned()),
            State::Failed => Err(error::aborted()),
            State::Open | State::Unsure => Ok(self.enter_anyhow()),
        }
    }

    fn enter_anyhow(&mut self) -> Entered {
        if self.begin.is_some() {
            count(&self.database.counters.transactions);
            self.lease.soil();
        }
        Entered { before: std::mem::replace(&mut self.state, State::Busy), begin: self.begin.take() }
    }

    /// After each statement.
    fn leave<T>(&mut self, before: State, outcome: Result<T, Failure>, plan: Option<&Plan>) -> Result<T> {
        self.state = match &outcome {
            Ok(_) => before,
            Err(failure) if failure.aborts_transaction() => State::Failed,
            // The sink refused a row, perhaps not the last one.
            Err(_) => State::Unsure,
        };
        // What is not committed is undone when the connection is lost.
        outcome.map_err(|failure| failure.into_error(plan, Effect::None))
    }

    async fn read(&mut self, plan: &Plan, input: Input<'_>, rows: &mut dyn RowSink) -> Result<()> {
        let entered = self.enter()?;
        let read = read_parts(&self.lease, plan, input, Scope::Transaction, rows);
        let outcome = self.database.in_time(entered.behind_begin(&self.lease, read)).await;
        if self.leave(entered.before, outcome, Some(plan))? == Ended::Early {
            self.state = State::Unsure;
        }
        Ok(())
    }

    /// Runs SAVEPOINT and its like.
    async fn control(&mut self, entered: Entered, text: &str) -> Result<()> {
        let control = self.lease.control(text);
        let outcome = self.database.in_time(entered.behind_begin(&self.lease, control)).await;
        self.leave(entered.before, outcome, None)
    }
}

/// A statement that may go.
struct Entered {
    before: State,
    begin: Option<String>,
}

impl Entered {
    /// Sends BEGIN and, without waiting for the answer, what `work` sends.
    async fn behind_begin<T>(
        &self,
        connection: &Connection,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        match &self.begin {
            Some(begin) => pipelined(connection.control(begin), work).await,
            None => work.await,
        }
    }
}

#[async_trait]
impl Transaction for PostgresTransaction {
    async fn fetch(&mut self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()> {
        let plan = self.database.plan(statement.shape)?;
        self.read(&plan, Input::Values(statement.values), rows).await
    }

    async fn get_many(&mut self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        let Some(input) = of_keys(keys) else {
            return Ok(());
        };
        let plan = self.database.plan(shape)?;
        self.read(&plan, input, rows).await
    }

    async fn write(&mut self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        let plan = self.database.plan(statement.shape)?;
        let entered = self.enter()?;
        let write = self.lease.write(&plan, Input::Values(statement.values), Scope::Transaction);
        let outcome = self.database.in_time(entered.behind_begin(&self.lease, write)).await;
        self.leave(entered.before, outcome, Some(&plan))?.deliver(&plan, rows)
    }

    async fn savepoint(&mut self, depth: u32) -> Result<()> {
        let entered = self.enter()?;
        self.control(entered, &format!("SAVEPOINT sp_{depth}")).await
    }

    async fn rollback_to(&mut self, depth: u32) -> Result<()> {
        if self.state == State::Busy {
            return Err(error::abandoned());
        }
        let entered = self.enter_anyhow();
        self.control(entered, &format!("ROLLBACK TO SAVEPOINT sp_{depth}; RELEASE SAVEPOINT sp_{depth}")).await?;
        self.state = State::Open;
        Ok(())
    }

    async fn release(&mut self, depth: u32) -> Result<()> {
        let entered = self.enter()?;
        self.control(entered, &format!("RELEASE SAVEPOINT sp_{depth}")).await
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        if self.begin.is_some() {
            return Ok(());
        }
        let Entered { before, .. } = self.enter()?;
        let effect = if self.read_only { Effect::None } else { Effect::Open };
        if before == State::Unsure {
            // In an aborted transaction this fails, where COMMIT would quietly roll back.
            let look = self.database.in_time(self.lease.control("SELECT")).await;
            look.map_err(|failure| failure.into_error(None, Effect::None))?;
        }
        match self.database.in_time(self.lease.control("COMMIT")).await {
            Ok(()) => {
                self.lease.clean();
                Ok(())
            }
            Err(failure) => {
                if failure.leaves_connection_clean() {
                    self.lease.clean();
                }
                Err(failure.into_error(None, effect))
            }
        }
    }

    async fn rollback(mut self: Box<Self>) -> Result<()> {
        if self.begin.is_some() || self.lease.is_closed() {
            return Ok(());
        }
        if self.state == State::Busy {
            // The pool rolls back, when the statement has ended.
            return Ok(());
        }
        match self.database.in_time(self.lease.control("ROLLBACK")).await {
            Ok(()) => self.lease.clean(),
            // Without its connection the transaction is rolled back, too.
            Err(failure) if failure.is_lost() => {}
            Err(failure) => return Err(failure.into_error(None, Effect::None)),
        }
        Ok(())
    }
}
