//! The executor: decides on which connection each statement runs.

pub(crate) mod read;
mod write;
mod atomic;

use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::{
    Capabilities, Capability, ChangeFeed, Dialect, Error, Executor, Key, PageStream, PlanOwner, Result, RowSink,
    Schema, Shape, Statement, Table, Transaction, TransactionOptions, Written, async_trait,
};

use crate::changes;
use crate::config::PostgresConfig;
use crate::dialect::PostgresDialect;
use crate::error::Failure;
use crate::lanes::Lanes;
use crate::plan::Plan;
use crate::pool::Pool;
use crate::statistics::{Counters, PostgresStatistics};
use crate::stream::PostgresStream;
use crate::transaction::PostgresTransaction;
use crate::values::Input;

/// A PostgreSQL database. Cloning it is cheap and gives the same connections.
#[derive(Clone, Debug)]
pub struct PostgresExecutor {
    pub(crate) database: Arc<Database>,
}

/// The connections to one database, and what is known about it.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) config: PostgresConfig,
    owner: PlanOwner,
    capabilities: Capabilities,
    pub(crate) pool: Arc<Pool>,
    lanes: Arc<Lanes>,
    pub(crate) counters: Arc<Counters>,
}

/// How much longer than the server's own limit the driver waits for an answer.
const MARGIN: Duration = Duration::from_secs(2);

/// Parameters are counted in 16 bits.
const MAX_PARAMETERS: usize = 65_535;

impl PostgresExecutor {
    /// Connects to the server that a URL names, with the defaults of [`PostgresConfig`].
    ///
    /// # Errors
    ///
    /// Those of [`PostgresConfig::from_url`] and [`PostgresExecutor::connect`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::connect(PostgresConfig::from_url(url)?).await
    }

    /// Connects to a server: opens one connection, others when they are needed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConnectionLost`](thing_driver_api::ErrorKind::ConnectionLost) when the server can't be reached,
    /// [`ErrorKind::Timeout`](thing_driver_api::ErrorKind::Timeout) when it does not answer,
    /// [`ErrorKind::Busy`](thing_driver_api::ErrorKind::Busy) when it has no free connection,
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) for a root certificate that can't be read,
    /// [`ErrorKind::Backend`](thing_driver_api::ErrorKind::Backend) for a wrong password, a database that does not exist,
    /// or encryption that fails.
    pub async fn connect(config: PostgresConfig) -> Result<Self> {
        let counters = Arc::new(Counters::default());
        let pool = Arc::new(Pool::new(&config, &counters)?);
        let lanes = Arc::new(Lanes::new(pool.clone(), config.reader_connections, config.max_lifetime));
        lanes.open_first().await?;
        let database =
            Database { capabilities: capabilities(&config), config, owner: PlanOwner::unique(), pool, lanes, counters };
        Ok(Self { database: Arc::new(database) })
    }

    /// Where statements ran so far.
    pub fn statistics(&self) -> PostgresStatistics {
        self.database.counters.read()
    }
}

fn capabilities(config: &PostgresConfig) -> Capabilities {
    let capabilities = Capabilities::new(MAX_PARAMETERS)
        .with(Capability::Transactions)
        .with(Capability::Savepoints)
        .with(Capability::Returning)
        .with(Capability::Increments)
        .with(Capability::JsonConditions)
        .with(Capability::SkipLocked)
        .with(Capability::InsertsMany)
        .with(Capability::Upserts)
        .with(Capability::UpsertsByKey)
        .with(Capability::GeneratedKeys)
        .with(Capability::RawStatements)
        .with(Capability::Streaming)
        .with(Capability::Schema)
        .with(Capability::SchemaSessions)
        .with(Capability::ExactText)
        .with(Capability::ExactNumbers)
        .with(Capability::ChangeFeed);
    if config.bytewise_text { capabilities.with(Capability::OrderedText) } else { capabilities }
}

impl Database {
    pub(crate) fn plan(&self, shape: &Shape) -> Result<Arc<Plan>> {
        shape.plan(self.owner, Plan::compile)
    }

    /// Waits for the answer of the server, but not for ever when the server limits its own work.
    pub(crate) async fn in_time<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        match self.config.statement_timeout {
            None => work.await,
            Some(limit) => {
                tokio::time::timeout(limit.saturating_add(MARGIN), work).await.unwrap_or(Err(Failure::Silence))
            }
        }
    }
}

#[async_trait]
impl Executor for PostgresExecutor {
    fn capabilities(&self) -> &Capabilities {
        &self.database.capabilities
    }

    fn dialect(&self) -> Option<&dyn Dialect> {
        Some(&PostgresDialect)
    }

    fn schema(&self) -> Option<&dyn Schema> {
        Some(self)
    }

    async fn fetch(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()> {
        let plan = self.database.plan(statement.shape)?;
        self.database.read(&plan, Input::Values(statement.values), rows).await
    }

    async fn get_many(&self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        let Some(input) = read::of_keys(keys) else {
            return Ok(());
        };
        let plan = self.database.plan(shape)?;
        self.database.read(&plan, input, rows).await
    }

    async fn write(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        let plan = self.database.plan(statement.shape)?;
        self.database.write(&plan, Input::Values(statement.values), rows).await
    }

    async fn write_atomic(&self, statements: &[Statement<'_>]) -> Result<Vec<Written>, (usize, Error)> {
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        self.database.write_atomic(statements).await
    }

    async fn begin(&self, options: &TransactionOptions) -> Result<Box<dyn Transaction>> {
        let transaction = PostgresTransaction::begin(self, options).await?;
        Ok(Box::new(transaction))
    }

    async fn stream(&self, statement: &Statement<'_>) -> Result<Box<dyn PageStream>> {
        let plan = self.database.plan(statement.shape)?;
        let stream = PostgresStream::start(self.database.clone(), plan, statement.values).await?;
        Ok(Box::new(stream))
    }

    async fn changes(&self, tables: &[Arc<Table>]) -> Result<Box<dyn ChangeFeed>> {
        changes::follow(&self.database, tables).await
    }
}
