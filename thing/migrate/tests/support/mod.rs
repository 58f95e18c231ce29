//! Databases of one test, and what is in them.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, reason = "tests report by panicking, and share this")]

use std::sync::Arc;

use tempfile::TempDir;
use thing_driver_api::schema::SchemaSession;
use thing_driver_api::{Executor, Flow, Result, Row, RowSink};
use thing_driver_mysql::MysqlExecutor;
use thing_driver_postgres::PostgresExecutor;
use thing_driver_sqlite::SqliteExecutor;
use thing_test_servers::{MysqlDatabase, PostgresSchema};

/// A database that goes away with the test.
pub(crate) enum Database {
    Sqlite(TempDir),
    Postgres(PostgresSchema),
    Mysql(MysqlDatabase),
}

impl Database {
    pub(crate) async fn each() -> [Self; 3] {
        [
            Self::Sqlite(tempfile::tempdir().unwrap()),
            Self::Postgres(PostgresSchema::create().await),
            Self::Mysql(MysqlDatabase::create().await),
        ]
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("test.db").display()),
            Self::Postgres(schema) => schema.url().to_owned(),
            Self::Mysql(database) => database.url().to_owned(),
        }
    }

    pub(crate) async fn open(&self) -> Arc<dyn Executor> {
        open(&self.url()).await
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
            Self::Mysql(_) => "MariaDB",
        }
    }

    pub(crate) fn is_transactional(&self) -> bool {
        !matches!(self, Self::Mysql(_))
    }
}

pub(crate) async fn open(url: &str) -> Arc<dyn Executor> {
    match url.split(':').next().unwrap() {
        "sqlite" => Arc::new(SqliteExecutor::open(url).await.unwrap()),
        "postgres" | "postgresql" => Arc::new(PostgresExecutor::open(url).await.unwrap()),
        _ => Arc::new(MysqlExecutor::open(url).await.unwrap()),
    }
}

/// The integers of the first column.
pub(crate) async fn integers(executor: &dyn Executor, sql: &str) -> Result<Vec<i64>> {
    struct Integers(Vec<i64>);

    impl RowSink for Integers {
        fn row(&mut self, row: &dyn Row) -> Result<Flow> {
            self.0.push(row.i64(0)?);
            Ok(Flow::Continue)
        }

        fn restart(&mut self) {
            self.0.clear();
        }
    }

    let mut integers = Integers(Vec::new());
    session(executor).await.fetch(sql, &mut integers).await?;
    Ok(integers.0)
}

pub(crate) async fn session(executor: &dyn Executor) -> Box<dyn SchemaSession> {
    executor.schema().unwrap().session().await.unwrap()
}

pub(crate) async fn has_table(executor: &dyn Executor, name: &str) -> bool {
    executor.schema().unwrap().describe(name).await.unwrap().is_some()
}

/// Files by version, as `(text of up, text of down)`.
pub(crate) fn files(scripts: &[(&str, &str)]) -> thing_migrate::Migrations {
    let named: Vec<(String, &str)> = (1..)
        .zip(scripts)
        .flat_map(|(version, (up, down))| {
            [(format!("{version}_step.up.sql"), *up), (format!("{version}_step.down.sql"), *down)]
        })
        .filter(|(_, text)| !text.is_empty())
        .collect();
    let borrowed: Vec<(&str, &str)> = named.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    thing_migrate::Migrations::embedded(&borrowed).unwrap()
}

pub(crate) fn version(number: i64) -> thing_migrate::Version {
    number.to_string().parse().unwrap()
}
