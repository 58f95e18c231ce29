//! The connection of mysql_async itself, for what Thing has no words for.

use mysql_async::Conn;
use thing_driver_api::Result;

use crate::error::About;
use crate::executor::MysqlExecutor;

/// What it writes counts as written by others, so that a program which follows the changes of others learns of it.
const SET_UP: &str = "SET @thing_writer = NULL";

impl MysqlExecutor {
    /// Opens a connection for mysql_async: `LOAD DATA`, procedures, several results. It is set up as those of the pool and is
    /// none of them.
    ///
    /// No cache learns of what is written through it, unless the program follows the changes of others; say
    /// `Db::invalidate` afterwards.
    ///
    /// # Errors
    ///
    /// Those of [`MysqlExecutor::connect`].
    pub async fn connection(&self) -> Result<Conn> {
        let mut connection = self.database.pool.connector.connect().await?;
        connection.control(SET_UP).await.map_err(|failure| failure.explain(About::default()))?;
        Ok(connection.into_inner())
    }
}
