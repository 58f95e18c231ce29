//! Drivers and caches made from URLs, as a program does that is configured from outside.

use std::sync::Arc;
use std::time::Duration;

use thing::driver::{CacheClient, Executor};
use thing::{Db, ErrorKind, Model, Result};
use thing_cache_redis::{RedisCache, RedisConfig};
use thing_driver_mysql::MysqlExecutor;
use thing_driver_postgres::PostgresExecutor;
use thing_driver_sqlite::SqliteExecutor;
use thing_test_servers::{MysqlDatabase, PostgresSchema, redis_prefix, redis_url};

use crate::support::{User, user};

/// How long a test on a busy machine waits for an answer of the cache.
const PATIENCE: Duration = Duration::from_secs(30);

/// An executor from the URL, whose scheme tells the driver.
async fn open(url: &str) -> Result<Arc<dyn Executor>> {
    Ok(match url.split(':').next() {
        Some("sqlite") => Arc::new(SqliteExecutor::open(url).await?),
        Some("postgres" | "postgresql") => Arc::new(PostgresExecutor::open(url).await?),
        Some("mysql") => Arc::new(MysqlExecutor::open(url).await?),
        _ => panic!("no driver for {url}"),
    })
}

/// A cache from a URL. What `open` makes gives up early on a busy machine, so the one that is used has more time.
async fn cache() -> Result<Arc<dyn CacheClient>> {
    let url = format!("{}?prefix={}", redis_url(), redis_prefix());
    drop(RedisCache::open(&url).await?);
    let config = RedisConfig::from_url(&url)?.connect_timeout(PATIENCE);
    Ok(Arc::new(RedisCache::connect(config.read_timeout(PATIENCE).write_timeout(PATIENCE)).await?))
}

async fn assert_works(url: &str) -> Result<()> {
    let cached = Db::builder(open(url).await?).cache(cache().await?).build();
    cached.sync::<User>().await?;
    let created = user(1).create(&cached).await?;
    for _ in 0..2 {
        assert_eq!(User::by_id(&cached, created.id).await?, created);
    }
    assert_eq!(cached.statistics().cache_errors, 0);
    assert!(cached.statistics().cache.hits > 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_opens_a_url() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    assert_works(&format!("sqlite://{}/app.db?busy_timeout=1000&synchronous=off", folder.path().display())).await?;
    assert_works("sqlite::memory:").await
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_opens_a_url() -> Result<()> {
    let schema = PostgresSchema::create().await;
    assert_works(schema.url()).await?;
    schema.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mysql_opens_a_url() -> Result<()> {
    let database = MysqlDatabase::create().await;
    assert_works(database.url()).await?;
    database.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_can_not_be_read_is_invalid_input_and_keeps_its_password() {
    let wrong = [
        "sqlite:app.db?mode=secret",
        "postgres://user:secret@127.0.0.1:notaport/thing",
        "postgres://user:secret@127.0.0.1:1/thing?sslmode=secret",
        "mysql://user:secret@127.0.0.1:notaport/thing",
    ];
    for url in wrong {
        let error = open(url).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{url}: {error}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
    for url in
        ["redis://user:secret@127.0.0.1:notaport", "http://user:secret@127.0.0.1", "redis://user:secret@h?unknown=1"]
    {
        let error = RedisCache::open(url).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{url}: {error}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_said_without_its_password() {
    for url in ["postgres://user:secret@127.0.0.1:1/thing", "mysql://user:secret@127.0.0.1:1/thing"] {
        let error = match open(url).await {
            // A driver may connect when it is asked for the first time.
            Ok(executor) => Db::builder(executor).build().sync::<User>().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(!error.is_not_found() && !error.may_have_executed(), "{error:?}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
    let error = RedisCache::open("redis://user:secret@127.0.0.1:1").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Cache, "{error}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}
