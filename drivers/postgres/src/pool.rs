//! The pool: connections that one statement or transaction each has to itself.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, Object, QueueMode, RecycleError, RecycleResult};
use deadpool_postgres::{ManagerConfig, RecyclingMethod};
use thing_driver_api::clock::Limit;
use thing_driver_api::{Error, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::PostgresConfig;
use crate::connection::Connection;
use crate::error;
use crate::statistics::{Counters, count};
use crate::tls;

/// How long the server may go on with a statement whose caller has gone, before it is cancelled.
const GRACE: Duration = Duration::from_millis(50);
/// How long a cancellation may take.
const CANCELLATION: Duration = Duration::from_secs(2);

/// Opens connections.
pub(crate) struct Manager {
    inner: deadpool_postgres::Manager,
    statement_cache: usize,
    max_lifetime: Option<Duration>,
    counters: Arc<Counters>,
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Connection, tokio_postgres::Error> {
        let client = self.inner.create().await?;
        Ok(Connection::new(client, self.statement_cache, self.counters.clone()))
    }

    /// Asks the server nothing: a connection that turns out to be lost is found so by the statement, before it is sent
    /// or by its answer.
    async fn recycle(&self, connection: &mut Connection, metrics: &Metrics) -> RecycleResult<tokio_postgres::Error> {
        if self.max_lifetime.is_some_and(|most| connection.age() > most) {
            return Err(RecycleError::message("the connection is old"));
        }
        self.inner.recycle(connection.client_wrapper(), metrics).await
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager").finish_non_exhaustive()
    }
}

pub(crate) struct Pool {
    connections: managed::Pool<Manager>,
    /// As many as connections. Who waits for one waits here.
    turns: Arc<Semaphore>,
    cleaner: Arc<Cleaner>,
    place: String,
    connect_timeout: Duration,
    pool_timeout: Limit,
    most: usize,
}

impl Pool {
    pub(crate) fn new(config: &PostgresConfig, counters: &Arc<Counters>) -> Result<Self> {
        let tls = tls::connector(config)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager {
            inner: deadpool_postgres::Manager::from_config(config.client(), tls.clone(), recycling),
            statement_cache: config.statement_cache,
            max_lifetime: config.max_lifetime,
            counters: counters.clone(),
        };
        let connections = managed::Pool::builder(manager)
            .max_size(config.max_connections)
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .create_timeout(Some(config.connect_timeout))
            .build()
            .map_err(|error| Error::backend("the pool can't be built").with_source(error))?;
        Ok(Self {
            connections,
            cleaner: Arc::new(Cleaner { tls, counters: counters.clone() }),
            turns: Arc::new(Semaphore::new(config.max_connections)),
            place: config.place(),
            connect_timeout: config.connect_timeout,
            pool_timeout: Limit::new(config.pool_timeout),
            most: config.max_connections,
        })
    }

    /// A connection, as soon as there is one.
    pub(crate) async fn lease(&self) -> Result<Lease> {
        let turn = match self.turns.clone().try_acquire_owned() {
            Ok(turn) => turn,
            Err(_) => self.turn().await?,
        };
        match self.connections.get().await {
            Ok(connection) => {
                Ok(Lease { connection: Some(connection), turn: Some(turn), clean: true, cleaner: self.cleaner.clone() })
            }
            Err(error) => Err(error::pool(error, &self.place)),
        }
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        let turn = self.pool_timeout.apply(self.turns.clone().acquire_owned()).await;
        turn.and_then(Result::ok).ok_or_else(|| error::exhausted(self.most))
    }

    /// Opens a connection that is not counted among those of the pool.
    pub(crate) async fn open(&self) -> Result<Connection> {
        let open = managed::Manager::create(self.connections.manager());
        match tokio::time::timeout(self.connect_timeout, open).await {
            Ok(opened) => opened.map_err(|error| error::connecting(error, &self.place)),
            Err(_) => Err(error::connecting_took_too_long(&self.place)),
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("status", &self.connections.status()).finish_non_exhaustive()
    }
}

/// A connection on loan. It goes back to the pool only when it is known to be as it came: without an open transaction,
/// without rows that nobody read. In doubt it is cleaned first, and closed when that takes long.
pub(crate) struct Lease {
    connection: Option<Object<Manager>>,
    /// Given back behind the connection.
    turn: Option<OwnedSemaphorePermit>,
    clean: bool,
    cleaner: Arc<Cleaner>,
}

impl Lease {
    /// From here on the state of the connection is in doubt. Called before anything is sent.
    pub(crate) fn soil(&mut self) {
        self.clean = false;
    }

    /// The state of the connection is known to be as it was when it was lent.
    pub(crate) fn clean(&mut self) {
        self.clean = true;
    }

    /// Closes the connection instead of giving it back.
    pub(crate) fn discard(mut self) {
        if let Some(connection) = self.connection.take() {
            self.cleaner.discard(connection);
        }
    }

    /// Cancels what runs, and closes the connection.
    pub(crate) fn cancel(mut self) {
        if let Some(connection) = self.connection.take() {
            let doubtful =
                Doubtful { connection: Some(connection), _turn: self.turn.take(), cleaner: self.cleaner.clone() };
            spawn(async move { doubtful.cancel().await });
        }
    }

    /// The connection for use by one owner.
    pub(crate) fn connection_mut(&mut self) -> Option<&mut Connection> {
        self.connection.as_deref_mut()
    }
}

impl Deref for Lease {
    type Target = Connection;

    #[allow(clippy::expect_used, reason = "only the methods that consume a lease take its connection")]
    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("a lease has its connection until it is consumed")
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("connection", &self.connection)
            .field("clean", &self.clean)
            .finish_non_exhaustive()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.clean {
            // Dropped here, it goes back.
            return;
        }
        let doubtful =
            Doubtful { connection: Some(connection), _turn: self.turn.take(), cleaner: self.cleaner.clone() };
        if !doubtful.is_closed() {
            spawn(doubtful.clean());
        }
    }
}

/// Runs work in the background; without a runtime it is dropped.
fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(work);
    }
}

