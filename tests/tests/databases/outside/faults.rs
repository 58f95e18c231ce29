//! Followers whose server restarts, or whose connection is cut.

use std::sync::Arc;
use std::time::Duration;

use thing::driver::{Error, Executor};
use thing::{Db, Model, Result};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_conformance::recording::{Matcher, RecordingCache, When};
use thing_driver_mysql::{MysqlConfig, MysqlExecutor};
use thing_driver_postgres::{PostgresConfig, PostgresExecutor};
use thing_driver_sqlite::SqliteExecutor;
use thing_test_servers::{Instance, MysqlDatabase, PostgresSchema, Proxy};

use super::{eventually, run};
use crate::support::{User, user};

async fn postgres(url: &str, recorded: bool) -> Arc<dyn Executor> {
    let config = PostgresConfig::from_url(url).unwrap().recorded(recorded);
    Arc::new(PostgresExecutor::connect(config).await.unwrap())
}

async fn mysql(url: &str, recorded: bool) -> Arc<dyn Executor> {
    let config = MysqlConfig::from_url(url).unwrap().recorded(recorded);
    Arc::new(MysqlExecutor::connect(config).await.unwrap())
}

async fn cached(executor: Arc<dyn Executor>) -> Result<Db> {
    let db = Db::builder(executor).cache(MemoryCache::new(MemoryConfig::default())).build();
    db.sync::<User>().await?;
    user(1).create(&db).await?;
    db.record_changes::<User>().await?;
    Ok(db)
}

async fn is_named(db: &Db, name: &str) -> Result<bool> {
    Ok(db.things::<User>().by_id(1).await?.name == name)
}

/// What is written after the server came back is told, and so is what nobody told before it went.
async fn a_restart_of_the_server_is_survived<C>(mut server: Instance, connect: impl Fn(String, bool) -> C) -> Result<()>
where
    C: Future<Output = Arc<dyn Executor>>,
{
    let url = server.url().to_owned();
    let db = cached(connect(url.clone(), false).await).await?;
    let follower = db.follow_changes::<User>().await?;
    run(&*connect(url.clone(), true).await, "UPDATE users SET name = 'Before'").await;
    eventually(async || is_named(&db, "Before").await).await?;
    server.kill().await;
    eventually(async || Ok(follower.failure().is_some())).await?;
    server.start().await;
    run(&*connect(url.clone(), true).await, "UPDATE users SET name = 'After'").await;
    eventually(async || is_named(&db, "After").await).await?;
    eventually(async || Ok(follower.failure().is_none())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_postgres_is_survived() -> Result<()> {
    let connect = |url: String, recorded| async move { postgres(&url, recorded).await };
    a_restart_of_the_server_is_survived(Instance::postgres().await, connect).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_mariadb_is_survived() -> Result<()> {
    let connect = |url: String, recorded| async move { mysql(&url, recorded).await };
    a_restart_of_the_server_is_survived(Instance::mariadb().await, connect).await
}

/// A follower whose connections are cut goes on over new ones.
async fn cuts_are_survived<C>(url: &str, proxy: Proxy, connect: impl Fn(String, bool) -> C) -> Result<()>
where
    C: Future<Output = Arc<dyn Executor>>,
{
    let db = cached(connect(proxy.url_through(url), false).await).await?;
    let _follower = db.follow_changes::<User>().await?;
    let outsider = connect(url.to_owned(), true).await;
    for round in 0..5 {
        run(&*outsider, &format!("UPDATE users SET name = 'Round {round}'")).await;
        // In the middle of whatever the feed does.
        tokio::time::sleep(Duration::from_millis(37 * round)).await;
        proxy.cut_all().await;
        eventually(async || Ok(is_named(&db, &format!("Round {round}")).await.unwrap_or(false))).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn cuts_to_postgres_are_survived() -> Result<()> {
    let schema = PostgresSchema::create().await;
    let proxy = Proxy::to_url(schema.url()).await;
    let connect = |url: String, recorded| async move { postgres(&url, recorded).await };
    cuts_are_survived(schema.url(), proxy, connect).await
}

#[tokio::test(flavor = "multi_thread")]
async fn cuts_to_mariadb_are_survived() -> Result<()> {
    let database = MysqlDatabase::create().await;
    let proxy = Proxy::to_url(database.url()).await;
    let connect = |url: String, recorded| async move { mysql(&url, recorded).await };
    cuts_are_survived(database.url(), proxy, connect).await
}

/// A cache that refuses at once is not asked without a pause, and told when it is back.
#[tokio::test]
async fn a_cache_that_is_away_is_told_later() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let open = async || SqliteExecutor::open(path.to_str().unwrap()).await.unwrap();
    let cache = RecordingCache::new(Arc::new(MemoryCache::new(MemoryConfig::default())));
    let db = Db::builder(open().await).cache(cache.clone()).build();
    db.sync::<User>().await?;
    user(1).create(&db).await?;
    cache.fail_all(Matcher::voids(), Error::cache("the cache is away"), When::Before);
    let follower = db.follow_changes::<User>().await?;
    run(&open().await, "UPDATE users SET name = 'Changed'").await;
    assert_eq!(User::by_id(&db, 1).await?.name, "Changed");
    run(&open().await, "UPDATE users SET name = 'Again'").await;
    eventually(async || Ok(follower.failure().is_some())).await?;
    cache.reset();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let tries = cache.count(&Matcher::voids());
    assert!(tries <= 10, "{tries} tries in half a second");
    eventually(async || Ok(cache.count(&Matcher::voids()) > 0)).await?;
    cache.clear_faults();
    eventually(async || is_named(&db, "Again").await).await?;
    eventually(async || Ok(follower.failure().is_none())).await
}
