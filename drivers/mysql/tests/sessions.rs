//! Sessions for changes of the schema: without limits of time, and stopped when they are dropped.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::time::Duration;

use support::Fresh;
use thing_conformance::schema::assert_stops_when_dropped;
use thing_driver_api::Schema;

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_for_statements_does_not_hold() {
    let fresh = Fresh::with(|config| config.statement_timeout(Duration::from_secs(2))).await;
    let mut session = fresh.executor.session().await.unwrap();
    session.execute("CREATE TABLE t AS SELECT SLEEP(2.5) AS slept").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_stops_when_its_session_is_dropped() {
    assert_stops_when_dropped(&Fresh::new().await.executor, "DO SLEEP(60)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_the_words_of_the_server() {
    let fresh = Fresh::new().await;
    let mut session = fresh.executor.session().await.unwrap();
    session.execute("CREATE TABLE t (a INT)").await.unwrap();
    let error = session.execute("ALTER TABLE t AD COLUMN b INT").await.unwrap_err();
    assert!(
        error.to_string().contains("ALTER TABLE t") && error.to_string().contains("near 'COLUMN b INT'"),
        "{error}"
    );
}
