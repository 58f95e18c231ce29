//! Faults: connections lost before, during and after a statement, silent servers, restarts.

#![allow(clippy::unwrap_used, clippy::expect_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::time::{Duration, Instant};

use support::{Place, Users, other, patient, query, raw};
use thing_driver_api::{Error, ErrorKind, Executor, NoRows, Shape, Statement, TransactionOptions, Value};
use thing_driver_postgres::{PostgresConfig, PostgresExecutor};
use thing_test_servers::{Direction, Instance, Proxy};

/// An executor whose connections can be broken, and a place to look at the same tables from.
///
/// It has no shared connections unless `configure` says so: a read that leaves one, as it may on a busy machine, has an
/// answer come later, which would meet the fault in place of the one that is meant.
async fn broken(configure: impl FnOnce(PostgresConfig) -> PostgresConfig) -> (Proxy, PostgresExecutor, Place, Users) {
    let place = Place::new().await;
    let proxy = Proxy::to_url(place.schema.url()).await;
    let config = PostgresConfig::from_url(&proxy.url_through(place.schema.url())).unwrap();
    let config = configure(patient(config).reader_connections(0));
    let executor = PostgresExecutor::connect(config).await.unwrap();
    let users = Users::create(&place.executor).await;
    users.add(&executor, "first").await.unwrap();
    users.get(&executor, &[1]).await.unwrap();
    (proxy, executor, place, users)
}

fn lost(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionLost { .. })
}

