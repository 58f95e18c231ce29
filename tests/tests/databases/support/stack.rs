//! Stacks: a kind of database and a kind of cache.

use std::any::Any;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use thing::driver::{CacheClient, Executor};
use thing::{Db, DbBuilder, ModelSet, Result};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_cache_redis::{RedisCache, RedisConfig};
use thing_cache_tiered::{TieredCache, TieredConfig};
use thing_driver_mysql::{MysqlConfig, MysqlExecutor};
use thing_driver_postgres::{Encryption, PostgresConfig, PostgresExecutor};
use thing_driver_sqlite::{SqliteConfig, SqliteExecutor, Synchronous};
use thing_test_servers::{MysqlDatabase, PostgresSchema, redis_prefix, redis_url};

use super::{Post, User};

/// How long a test on a busy machine waits for an answer of a server.
const PATIENCE: Duration = Duration::from_secs(30);

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    SqliteFile,
    SqliteMemory,
    Postgres,
    Mysql,
}

/// A kind of cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cache {
    None,
    Memory,
    Redis,
    /// A memory cache in front of Redis.
    Tiered,
}

async fn redis() -> RedisCache {
    let config = RedisConfig::from_url(redis_url()).unwrap().prefix(redis_prefix());
    let config = config.connect_timeout(PATIENCE).read_timeout(PATIENCE).write_timeout(PATIENCE);
    let config = config.breaker_failures(u32::MAX);
    RedisCache::connect(config).await.unwrap()
}

/// One stack for each database, each with another cache where there are several.
pub(crate) fn stacks() -> Vec<Stack> {
    vec![
        Stack::new("sqlite_file_memory", Database::SqliteFile, Cache::Memory),
        Stack::new("sqlite_memory", Database::SqliteMemory, Cache::None),
        Stack::new("sqlite_memory_redis", Database::SqliteMemory, Cache::Redis),
        Stack::new("postgres_memory", Database::Postgres, Cache::Memory),
        Stack::new("postgres_redis", Database::Postgres, Cache::Redis),
        Stack::new("mysql_memory", Database::Mysql, Cache::Memory),
        Stack::new("mysql_redis", Database::Mysql, Cache::Redis),
        Stack::new("postgres_tiered", Database::Postgres, Cache::Tiered),
    ]
}

/// What a test runs on. Whatever it gives is fresh and empty, and removed when the test is over.
pub(crate) struct Stack {
    name: &'static str,
    database: Database,
    cache: Cache,
    /// Databases to be dropped.
    held: Mutex<Vec<Box<dyn Any + Send>>>,
    /// Where the last database is.
    place: Mutex<String>,
}

impl Stack {
    pub(crate) fn new(name: &'static str, database: Database, cache: Cache) -> Self {
        Self { name, database, cache, held: Mutex::default(), place: Mutex::default() }
    }

