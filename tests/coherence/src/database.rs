//! The databases: connections, the tables, and triggers that note every change in its order.
//!
//! The triggers write one row of `audit` for each change of a row, in the transaction that makes it. Its number is drawn
//! while the row is locked, so the numbers of one row's changes are in the order of their commits. A change of an item
//! also moves the version of its group, and of the group it leaves, in `audit_groups`: commits that touch one group are
//! made one after the other by the lock on that row, and the versions number them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thing::driver::Executor;
use thing::{CacheOutage, Db};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_mysql::{MysqlConfig, MysqlExecutor};
use thing_driver_postgres::{Encryption, PostgresConfig, PostgresExecutor};
use thing_driver_sqlite::{SqliteConfig, SqliteExecutor};

use crate::audit::Change;
use crate::model::{Group, Item, SEEDER, WriteId, note_of};

/// A sort of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    /// PostgreSQL.
    Postgres,
    /// MariaDB.
    Mariadb,
    /// SQLite, in a file.
    Sqlite,
}

/// The longest time that a statement may take.
const PATIENCE: Duration = Duration::from_secs(4);

impl DatabaseKind {
    /// All.
    pub const ALL: [Self; 3] = [Self::Postgres, Self::Mariadb, Self::Sqlite];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
            Self::Sqlite => "sqlite",
        }
    }

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Connects; the URL of SQLite is the path of the file.
    ///
    /// # Errors
    ///
    /// When the database can't be reached.
    pub async fn open(self, url: &str) -> thing::Result<Arc<dyn Executor>> {
        Ok(match self {
            Self::Postgres => {
                let config = PostgresConfig::from_url(url)?.encryption(Encryption::Disable);
                let config = config.statement_timeout(PATIENCE).connect_timeout(PATIENCE).pool_timeout(PATIENCE);
                // Transactions lock items and their groups in no common order.
                Arc::new(PostgresExecutor::connect(config.setting("deadlock_timeout", "20ms")).await?)
            }
            Self::Mariadb => {
                let config = MysqlConfig::from_url(url)?.statement_timeout(PATIENCE).lock_timeout(PATIENCE);
                Arc::new(MysqlExecutor::connect(config).await?)
            }
            Self::Sqlite => Arc::new(SqliteExecutor::connect(SqliteConfig::file(PathBuf::from(url))).await?),
        })
    }

    /// Creates tables and triggers and fills them: one in eight items is absent.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn prepare(self, url: &str, items: i64, groups: i64, outage: CacheOutage) -> thing::Result<()> {
        // Who has a cache needs the table of debts.
        let cache = MemoryCache::new(MemoryConfig::default());
        let db = Db::builder(self.open(url).await?).cache(cache).cache_outage(outage).build();
        db.sync::<(Item, Group)>().await?;
        match self {
            Self::Postgres => run(&db, include_str!("database/postgres.sql")).await?,
            Self::Mariadb => text_protocol(url, include_str!("database/mariadb.sql")).await?,
            Self::Sqlite => run(&db, include_str!("database/sqlite.sql")).await?,
        }
        let value = |id: i64| WriteId::new(SEEDER, id.unsigned_abs() as u32).value(0).cast_signed();
        for group in 1..=groups {
            db.raw(format!("INSERT INTO audit_groups (id, version) VALUES ({group}, 0)")).execute().await?;
        }
        let group = |id| Group { id, value: value(items + id), note: note_of(value(items + id)) };
        db.things::<Group>().create_many((1..=groups).map(group)).await?;
        let item =
            |id| Item { id, group_id: 1 + id % groups, value: value(id), note: note_of(value(id)), flag: id % 3 == 0 };
        let there: Vec<i64> = (1..=items).filter(|id| id % 8 != 0).collect();
        for part in there.chunks(500) {
            db.things::<Item>().create_many(part.iter().map(|id| item(*id))).await?;
        }
        Ok(())
    }

    /// All changes, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn audit(self, url: &str) -> thing::Result<Vec<Change>> {
        let db = Db::builder(self.open(url).await?).build();
        let mut changes: Vec<Change> = Vec::new();
        loop {
            let after = changes.last().map_or(0, |change| change.number);
            let part = Change::read(&db, after).await?;
            if part.is_empty() {
                return Ok(changes);
            }
            changes.extend(part);
        }
    }
}

/// The statements of a script, which are apart by lines of two dashes.
fn statements(script: &str) -> impl Iterator<Item = &str> {
    script.split("\n--\n").map(str::trim).filter(|statement| !statement.is_empty())
}

async fn run(db: &Db, script: &str) -> thing::Result<()> {
    for statement in statements(script) {
        db.raw(statement).execute().await?;
    }
    Ok(())
}

/// MariaDB makes no triggers by prepared statements.
async fn text_protocol(url: &str, script: &str) -> thing::Result<()> {
    use mysql_async::prelude::Queryable;

    let failed = |error: mysql_async::Error| thing::Error::backend("the triggers can't be made").with_source(error);
    let mut connection = mysql_async::Conn::from_url(url).await.map_err(failed)?;
    for statement in statements(script) {
        connection.query_drop(statement).await.map_err(failed)?;
    }
    connection.disconnect().await.map_err(failed)
}
