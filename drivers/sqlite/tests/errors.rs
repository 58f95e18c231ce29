//! Errors: each provoked for real.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::time::Duration;

use support::{Folder, Rows, Users, query, raw};
use thing_driver_api::{
    ConstraintKind, ErrorKind, Executor, NoRows, Schema, Shape, Statement, TransactionOptions, Value,
};
use thing_driver_sqlite::{SqliteConfig, SqliteExecutor};

async fn opening(config: SqliteConfig) -> thing_driver_api::Error {
    SqliteExecutor::connect(config).await.unwrap_err()
}

#[tokio::test]
async fn a_path_that_cannot_be_opened_is_named() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("folder.db")).unwrap();
    let cases = [
        (SqliteConfig::file(folder.path("folder.db")), "it is a folder"),
        (SqliteConfig::file(folder.path("missing/app.db")), "missing does not exist; create it"),
        (SqliteConfig::file(folder.path("absent.db")).create_if_missing(false), "there is no such file"),
        (SqliteConfig::file(folder.path("absent.db")).read_only(true), "there is no such file"),
    ];
    for (config, reason) in cases {
        let error = opening(config).await;
        assert_eq!(*error.kind(), ErrorKind::InvalidInput);
        let path = folder.path("");
        assert!(error.message().contains(reason) && error.message().contains(path.to_str().unwrap()), "{error}");
        assert!(std::error::Error::source(&error).is_some());
    }
    assert!(!folder.path("absent.db").exists());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_corrupt() {
    let folder = Folder::new();
    std::fs::write(folder.path("test.db"), "this is a letter, not a database. ".repeat(100)).unwrap();
    let error = opening(folder.config()).await;
    assert_eq!(*error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("test.db"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_page_is_corrupt() {
    let folder = Folder::new();
    {
        let other = folder.other();
        other.execute_batch("CREATE TABLE t (a); WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 5000) INSERT INTO t SELECT printf('%100d', x) FROM n").unwrap();
    }
    let mut bytes = std::fs::read(folder.path("test.db")).unwrap();
    for byte in &mut bytes[4096..40_960] {
        *byte = 0xA5;
    }
    std::fs::write(folder.path("test.db"), bytes).unwrap();
    let executor = SqliteExecutor::connect(folder.config()).await.unwrap();
    let error = query(&executor, "SELECT count(a) FROM t", &[]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Corrupt, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_are_told_apart() {
    let executor = SqliteExecutor::memory().await.unwrap();
    for text in [
        "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        "CREATE TABLE t (a INTEGER, b TEXT, c INTEGER NOT NULL, d INTEGER REFERENCES parent (id), PRIMARY KEY (a, b), \
         UNIQUE (b, c), CONSTRAINT c_is_positive CHECK (c > 0))",
        "CREATE TABLE names (name TEXT)",
        "CREATE UNIQUE INDEX lowered ON names (lower(name))",
        "INSERT INTO names VALUES ('x')",
        "INSERT INTO parent VALUES (1)",
        "INSERT INTO t VALUES (1, 'x', 1, 1)",
    ] {
        raw(&executor, text).await.unwrap();
    }
    let columns = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
    let cases = [
        ("INSERT INTO parent VALUES (1)", ConstraintKind::PrimaryKey, Some("parent"), columns(&["id"]), None),
        ("INSERT INTO t VALUES (1, 'x', 2, 1)", ConstraintKind::PrimaryKey, Some("t"), columns(&["a", "b"]), None),
        ("INSERT INTO t VALUES (2, 'x', 1, 1)", ConstraintKind::Unique, Some("t"), columns(&["b", "c"]), None),
        ("INSERT INTO names VALUES ('X')", ConstraintKind::Unique, None, vec![], Some("lowered")),
        ("INSERT INTO t VALUES (2, 'y', NULL, 1)", ConstraintKind::NotNull, Some("t"), columns(&["c"]), None),
        ("INSERT INTO t VALUES (2, 'y', 0, 1)", ConstraintKind::Check, None, vec![], Some("c_is_positive")),
        ("INSERT INTO t VALUES (2, 'y', 1, 9)", ConstraintKind::ForeignKey, None, vec![], None),
        ("DELETE FROM parent", ConstraintKind::ForeignKey, None, vec![], None),
    ];
    for (text, kind, table, columns, name) in cases {
        let error = raw(&executor, text).await.unwrap_err();
        let constraint = error.constraint().unwrap();
        assert_eq!(constraint.kind, kind, "{text}");
        assert_eq!(constraint.table.as_deref(), table, "{text}");
        assert_eq!(constraint.columns, columns, "{text}");
        assert_eq!(constraint.name.as_deref(), name, "{text}");
        assert!(error.to_string().chars().next().unwrap().is_lowercase(), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_keys_can_be_left_alone() {
    let executor = SqliteExecutor::connect(SqliteConfig::memory().foreign_keys(false)).await.unwrap();
    raw(&executor, "CREATE TABLE parent (id INTEGER PRIMARY KEY)").await.unwrap();
    raw(&executor, "CREATE TABLE child (parent REFERENCES parent (id))").await.unwrap();
    raw(&executor, "INSERT INTO child VALUES (9)").await.unwrap();
}

async fn busy(folder: &Folder) {
    let config = folder.config().busy_timeout(Duration::from_millis(50));
    let executor = SqliteExecutor::connect(config).await.unwrap();
    let users = Users::create(&executor).await;
    let other = folder.other();
    other.execute_batch("BEGIN IMMEDIATE; DELETE FROM users").unwrap();
    let write = users.add(&executor, "x").await.unwrap_err();
    let begin = executor.begin(&TransactionOptions::default()).await.map(|_| ()).unwrap_err();
    let values = [Value::Text("x".into()), Value::Null];
    let statements = [Statement::new(&users.insert, &values)];
    let (index, atomic) = executor.write_atomic(&statements).await.unwrap_err();
    let schema = executor.create_index(&users.table, &users.table.indexes()[0].clone()).await.unwrap_err();
    assert_eq!(index, 0);
    for error in [write, begin, atomic, schema] {
        assert_eq!(*error.kind(), ErrorKind::Busy, "{error}");
        assert!(error.is_retryable());
    }
    assert_eq!(users.count(&executor).await, 0, "readers don't wait for the writer");
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    users.add(&executor, "x").await.unwrap();
    assert_eq!(users.count(&executor).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_of_another_connection_is_busy() {
    busy(&Folder::new()).await;
}

#[tokio::test]
async fn a_lock_of_another_connection_is_busy_on_a_current_thread_runtime() {
    busy(&Folder::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_released_in_time_is_waited_for() {
    let folder = Folder::new();
    let executor = SqliteExecutor::connect(folder.config()).await.unwrap();
    let users = Users::create(&executor).await;
    let other = folder.other();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (executor_there, task_users) = (executor.clone(), Users::new());
    let waiting = tokio::spawn(async move { task_users.add(&executor_there, "x").await });
    // It has met the lock once it is in the queue.
    while executor.statistics().queued_writes == 0 {
        tokio::task::yield_now().await;
    }
    other.execute_batch("ROLLBACK").unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(users.count(&executor).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_database_refuses_writes_and_stays_usable() {
    for size in [1, 400] {
        let executor = SqliteExecutor::connect(SqliteConfig::memory().max_pages(20)).await.unwrap();
        let users = Users::create(&executor).await;
        let big = "x".repeat(500_000);
        let error = users.add(&executor, &big).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::StorageFull, "{error}");
        assert!(!error.may_have_executed());
        let values: Vec<_> = (0..size).map(|n| [Value::Text(format!("{n}{big}").into()), Value::Null]).collect();
        let statements: Vec<_> = values.iter().map(|v| Statement::new(&users.insert, v)).collect();
        let (_, error) = executor.write_atomic(&statements).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::StorageFull, "{error}");
        users.add(&executor, "small").await.unwrap();
        assert_eq!(users.count(&executor).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_opened_for_reading_refuses_writes() {
    let folder = Folder::new();
    let users = {
        let executor = SqliteExecutor::connect(folder.config()).await.unwrap();
        let users = Users::create(&executor).await;
        users.add(&executor, "x").await.unwrap();
        users
    };
    let executor = SqliteExecutor::connect(folder.config().read_only(true)).await.unwrap();
    assert_eq!(users.count(&executor).await, 1);
    let write = users.add(&executor, "y").await.unwrap_err();
    let mut transaction = executor.begin(&TransactionOptions::default()).await.unwrap();
    let values = [Value::Text("y".into()), Value::Null];
    let inside = transaction.write(&Statement::new(&users.insert, &values), &mut NoRows).await.unwrap_err();
    drop(transaction);
    let text = "INSERT INTO users (name) VALUES ('z') RETURNING id";
    let returning = executor.fetch(&Statement::new(&Shape::raw(text), &[]), &mut Rows::default()).await.unwrap_err();
    for error in [write, inside, returning] {
        assert_eq!(*error.kind(), ErrorKind::ReadOnly, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table_or_column_is_a_matter_of_the_schema() {
    let executor = SqliteExecutor::memory().await.unwrap();
    let users = Users::new();
    let read = executor.fetch(&Statement::new(&users.all, &[]), &mut Rows::default()).await.unwrap_err();
    let write = users.add(&executor, "x").await.unwrap_err();
    raw(&executor, "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)").await.unwrap();
    let column = users.add(&executor, "x").await.unwrap_err();
    let selected = executor.fetch(&Statement::new(&users.all, &[]), &mut Rows::default()).await.unwrap_err();
    for error in [read, write, column, selected] {
        assert_eq!(*error.kind(), ErrorKind::Schema, "{error}");
        assert!(error.message().contains("run sync"), "{error}");
    }
}

async fn waits_for_itself(executor: SqliteExecutor, reads_wait: bool) {
    let users = Users::create(&executor).await;
    let transaction = executor.begin(&TransactionOptions::default()).await.unwrap();
    let write = users.add(&executor, "x").await.unwrap_err();
    let begin = executor.begin(&TransactionOptions::default()).await.map(|_| ()).unwrap_err();
    let values = [Value::Text("x".into()), Value::Null];
    let (_, atomic) = executor.write_atomic(&[Statement::new(&users.insert, &values)]).await.unwrap_err();
    for error in [write, begin, atomic] {
        assert_eq!(*error.kind(), ErrorKind::Busy, "{error}");
    }
    let read = executor.fetch(&Statement::new(&users.all, &[]), &mut Rows::default()).await;
    assert_eq!(read.is_err(), reads_wait);
    transaction.rollback().await.unwrap();
    users.add(&executor, "x").await.unwrap();
    assert_eq!(users.count(&executor).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_an_own_transaction_is_busy_in_the_end() {
    let patience = Duration::from_millis(30);
    let folder = Folder::new();
    let file = SqliteExecutor::connect(folder.config().busy_timeout(patience)).await.unwrap();
    waits_for_itself(file, false).await;
    let memory = SqliteExecutor::connect(SqliteConfig::memory().busy_timeout(patience)).await.unwrap();
    waits_for_itself(memory, true).await;
}

#[tokio::test]
async fn waiting_for_an_own_transaction_is_busy_in_the_end_on_a_current_thread_runtime() {
    let patience = Duration::from_millis(30);
    let memory = SqliteExecutor::connect(SqliteConfig::memory().busy_timeout(patience)).await.unwrap();
    waits_for_itself(memory, true).await;
}