    /// The name of the module that holds its tests.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn database(&self) -> Database {
        self.database
    }

    pub(crate) fn cache(&self) -> Cache {
        self.cache
    }

    /// Whether every statement, or every look into the cache, is a round trip.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(self.cache, Cache::Redis | Cache::Tiered)
            || matches!(self.database, Database::Postgres | Database::Mysql)
    }

    /// Whether others can read while a transaction is open: not where there is one connection for all.
    pub(crate) fn reads_beside_transactions(&self) -> bool {
        self.database != Database::SqliteMemory
    }

    /// Whether several transactions write at one time, and lock rows one by one.
    pub(crate) fn has_row_locks(&self) -> bool {
        matches!(self.database, Database::Postgres | Database::Mysql)
    }

    /// Runs a test on a runtime as applications have it.
    pub(crate) fn run(self, test: impl AsyncFnOnce(&Self) -> Result<()>) -> Result<()> {
        self.run_on(tokio::runtime::Builder::new_multi_thread().worker_threads(2), test)
    }

    /// Runs a test on a runtime of one thread.
    pub(crate) fn run_on_one_thread(self, test: impl AsyncFnOnce(&Self) -> Result<()>) -> Result<()> {
        self.run_on(&mut tokio::runtime::Builder::new_current_thread(), test)
    }

    fn run_on(self, builder: &mut tokio::runtime::Builder, test: impl AsyncFnOnce(&Self) -> Result<()>) -> Result<()> {
        // Dropped before the stack: connections end with their runtime, then databases can be dropped.
        let runtime = builder.enable_all().build().unwrap();
        runtime.block_on(test(&self))
    }

    /// A new database.
    pub(crate) async fn executor(&self) -> Arc<dyn Executor> {
        match self.database {
            Database::SqliteFile => {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("test.db");
                self.hold(folder, path.to_str().unwrap());
                let config = SqliteConfig::file(path).synchronous(Synchronous::Off);
                Arc::new(SqliteExecutor::connect(config).await.unwrap())
            }
            Database::SqliteMemory => Arc::new(SqliteExecutor::memory().await.unwrap()),
            Database::Postgres => {
                let schema = PostgresSchema::create().await;
                let config = postgres_config(schema.url());
                let url = schema.url().to_owned();
                self.hold(schema, &url);
                Arc::new(PostgresExecutor::connect(config).await.unwrap())
            }
            Database::Mysql => {
                let database = MysqlDatabase::create().await;
                let config = mysql_config(database.url());
                let url = database.url().to_owned();
                self.hold(database, &url);
                Arc::new(MysqlExecutor::connect(config).await.unwrap())
            }
        }
    }

    /// Connects to the last database once more, as a program that does not use its cache; `None` where nobody else can.
    pub(crate) async fn outsider(&self) -> Option<Arc<dyn Executor>> {
        let place = self.place.lock().unwrap().clone();
        Some(match self.database {
            Database::SqliteFile => Arc::new(SqliteExecutor::open(&place).await.unwrap()),
            Database::SqliteMemory => return None,
            Database::Postgres => {
                let config = postgres_config(&place).recorded(true);
                Arc::new(PostgresExecutor::connect(config).await.unwrap())
            }
            Database::Mysql => Arc::new(MysqlExecutor::connect(mysql_config(&place).recorded(true)).await.unwrap()),
        })
    }

    /// Whether a feed of changes reports TRUNCATE.
    pub(crate) fn truncates(&self) -> bool {
        self.database == Database::Postgres
    }

    /// Whether a feed of changes says which rows others changed.
    pub(crate) fn tells_rows(&self) -> bool {
        matches!(self.database, Database::Postgres | Database::Mysql)
    }

    /// A new cache, if the stack has one.
    pub(crate) async fn client(&self) -> Option<Arc<dyn CacheClient>> {
        match self.cache {
            Cache::None => None,
            Cache::Memory => Some(Arc::new(MemoryCache::new(MemoryConfig::default()))),
            Cache::Redis => Some(Arc::new(redis().await)),
            Cache::Tiered => {
                let cache = TieredCache::new(MemoryConfig::default(), redis().await, TieredConfig::default());
                // Its stream is opened by a task; before, everything is answered by Redis.
                while !cache.is_near() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Some(Arc::new(cache))
            }
        }
    }

    /// A builder over the executor, with a new cache if the stack has one.
    pub(crate) async fn over(&self, executor: impl Executor) -> DbBuilder {
        let builder = Db::builder(executor);
        match self.client().await {
            Some(client) => builder.cache(client),
            None => builder,
        }
    }

    /// A builder of a new database with a new cache.
    pub(crate) async fn builder(&self) -> DbBuilder {
        self.over(self.executor().await).await
    }

    /// A new database with tables for these models.
    pub(crate) async fn db<T: ModelSet>(&self) -> Db {
        let db = self.builder().await.build();
        db.sync::<T>().await.unwrap();
        db
    }

    /// A new database of users and posts.
    pub(crate) async fn users(&self) -> Db {
        self.db::<(User, Post)>().await
    }

    /// The type of a text column that takes letters of either case for equal; `None` where a column's type can't say so.
    pub(crate) fn text_without_case(&self) -> Option<&'static str> {
        match self.database {
            Database::SqliteFile | Database::SqliteMemory => Some("TEXT COLLATE NOCASE"),
            Database::Mysql => Some("VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"),
            Database::Postgres => None,
        }
    }

    fn hold(&self, database: impl Any + Send, place: &str) {
        place.clone_into(&mut self.place.lock().unwrap());
        self.held.lock().unwrap().push(Box::new(database));
    }
}

fn postgres_config(url: &str) -> PostgresConfig {
    // Without TLS connections are made faster.
    let config = PostgresConfig::from_url(url).unwrap().encryption(Encryption::Disable).bytewise_text(true);
    config.connect_timeout(PATIENCE).pool_timeout(PATIENCE)
}

fn mysql_config(url: &str) -> MysqlConfig {
    MysqlConfig::from_url(url).unwrap().exact_text(true).connect_timeout(PATIENCE).pool_timeout(PATIENCE)
}
