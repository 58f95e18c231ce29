//! The executor: statements on connections of the pool.

mod read;
mod write;

pub(crate) use read::{Query, within};

use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::{
    Capabilities, Capability, ChangeFeed, Dialect, Error, Executor, Key, PageStream, PlanOwner, Result, RowSink,
    Schema, Shape, Statement, Table, Transaction, TransactionOptions, Written, async_trait,
};

use crate::changes;
use crate::config::MysqlConfig;
use crate::connection::{Connector, Server};
use crate::dialect::{Flavour, MysqlDialect};
use crate::plan::{MAX_PARAMETERS, Plan};
use crate::pool::{Pool, Purpose};
use crate::statistics::{Counters, MysqlStatistics};
use crate::stream::MysqlStream;
use crate::transaction::MysqlTransaction;

/// A MySQL or MariaDB database. Cloning it is cheap and gives the same database.
#[derive(Clone, Debug)]
pub struct MysqlExecutor {
    pub(crate) database: Arc<Database>,
}

/// The connections to one database, and what is known about it.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) pool: Arc<Pool>,
    pub(crate) dialect: MysqlDialect,
    pub(crate) server: Arc<Server>,
    pub(crate) counters: Arc<Counters>,
    owner: PlanOwner,
    capabilities: Capabilities,
}

impl MysqlExecutor {
    /// Connects with the defaults of [`MysqlConfig`].
    ///
    /// # Errors
    ///
    /// Those of [`MysqlConfig::from_url`] and [`MysqlExecutor::connect`].
    pub async fn open(url: impl AsRef<str> + Send) -> Result<Self> {
        Self::connect(MysqlConfig::from_url(url)?).await
    }

    /// Connects, and looks which of the two servers it is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConnectionLost`](thing_driver_api::ErrorKind::ConnectionLost) when the server can't be reached,
    /// [`ErrorKind::Timeout`](thing_driver_api::ErrorKind::Timeout) when it does not answer, and
    /// [`ErrorKind::Backend`](thing_driver_api::ErrorKind::Backend) when it refuses the user, the password or the database,
    /// or can't be trusted.
    pub async fn connect(config: MysqlConfig) -> Result<Self> {
        let counters = Arc::new(Counters::default());
        let (connections, exact_text) = (config.min_connections.max(1), config.exact_text);
        let pool = Pool::new(Connector::new(config), counters.clone());
        pool.open(connections).await?;
        let mut first = pool.acquire(Purpose::Repeatable).await?;
        let server = first.connection().map_err(|failure| failure.explain(Default::default()))?.server.clone();
        drop(first);
        Ok(Self {
            database: Arc::new(Database {
                dialect: MysqlDialect::new(server.flavour),
                capabilities: capabilities(&server, exact_text),
                server,
                owner: PlanOwner::unique(),
                counters,
                pool,
            }),
        })
    }

    /// What it did so far.
    pub fn statistics(&self) -> MysqlStatistics {
        self.database.counters.read()
    }

    /// What the server calls its version.
    pub fn server_version(&self) -> &str {
        &self.database.server.version
    }
}

fn capabilities(server: &Server, exact_text: bool) -> Capabilities {
    let mut capabilities = Capabilities::new(MAX_PARAMETERS)
        .with(Capability::Transactions)
        .with(Capability::Savepoints)
        .with(Capability::GeneratedKeys)
        .with(Capability::Increments)
        .with(Capability::JsonConditions)
        .with(Capability::InsertsMany)
        .with(Capability::Upserts)
        .with(Capability::RawStatements)
        .with(Capability::Streaming)
        .with(Capability::Schema)
        .with(Capability::SchemaSessions)
        .with(Capability::ExactNumbers)
        .with(Capability::ChangeFeed);
    if server.passes_over_locks().is_ok() {
        capabilities = capabilities.with(Capability::SkipLocked);
    }
    if exact_text {
        return capabilities.with(Capability::ExactText).with(Capability::OrderedText);
    }
    capabilities
}

impl Database {
    pub(crate) fn plan(&self, shape: &Shape) -> Result<Arc<Plan>> {
        shape.plan(self.owner, |shape| Plan::compile(shape, self.dialect))
    }

    /// The statement, without the limit that the session sets.
    pub(crate) fn without_limit(&self, text: String) -> String {
        match self.dialect.flavour() {
            Flavour::MariaDb => format!("SET STATEMENT max_statement_time = 0 FOR {text}"),
            Flavour::MySql => text,
        }
    }

    /// How long the driver waits for an answer: a little longer than the server works on it.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.pool.connector.config.statement_timeout.map(|limit| limit + Duration::from_secs(1))
    }
}

#[async_trait]
impl Executor for MysqlExecutor {
    fn capabilities(&self) -> &Capabilities {
        &self.database.capabilities
    }

    fn dialect(&self) -> Option<&dyn Dialect> {
        Some(&self.database.dialect)
    }

    fn schema(&self) -> Option<&dyn Schema> {
        Some(self)
    }

    async fn fetch(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()> {
        let plan = self.database.plan(statement.shape)?;
        self.database.read(&plan, Query::Values(statement.values), rows).await
    }

    async fn get_many(&self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let plan = self.database.plan(shape)?;
        self.database.read(&plan, Query::Keys(keys), rows).await
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
        let transaction = MysqlTransaction::begin(self, options).await?;
        Ok(Box::new(transaction))
    }

    async fn stream(&self, statement: &Statement<'_>) -> Result<Box<dyn PageStream>> {
        let plan = self.database.plan(statement.shape)?;
        let stream = MysqlStream::start(&self.database, plan, statement.values).await?;
        Ok(Box::new(stream))
    }

    async fn changes(&self, tables: &[Arc<Table>]) -> Result<Box<dyn ChangeFeed>> {
        changes::follow(&self.database, tables).await
    }
}
