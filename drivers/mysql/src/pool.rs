//! The pool: connections that nobody uses, and who may use them.
//!
//! ```text
//! acquire ─▶ permit ─▶ idle connection, last used first ──▶ Lease ─▶ drop ─▶ at rest: back to the idle ones
//!                └── none: a new one ──────────────────────┘          └─▶ busy: background ─▶ rolled back, or closed
//! ```

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use mysql_async::Value as Native;
use thing_driver_api::Result;
use thing_driver_api::clock::Limit;
use tokio::sync::Semaphore;

use crate::connection::{Connection, Connector};
use crate::error::{self, Failure};
use crate::plan::Text;
use crate::statistics::{Counters, count};

/// A connection that was idle for longer is asked whether it is alive before it is trusted with a write.
const TRUSTED: Duration = Duration::from_millis(500);
/// How long a statement that nobody waits for any more may go on before the server is asked to end it.
const GRACE: Duration = Duration::from_millis(50);
/// How long cleaning up may take before the connection is closed.
const CLEANING: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) connector: Connector,
    counters: Arc<Counters>,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
    pool_timeout: Limit,
    /// Raised when a connection broke: those of before may be broken, too.
    generation: AtomicU64,
}

/// What a connection is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Something that can be done again when the connection proves to be broken.
    Repeatable,
    /// Something that must not be done twice.
    Once,
}

impl Pool {
    pub(crate) fn new(connector: Connector, counters: Arc<Counters>) -> Arc<Self> {
        let permits = Semaphore::new(connector.config.max_connections.min(Semaphore::MAX_PERMITS));
        Arc::new(Self {
            pool_timeout: Limit::new(connector.config.pool_timeout),
            connector,
            counters,
            idle: Mutex::default(),
            permits,
            generation: AtomicU64::new(0),
        })
    }

    /// Opens connections until there are so many.
    pub(crate) async fn open(self: &Arc<Self>, connections: usize) -> Result<()> {
        let mut leases = Vec::with_capacity(connections);
        for _ in 0..connections.min(self.connector.config.max_connections) {
            leases.push(self.acquire(Purpose::Once).await?);
        }
        Ok(())
    }

    /// A connection at rest.
    pub(crate) async fn acquire(self: &Arc<Self>, purpose: Purpose) -> Result<Lease> {
        let permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => {
                count(&self.counters.waits);
                match self.pool_timeout.apply(self.permits.acquire()).await {
                    Some(Ok(permit)) => permit,
                    _ => {
                        let most = self.connector.config.max_connections;
                        return Err(error::exhausted(most, self.pool_timeout.duration()));
                    }
                }
            }
        };
        permit.forget();
        // From here on the lease gives the permit back.
        let mut lease = Lease { pool: self.clone(), seat: Seat::Gone, id: 0, in_transaction: false, reused: true };
        while let Some(connection) = self.pop() {
            let old = connection.generation != self.generation.load(Ordering::Relaxed);
            let doubtful = old || (purpose == Purpose::Once && connection.used.elapsed() > TRUSTED);
            lease.sit(connection);
            if !doubtful {
                return Ok(lease);
            }
            match Box::pin(lease.ping(self.connector.config.connect_timeout)).await {
                Ok(()) => {
                    lease.renew(self.generation.load(Ordering::Relaxed));
                    return Ok(lease);
                }
                // The next one is the same, or a new one.
                Err(_) => lease.abandon(),
            }
        }
        let mut connection = Box::pin(self.connector.connect()).await?;
        count(&self.counters.connections);
        connection.generation = self.generation.load(Ordering::Relaxed);
        lease.sit(connection);
        lease.reused = false;
        Ok(lease)
    }

    /// Says that a connection broke, so that the others are not trusted.
    pub(crate) fn doubt(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// The connection that was used last, unless it is too old.
    fn pop(&self) -> Option<Connection> {
        loop {
            let connection = self.idle().pop()?;
            if !self.is_too_old(&connection) {
                return Some(connection);
            }
        }
    }

    fn put(&self, mut connection: Connection) {
        connection.used = Instant::now();
        let mut idle = self.idle();
        idle.push(connection);
        // Those at the bottom are used least.
        let expired = self.is_too_old(&idle[0]).then(|| idle.remove(0));
        drop(idle);
        drop(expired);
    }

    fn is_too_old(&self, connection: &Connection) -> bool {
        let config = &self.connector.config;
        connection.used.elapsed() > config.idle_timeout
            || config.max_lifetime.is_some_and(|lifetime| connection.opened.elapsed() > lifetime)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cleans up a connection in the background, and gives the permit back then.
    fn recover(self: Arc<Self>, seat: Seat, id: u32) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            // Without a runtime nothing can be awaited; closing lets the server roll back.
            self.permits.add_permits(1);
            return;
        };
        count(&self.counters.recovered);
        let permit = Permit(self);
        runtime.spawn(async move {
            let pool = &permit.0;
            let connection = match seat {
                Seat::Idle(connection) => Some(connection),
                Seat::Running(running) => pool.finish(running, id).await,
                Seat::Gone => None,
            };
            let Some(mut connection) = connection else { return };
            match tokio::time::timeout(GRACE, connection.read_rest()).await {
                Ok(Ok(())) => {}
                _ => return connection.close(),
            }
            match tokio::time::timeout(CLEANING, connection.control("ROLLBACK")).await {
                Ok(Ok(())) if connection.in_transaction() == Some(false) => pool.put(connection),
                _ => connection.close(),
            }
        });
    }

    /// Waits for the end of a statement that nobody waits for any more, and hastens it. `None` when the connection was
    /// closed for it.
    async fn finish(&self, mut running: Running, id: u32) -> Option<Connection> {
        if let Ok((connection, _)) = tokio::time::timeout(GRACE, &mut running).await {
            return Some(connection).filter(|connection| !connection.is_broken());
        }
        count(&self.counters.killed);
        self.connector.kill(id).await;
        // The order to end may come late, and would end the next statement then: the connection is not used again. Until
        // the statement is over it is kept, so that the server has no more at work than the pool allows.
        if let Ok((connection, _)) = tokio::time::timeout(CLEANING, &mut running).await {
            connection.close();
        }
        None
    }
}