/// On one thread: while it sleeps twice, the tasks of all connections learn of the cut.
#[tokio::test]
async fn idle_connections_that_are_cut_are_replaced_unnoticed() {
    let (proxy, executor, place, users) = broken(|config| config.reader_connections(2)).await;
    proxy.cut_all().await;
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    users.add(&executor, "second").await.unwrap();
    users.get(&executor, &[1]).await.unwrap();
    let transaction = executor.begin(&TransactionOptions::default()).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(users.count(&place.executor).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_lost_before_the_server_sees_it_is_in_doubt_and_not_repeated() {
    let (proxy, executor, place, users) = broken(|config| config).await;
    proxy.cut_after(Direction::ToServer, 0);
    let error = users.add(&executor, "second").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ConnectionLost { may_have_executed: true });
    assert_eq!(users.count(&place.executor).await, 1, "it was not repeated");
    users.add(&executor, "second").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_lost_is_in_doubt() {
    let (proxy, executor, place, users) = broken(|config| config).await;
    proxy.cut_after(Direction::ToClient, 0);
    let error = users.add(&executor, "second").await.unwrap_err();
    assert!(error.may_have_executed() && lost(&error), "{error:?}");
    assert!(!error.is_retryable());
    assert_eq!(users.count(&place.executor).await, 2, "the server ran it");
    users.add(&executor, "third").await.unwrap();
}

/// Where a read is torn apart: before the server sees it, in the middle of it, before its answer, in the middle of that.
const TEARS: [(Direction, u64); 4] =
    [(Direction::ToServer, 0), (Direction::ToServer, 10), (Direction::ToClient, 0), (Direction::ToClient, 4000)];

/// Reads 400 of 5000 rows over a connection that is torn apart meanwhile.
async fn read_torn(proxy: &Proxy, executor: &PostgresExecutor, users: &Users, (direction, bytes): (Direction, u64)) {
    let keys: Vec<i64> = (1..=400).collect();
    proxy.cut_after(direction, bytes);
    let rows = users.get(executor, &keys).await.unwrap();
    assert_eq!(rows.rows.len(), 400, "each row once");
}

fn five_thousand() -> Vec<String> {
    (0..5000).map(|n| format!("user {n}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_repeated_when_their_connection_is_lost() {
    let (proxy, executor, _place, users) = broken(|config| config).await;
    users.add_many(&executor, &five_thousand()).await.unwrap();
    for tear in TEARS {
        let before = executor.statistics().retries;
        read_torn(&proxy, &executor, &users, tear).await;
        assert_eq!(executor.statistics().retries, before + 1, "{tear:?}");
    }
}

/// A lost shared connection is opened again in the background, where the next tear could strike, so each has its own.
#[tokio::test(flavor = "multi_thread")]
async fn reads_are_repeated_when_their_shared_connection_is_lost() {
    for tear in TEARS {
        let (proxy, executor, place, users) = broken(|config| config.reader_connections(2)).await;
        users.add_many(&place.executor, &five_thousand()).await.unwrap();
        read_torn(&proxy, &executor, &users, tear).await;
        let statistics = executor.statistics();
        // On a busy machine the shared connection may seem to stall first.
        assert!(statistics.retries + statistics.moved_reads >= 1, "{tear:?}: {statistics:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_read_that_may_write_is_not_repeated() {
    let (proxy, executor, place, users) = broken(|config| config).await;
    let text = "INSERT INTO users (name) VALUES ('raw') RETURNING id";
    query(&executor, text, &[]).await.unwrap();
    raw(&executor, "DELETE FROM users WHERE name = 'raw'").await.unwrap();
    proxy.cut_after(Direction::ToClient, 0);
    let error = query(&executor, text, &[]).await.unwrap_err();
    assert!(error.may_have_executed(), "{error:?}");
    assert_eq!(users.count(&place.executor).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_loses_its_connection_is_undone() {
    let (proxy, executor, place, users) = broken(|config| config).await;
    let mut transaction = executor.begin(&TransactionOptions::default()).await.unwrap();
    let shape = Shape::raw("INSERT INTO users (name) VALUES ('second')");
    transaction.write(&Statement::new(&shape, &[]), &mut NoRows).await.unwrap();
    proxy.cut_after(Direction::ToClient, 0);
    let shape = Shape::raw("INSERT INTO users (name) VALUES ('third')");
    let error = transaction.write(&Statement::new(&shape, &[]), &mut NoRows).await.unwrap_err();
    assert!(lost(&error) && !error.may_have_executed() && error.is_retryable(), "{error:?}");
    transaction.rollback().await.unwrap();
    assert_eq!(users.count(&place.executor).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_in_doubt() {
    let (proxy, executor, place, users) = broken(|config| config).await;
    let mut transaction = executor.begin(&TransactionOptions::default()).await.unwrap();
    let shape = Shape::raw("INSERT INTO users (name) VALUES ('second')");
    transaction.write(&Statement::new(&shape, &[]), &mut NoRows).await.unwrap();
    proxy.cut_after(Direction::ToClient, 0);
    let error = transaction.commit().await.unwrap_err();
    assert!(lost(&error) && error.may_have_executed(), "{error:?}");
    assert_eq!(users.count(&place.executor).await, 2, "the server committed it");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writes_are_in_doubt_only_behind_their_commit() {
    let (proxy, executor, place, users) = broken(|config| config).await;
    let names = |batch: &str, count: usize| (0..count).map(|n| format!("{batch} {n}")).collect::<Vec<_>>();
    users.add_many(&executor, &names("warm", 500)).await.unwrap();
    // COMMIT goes out with the rest.
    proxy.cut_after(Direction::ToClient, 0);
    let (_, error) = users.add_many(&executor, &names("small", 10)).await.unwrap_err();
    assert!(lost(&error) && error.may_have_executed(), "{error:?}");
    // COMMIT is not sent before the rows are there, so the whole is repeated. The small batch may still be committed.
    proxy.cut_after(Direction::ToServer, 3000);
    users.add_many(&executor, &names("large", 500)).await.unwrap();
    let large = query(&place.executor, "SELECT count(*) FROM users WHERE name LIKE 'large %'", &[]).await.unwrap();
    assert_eq!(large.rows, [[Value::I64(500)]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_given_up() {
    let (proxy, executor, place, users) = broken(|config| {
        config
            .reader_connections(2)
            .statement_timeout(Duration::from_secs(2))
            .connect_timeout(Duration::from_secs(5))
            .pool_timeout(Duration::from_secs(5))
    })
    .await;
    proxy.black_hole(Direction::ToClient);
    let started = Instant::now();
    let error = users.add(&executor, "second").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout { may_have_executed: true }, "{error:?}");
    let error = users.get(&executor, &[1]).await.map(|_| ()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout { may_have_executed: false }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    proxy.resume();
    proxy.cut_all().await;
    users.get(&executor, &[1]).await.unwrap();
    users.add(&executor, "third").await.unwrap();
    assert_eq!(users.count(&place.executor).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_shared_connection_is_left() {
    let (proxy, executor, _place, users) = broken(|config| config.reader_connections(2)).await;
    proxy.stall(Direction::ToClient);
    let (reading, table) = (executor.clone(), Users::new());
    let read = tokio::spawn(async move { table.get(&reading, &[1]).await.map(|rows| rows.rows.len()) });
    let moved = async {
        while executor.statistics().moved_reads == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), moved).await.expect("the read moves");
    proxy.resume();
    assert_eq!(read.await.unwrap().unwrap(), 1);
    users.add(&executor, "second").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_connections_are_errors_until_they_are_accepted() {
    let (proxy, executor, _place, users) = broken(|config| config.reader_connections(2)).await;
    proxy.refuse(true);
    proxy.cut_all().await;
    // A read finds out which connections are lost, so that the write is certainly not sent.
    let error = users.get(&executor, &[1]).await.map(|_| ()).unwrap_err();
    assert!(lost(&error), "{error:?}");
    let error = users.add(&executor, "second").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ConnectionLost { may_have_executed: false }, "{error:?}");
    proxy.refuse(false);
    users.add(&executor, "second").await.unwrap();
    users.get(&executor, &[1]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_is_found_again() {
    let mut server = Instance::postgres().await;
    let config = patient(PostgresConfig::from_url(server.url()).unwrap());
    let executor = PostgresExecutor::connect(config).await.unwrap();
    let users = Users::create(&executor).await;
    users.add(&executor, "first").await.unwrap();
    for _ in 0..2 {
        server.stop().await;
        // A read finds out which connections are lost, so that the write is certainly not sent.
        assert!(lost(&users.get(&executor, &[1]).await.map(|_| ()).unwrap_err()));
        let error = users.add(&executor, "lost").await.unwrap_err();
        assert!(lost(&error) && !error.may_have_executed(), "{error:?}");
        server.start().await;
        users.get(&executor, &[1]).await.unwrap();
    }
    server.kill().await;
    server.start().await;
    assert_eq!(users.count(&executor).await, 1);
    users.add(&executor, "second").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_terminated_is_replaced() {
    let (_proxy, executor, place, users) =
        broken(|config| config.reader_connections(2).application_name("terminated")).await;
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'terminated'";
    let client = other(place.schema.url()).await;
    let running = {
        let executor = executor.clone();
        tokio::spawn(async move { raw(&executor, "INSERT INTO users (name) SELECT 'x' FROM pg_sleep(30)").await })
    };
    while !running.is_finished() {
        client.query(terminate, &[]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(lost(&running.await.unwrap().unwrap_err()));
    users.get(&executor, &[1]).await.unwrap();
    users.add(&executor, "second").await.unwrap();
}
