//! Streams: bounded, read-only, and gone when they are dropped.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::time::Duration;

use support::{Place, Users, query};
use thing_driver_api::{ErrorKind, Executor, Row, Shape, Statement, Value, ValueType};

#[tokio::test(flavor = "multi_thread")]
async fn a_result_larger_than_the_memory_may_hold_comes_in_pages() {
    let place = Place::new().await;
    let shape = Shape::raw("SELECT n, repeat('x', $1) AS text FROM generate_series(1, 20000) n");
    let mut pages = place.executor.stream(&Statement::new(&shape, &[Value::I64(10_000)])).await.unwrap();
    let (mut rows, mut largest) = (0, 0);
    while let Some(page) = pages.next().await.unwrap() {
        assert_eq!(page.names(), ["n", "text"]);
        largest = largest.max(page.size());
        for index in 0..page.len() {
            let row = page.row(index).unwrap();
            rows += 1;
            assert_eq!(row.i64(0).unwrap(), rows);
            assert_eq!(row.value(1, ValueType::Text).unwrap(), Value::Text("x".repeat(10_000).into()));
        }
    }
    assert_eq!(rows, 20_000);
    assert!(largest < 4 << 20, "a page of {largest} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_stream_frees_its_connection() {
    let place = Place::with(|config| config.max_connections(1)).await;
    let shape = Shape::raw("SELECT n FROM generate_series(1, 10000000) n");
    for pages in [0, 1, 3] {
        let mut stream = place.executor.stream(&Statement::new(&shape, &[])).await.unwrap();
        for _ in 0..pages {
            stream.next().await.unwrap().unwrap();
        }
        drop(stream);
        let seen = query(&place.executor, "SELECT pg_current_xact_id_if_assigned() IS NULL", &[]).await.unwrap();
        assert_eq!(seen.rows, [[Value::Bool(true)]]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_stream_that_is_dropped_is_cancelled() {
    let place = Place::with(|config| config.application_name("slow stream")).await;
    let shape = Shape::raw("SELECT pg_sleep(60)");
    let mut stream = place.executor.stream(&Statement::new(&shape, &[])).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(100), stream.next()).await.is_err());
    drop(stream);
    let other = place.other().await;
    let running = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'slow stream' AND state = 'active'";
    for _ in 0..200 {
        if other.query_one(running, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server still works on it");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_come_where_they_happen() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    let nowhere = Shape::raw("SELECT * FROM nowhere");
    let error = place.executor.stream(&Statement::new(&nowhere, &[])).await.map(|_| ()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Schema);
    let late = Shape::raw("SELECT 1 / (5000 - n) FROM generate_series(1, 10000) n");
    let mut stream = place.executor.stream(&Statement::new(&late, &[])).await.unwrap();
    let mut rows = 0;
    let error = loop {
        match stream.next().await {
            Ok(page) => rows += page.unwrap().len(),
            Err(error) => break error,
        }
    };
    assert_eq!((rows, error.kind()), (4000, &ErrorKind::InvalidData { column: None }));
    assert!(stream.next().await.unwrap().is_none());
    let writes = Shape::raw("INSERT INTO users (name) VALUES ('x') RETURNING id");
    let mut stream = place.executor.stream(&Statement::new(&writes, &[])).await.unwrap();
    assert_eq!(*stream.next().await.unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(users.count(&place.executor).await, 0);
}
