//! Sessions: changes of the schema, on a connection of their own.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::fallible_iterator::FallibleIterator as _;
use thing_driver_api::schema::SchemaSession;
use thing_driver_api::{Page, Result, RowSink, async_trait};

use crate::connection::{self, Connection};
use crate::error;
use crate::executor::SqliteExecutor;
use crate::pool::{Lease, Pool};
use crate::row::{self, SqliteRow};
use crate::runtime;
use crate::statement;
use crate::worker::Seat;

/// The longest wait that SQLite takes.
const LONGEST_WAIT: Duration = Duration::from_millis(i32::MAX as u64);

/// A session. A database in memory has no other connection than that of its executor, which a session has to itself
/// during its transactions.
#[derive(Debug)]
pub(crate) struct SqliteSession {
    executor: SqliteExecutor,
    pool: Arc<Pool<Connection>>,
    /// That of the transaction; `None` while a statement runs on another thread, and when its future was dropped there.
    connection: Option<Lease<Connection>>,
    in_transaction: bool,
    /// How long it waits for the locks of others.
    patience: Duration,
}

impl SqliteSession {
    pub(crate) fn new(executor: &SqliteExecutor) -> Self {
        let database = &executor.database;
        let pool = if database.config.in_memory() { database.writer.pool.clone() } else { database.own_writer() };
        let patience = database.config.busy_timeout;
        Self { executor: executor.clone(), pool, connection: None, in_transaction: false, patience }
    }

    async fn connection(&mut self) -> Result<Lease<Connection>> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None if self.in_transaction => Err(error::abandoned()),
            None => self.pool.acquire().await,
        }
    }

    /// Does work on a thread that may block. If the future is dropped meanwhile, the work is interrupted and rolled back.
    async fn run<T: Send + 'static>(
        &mut self,
        keep: bool,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let connection = self.connection().await?;
        let _ticket = connection.watch.issue();
        let patience = self.patience;
        let seat = Seat::Connection(connection);
        let (seat, result) = seat.run(keep, move |raw, _| Connection::waiting(raw, patience, || work(raw))).await?;
        if let Some(Seat::Connection(connection)) = seat {
            self.connection = Some(connection);
        }
        result
    }

    /// Refuses to go on after SQLite, or a statement, ended the transaction.
    fn check(in_transaction: bool, raw: &rusqlite::Connection) -> Result<()> {
        if in_transaction && raw.is_autocommit() { Err(statement::ended()) } else { Ok(()) }
    }

    fn begun(&self) -> Result<()> {
        if self.in_transaction { Ok(()) } else { Err(error::no_transaction()) }
    }
}

#[async_trait]
impl SchemaSession for SqliteSession {
    fn is_transactional(&self) -> bool {
        true
    }

    /// SQLite has no locks but its transactions: those of this session wait as long from now on.
    async fn lock(&mut self, patience: Duration) -> Result<()> {
        self.patience = patience.max(self.executor.database.config.busy_timeout).min(LONGEST_WAIT);
        Ok(())
    }

    async fn begin(&mut self) -> Result<()> {
        if self.in_transaction {
            return Err(error::in_transaction());
        }
        let connection = self.connection().await?;
        if self.executor.database.config.foreign_keys {
            // In a transaction the setting can't be changed.
            connection.restore.set(Some("PRAGMA foreign_keys = ON"));
        }
        self.connection = Some(connection);
        self.run(true, |raw| {
            raw.execute_batch("PRAGMA foreign_keys = OFF").map_err(|e| error::translate(e, None))?;
            statement::control(raw, "BEGIN IMMEDIATE")
        })
        .await
        .inspect_err(|_| self.connection = None)?;
        self.in_transaction = true;
        Ok(())
    }

    async fn execute(&mut self, sql: &str) -> Result<()> {
        let (sql, in_transaction) = (sql.to_owned(), self.in_transaction);
        self.run(in_transaction, move |raw| {
            Self::check(in_transaction, raw)?;
            execute(raw, &sql)?;
            if raw.is_autocommit() == in_transaction {
                // What is open is rolled back when the connection comes back.
                return Err(error::transaction_control());
            }
            Ok(())
        })
        .await
    }

    async fn fetch(&mut self, sql: &str, rows: &mut dyn RowSink) -> Result<()> {
        let (sql, in_transaction) = (sql.to_owned(), self.in_transaction);
        let page = self
            .run(in_transaction, move |raw| {
                Self::check(in_transaction, raw)?;
                fetch(raw, &sql)
            })
            .await?;
        let names: Vec<&str> = page.names().iter().map(String::as_str).collect();
        rows.columns(&names)?;
        page.replay(rows).map(|_| ())
    }

    async fn commit(&mut self) -> Result<()> {
        self.begun()?;
        let checks = self.executor.database.config.foreign_keys;
        let committed = self.run(false, move |raw| {
            Self::check(true, raw)?;
            if checks {
                check_foreign_keys(raw)?;
            }
            statement::commit(raw).map(|()| connection::take_log_pages())
        });
        let committed = committed.await;
        self.in_transaction = false;
        self.executor.database.writer.committed(committed?);
        Ok(())
    }

    async fn rollback(&mut self) -> Result<()> {
        self.begun()?;
        // The pool rolls back when the connection comes back to it.
        let ended = self.run(false, |_| Ok(())).await;
        self.in_transaction = false;
        ended
    }
}

fn execute(raw: &rusqlite::Connection, sql: &str) -> Result<()> {
    let mut batch = rusqlite::Batch::new(raw, sql);
    while let Some(mut statement) = batch.next().map_err(|e| error::of_statement(e, sql))? {
        let text = statement.expanded_sql();
        let mut rows = statement.raw_query();
        while rows.next().map_err(|e| error::of_statement(e, text.as_deref().unwrap_or(sql)))?.is_some() {}
    }
    Ok(())
}

fn fetch(raw: &rusqlite::Connection, sql: &str) -> Result<Page> {
    let translate = |e| error::of_statement(e, sql);
    let mut statement = raw.prepare(sql).map_err(translate)?;
    let mut page = row::named_page(statement.column_names().into_iter().map(str::to_owned).collect());
    let mut found = statement.raw_query();
    while let Some(row) = found.next().map_err(translate)? {
        row::fill(&mut page, &SqliteRow::new(row))?;
    }
    Ok(page)
}

/// Foreign keys are not enforced in the transaction, so that tables can be made anew.
fn check_foreign_keys(raw: &rusqlite::Connection) -> Result<()> {
    let first = || {
        let mut asked = raw.prepare("PRAGMA foreign_key_check")?;
        let mut found = asked.query([])?;
        let Some(row) = found.next()? else { return Ok(None) };
        Ok(Some((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, String>(2)?)))
    };
    match first().map_err(|e| error::translate(e, None))? {
        Some((table, row, parent)) => Err(error::dangling(&table, row, &parent)),
        None => Ok(()),
    }
}

impl Drop for SqliteSession {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // Rolling back may take long; without a thread for it, it is done here.
        let _ = runtime::start(move || drop(connection));
    }
}
