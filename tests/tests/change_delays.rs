//! Figures of change feeds: how long until what others write is seen through a cache, and what recording costs.
//!
//! `cargo test --release -p thing-tests --test change_delays -- --ignored --nocapture`
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests report by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use thing::driver::{Executor, NoRows, Shape, Statement};
use thing::{Db, Model, Result};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_mysql::{MysqlConfig, MysqlExecutor};
use thing_driver_postgres::{PostgresConfig, PostgresExecutor};
use thing_driver_sqlite::SqliteExecutor;
use thing_test_servers::{MysqlDatabase, PostgresDatabase};

#[derive(Model, Clone, Debug)]
struct Item {
    id: i64,
    #[thing(index)]
    shelf: i64,
    name: String,
    count: i64,
}

const ROUNDS: usize = 200;
const ROWS: i64 = 10_000;

fn item(n: i64) -> Item {
    Item { id: 0, shelf: n % 100, name: format!("item {n}"), count: n }
}

async fn run(executor: &dyn Executor, sql: &str) {
    executor.write(&Statement::new(&Shape::raw(sql), &[]), &mut NoRows).await.unwrap();
}

async fn cached(executor: Arc<dyn Executor>) -> Result<Db> {
    let db = Db::builder(executor).cache(MemoryCache::new(MemoryConfig::default())).build();
    db.sync::<Item>().await?;
    Ok(db)
}

/// Prints the time from the answer to the outsider's commit until a reader sees it.
async fn delays(what: &str, inside: Arc<dyn Executor>, outsider: Arc<dyn Executor>) -> Result<()> {
    let db = cached(inside).await?;
    item(1).create(&db).await?;
    db.record_changes::<Item>().await?;
    let follower = db.follow_changes::<Item>().await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut delays = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        Item::by_id(&db, 1).await?;
        // Not in step with the polls.
        tokio::time::sleep(Duration::from_micros((round as u64 * 7919) % 40_000)).await;
        run(&*outsider, &format!("UPDATE items SET count = {round} + 1000 WHERE id = 1")).await;
        let committed = Instant::now();
        while Item::by_id(&db, 1).await?.count != round as i64 + 1000 {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        delays.push(committed.elapsed());
    }
    delays.sort();
    let median = delays[ROUNDS / 2];
    println!("{what}: median {median:.1?}, greatest {:.1?}, told {}", delays[ROUNDS - 1], follower.changes());
    drop(follower);
    db.executor().schema().unwrap().forget_changes(&[Item::table()]).await
}

/// Prints what adding rows takes, through Thing and from outside, with and without the recording.
async fn costs(what: &str, inside: Arc<dyn Executor>, outsider: Arc<dyn Executor>) -> Result<()> {
    let db = cached(inside).await?;
    for recorded in [false, true] {
        if recorded {
            db.record_changes::<Item>().await?;
        }
        for (who, writer) in [("own", db.executor()), ("others", &*outsider)] {
            let mut times = Vec::new();
            for _ in 0..5 {
                let values: Vec<String> = (1..=ROWS).map(|n| format!("({}, 'item {n}', {n})", n % 100)).collect();
                let sql = format!("INSERT INTO items (shelf, name, count) VALUES {}", values.join(", "));
                let begun = Instant::now();
                run(writer, &sql).await;
                times.push(begun.elapsed());
                run(db.executor(), "DELETE FROM items").await;
            }
            times.sort();
            println!("{what}, {who}, recorded {recorded}: {ROWS} rows in {:.1?} (median of {})", times[2], times.len());
        }
    }
    Ok(())
}

async fn postgres(config: PostgresConfig) -> Arc<dyn Executor> {
    Arc::new(PostgresExecutor::connect(config).await.unwrap())
}

async fn mysql(config: MysqlConfig) -> Arc<dyn Executor> {
    Arc::new(MysqlExecutor::connect(config).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures"]
async fn of_postgres() -> Result<()> {
    let database = PostgresDatabase::create().await;
    let config = || PostgresConfig::from_url(database.url()).unwrap();
    let slot = thing_driver_postgres::ChangeSource::LogicalSlot { name: database.name().to_owned() };
    for interval in [100, 10] {
        let inside = config().changes_interval(Duration::from_millis(interval));
        let outsider = || postgres(config().recorded(true));
        delays(&format!("triggers, {interval} ms"), postgres(inside.clone()).await, outsider().await).await?;
        let inside = postgres(inside.changes_from(slot.clone())).await;
        delays(&format!("slot, {interval} ms"), inside, outsider().await).await?;
    }
    costs("triggers", postgres(config()).await, postgres(config().recorded(true)).await).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures"]
async fn of_mysql() -> Result<()> {
    let database = MysqlDatabase::create().await;
    let config = || MysqlConfig::from_url(database.url()).unwrap();
    for interval in [100, 10] {
        let inside = config().changes_interval(Duration::from_millis(interval));
        delays(&format!("triggers, {interval} ms"), mysql(inside).await, mysql(config().recorded(true)).await).await?;
    }
    let inside = mysql(config().changes_from(thing_driver_mysql::ChangeSource::Binlog)).await;
    delays("binary log", inside, mysql(config()).await).await?;
    costs("triggers", mysql(config()).await, mysql(config().recorded(true)).await).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures"]
async fn of_sqlite() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let inside = Arc::new(SqliteExecutor::open(&path).await.unwrap());
    delays("data_version, 20 ms", inside, Arc::new(SqliteExecutor::open(&path).await.unwrap())).await
}
