//! Writes: what raw statements give back, and what they leave behind.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use support::{Fresh, Rows, Users, one, query, raw, raw_with};
use thing_driver_api::{ErrorKind, Executor, Shape, Statement, Value};

#[tokio::test]
async fn rows_that_a_raw_write_gives_back_come_after_the_commit() {
    let fresh = Fresh::new().await;
    let users = Users::create(&fresh.executor).await;
    let text = "INSERT INTO users (name, age) VALUES (?, 1), (?, 2) RETURNING id, name";
    let values = [Value::Text("a".into()), Value::Text("b".into())];
    let mut rows = Rows::default();
    let written = fresh.executor.write(&Statement::new(&Shape::raw(text), &values), &mut rows).await;
    assert!(written.is_ok());
    assert_eq!(rows.names.unwrap(), ["id", "name"]);
    assert_eq!(rows.rows, [[Value::I64(1), Value::Text("a".into())], [Value::I64(2), Value::Text("b".into())]]);
    assert_eq!(users.count(&fresh.executor).await, 2);
}

#[tokio::test]
async fn a_fetch_may_write() {
    let fresh = Fresh::new().await;
    let users = Users::create(&fresh.executor).await;
    let rows = query(&fresh.executor, "INSERT INTO users (name) VALUES (?) RETURNING id", &[Value::Text("a".into())])
        .await
        .unwrap();
    assert_eq!(rows.rows, [[Value::I64(1)]]);
    assert!(query(&fresh.executor, "DELETE FROM users", &[]).await.unwrap().rows.is_empty());
    assert_eq!(users.count(&fresh.executor).await, 0);
}

#[tokio::test]
async fn transaction_control_is_refused_in_every_spelling() {
    let fresh = Fresh::new().await;
    for text in [
        "BEGIN",
        "start transaction",
        "-- x\nCOMMIT",
        "/* x */ rollback",
        "SAVEPOINT a",
        "SET autocommit = 0",
        "LOCK TABLES t READ",
        "XA START 'a'",
    ] {
        let error = raw(&fresh.executor, text).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{text}: {error:?}");
    }
    // What is not seen beforehand is undone.
    let error = raw(&fresh.executor, "SET @a = 1, autocommit = 0").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error:?}");
    assert_eq!(one(&fresh.executor, "SELECT @@autocommit").await, Value::I64(1));
}

#[tokio::test]
async fn upserts_are_raw_statements() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE t (id INT PRIMARY KEY, n INT)").await.unwrap();
    let text = "INSERT INTO t VALUES (?, ?) ON DUPLICATE KEY UPDATE n = n + VALUES(n)";
    for _ in 0..3 {
        raw_with(&fresh.executor, text, &[Value::I64(1), Value::I64(2)]).await.unwrap();
    }
    assert_eq!(one(&fresh.executor, "SELECT n FROM t").await, Value::I64(6));
}

#[tokio::test]
async fn a_key_of_zero_is_zero() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY)").await.unwrap();
    raw_with(&fresh.executor, "INSERT INTO t VALUES (?)", &[Value::I64(0)]).await.unwrap();
    assert_eq!(one(&fresh.executor, "SELECT id FROM t").await, Value::I64(0));
}
