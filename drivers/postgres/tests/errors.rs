//! Errors: each provoked for real.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::time::Duration;

use support::{Place, Rows, Users, query, raw, raw_with};
use thing_driver_api::{
    ConstraintKind, Error, ErrorKind, Executor, Schema, Statement, TransactionOptions, Value, ValueType,
};
use thing_driver_postgres::{PostgresConfig, PostgresExecutor};

async fn connecting(url: &str) -> Error {
    PostgresExecutor::open(url).await.unwrap_err()
}

/// The URL of the test server, one part replaced.
fn url_with(replace: impl FnOnce(&str, &str, &str) -> String) -> String {
    let url = thing_test_servers::postgres_url();
    let (user, rest) = url.strip_prefix("postgres://").unwrap().split_once('@').unwrap();
    let (address, database) = rest.split_once('/').unwrap();
    replace(user, address, database)
}

fn assert_says(error: &Error, kind: &ErrorKind, words: &str) {
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(error.to_string().contains(words), "{error}");
    assert!(error.to_string().chars().next().unwrap().is_lowercase(), "{error}");
    assert!(std::error::Error::source(error).is_some(), "the native error is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hinders_a_connection_is_told() {
    let lost = ErrorKind::ConnectionLost { may_have_executed: false };
    let wrong = url_with(|_, address, database| format!("postgres://thing:hunter2@{address}/{database}"));
    let error = connecting(&wrong).await;
    assert_says(&error, &ErrorKind::Backend, "the server refuses the user or password");
    assert!(!format!("{error:?}").contains("hunter2"));
    let missing = url_with(|user, address, _| format!("postgres://{user}@{address}/nowhere"));
    assert_says(&connecting(&missing).await, &ErrorKind::Backend, "there is no such database");
    let unknown = url_with(|user, _, database| format!("postgres://{user}@no-such-host.invalid/{database}"));
    assert_says(&connecting(&unknown).await, &lost, "no-such-host.invalid:5432");
    let closed = url_with(|user, _, database| format!("postgres://{user}@127.0.0.1:1/{database}"));
    assert_says(&connecting(&closed).await, &lost, "127.0.0.1:1");
    let no_password = url_with(|_, address, database| format!("postgres://thing@{address}/{database}"));
    assert_says(&connecting(&no_password).await, &ErrorKind::Backend, "password missing");
    assert!(connecting(&closed).await.is_retryable());
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_are_told_apart() {
    let place = Place::new().await;
    place
        .run(
            "CREATE TABLE parent (id bigint PRIMARY KEY); \
             CREATE TABLE t (a int, b text, c int NOT NULL, d bigint REFERENCES parent (id), PRIMARY KEY (a, b), \
               UNIQUE (b, c), CONSTRAINT c_is_positive CHECK (c > 0)); \
             CREATE TABLE names (name text, \"two words\" int UNIQUE, span int4range, EXCLUDE USING gist (span WITH &&)); \
             CREATE UNIQUE INDEX lowered ON names (lower(name)); \
             INSERT INTO names VALUES ('x', 1, '[1,5]'); INSERT INTO parent VALUES (1); \
             INSERT INTO t VALUES (1, 'x', 1, 1)",
        )
        .await;
    let cases = [
        ("INSERT INTO parent VALUES (1)", ConstraintKind::PrimaryKey, "parent", vec!["id"], Some("parent_pkey")),
        ("INSERT INTO t VALUES (1, 'x', 2, 1)", ConstraintKind::PrimaryKey, "t", vec!["a", "b"], Some("t_pkey")),
        ("INSERT INTO t VALUES (2, 'x', 1, 1)", ConstraintKind::Unique, "t", vec!["b", "c"], Some("t_b_c_key")),
        ("INSERT INTO names VALUES ('X')", ConstraintKind::Unique, "names", vec![], Some("lowered")),
        (
            "INSERT INTO names VALUES ('y', 1)",
            ConstraintKind::Unique,
            "names",
            vec!["two words"],
            Some("names_two words_key"),
        ),
        ("INSERT INTO names VALUES ('y', 2, '[3,9]')", ConstraintKind::Other, "names", vec![], Some("names_span_excl")),
        ("INSERT INTO t VALUES (2, 'y', NULL, 1)", ConstraintKind::NotNull, "t", vec!["c"], None),
        ("INSERT INTO t VALUES (2, 'y', 0, 1)", ConstraintKind::Check, "t", vec![], Some("c_is_positive")),
        ("INSERT INTO t VALUES (2, 'y', 1, 9)", ConstraintKind::ForeignKey, "t", vec!["d"], Some("t_d_fkey")),
    ];
    for (text, kind, table, columns, name) in cases {
        let error = raw(&place.executor, text).await.unwrap_err();
        let constraint = error.constraint().unwrap();
        assert_eq!(constraint.kind, kind, "{text}");
        assert_eq!(constraint.table.as_deref(), Some(table), "{text}");
        assert_eq!(constraint.columns, columns, "{text}");
        assert_eq!(constraint.name.as_deref(), name, "{text}");
        assert!(!error.may_have_executed());
        assert!(error.to_string().chars().next().unwrap().is_lowercase(), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_others_refer_to_stays() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    users.add(&place.executor, "x").await.unwrap();
    place.run("CREATE TABLE posts (author bigint REFERENCES users (id)); INSERT INTO posts VALUES (1)").await;
    let delete = thing_driver_api::Statement::new(&users.delete, &[Value::I64(1)]);
    let error = place.executor.write(&delete, &mut thing_driver_api::NoRows).await.unwrap_err();
    let constraint = error.constraint().unwrap();
    assert_eq!(constraint.kind, ConstraintKind::ForeignKey);
    assert_eq!((constraint.table.as_deref(), constraint.columns.len()), (Some("posts"), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_hold_no_values() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    place.run("CREATE TABLE odd (short varchar(3), small smallint, day date, kind int CHECK (kind < 10))").await;
    users.add(&place.executor, "hunter2").await.unwrap();
    let mut errors = vec![users.add(&place.executor, "hunter2").await.unwrap_err()];
    let secret = [Value::Text("hunter2".into())];
    for text in [
        "INSERT INTO odd (short) VALUES ($1)",
        "SELECT $1::text::int",
        "SELECT $1::text::uuid",
        "INSERT INTO odd (day) VALUES ($1::text::date)",
        "INSERT INTO users (name) VALUES ($1)",
        "SELECT $1::text::json",
    ] {
        errors.push(raw_with(&place.executor, text, &secret).await.unwrap_err());
    }
    for text in
        ["INSERT INTO odd (kind) VALUES ($1::text::bigint::int)", "INSERT INTO odd (small) VALUES ($1::text::int)"]
    {
        errors.push(raw_with(&place.executor, text, &[Value::Text("47114711".into())]).await.unwrap_err());
    }
    for error in errors {
        assert!(!error.to_string().contains("hunter2") && !error.to_string().contains("4711"), "{error}");
        assert!(!matches!(error.kind(), ErrorKind::Backend), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kind_says_what_can_be_done() {
    let place = Place::new().await;
    Users::create(&place.executor).await;
    let data = ErrorKind::InvalidData { column: None };
    for (text, kind) in [
        ("SELECT nothing FROM users", ErrorKind::Schema),
        ("SELECT * FROM nowhere", ErrorKind::Schema),
        ("CREATE TABLE users (id int)", ErrorKind::Schema),
        ("SELEKT 1", ErrorKind::InvalidInput),
        ("SELECT 1; SELECT 2", ErrorKind::InvalidInput),
        ("SELECT 1 / (random() * 0)::int", data.clone()),
        ("SELECT 'x'::text::int", data.clone()),
        ("SELECT 40000::smallint", data.clone()),
        ("BEGIN", ErrorKind::InvalidInput),
        ("COMMIT", ErrorKind::InvalidInput),
        ("COPY users FROM STDIN", ErrorKind::Unsupported),
        ("DO $$ BEGIN RAISE EXCEPTION 'hunter2'; END $$", ErrorKind::Backend),
        ("DO $$ BEGIN RAISE serialization_failure; END $$", ErrorKind::Conflict),
        ("DO $$ BEGIN RAISE disk_full; END $$", ErrorKind::StorageFull),
        ("DO $$ BEGIN RAISE lock_not_available; END $$", ErrorKind::Busy),
    ] {
        let error = raw(&place.executor, text).await.unwrap_err();
        assert_eq!(*error.kind(), kind, "{text}: {error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(!error.may_have_executed());
    }
    assert_eq!(query(&place.executor, "SELECT 1", &[]).await.unwrap().rows.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_statement_is_ended_by_the_server() {
    let place = Place::with(|config| config.statement_timeout(Duration::from_secs(2))).await;
    let users = Users::create(&place.executor).await;
    let error = raw(&place.executor, "INSERT INTO users (name) SELECT 'x' FROM pg_sleep(30)").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout { may_have_executed: false });
    assert_eq!(users.count(&place.executor).await, 0);
    assert_eq!(place.executor.statistics().discarded_connections, 0, "the connection is as good as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_not_given_is_busy() {
    let place = Place::with(|config| config.setting("lock_timeout", "50ms")).await;
    let users = Users::create(&place.executor).await;
    users.add(&place.executor, "x").await.unwrap();
    let other = place.other().await;
    other.batch_execute("BEGIN; LOCK TABLE users").await.unwrap();
    let error = users.add(&place.executor, "y").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Busy);
    assert!(error.is_retryable());
    other.batch_execute("ROLLBACK").await.unwrap();
    users.add(&place.executor, "y").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_pool_says_so_and_goes_on() {
    let place = Place::with(|config| config.max_connections(2).pool_timeout(Duration::from_millis(100))).await;
    let users = Users::create(&place.executor).await;
    let options = TransactionOptions::default();
    let first = place.executor.begin(&options).await.unwrap();
    let second = place.executor.begin(&options).await.unwrap();
    let error = users.add(&place.executor, "x").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout { may_have_executed: false });
    assert!(error.to_string().contains("all 2 connections are in use"), "{error}");
    // A machine that stops for a while sends a short read to the pool, and all of its shape behind it.
    let counted = async {
        loop {
            let mut rows = Rows::of(&[ValueType::I64]);
            match place.executor.fetch(&Statement::new(&Users::new().count, &[]), &mut rows).await {
                Ok(()) => break rows.rows,
                Err(error) => assert_eq!(*error.kind(), ErrorKind::Timeout { may_have_executed: false }, "{error:?}"),
            }
        }
    };
    let counted = tokio::time::timeout(Duration::from_secs(60), counted).await;
    assert_eq!(counted.expect("short reads still have their own connections"), [[Value::I64(0)]]);
    drop(first);
    users.add(&place.executor, "x").await.unwrap();
    drop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_accepts_no_writes_is_read_only() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    let config = PostgresConfig::from_url(place.schema.url()).unwrap().setting("default_transaction_read_only", "on");
    let executor = PostgresExecutor::connect(config).await.unwrap();
    assert_eq!(*users.add(&executor, "x").await.unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(users.count(&executor).await, 0);
    assert!(executor.create_table(&support::users()).await.is_err());
}
