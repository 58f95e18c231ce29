//! Streams: pages while the rows still come, and connections that are given back.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::time::{Duration, Instant};

use support::{Fresh, one, raw};
use thing_driver_api::{Executor, Row, Shape, Statement, Value, ValueType};

/// A large result without a large table.
const MILLION: &str = "SELECT seq, REPEAT('x', 100) AS filler FROM seq_1_to_1000000";
/// A result that nobody waits for to its end.
const ENDLESS: &str = "SELECT seq, REPEAT('x', 100) AS filler FROM seq_1_to_1000000000";

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_does_not_wait_for_the_last() {
    let fresh = Fresh::new().await;
    let shape = Shape::raw(MILLION);
    let mut stream = fresh.executor.stream(&Statement::new(&shape, &[])).await.unwrap();
    let page = stream.next().await.unwrap().unwrap();
    assert_eq!(page.names(), ["seq", "filler"]);
    assert_eq!(page.row(0).unwrap().value(0, ValueType::I64).unwrap(), Value::I64(1));
    assert!(page.size() < 1 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_stream_frees_its_connection_soon() {
    let fresh = Fresh::with(|config| config.max_connections(1)).await;
    let shape = Shape::raw(ENDLESS);
    let started = Instant::now();
    for _ in 0..5 {
        let mut stream = fresh.executor.stream(&Statement::new(&shape, &[])).await.unwrap();
        stream.next().await.unwrap().unwrap();
        drop(stream);
        assert_eq!(one(&fresh.executor, "SELECT 1").await, Value::I64(1));
    }
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_executor_goes_on_while_a_stream_is_read_slowly() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE t (id INT)").await.unwrap();
    let shape = Shape::raw(MILLION);
    let mut stream = fresh.executor.stream(&Statement::new(&shape, &[])).await.unwrap();
    for n in 0..10 {
        stream.next().await.unwrap().unwrap();
        raw(&fresh.executor, &format!("INSERT INTO t VALUES ({n})")).await.unwrap();
    }
    assert_eq!(one(&fresh.executor, "SELECT COUNT(*) FROM t").await, Value::I64(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_the_middle_ends_the_stream() {
    let fresh = Fresh::with(|config| config.max_connections(1)).await;
    raw(&fresh.executor, "CREATE TABLE t (a BIGINT UNSIGNED)").await.unwrap();
    raw(&fresh.executor, "INSERT INTO t SELECT seq FROM seq_1_to_5000").await.unwrap();
    raw(&fresh.executor, "CREATE FUNCTION late(n BIGINT) RETURNS BIGINT DETERMINISTIC BEGIN IF n = 4000 THEN SIGNAL SQLSTATE '45000'; END IF; RETURN n; END")
        .await
        .unwrap();
    let shape = Shape::raw("SELECT late(a) FROM t");
    let mut stream = fresh.executor.stream(&Statement::new(&shape, &[])).await.unwrap();
    let mut rows = 0;
    let error = loop {
        match stream.next().await {
            Ok(page) => rows += page.expect("the end is an error").len(),
            Err(error) => break error,
        }
    };
    assert!(rows < 5000 && !error.is_retryable(), "{rows} rows, {error:?}");
    assert!(stream.next().await.unwrap().is_none());
    assert_eq!(one(&fresh.executor, "SELECT 1").await, Value::I64(1));
}
