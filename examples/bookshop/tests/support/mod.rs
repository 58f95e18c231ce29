//! A bookshop on each database, and its program.

use std::process::Command;
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use thing::Db;
use thing::driver::{CacheClient, Executor};
use thing_driver_mysql::MysqlExecutor;
use thing_driver_postgres::PostgresExecutor;
use thing_driver_sqlite::SqliteExecutor;
use thing_test_servers::{MysqlDatabase, PostgresSchema};

pub(crate) struct Shop {
    folder: TempDir,
    place: Place,
}

enum Place {
    File,
    Postgres(PostgresSchema),
    Mysql(MysqlDatabase),
}

impl Shop {
    pub(crate) async fn all() -> [Self; 3] {
        let places =
            [Place::File, Place::Postgres(PostgresSchema::create().await), Place::Mysql(MysqlDatabase::create().await)];
        places.map(|place| Self { folder: tempfile::tempdir().expect("a folder"), place })
    }

    fn url(&self) -> String {
        match &self.place {
            Place::File => "sqlite:bookshop.db".to_owned(),
            Place::Postgres(schema) => schema.url().to_owned(),
            Place::Mysql(database) => database.url().to_owned(),
        }
    }

    pub(crate) fn is_mysql(&self) -> bool {
        matches!(self.place, Place::Mysql(_))
    }

    pub(crate) fn is_file(&self) -> bool {
        matches!(self.place, Place::File)
    }

    /// Runs the program, which must end with this code.
    pub(crate) fn manage(&self, arguments: &[&str], code: i32) -> Value {
        serde_json::from_str(&self.shown(arguments, code)).expect("the report is JSON")
    }

    /// What the program shows, which must end with this code.
    pub(crate) fn shown(&self, arguments: &[&str], code: i32) -> String {
        let run = Command::new(env!("CARGO_BIN_EXE_manage"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("DATABASE_URL", self.url())
            .env_remove("CACHE_URL")
            .output()
            .expect("the program starts");
        assert_eq!(run.status.code(), Some(code), "{}: {arguments:?}: {run:?}", self.url());
        String::from_utf8(run.stdout).expect("the report is text")
    }

    pub(crate) async fn execute(&self, sql: &str) {
        Db::builder(self.executor().await).build().raw(sql).execute().await.expect("the statement runs");
    }

    /// The database with a cache.
    pub(crate) async fn open(&self, cache: impl CacheClient) -> Db {
        Db::builder(self.executor().await).cache(cache).build()
    }

    async fn executor(&self) -> Arc<dyn Executor> {
        match &self.place {
            Place::File => {
                let file = self.folder.path().join("bookshop.db");
                Arc::new(SqliteExecutor::open(file).await.expect("the file opens"))
            }
            Place::Postgres(schema) => {
                Arc::new(PostgresExecutor::open(schema.url()).await.expect("the server answers"))
            }
            Place::Mysql(database) => Arc::new(MysqlExecutor::open(database.url()).await.expect("the server answers")),
        }
    }

    /// Writes a file, and its folder.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let file = self.folder.path().join(file);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("the folder can be made");
        std::fs::write(file, text).expect("the file can be written");
    }

    pub(crate) async fn close(self) {
        match self.place {
            Place::File => {}
            Place::Postgres(schema) => schema.close().await,
            Place::Mysql(database) => database.close().await,
        }
    }
}
