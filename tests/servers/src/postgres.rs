//! Fresh schemas and databases on a PostgreSQL server.

use tokio_postgres::{Error, NoTls};

use crate::server_url::ServerUrl;
use crate::{cleanup, postgres_url, unique_name};

/// An empty schema, the cheapest isolation: a few milliseconds. It is dropped with [`close`](Self::close), or when the
/// value is dropped.
///
/// Connections with [`url`](Self::url) find and create tables in it alone: it is their whole `search_path`.
#[derive(Debug)]
pub struct PostgresSchema {
    server: String,
    name: String,
    url: String,
    open: bool,
}

impl PostgresSchema {
    /// Creates a schema of a random name on the server of [`postgres_url`].
    pub async fn create() -> Self {
        Self::create_on(&postgres_url()).await
    }

    /// Creates a schema of a random name in the database of `url`, for example of an [`Instance`](crate::Instance).
    pub async fn create_on(url: &str) -> Self {
        let name = unique_name();
        run(url, &format!("CREATE SCHEMA {name}")).await;
        let url_of_schema = ServerUrl::new(url).with_parameter(&format!("options=-csearch_path%3D{name}"));
        Self { server: url.to_owned(), name, url: url_of_schema, open: true }
    }

    /// The server's URL with `options=-csearch_path=…`, which makes this schema the only one that is searched.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The schema's name, `thing_test_` and 32 hexadecimal digits.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Drops the schema. Panics when an open transaction holds a lock in it for five seconds.
    pub async fn close(mut self) {
        self.open = false;
        run(&self.server, &self.drop_statement()).await;
    }

    fn drop_statement(&self) -> String {
        format!("SET lock_timeout = '5s'; DROP SCHEMA {} CASCADE", self.name)
    }
}

impl Drop for PostgresSchema {
    fn drop(&mut self) {
        if self.open {
            cleanup::run(&self.name, execute(&self.server, &self.drop_statement()));
        }
    }
}

/// An empty database, for tests that need more than a schema: extensions, replication, settings of the database. It takes
/// some 50 ms. It is dropped with [`close`](Self::close), or when the value is dropped.
#[derive(Debug)]
pub struct PostgresDatabase {
    server: String,
    name: String,
    url: String,
    open: bool,
}

impl PostgresDatabase {
    /// Creates a database of a random name on the server of [`postgres_url`].
    pub async fn create() -> Self {
        Self::create_on(&postgres_url()).await
    }

    /// Creates a database of a random name on the server of `url`.
    pub async fn create_on(url: &str) -> Self {
        let name = unique_name();
        // Nobody can be connected to `template0`, which would make the statement fail.
        run(url, &format!("CREATE DATABASE {name} TEMPLATE template0")).await;
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

    /// Drops the database and ends the connections to it. Panics when a replication slot still uses it.
    pub async fn close(mut self) {
        self.open = false;
        run(&self.server, &self.drop_statement()).await;
    }

    fn drop_statement(&self) -> String {
        format!("DROP DATABASE {} WITH (FORCE)", self.name)
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        if self.open {
            cleanup::run(&self.name, execute(&self.server, &self.drop_statement()));
        }
    }
}

async fn run(url: &str, statement: &str) {
    if let Err(problem) = execute(url, statement).await {
        let address = ServerUrl::new(url).address();
        panic!("{statement}: {problem:?} (postgres at {address}; `tests/servers/servers status` says whether it runs)");
    }
}

pub(crate) async fn execute(url: &str, statement: &str) -> Result<(), Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let statement = async move { client.batch_execute(statement).await };
    // The connection ends when the statement's future has dropped the client.
    let (outcome, ended) = tokio::join!(statement, connection);
    outcome.and(ended)
}
