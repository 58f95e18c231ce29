//! The program `thing`, and databases for it.

#![allow(clippy::expect_used, dead_code, reason = "a test reports by panicking, and not each one uses everything")]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use tempfile::TempDir;
use thing::Db;
use thing::driver::Executor;
use thing_driver_mysql::MysqlExecutor;
use thing_driver_postgres::PostgresExecutor;
use thing_driver_sqlite::SqliteExecutor;
use thing_test_servers::{MysqlDatabase, PostgresSchema};

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The output of a run that must end with this code.
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

/// The program, in an empty folder and without settings of the environment.
pub(crate) fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thing"));
    command.args(arguments).current_dir(folder);
    for name in ["DATABASE_URL", "CACHE_URL", "NO_COLOR", "CLICOLOR_FORCE", "CARGO"] {
        command.env_remove(name);
    }
    command
}

pub(crate) fn ran(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("the program writes text");
    Ran { code: status.code().expect("the program ends by itself"), out: text(stdout), err: text(stderr) }
}

/// A database of one test.
pub(crate) struct Base {
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    place: Place,
}

enum Place {
    File,
    Postgres(PostgresSchema),
    Mysql(MysqlDatabase),
}

impl Base {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = "sqlite:shop.db".to_owned();
        Self { url, folder, place: Place::File }
    }

    pub(crate) async fn postgres() -> Self {
        let schema = PostgresSchema::create().await;
        let folder = tempfile::tempdir().expect("a folder");
        Self { url: schema.url().to_owned(), folder, place: Place::Postgres(schema) }
    }

    pub(crate) async fn mysql() -> Self {
        let database = MysqlDatabase::create().await;
        let folder = tempfile::tempdir().expect("a folder");
        Self { url: database.url().to_owned(), folder, place: Place::Mysql(database) }
    }

    pub(crate) async fn all() -> [Self; 3] {
        [Self::sqlite(), Self::postgres().await, Self::mysql().await]
    }

    pub(crate) fn name(&self) -> &'static str {
        match self.place {
            Place::File => "sqlite",
            Place::Postgres(_) => "postgres",
            Place::Mysql(_) => "mysql",
        }
    }

    /// Runs statements, those that the name of this database is before, or none.
    pub(crate) async fn execute(&self, statements: &[&str]) {
        let executor: Arc<dyn Executor> = match &self.place {
            Place::File => {
                let file = self.folder.path().join("shop.db");
                Arc::new(SqliteExecutor::open(file).await.expect("the file opens"))
            }
            Place::Postgres(schema) => {
                Arc::new(PostgresExecutor::open(schema.url()).await.expect("the server answers"))
            }
            Place::Mysql(database) => Arc::new(MysqlExecutor::open(database.url()).await.expect("the server answers")),
        };
        let db = Db::builder(executor).build();
        for statement in statements {
            let (names, sql) = statement.split_once(": ").unwrap_or(("", statement));
            if names.is_empty() || names.split(' ').any(|name| name == self.name()) {
                db.raw(sql).execute().await.unwrap_or_else(|error| panic!("{}: {sql}: {error}", self.name()));
            }
        }
    }

    pub(crate) fn thing(&self, arguments: &[&str]) -> Ran {
        ran(program(self.folder.path(), arguments).env("DATABASE_URL", &self.url))
    }

    /// A text without what differs from run to run: the URL, versions, times, sizes.
    pub(crate) fn lasting(&self, text: &str) -> String {
        let mut lasting = text.replace(&shown(&self.url), "URL");
        let name = match &self.place {
            Place::File => {
                let folder = self.folder.path().to_string_lossy().into_owned();
                return lines(&lasting.replace(&folder, "FOLDER"));
            }
            Place::Postgres(schema) => schema.name(),
            Place::Mysql(database) => database.name(),
        };
        lasting = lasting.replace(name, "NAME");
        lines(&lasting)
    }

    pub(crate) async fn close(self) {
        match self.place {
            Place::File => {}
            Place::Postgres(schema) => schema.close().await,
            Place::Mysql(database) => database.close().await,
        }
    }
}

/// The URL as the program shows it.
fn shown(url: &str) -> String {
    let Some((before, after)) = url.rsplit_once('@') else { return url.to_owned() };
    let user = before.rsplit_once(':').map_or(before, |(user, _)| user);
    format!("{user}:***@{after}")
}

fn lines(text: &str) -> String {
    let line = |line: &str| {
        let line = match line.split_once(" ") {
            Some((product @ ("SQLite" | "PostgreSQL" | "MariaDB" | "MySQL"), rest)) => {
                format!("{product} VERSION  {}", rest.rsplit("  ").next().unwrap_or_default())
            }
            _ => line.to_owned(),
        };
        match line.trim_start().split_once(' ') {
            // The server of a test may be anybody's.
            Some((setting @ ("round" | "max_connections" | "encryption" | "collation"), _)) => format!("  {setting} …"),
            _ => line,
        }
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

/// Compares with a file of `tests/golden`, or writes it where `UPDATE_GOLDEN` is set.
pub(crate) fn golden(name: &str, actual: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, actual).expect("the file can be written");
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(actual, expected, "{}: run the test with UPDATE_GOLDEN=1 if it is right", file.display());
}
