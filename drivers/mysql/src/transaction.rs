//! Transactions: one connection until the end.

use std::sync::Arc;

use thing_driver_api::{
    Error, Isolation, Key, Result, RowSink, Shape, Statement, Transaction, TransactionOptions, Written, async_trait,
};

use crate::error::{self, About, Failure};
use crate::executor::{MysqlExecutor, Query};
use crate::plan::Plan;
use crate::pool::{Lease, Purpose};
use crate::statistics::count;

/// A transaction in progress. Dropping it gives the connection to the pool, which rolls it back first.
#[derive(Debug)]
pub(crate) struct MysqlTransaction {
    executor: MysqlExecutor,
    lease: Lease,
    read_only: bool,
}

impl MysqlTransaction {
    pub(crate) async fn begin(executor: &MysqlExecutor, options: &TransactionOptions) -> Result<Self> {
        let database = &executor.database;
        count(&database.counters.transactions);
        let text = begin_text(options)?;
        let mut lease = database.pool.acquire(Purpose::Repeatable).await?;
        let mut begun = begin_on(&mut lease, &text, executor).await;
        if begun.as_ref().is_err_and(|failure| lease.reused && failure.lost()) {
            // Nothing happened yet: another connection may do better.
            drop(lease);
            database.pool.doubt();
            lease = database.pool.acquire(Purpose::Repeatable).await?;
            begun = begin_on(&mut lease, &text, executor).await;
        }
        begun.map_err(|failure| failure.explain(About::default()))?;
        Ok(Self { executor: executor.clone(), lease, read_only: options.read_only })
    }

    /// The connection, if the transaction is still open.
    fn open(&mut self) -> Result<()> {
        self.lease.connection().map_err(|failure| failure.explain(About::default()))?;
        if self.lease.in_transaction { Ok(()) } else { Err(error::ended()) }
    }

    async fn read(&mut self, plan: &Plan, query: Query<'_>, rows: &mut dyn RowSink) -> Result<()> {
        self.open()?;
        if plan.commits_implicitly {
            return Err(error::implicit_commit());
        }
        let database = &self.executor.database;
        let read = database.read_on(&mut self.lease, plan, query, rows).await;
        // The rows that the sink did not want stand before the next answer.
        if let Ok(connection) = self.lease.connection()
            && connection.has_unread()
        {
            let rest = crate::executor::within(database.limit(), async { Ok(connection.read_rest().await) }).await?;
            rest.map_err(|failure| failure.explain(About::default()))?;
        }
        let read = read?;
        self.after(read, plan).await
    }

    /// Looks whether the statement ended the transaction.
    async fn after<T>(&mut self, result: Result<T, Failure>, plan: &Plan) -> Result<T> {
        match result {
            Ok(done) => {
                if self.lease.connection().is_ok_and(|connection| connection.in_transaction() == Some(false)) {
                    self.lease.in_transaction = false;
                    return Err(error::implicit_commit());
                }
                Ok(done)
            }
            Err(failure) => {
                if !failure.spares_transaction() {
                    self.look().await;
                }
                Err(self.executor.database.failed(failure, plan, false))
            }
        }
    }

    /// Asks the server whether the transaction is still open: after some errors it has rolled back the whole.
    async fn look(&mut self) {
        let limit = self.executor.database.pool.connector.config.connect_timeout;
        if self.lease.ping(limit).await.is_ok()
            && let Ok(connection) = self.lease.connection()
        {
            self.lease.in_transaction = connection.in_transaction() != Some(false);
        }
    }

    async fn control(&mut self, text: String) -> Result<()> {
        self.open()?;
        let limit = self.executor.database.limit();
        match self.lease.control(text, limit).await {
            Ok(()) => Ok(()),
            Err(failure) => {
                self.look().await;
                Err(failure.explain(About::default()))
            }
        }
    }
}

async fn begin_on(lease: &mut Lease, text: &str, executor: &MysqlExecutor) -> Result<(), Failure> {
    lease.in_transaction = true;
    lease.control(text.to_owned(), executor.database.limit()).await
}

fn begin_text(options: &TransactionOptions) -> Result<String> {
    let isolation = match options.isolation {
        None => "",
        Some(Isolation::ReadCommitted) => "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; ",
        Some(Isolation::RepeatableRead) => "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; ",
        Some(Isolation::Serializable) => "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; ",
        Some(other) => return Err(Error::unsupported(format!("MySQL has no isolation {other:?}; choose another"))),
    };
    let mode = if options.read_only { " READ ONLY" } else { "" };
    Ok(format!("{isolation}START TRANSACTION{mode}"))
}

#[async_trait]
impl Transaction for MysqlTransaction {
    async fn fetch(&mut self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()> {
        let plan = self.executor.database.plan(statement.shape)?;
        self.read(&plan, Query::Values(statement.values), rows).await
    }

    async fn get_many(&mut self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let plan = self.executor.database.plan(shape)?;
        self.read(&plan, Query::Keys(keys), rows).await
    }

    async fn write(&mut self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        let plan = self.executor.database.plan(statement.shape)?;
        self.open()?;
        if plan.commits_implicitly {
            return Err(error::implicit_commit());
        }
        let database = self.executor.database.clone();
        let done = database.write_on(&mut self.lease, &plan, statement.values, false).await?;
        self.after(done, &plan).await?.deliver(rows)
    }

    async fn savepoint(&mut self, depth: u32) -> Result<()> {
        self.control(format!("SAVEPOINT sp_{depth}")).await
    }

    async fn rollback_to(&mut self, depth: u32) -> Result<()> {
        self.control(format!("ROLLBACK TO SAVEPOINT sp_{depth}; RELEASE SAVEPOINT sp_{depth}")).await
    }

    async fn release(&mut self, depth: u32) -> Result<()> {
        self.control(format!("RELEASE SAVEPOINT sp_{depth}")).await
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        self.open()?;
        let limit = self.executor.database.limit();
        let committed = self.lease.control("COMMIT".to_owned(), limit).await;
        self.lease.in_transaction = committed.is_err();
        committed.map_err(|failure| {
            if failure.lost() {
                self.executor.database.pool.doubt();
            }
            failure.explain(About { commits: !self.read_only, ..About::default() })
        })
    }

    async fn rollback(mut self: Box<Self>) -> Result<()> {
        if self.open().is_err() {
            // What the server ended, and what is abandoned, the pool cleans up.
            return Ok(());
        }
        let limit = self.executor.database.limit();
        // A connection that breaks is rolled back, too.
        self.lease.in_transaction = self.lease.control("ROLLBACK".to_owned(), limit).await.is_err();
        Ok(())
    }
}
