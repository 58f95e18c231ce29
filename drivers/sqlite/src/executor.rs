//! The executor: decides where each statement runs.

mod read;
mod write;

use std::path::Path;
use std::sync::Arc;

use thing_driver_api::{
    Capabilities, Capability, ChangeFeed, Dialect, Error, Executor, Key, PageStream, PlanOwner, Result, RowSink,
    Schema, Shape, Statement, Table, Transaction, TransactionOptions, Written, async_trait,
};

use crate::changes::{self, Outside, SqliteFeed};
use crate::config::SqliteConfig;
use crate::config::url::SCHEME;
use crate::connection::{Connection, Role};
use crate::dialect::SqliteDialect;
use crate::plan::Plan;
use crate::pool::Pool;
use crate::statement::Query;
use crate::statistics::{Counters, SqliteStatistics};
use crate::stream::SqliteStream;
use crate::transaction::SqliteTransaction;
use crate::worker::Worker;
use crate::writer::Writer;

/// A SQLite database. Cloning it is cheap and gives the same database.
#[derive(Clone, Debug)]
pub struct SqliteExecutor {
    pub(crate) database: Arc<Database>,
}

/// The connections of one database, and what is known about it.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) config: Arc<SqliteConfig>,
    owner: PlanOwner,
    capabilities: Capabilities,
    /// For reads on the caller's thread. In memory it is the writer's pool.
    readers: Arc<Pool<Connection>>,
    /// For long reads; `None` in memory, where they take the one connection to another thread.
    workers: Option<Arc<Pool<Worker>>>,
    pub(crate) writer: Writer,
    pub(crate) outside: Outside,
    counters: Arc<Counters>,
}

impl SqliteExecutor {
    /// Opens a database file with the defaults of [`SqliteConfig`], and creates it when there is none. A path that begins
    /// with `sqlite:` is a URL, see [`SqliteConfig::from_url`].
    ///
    /// # Errors
    ///
    /// Those of [`SqliteConfig::from_url`] and [`SqliteExecutor::connect`].
    pub async fn open(path: impl AsRef<Path> + Send) -> Result<Self> {
        let path = path.as_ref();
        let config = match path.to_str() {
            Some(url) if url.starts_with(SCHEME) => SqliteConfig::from_url(url)?,
            _ => SqliteConfig::file(path),
        };
        Self::connect(config).await
    }

    /// Opens a new database in memory.
    ///
    /// # Errors
    ///
    /// Those of [`SqliteExecutor::connect`].
    pub async fn memory() -> Result<Self> {
        Self::connect(SqliteConfig::memory()).await
    }

    /// Opens a database.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) naming the path when it can't be a
    /// database file, [`ErrorKind::Corrupt`](thing_driver_api::ErrorKind::Corrupt) when the file is something else,
    /// [`ErrorKind::Busy`](thing_driver_api::ErrorKind::Busy) when another process keeps it locked.
    pub async fn connect(config: SqliteConfig) -> Result<Self> {
        let config = Arc::new(config);
        let counters = Arc::new(Counters::default());
        let writers = Pool::new(1, Some(config.busy_timeout), opener(&config, Role::Writer));
        // The file is created, and made a WAL database, before anybody reads it.
        let first = writers.acquire().await?;
        drop(first);
        let (readers, workers) = if config.in_memory() {
            (writers.clone(), None)
        } else {
            let opened = config.clone();
            let workers = Pool::new(config.readers, None, move || Worker::open(&opened));
            (Pool::new(config.readers, None, opener(&config, Role::Reader)), Some(workers))
        };
        Ok(Self {
            database: Arc::new(Database {
                owner: PlanOwner::unique(),
                capabilities: capabilities(&config),
                readers,
                workers,
                writer: Writer::new(writers, &config, counters.clone()),
                outside: Outside::default(),
                counters,
                config,
            }),
        })
    }

    /// Where statements ran so far.
    pub fn statistics(&self) -> SqliteStatistics {
        self.database.counters.read()
    }
}

fn opener(config: &Arc<SqliteConfig>, role: Role) -> impl Fn() -> Result<Connection> + Send + Sync + 'static {
    let config = config.clone();
    move || Connection::open(&config, role)
}

fn capabilities(config: &SqliteConfig) -> Capabilities {
    let capabilities = Capabilities::new(MAX_PARAMETERS)
        .with(Capability::Transactions)
        .with(Capability::Savepoints)
        .with(Capability::Returning)
        .with(Capability::Increments)
        .with(Capability::JsonConditions)
        .with(Capability::InsertsMany)
        .with(Capability::Upserts)
        .with(Capability::UpsertsByKey)
        .with(Capability::GeneratedKeys)
        .with(Capability::RawStatements)
        .with(Capability::Streaming)
        .with(Capability::Schema)
        .with(Capability::SchemaSessions)
        .with(Capability::ExactText)
        .with(Capability::OrderedText)
        .with(Capability::ExactNumbers);
    // Nobody else can write a database in memory.
    if config.in_memory() { capabilities } else { capabilities.with(Capability::ChangeFeed) }
}

/// The default of SQLite, with which the bundled library is built.
const MAX_PARAMETERS: usize = 32_766;

impl Database {
    pub(crate) fn plan(&self, shape: &Shape) -> Result<Arc<Plan>> {
        shape.plan(self.owner, Plan::compile)
    }

    /// A connection that writes beside the writer. Not in memory, where it would have a database of its own.
    pub(crate) fn own_writer(&self) -> Arc<Pool<Connection>> {
        Pool::new(1, Some(self.config.busy_timeout), opener(&self.config, Role::Writer))
    }

    /// How many pages a read may be ahead of who takes them. In memory the read holds the only connection, and a caller
    /// who writes while it takes page after page would wait for itself; 64 MiB of pages make that unlikely.
    pub(crate) fn pages_ahead(&self) -> usize {
        if self.config.in_memory() { 1024 } else { 2 }
    }
}

#[async_trait]
impl Executor for SqliteExecutor {
    fn capabilities(&self) -> &Capabilities {
        &self.database.capabilities
    }

    fn dialect(&self) -> Option<&dyn Dialect> {
        Some(&SqliteDialect)
    }

    fn schema(&self) -> Option<&dyn Schema> {
        Some(self)
    }

    async fn fetch(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()> {
        let plan = self.database.plan(statement.shape)?;
        self.database.read(Query::new(&plan, statement.values), rows).await
    }

    async fn get_many(&self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let plan = self.database.plan(shape)?;
        self.database.read(Query::keys(&plan, keys), rows).await
    }

    async fn write(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        let plan = self.database.plan(statement.shape)?;
        self.database.write(&plan, statement.values, rows).await
    }

    async fn write_atomic(&self, statements: &[Statement<'_>]) -> Result<Vec<Written>, (usize, Error)> {
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        self.database.write_atomic(statements).await
    }

    async fn begin(&self, options: &TransactionOptions) -> Result<Box<dyn Transaction>> {
        let transaction = SqliteTransaction::begin(self, options).await?;
        Ok(Box::new(transaction))
    }

    async fn stream(&self, statement: &Statement<'_>) -> Result<Box<dyn PageStream>> {
        let plan = self.database.plan(statement.shape)?;
        let stream = SqliteStream::start(&self.database, Query::new(&plan, statement.values)).await?;
        Ok(Box::new(stream))
    }

    async fn changes(&self, _: &[Arc<Table>]) -> Result<Box<dyn ChangeFeed>> {
        changes::check(&self.database)?;
        let feed = SqliteFeed::open(self.database.clone()).await?;
        Ok(Box::new(feed))
    }
}
