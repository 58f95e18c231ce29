//! Sessions: changes of the schema, on a connection of their own.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use thing_driver_api::schema::SchemaSession;
use thing_driver_api::{Flow, Result, RowSink, async_trait};

use crate::connection::Connection;
use crate::error::{self, Effect, Failure};
use crate::executor::PostgresExecutor;
use crate::row::PostgresRow;
use crate::values::Codec;

/// Takes away the limits that hold for the connections of the pool, as far as this version of the server has them. Waiting
/// for the locks of others stays limited by `lock_timeout`: while a change of the schema waits, all who use the table wait
/// behind it. What a session writes counts as written by others: the caches of this program need not know of it.
const SET_UP: &str = "SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name IN \
     ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout'); \
     SET thing.writer = 'off'";

/// Settings are those of a new connection then; locks stay.
const RESET: &str = "RESET SESSION AUTHORIZATION; RESET ALL";

/// One lock for each schema. The database is part of every advisory lock.
///
/// It is asked for again and again: who waits in the server for an advisory lock holds a snapshot, and `CREATE INDEX
/// CONCURRENTLY` of the session that has the lock would wait for that in turn.
const LOCK: &str = "SELECT pg_catalog.pg_try_advisory_lock(\
     pg_catalog.hashtextextended('thing: schema ' || COALESCE(pg_catalog.current_schema(), ''), 0))";

/// How long to wait before asking for the lock again.
const PAUSE: Duration = Duration::from_millis(100);

/// A session. The server rolls back and unlocks when the connection is closed.
#[derive(Debug)]
pub(crate) struct PostgresSession {
    executor: PostgresExecutor,
    connection: Option<Connection>,
    state: State,
    /// A call is under way, or was dropped.
    busy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In no transaction.
    Idle,
    Open,
    /// A statement failed: COMMIT would quietly roll back.
    Aborted,
}

impl PostgresSession {
    pub(crate) async fn open(executor: &PostgresExecutor) -> Result<Self> {
        let connection = executor.database.pool.open().await?;
        let mut session =
            Self { executor: executor.clone(), connection: Some(connection), state: State::Idle, busy: false };
        session.control(SET_UP).await?;
        Ok(session)
    }

    /// Does something with the connection. When the future is dropped meanwhile, the session is of no use any more.
    async fn run<T>(&mut self, work: impl AsyncFnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let connection = self.connection.as_ref().filter(|_| !self.busy).ok_or_else(error::abandoned)?;
        self.busy = true;
        let done = work(connection).await;
        self.busy = false;
        if done.as_ref().is_err_and(Failure::aborts_transaction) && self.state == State::Open {
            self.state = State::Aborted;
        }
        done
    }

    /// Runs what has no effect but on the session.
    async fn control(&mut self, text: &str) -> Result<()> {
        let done = self.run(async |connection| connection.control(text).await).await;
        done.map_err(|failure| failure.into_error(None, Effect::None))
    }

    /// What an answer that is lost leaves open.
    fn effect(&self) -> Effect {
        if self.state == State::Idle { Effect::Open } else { Effect::None }
    }

    async fn end(&mut self, text: &str, effect: Effect) -> Result<()> {
        let ended = self.run(async |connection| connection.control(text).await).await;
        self.state = State::Idle;
        ended.map_err(|failure| failure.into_error(None, effect))
    }
}

#[async_trait]
impl SchemaSession for PostgresSession {
    fn is_transactional(&self) -> bool {
        true
    }

    async fn lock(&mut self, patience: Duration) -> Result<()> {
        let until = Instant::now().checked_add(patience);
        loop {
            let asked = self.run(async |connection| {
                let row = connection.client().query_one(LOCK, &[]).await.map_err(Failure::sent)?;
                row.try_get::<_, bool>(0).map_err(Failure::sent)
            });
            if asked.await.map_err(|failure| failure.into_error(None, Effect::None))? {
                return Ok(());
            }
            let left = until.map_or(PAUSE, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Err(error::schema_locked(patience));
            }
            tokio::time::sleep(left.min(PAUSE)).await;
        }
    }

    async fn begin(&mut self) -> Result<()> {
        if self.state != State::Idle {
            return Err(error::in_transaction());
        }
        self.control("BEGIN").await?;
        self.state = State::Open;
        Ok(())
    }

    async fn execute(&mut self, sql: &str) -> Result<()> {
        let effect = self.effect();
        let done = self.run(async |connection| connection.control(sql).await).await;
        done.map_err(|failure| failure.of_statement(sql, effect))
    }

    async fn fetch(&mut self, sql: &str, rows: &mut dyn RowSink) -> Result<()> {
        let read = self.run(async |connection| read(connection, sql, rows).await).await;
        read.map_err(|failure| failure.of_statement(sql, Effect::None))
    }

    async fn commit(&mut self) -> Result<()> {
        match self.state {
            State::Idle => Err(error::no_transaction()),
            State::Open => self.end("COMMIT", Effect::Open).await,
            State::Aborted => {
                self.end("ROLLBACK", Effect::None).await?;
                Err(error::aborted())
            }
        }
    }

    async fn rollback(&mut self) -> Result<()> {
        if self.state == State::Idle {
            return Err(error::no_transaction());
        }
        self.end("ROLLBACK", Effect::None).await
    }

    async fn reset(&mut self) -> Result<()> {
        if self.state != State::Idle {
            return Err(error::in_transaction());
        }
        self.control(RESET).await?;
        self.control(SET_UP).await
    }
}

async fn read(connection: &Connection, sql: &str, rows: &mut dyn RowSink) -> Result<(), Failure> {
    // Prepared each time: the tables change.
    let statement = connection.client().prepare(sql).await.map_err(Failure::sent)?;
    let codecs: Vec<Codec> = statement.columns().iter().map(|column| Codec::of(column.type_())).collect();
    let names: Vec<&str> = statement.columns().iter().map(|column| column.name()).collect();
    rows.columns(&names)?;
    let none: [i32; 0] = [];
    let answer = connection.client().query_raw(&statement, none).await.map_err(Failure::sent)?;
    let mut answer = pin!(answer);
    while let Some(row) = answer.next().await {
        let row = row.map_err(Failure::sent)?;
        if rows.row(&PostgresRow::new(&row, &codecs))? == Flow::Stop {
            break;
        }
    }
    Ok(())
}

impl Drop for PostgresSession {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.busy {
            // Closing alone would let the statement go on until the server looks for its client.
            self.executor.database.pool.cancel(connection);
        }
    }
}
