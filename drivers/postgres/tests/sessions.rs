//! Sessions for changes of the schema: without limits of time, and stopped when they are dropped.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::time::Duration;

use support::Place;
use thing_conformance::schema::assert_stops_when_dropped;
use thing_driver_api::Schema;

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_for_statements_does_not_hold() {
    let place = Place::with(|config| config.statement_timeout(Duration::from_secs(2))).await;
    let mut session = place.executor.session().await.unwrap();
    session.execute("SELECT pg_sleep(2.5)").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_the_lock_holds_up_no_concurrent_index() {
    let place = Place::new().await;
    let mut first = place.executor.session().await.unwrap();
    first.lock(Duration::from_secs(5)).await.unwrap();
    first.execute("CREATE TABLE t (a INT)").await.unwrap();
    let mut second = place.executor.session().await.unwrap();
    let waiting = tokio::spawn(async move { second.lock(Duration::from_secs(30)).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    first.execute("CREATE INDEX CONCURRENTLY i ON t (a)").await.unwrap();
    drop(first);
    waiting.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_stops_when_its_session_is_dropped() {
    assert_stops_when_dropped(&Place::new().await.executor, "SELECT pg_sleep(60)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_the_words_of_the_server() {
    let place = Place::new().await;
    let mut session = place.executor.session().await.unwrap();
    session.execute("CREATE TABLE t (a INT)").await.unwrap();
    let error = session.execute("ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0)").await.unwrap_err();
    assert!(
        error.to_string().contains("ALTER TABLE t") && error.to_string().contains("column \"b\" does not exist"),
        "{error}"
    );
    let raised = session.execute("DO $$ BEGIN RAISE 'not like this'; END $$").await.unwrap_err();
    assert!(raised.to_string().contains("not like this"), "{raised}");
}
