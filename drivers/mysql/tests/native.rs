//! The connection of mysql_async itself.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use support::{Fresh, query};
use thing_driver_api::Value;
use thing_driver_mysql::mysql_async::prelude::Queryable as _;

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_works_beside_the_pool() {
    let fresh = Fresh::new().await;
    let mut connection = fresh.executor.connection().await.unwrap();
    connection.query_drop("CREATE TABLE notes (id BIGINT, body LONGTEXT)").await.unwrap();
    connection.exec_drop("INSERT INTO notes VALUES (?, ?)", (1, "kept")).await.unwrap();
    connection.query_drop("BEGIN").await.unwrap();
    connection.query_drop("INSERT INTO notes VALUES (2, 'left open')").await.unwrap();
    connection.disconnect().await.unwrap();
    let rows = query(&fresh.executor, "SELECT body FROM notes", &[]).await.unwrap().rows;
    assert_eq!(rows, [[Value::Text("kept".into())]], "what was left open is gone");
}
