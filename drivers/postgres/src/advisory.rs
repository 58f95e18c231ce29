//! Advisory locks: locks on numbers that the application chooses.

use thing_driver_api::Result;

use crate::connection::Connection;
use crate::error::{Effect, Failure};
use crate::executor::{Database, PostgresExecutor};
use crate::plan::Text;
use crate::pool::Lease;

/// A lock on a number, held by the session of one connection. Dropping it closes the connection, which unlocks.
///
/// Made by [`PostgresExecutor::advisory_lock`].
#[derive(Debug)]
#[must_use = "dropping it unlocks"]
pub struct AdvisoryLock {
    lease: Option<Lease>,
    database: std::sync::Arc<Database>,
    key: i64,
    /// False while the server is asked for it.
    held: bool,
}

impl PostgresExecutor {
    /// Waits until nobody else holds the lock with this key, in any process, and takes it.
    ///
    /// The lock has a connection of the pool to itself. It ends with [`AdvisoryLock::release`], with dropping it, and
    /// with the loss of the connection, which the holder does not notice by itself: see [`AdvisoryLock::is_held`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`](thing_driver_api::ErrorKind::Timeout) after the statement timeout, where one is set, and
    /// failures of the connection.
    pub async fn advisory_lock(&self, key: i64) -> Result<AdvisoryLock> {
        let lock = self.lock("SELECT pg_catalog.pg_advisory_lock($1::int8) IS NOT NULL", key).await?;
        lock.ok_or_else(|| thing_driver_api::Error::backend("the server did not give the advisory lock"))
    }

    /// Takes the lock with this key if nobody else holds it.
    ///
    /// # Errors
    ///
    /// Failures of the connection.
    pub async fn try_advisory_lock(&self, key: i64) -> Result<Option<AdvisoryLock>> {
        self.lock("SELECT pg_catalog.pg_try_advisory_lock($1::int8)", key).await
    }

    async fn lock(&self, text: &str, key: i64) -> Result<Option<AdvisoryLock>> {
        let lease = self.database.pool.lease().await?;
        // From here on dropping it closes the connection, which gives up the lock in whatever state it is.
        let mut lock = AdvisoryLock { lease: Some(lease), database: self.database.clone(), key, held: false };
        let Some(lease) = &lock.lease else { return Ok(None) };
        let locked = self.database.in_time(ask(lease, text, key)).await;
        match locked {
            Ok(true) => {
                lock.held = true;
                Ok(Some(lock))
            }
            Ok(false) => {
                // Nothing is held: the connection goes back as it came.
                lock.lease = None;
                Ok(None)
            }
            Err(failure) => Err(failure.into_error(None, Effect::None)),
        }
    }
}

impl AdvisoryLock {
    /// The key.
    pub fn key(&self) -> i64 {
        self.key
    }

    /// False when the connection is known to be lost, and the lock with it.
    pub fn is_held(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| !lease.is_closed())
    }

    /// Unlocks, and waits until that is done.
    ///
    /// # Errors
    ///
    /// Failures of the connection, with which the lock ended before.
    pub async fn release(mut self) -> Result<()> {
        let Some(lease) = &self.lease else { return Ok(()) };
        let text = "SELECT pg_catalog.pg_advisory_unlock($1::int8)";
        let released = self.database.in_time(ask(lease, text, self.key)).await;
        match released {
            Ok(_) => {
                self.lease = None;
                Ok(())
            }
            Err(failure) => Err(failure.into_error(None, Effect::None)),
        }
    }
}

impl Drop for AdvisoryLock {
    fn drop(&mut self) {
        match self.lease.take() {
            // The session ends with its connection, and the lock with the session.
            Some(lease) if self.held => lease.discard(),
            Some(lease) => lease.cancel(),
            None => {}
        }
    }
}

async fn ask(connection: &Connection, text: &str, key: i64) -> Result<bool, Failure> {
    let prepared = connection.prepare_text(&Text::new(text)).await.map_err(Failure::unsent)?;
    let row = connection.client().query_one(&prepared.statement, &[&key]).await.map_err(Failure::sent)?;
    row.try_get(0).map_err(Failure::sent)
}
