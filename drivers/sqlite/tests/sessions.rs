//! Sessions for changes of the schema: foreign keys, and waiting for other writers.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::time::Duration;

use support::{Folder, raw};
use thing_driver_api::schema::SchemaSession;
use thing_driver_api::{ConstraintKind, ErrorKind, Executor, Schema, TransactionOptions};
use thing_driver_sqlite::SqliteExecutor;

async fn families(executor: &SqliteExecutor) -> Box<dyn SchemaSession> {
    let mut session = executor.session().await.unwrap();
    session
        .execute(
            "CREATE TABLE parents (id INTEGER PRIMARY KEY); INSERT INTO parents VALUES (1); \
             CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents (id)); \
             INSERT INTO children VALUES (7, 1)",
        )
        .await
        .unwrap();
    session
}

async fn foreign_keys_hold_before_and_after(executor: SqliteExecutor) {
    let mut session = families(&executor).await;
    for dropped in [false, true] {
        session.begin().await.unwrap();
        session.execute("DELETE FROM parents").await.unwrap();
        if dropped {
            drop(session);
            break;
        }
        let error = session.commit().await.unwrap_err();
        assert_eq!(error.constraint().unwrap().kind, ConstraintKind::ForeignKey);
        assert_eq!(error.constraint().unwrap().table.as_deref(), Some("children"));
        assert!(error.to_string().contains("rowid 7") && error.to_string().contains("`parents`"), "{error}");
    }
    let error = raw(&executor, "DELETE FROM parents").await.unwrap_err();
    assert_eq!(error.constraint().unwrap().kind, ConstraintKind::ForeignKey, "they are enforced for others");
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_keys_hold_before_and_after_in_memory() {
    foreign_keys_hold_before_and_after(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_keys_hold_before_and_after_in_a_file() {
    let folder = Folder::new();
    foreign_keys_hold_before_and_after(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_made_anew_with_rows_that_refer_to_it() {
    let executor = SqliteExecutor::memory().await.unwrap();
    let mut session = families(&executor).await;
    session.begin().await.unwrap();
    session
        .execute("CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO new SELECT id, '' FROM parents")
        .await
        .unwrap();
    session.execute("DROP TABLE parents; ALTER TABLE new RENAME TO parents").await.unwrap();
    session.commit().await.unwrap();
    assert!(raw(&executor, "DELETE FROM parents").await.unwrap_err().constraint().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_waits_for_a_writer_as_long_as_it_is_told() {
    let folder = Folder::new();
    let config = folder.config().busy_timeout(Duration::from_millis(20));
    let executor = SqliteExecutor::connect(config).await.unwrap();
    let other = SqliteExecutor::connect(folder.config()).await.unwrap();
    let other = other.begin(&TransactionOptions::default()).await.unwrap();
    let mut session = executor.session().await.unwrap();
    assert_eq!(*session.begin().await.unwrap_err().kind(), ErrorKind::Busy);
    session.lock(Duration::from_secs(20)).await.unwrap();
    let ended = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        other.rollback().await.unwrap();
    });
    session.begin().await.unwrap();
    ended.await.unwrap();
    session.commit().await.unwrap();
}
