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
use tokio::sync::Semaphore;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::changes;
use crate::config::PostgresConfig;
use crate::connection::Connection;
use crate::error;
use crate::statistics::{Counters, count};
use crate::tls;

/// How long the server may go on with a statement whose caller has gone, before it is cancelled.
const GRACE: Duration = Duration::from_millis(50);
/// How long a cancellation may take.
const CANCELLATION: Duration = Duration::from_secs(2);

/// Has the server look now and then whether its client is still there, while a statement runs: one that waits for a lock
/// would else be carried out long after its program has gone, when caches reckon with it no more. An interval that is set
/// already stays; servers before 14 have none.
const NOTICE_THE_END: &str = "SELECT CASE current_setting('client_connection_check_interval', true) \
     WHEN '0' THEN set_config('client_connection_check_interval', '2s', false) END";

/// Opens connections.
pub(crate) struct Manager {
    inner: deadpool_postgres::Manager,
    statement_cache: usize,
    max_lifetime: Option<Duration>,
    recorded: bool,
    counters: Arc<Counters>,
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Connection, tokio_postgres::Error> {
        // In a box, so that what waits for a connection stays small.
        let client = Box::pin(self.inner.create()).await?;
        if !self.recorded {
            client.batch_execute(changes::NOT_RECORDED).await?;
        }
        // Some systems can't, and say so.
        let _ = client.batch_execute(NOTICE_THE_END).await;
        Ok(Connection::new(client, self.statement_cache, self.counters.clone()))
    }

    /// Asks the server nothing: a connection that turns out to be lost is found so by the statement, before it is sent
    /// or by its answer.
    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<tokio_postgres::Error> {
        if self.max_lifetime.is_some_and(|most| connection.age() > most) {
            return Err(RecycleError::message("the connection is old"));
        }
        if connection.is_closed() {
            return Err(RecycleError::message("the connection is closed"));
        }
        Ok(())
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
    turns: Semaphore,
    /// How cancellations are sent.
    tls: MakeRustlsConnect,
    counters: Arc<Counters>,
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
            recorded: config.recorded,
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
            turns: Semaphore::new(config.max_connections.min(Semaphore::MAX_PERMITS)),
            tls,
            counters: counters.clone(),
            place: config.place(),
            connect_timeout: config.connect_timeout,
            pool_timeout: Limit::new(config.pool_timeout),
            most: config.max_connections,
        })
    }

    /// A connection, as soon as there is one.
    pub(crate) async fn lease(self: &Arc<Self>) -> Result<Lease> {
        let permit = match self.turns.try_acquire() {
            Ok(permit) => permit,
            Err(_) => {
                let permit = self.pool_timeout.apply(self.turns.acquire()).await;
                permit.and_then(Result::ok).ok_or_else(|| error::exhausted(self.most))?
            }
        };
        permit.forget();
        let turn = Turn(self.clone());
        match self.connections.get().await {
            Ok(connection) => Ok(Lease { held: Some(Held { connection, turn }), clean: true }),
            Err(error) => Err(error::pool(error, &self.place)),
        }
    }

    /// Opens a connection that is not counted among those of the pool.
    pub(crate) async fn open(&self) -> Result<Connection> {
        let open = managed::Manager::create(self.connections.manager());
        match tokio::time::timeout(self.connect_timeout, open).await {
            Ok(opened) => opened.map_err(|error| error::connecting(error, &self.place)),
            Err(_) => Err(error::connecting_took_too_long(&self.place)),
        }
    }

    /// Stops what runs on a connection that is not counted among those of the pool, and closes it.
    pub(crate) fn cancel(self: &Arc<Self>, connection: Connection) {
        let pool = self.clone();
        spawn(async move { pool.stop(&connection).await });
    }

    /// Stops what runs. A cancellation may arrive late and hit what runs then, so the connection is not used again.
    async fn stop(&self, connection: &Connection) {
        count(&self.counters.cancellations);
        let token = connection.client().cancel_token();
        // Without success the server notices when it writes to the closed connection.
        let _ = tokio::time::timeout(CANCELLATION, token.cancel_query(self.tls.clone())).await;
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("status", &self.connections.status()).finish_non_exhaustive()
    }
}

/// The permit to have a connection.
struct Turn(Arc<Pool>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.turns.add_permits(1);
    }
}

/// A connection with the turn that it was got by, which is given back behind it.
struct Held {
    connection: Object<Manager>,
    turn: Turn,
}

impl Held {
    /// Closes the connection.
    fn discard(self) {
        count(&self.turn.0.counters.discarded_connections);
        drop(Object::take(self.connection));
    }
}

/// A connection on loan. It goes back to the pool only when it is known to be as it came: without an open transaction,
/// without rows that nobody read. In doubt it is cleaned first, and closed when that takes long.
pub(crate) struct Lease {
    held: Option<Held>,
    clean: bool,
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
        if let Some(held) = self.held.take() {
            held.discard();
        }
    }

    /// Cancels what runs, and closes the connection.
    pub(crate) fn cancel(mut self) {
        if let Some(held) = self.held.take() {
            spawn(Doubtful(Some(held)).cancel());
        }
    }

    /// The connection for use by one owner.
    pub(crate) fn connection_mut(&mut self) -> Option<&mut Connection> {
        self.held.as_mut().map(|held| &mut *held.connection)
    }
}

impl Deref for Lease {
    type Target = Connection;

    #[allow(clippy::expect_used, reason = "only the methods that consume a lease take its connection")]
    fn deref(&self) -> &Connection {
        &self.held.as_ref().expect("a lease has its connection until it is consumed").connection
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("connection", &self.held.as_ref().map(|held| &*held.connection))
            .field("clean", &self.clean)
            .finish_non_exhaustive()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else { return };
        if self.clean {
            // Dropped here, it goes back.
            return;
        }
        let doubtful = Doubtful(Some(held));
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

/// A connection in an unknown state. Dropped, it is closed.
struct Doubtful(Option<Held>);

impl Doubtful {
    fn is_closed(&self) -> bool {
        self.0.as_ref().is_none_or(|held| held.connection.is_closed())
    }

    /// Ends whatever is open. When the server is still at work after a while, it is told to stop.
    async fn clean(mut self) {
        let Some(held) = &self.0 else { return };
        // The answer comes behind those of all former statements.
        match tokio::time::timeout(GRACE, held.connection.control("ROLLBACK")).await {
            Ok(Ok(())) => drop(self.0.take()),
            Ok(Err(_)) => {}
            Err(_) => self.cancel().await,
        }
    }

    async fn cancel(self) {
        let Some(Held { connection, turn }) = &self.0 else { return };
        turn.0.stop(connection).await;
    }
}

impl Drop for Doubtful {
    fn drop(&mut self) {
        if let Some(held) = self.0.take() {
            held.discard();
        }
    }
}
