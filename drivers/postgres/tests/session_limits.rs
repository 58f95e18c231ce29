//! Sessions: what limits the connections of the server, and what statements set, does not last.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::time::Duration;

use support::{Place, Rows};
use thing_driver_api::schema::SchemaSession;
use thing_driver_api::{ErrorKind, Schema, Value};

async fn shown(session: &mut dyn SchemaSession, setting: &str) -> String {
    let mut rows = Rows::default();
    session.fetch(&format!("SELECT current_setting('{setting}')"), &mut rows).await.unwrap();
    match &rows.rows[0][0] {
        Value::Text(text) => text.clone().into_owned(),
        other => panic!("{other:?}"),
    }
}

/// The settings of this server that end a session, or what it does, after some time.
const LIMITS: [&str; 3] = ["statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"];

#[tokio::test(flavor = "multi_thread")]
async fn no_limit_of_time_holds() {
    let place = Place::with(|config| LIMITS.iter().fold(config, |config, limit| config.setting(limit, "60s"))).await;
    let mut session = place.executor.session().await.unwrap();
    for limit in LIMITS {
        assert_eq!(shown(&mut *session, limit).await, "0", "{limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_statements_set_is_taken_back_and_the_lock_stays() {
    let place = Place::with(|config| config.setting("work_mem", "1MB").setting("statement_timeout", "60s")).await;
    let mut session = place.executor.session().await.unwrap();
    session.lock(Duration::from_secs(30)).await.unwrap();
    session.execute("SET work_mem = '2MB'; SET search_path = ''; SET statement_timeout = '10s'").await.unwrap();
    session.reset().await.unwrap();
    assert_eq!(shown(&mut *session, "work_mem").await, "1MB");
    assert_eq!(shown(&mut *session, "search_path").await, place.schema.name());
    assert_eq!(shown(&mut *session, "statement_timeout").await, "0");
    let error = place.executor.session().await.unwrap().lock(Duration::ZERO).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout { may_have_executed: false });
}