pub(crate) struct Cleaner {
    tls: MakeRustlsConnect,
    counters: Arc<Counters>,
}

impl Cleaner {
    fn discard(&self, connection: Object<Manager>) {
        count(&self.counters.discarded_connections);
        drop(Object::take(connection));
    }
}

/// A connection in an unknown state. Dropped, it is closed.
struct Doubtful {
    connection: Option<Object<Manager>>,
    _turn: Option<OwnedSemaphorePermit>,
    cleaner: Arc<Cleaner>,
}

impl Doubtful {
    fn is_closed(&self) -> bool {
        self.connection.as_ref().is_none_or(|connection| connection.is_closed())
    }

    /// Ends whatever is open. When the server is still at work after a while, it is told to stop.
    async fn clean(mut self) {
        let Some(connection) = &self.connection else { return };
        // The answer comes behind those of all former statements.
        match tokio::time::timeout(GRACE, connection.control("ROLLBACK")).await {
            Ok(Ok(())) => drop(self.connection.take()),
            Ok(Err(_)) => {}
            Err(_) => self.cancel().await,
        }
    }

    /// Stops what runs. A cancellation may arrive late and hit what runs then, so the connection is not used again.
    async fn cancel(self) {
        let Some(connection) = &self.connection else { return };
        count(&self.cleaner.counters.cancellations);
        let token = connection.client().cancel_token();
        // Without success the server notices when it writes to the closed connection.
        let _ = tokio::time::timeout(CANCELLATION, token.cancel_query(self.cleaner.tls.clone())).await;
    }
}

impl Drop for Doubtful {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.cleaner.discard(connection);
        }
    }
}
