//! Fresh databases on a MariaDB or MySQL server.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};

use crate::server_url::ServerUrl;
use crate::{cleanup, mysql_url, unique_name};

/// An empty database, a few milliseconds. It is dropped with [`close`](Self::close), or when the value is dropped.
#[derive(Debug)]
pub struct MysqlDatabase {
    server: String,
    name: String,
    url: String,
    open: bool,
}

impl MysqlDatabase {
    /// Creates a database of a random name on the server of [`mysql_url`].
    pub async fn create() -> Self {
        Self::create_on(&mysql_url()).await
    }

    /// Creates a database of a random name on the server of `url`, for example of an [`Instance`](crate::Instance).
    pub async fn create_on(url: &str) -> Self {
        let name = unique_name();
        run(url, &[&format!("CREATE DATABASE {name}")]).await;
        Self { server: url.to_owned(), url: ServerUrl::new(url).with_database(&name), name, open: true }
    }

    /// The server's URL with this database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database's name, `thing_test_` and 32 hexadecimal digits.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Drops the database. Panics when an open transaction holds a lock in it for five seconds.
    pub async fn close(mut self) {
        self.open = false;
        run(&self.server, &[PATIENCE, &self.drop_statement()]).await;
    }

    fn drop_statement(&self) -> String {
        format!("DROP DATABASE {}", self.name)
    }
}

impl Drop for MysqlDatabase {
    fn drop(&mut self) {
        if self.open {
            cleanup::run(&self.name, execute(&self.server, &[PATIENCE, &self.drop_statement()]));
        }
    }
}

/// Without it a statement waits a day for the locks of another transaction.
const PATIENCE: &str = "SET lock_wait_timeout = 5";

async fn run(url: &str, statements: &[&str]) {
    if let Err(problem) = execute(url, statements).await {
        let (address, statement) = (ServerUrl::new(url).address(), statements.join("; "));
        panic!("{statement}: {problem} (mysql at {address}; `tests/servers/servers status` says whether it runs)");
    }
}

pub(crate) async fn execute(url: &str, statements: &[&str]) -> Result<(), Error> {
    let mut connection = Conn::from_url(url).await?;
    for statement in statements {
        connection.query_drop(*statement).await?;
    }
    connection.disconnect().await
}