struct Permit(Arc<Pool>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.permits.add_permits(1);
    }
}

type Running = Pin<Box<dyn Future<Output = (Connection, Result<(), Failure>)> + Send>>;

/// Where the connection of a lease is.
enum Seat {
    /// At rest, or with rows to read.
    Idle(Connection),
    /// In the middle of a statement. When its caller goes away, it is brought to its end in the background.
    Running(Running),
    Gone,
}

/// A connection that one caller uses. Dropping it gives the connection back, if it is at rest; otherwise it is rolled back
/// or closed in the background first.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    seat: Seat,
    id: u32,
    /// Whether a transaction is open.
    pub(crate) in_transaction: bool,
    /// Whether the connection lay idle before.
    pub(crate) reused: bool,
}

impl Lease {
    fn sit(&mut self, connection: Connection) {
        self.id = connection.id();
        self.seat = Seat::Idle(connection);
    }

    fn renew(&mut self, generation: u64) {
        if let Seat::Idle(connection) = &mut self.seat {
            connection.generation = generation;
        }
    }

    fn abandon(&mut self) {
        self.seat = Seat::Gone;
    }

    /// The connection, unless a statement on it was abandoned.
    pub(crate) fn connection(&mut self) -> Result<&mut Connection, Failure> {
        match &mut self.seat {
            Seat::Idle(connection) => Ok(connection),
            _ => Err(Failure::Abandoned),
        }
    }

    /// Runs a statement until its first rows are there.
    pub(crate) async fn execute(
        &mut self,
        text: &Arc<Text>,
        values: Vec<Native>,
        limit: Option<Duration>,
    ) -> Result<(), Failure> {
        let text = text.clone();
        let run = move |mut connection: Connection| -> Running {
            Box::pin(async move {
                let result = connection.execute(&text, values).await;
                (connection, result)
            })
        };
        self.run(limit, run).await
    }

    /// Runs statements without values.
    pub(crate) async fn control(&mut self, sql: String, limit: Option<Duration>) -> Result<(), Failure> {
        let run = move |mut connection: Connection| -> Running {
            Box::pin(async move {
                let result = connection.control(&sql).await;
                (connection, result)
            })
        };
        self.run(limit, run).await
    }

    /// Begins a transaction of many writes.
    pub(crate) async fn begin_batch(&mut self, limit: Option<Duration>) -> Result<(), Failure> {
        self.in_transaction = true;
        let run = |mut connection: Connection| -> Running {
            Box::pin(async move {
                let result = connection.begin_batch().await;
                (connection, result)
            })
        };
        self.run(limit, run).await
    }

    /// Asks the server how the connection is.
    pub(crate) async fn ping(&mut self, limit: Duration) -> Result<(), Failure> {
        let run = |mut connection: Connection| -> Running {
            Box::pin(async move {
                let result = connection.ping().await;
                (connection, result)
            })
        };
        self.run(Some(limit), run).await
    }

    /// Does something with the connection that is brought to its end also when the caller goes away.
    async fn run(&mut self, limit: Option<Duration>, work: impl FnOnce(Connection) -> Running) -> Result<(), Failure> {
        let Seat::Idle(connection) = std::mem::replace(&mut self.seat, Seat::Gone) else {
            return Err(Failure::Abandoned);
        };
        self.seat = Seat::Running(work(connection));
        let running = std::future::poll_fn(|context| {
            let Seat::Running(running) = &mut self.seat else {
                return Poll::Ready(Err(Failure::Abandoned));
            };
            let (connection, result) = std::task::ready!(running.as_mut().poll(context));
            self.seat = if connection.is_broken() { Seat::Gone } else { Seat::Idle(connection) };
            Poll::Ready(result)
        });
        match limit {
            Some(limit) => match tokio::time::timeout(limit, running).await {
                Ok(result) => result,
                Err(_) => Err(Failure::TimedOut(limit)),
            },
            None => running.await,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.seat, Seat::Gone) {
            Seat::Gone => self.pool.permits.add_permits(1),
            Seat::Idle(connection) if connection.is_broken() => self.pool.permits.add_permits(1),
            Seat::Idle(connection)
                if !self.in_transaction && !connection.has_unread() && connection.in_transaction() != Some(true) =>
            {
                self.pool.put(connection);
                self.pool.permits.add_permits(1);
            }
            seat => self.pool.clone().recover(seat, self.id),
        }
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease")
            .field("id", &self.id)
            .field("in_transaction", &self.in_transaction)
            .finish_non_exhaustive()
    }
}
