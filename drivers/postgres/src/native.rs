//! The client of tokio-postgres itself, for what Thing has no words for.

use std::ops::{Deref, DerefMut};

use thing_driver_api::Result;
use tokio_postgres::Client;

use crate::connection::Connection;
use crate::error::Effect;
use crate::executor::PostgresExecutor;

/// What it writes counts as written by others, so that a program which follows the changes of others learns of it.
const SET_UP: &str = "SET thing.writer = 'off'";

/// A connection of its own, as tokio-postgres gives it: see [`PostgresExecutor::client`]. Dropped, it is closed.
#[derive(Debug)]
pub struct PostgresClient(Connection);

impl PostgresExecutor {
    /// Opens a connection for the client of tokio-postgres: `COPY`, `LISTEN`, large objects. It is set up as those of the pool
    /// and is none of them.
    ///
    /// No cache learns of what is written through it, unless the program follows the changes of others; say
    /// `Db::invalidate` afterwards.
    ///
    /// # Errors
    ///
    /// Those of [`PostgresExecutor::connect`].
    pub async fn client(&self) -> Result<PostgresClient> {
        let connection = self.database.pool.open().await?;
        connection.control(SET_UP).await.map_err(|failure| failure.into_error(None, Effect::None))?;
        Ok(PostgresClient(connection))
    }
}

impl Deref for PostgresClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.0.client()
    }
}

impl DerefMut for PostgresClient {
    fn deref_mut(&mut self) -> &mut Client {
        self.0.client_wrapper()
    }
}
