//! Changes of others: what a feed sees of other connections, and that it does not see its own.
// A helper of a test fails with it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::process::Command;
use std::time::Duration;

use support::{Folder, Users, raw, users};
use thing_conformance::changes::write_in_every_way;
use thing_driver_api::{ChangeFeed, ErrorKind, Executor, Observed, TransactionOptions};
use thing_driver_sqlite::SqliteExecutor;

/// Long enough for the feed to look many times.
const A_WHILE: Duration = Duration::from_millis(300);
/// Long enough for a machine that runs many tests at once.
const PATIENCE: Duration = Duration::from_secs(60);

async fn with_users() -> (Folder, SqliteExecutor, Users) {
    let folder = Folder::new();
    let executor = SqliteExecutor::connect(folder.config()).await.unwrap();
    let users = Users::create(&executor).await;
    (folder, executor, users)
}

async fn followed(executor: &SqliteExecutor) -> Box<dyn ChangeFeed> {
    let mut feed = executor.changes(&[]).await.unwrap();
    // What was before is not known.
    told(&mut feed).await;
    feed
}

/// Waits until the feed tells that something was written.
async fn told(feed: &mut Box<dyn ChangeFeed>) {
    let observed = tokio::time::timeout(PATIENCE, feed.next()).await.expect("the feed tells it");
    assert!(matches!(observed.unwrap(), Observed::Everything));
}

/// Whether the feed tells nothing for a while.
async fn is_silent(feed: &mut Box<dyn ChangeFeed>) -> bool {
    tokio::time::timeout(A_WHILE, feed.next()).await.is_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn own_writes_are_not_seen() {
    let (_folder, executor, users) = with_users().await;
    let mut feed = followed(&executor).await;
    write_in_every_way(&executor, &users).await;
    raw(&executor, "PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
    assert!(is_silent(&mut feed).await, "nobody else wrote");
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_of_other_connections_are_seen() {
    let (folder, executor, users) = with_users().await;
    let mut feed = followed(&executor).await;
    let other = folder.other();
    for age in 0..20 {
        other.execute_batch(&format!("INSERT INTO users (name, age) VALUES ('{age}', {age})")).unwrap();
        told(&mut feed).await;
        assert_eq!(users.count(&executor).await, age + 1, "it can be read");
    }
    assert!(is_silent(&mut feed).await, "each is told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_of_another_process_are_seen() {
    let (folder, executor, _) = with_users().await;
    let mut feed = followed(&executor).await;
    let insert = "INSERT INTO users (name, age) VALUES ('a', 1)";
    match Command::new("sqlite3").arg(folder.path("test.db")).arg(insert).status() {
        Ok(status) => assert!(status.success()),
        Err(_) => return println!("not run: there is no program sqlite3"),
    }
    told(&mut feed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_before_a_transaction_is_told_during_it() {
    let folder = Folder::new();
    let config = folder.config().changes_interval(Duration::from_secs(3600));
    let executor = SqliteExecutor::connect(config).await.unwrap();
    Users::create(&executor).await;
    let mut feed = followed(&executor).await;
    folder.other().execute_batch("INSERT INTO users (name, age) VALUES ('a', 1)").unwrap();
    let (waiting, transaction) = tokio::join!(tokio::time::timeout(PATIENCE, feed.next()), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        executor.begin(&TransactionOptions::default()).await.unwrap()
    });
    assert!(matches!(waiting.unwrap().unwrap(), Observed::Everything));
    transaction.rollback().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_feed_is_told() {
    let (folder, executor, _) = with_users().await;
    let (mut one, mut two) = (followed(&executor).await, followed(&executor).await);
    folder.other().execute_batch("INSERT INTO users (name, age) VALUES ('a', 1)").unwrap();
    told(&mut one).await;
    told(&mut two).await;
    assert!(is_silent(&mut one).await && is_silent(&mut two).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_only_read_is_followed_too() {
    let folder = Folder::new();
    let writer = SqliteExecutor::connect(folder.config()).await.unwrap();
    Users::create(&writer).await;
    let reader = SqliteExecutor::connect(folder.config().read_only(true)).await.unwrap();
    let mut feed = followed(&reader).await;
    raw(&writer, "INSERT INTO users (name, age) VALUES ('a', 1)").await.unwrap();
    told(&mut feed).await;
}

#[tokio::test]
async fn a_database_in_memory_has_no_others() {
    let executor = SqliteExecutor::memory().await.unwrap();
    let table = users();
    for error in [
        executor.changes(&[]).await.map(drop).unwrap_err(),
        executor.schema().unwrap().record_changes(&[&table]).await.unwrap_err(),
    ] {
        assert_eq!(*error.kind(), ErrorKind::Unsupported, "{error}");
    }
}
