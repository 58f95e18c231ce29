//! Sessions: changes of the schema, on a connection of their own.

use std::time::{Duration, Instant};

use thing_driver_api::schema::SchemaSession;
use thing_driver_api::{Result, RowSink, async_trait};

use crate::connection::Connection;
use crate::dialect::Flavour;
use crate::error::{self, About, Failure};
use crate::executor::MysqlExecutor;
use crate::plan::Text;

/// Lets a session do nothing for a day, and has what it writes count as written by others: the caches of this program need
/// not know of it. Waiting for the locks of others stays limited by `lock_wait_timeout`: while a change of the schema
/// waits, all who use the table wait behind it.
const SET_UP: &str = "SET wait_timeout = 86400, @thing_writer = NULL";

/// One lock for each database. The server has one name space for all of them, and names have at most 64 characters.
const LOCK: &str = "SELECT GET_LOCK(CONCAT('thing schema ', SHA1(COALESCE(DATABASE(), ''))), 0)";

/// How long to wait before asking for the lock again.
const PAUSE: Duration = Duration::from_millis(100);

/// A session. The server rolls back and unlocks when the connection is closed.
#[derive(Debug)]
pub(crate) struct MysqlSession {
    executor: MysqlExecutor,
    /// `None` when it is closed.
    connection: Option<Connection>,
    in_transaction: bool,
    /// A call is under way, or was dropped.
    busy: bool,
}

impl MysqlSession {
    pub(crate) async fn open(executor: &MysqlExecutor) -> Result<Self> {
        let connection = executor.database.pool.connector.connect().await?;
        let mut session =
            Self { executor: executor.clone(), connection: Some(connection), in_transaction: false, busy: false };
        let unlimited = match executor.database.dialect.flavour() {
            Flavour::MariaDb => "max_statement_time",
            Flavour::MySql => "max_execution_time",
        };
        session.control(&format!("{SET_UP}, {unlimited} = 0"), false).await?;
        Ok(session)
    }

    /// Does something with the connection. When the future is dropped meanwhile, the session is of no use any more.
    async fn run<T>(&mut self, work: impl AsyncFnOnce(&mut Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let Some(connection) = self.connection.as_mut().filter(|_| !self.busy) else {
            return Err(Failure::Abandoned);
        };
        self.busy = true;
        let done = work(connection).await;
        self.busy = false;
        done
    }

    async fn control(&mut self, text: &str, commits: bool) -> Result<()> {
        let done = self.run(async |connection| connection.control(text).await).await;
        done.map_err(|failure| failure.explain(About { commits, ..About::default() }))
    }

    fn begun(&self) -> Result<()> {
        if self.in_transaction { Ok(()) } else { Err(error::no_transaction()) }
    }
}

#[async_trait]
impl SchemaSession for MysqlSession {
    /// A change of the schema commits what is open, and itself.
    fn is_transactional(&self) -> bool {
        false
    }

    async fn lock(&mut self, patience: Duration) -> Result<()> {
        let until = Instant::now().checked_add(patience);
        loop {
            let asked = self.run(async |connection| connection.query(LOCK).await).await;
            let rows = asked.map_err(|failure| failure.explain(About::default()))?;
            match rows.first().and_then(|row| row.get_opt::<Option<i64>, _>(0)) {
                Some(Ok(Some(1))) => return Ok(()),
                Some(Ok(Some(0))) => {}
                _ => return Err(error::not_locked()),
            }
            let left = until.map_or(PAUSE, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Err(error::schema_locked(patience));
            }
            tokio::time::sleep(left.min(PAUSE)).await;
        }
    }

    async fn begin(&mut self) -> Result<()> {
        if self.in_transaction {
            return Err(error::in_transaction());
        }
        self.control("START TRANSACTION", false).await?;
        self.in_transaction = true;
        Ok(())
    }

    async fn execute(&mut self, sql: &str) -> Result<()> {
        let done = self.run(async |connection| connection.control(sql).await).await;
        // In a transaction, too: a change of the schema is committed.
        done.map_err(|failure| failure.of_statement(sql, true))
    }

    async fn fetch(&mut self, sql: &str, rows: &mut dyn RowSink) -> Result<()> {
        let text = Text::new(sql.to_owned());
        let read = self.run(async |connection| {
            connection.execute(&text, Vec::new()).await?;
            let delivered = connection.deliver(true, rows).await;
            // What the sink did not want stands before the next answer.
            connection.read_rest().await?;
            connection.forget(&text).await?;
            Ok(delivered)
        });
        match read.await.and_then(|delivered| delivered.map_err(Failure::Refused)?) {
            Ok(()) => Ok(()),
            Err(failure) => Err(failure.of_statement(sql, false)),
        }
    }

    async fn commit(&mut self) -> Result<()> {
        self.begun()?;
        self.in_transaction = false;
        self.control("COMMIT", true).await
    }

    async fn rollback(&mut self) -> Result<()> {
        self.begun()?;
        self.in_transaction = false;
        self.control("ROLLBACK", false).await
    }
}

impl Drop for MysqlSession {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.busy
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            // Closing alone would let the statement go on to its end.
            let (executor, id) = (self.executor.clone(), connection.id());
            runtime.spawn(async move { executor.database.pool.connector.kill(id).await });
        }
        connection.close();
    }
}
