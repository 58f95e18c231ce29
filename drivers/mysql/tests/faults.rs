//! Faults: connections that break, servers that are away, slow, or not who they say they are.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::time::{Duration, Instant};

use support::{Fresh, Rows, Users, config, one, raw};
use thing_driver_api::{Error, ErrorKind, Executor, NoRows, Statement, TransactionOptions, Value, ValueType};
use thing_driver_mysql::{MysqlConfig, MysqlExecutor};
use thing_test_servers::{Direction, Instance, MysqlDatabase, Proxy, certificate_authority, mysql_url};

fn lost(error: &Error, may_have_executed: bool) -> bool {
    *error.kind() == ErrorKind::ConnectionLost { may_have_executed }
}

/// A database behind a proxy, with a table.
struct Behind {
    executor: MysqlExecutor,
    users: Users,
    proxy: Proxy,
    direct: MysqlExecutor,
    _database: MysqlDatabase,
}

impl Behind {
    async fn new(configure: impl FnOnce(MysqlConfig) -> MysqlConfig) -> Self {
        let database = MysqlDatabase::create().await;
        let proxy = Proxy::to_url(database.url()).await;
        let direct = MysqlExecutor::connect(config(database.url())).await.unwrap();
        let users = Users::create(&direct).await;
        let executor = MysqlExecutor::connect(configure(config(&proxy.url_through(database.url())))).await.unwrap();
        let behind = Self { executor, users, proxy, direct, _database: database };
        // Both statements are prepared from here on.
        behind.users.add(&behind.executor, "first").await.unwrap();
        assert_eq!(behind.users.count(&behind.executor).await, 1);
        behind
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_statement_is_lost_may_have_executed() {
    let behind = Behind::new(|config| config).await;
    behind.proxy.cut_after(Direction::ToServer, 0);
    let error = behind.users.add(&behind.executor, "second").await.unwrap_err();
    assert!(lost(&error, true) && !error.is_retryable(), "{error:?}");
    assert_eq!(behind.users.count(&behind.direct).await, 1);
    behind.users.add(&behind.executor, "second").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_lost_may_have_executed_and_did() {
    let behind = Behind::new(|config| config).await;
    behind.proxy.cut_after(Direction::ToClient, 0);
    let error = behind.users.add(&behind.executor, "second").await.unwrap_err();
    assert!(lost(&error, true), "{error:?}");
    assert_eq!(behind.users.count(&behind.direct).await, 2);
    assert_eq!(behind.users.count(&behind.executor).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_torn_apart_is_not_executed() {
    let behind = Behind::new(|config| config).await;
    behind.proxy.cut_after(Direction::ToServer, 10);
    let error = behind.users.add(&behind.executor, "second").await.unwrap_err();
    assert!(lost(&error, true), "{error:?}");
    assert_eq!(behind.users.count(&behind.direct).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_on_a_broken_connection_is_done_on_another() {
    let behind = Behind::new(|config| config).await;
    for (direction, bytes) in [(Direction::ToServer, 0), (Direction::ToClient, 0), (Direction::ToClient, 20)] {
        behind.proxy.cut_after(direction, bytes);
        assert_eq!(behind.users.ages(&behind.executor, &[1]).await.len(), 1);
    }
    assert!(behind.executor.statistics().repeated_reads >= 3);
}

/// Wherever the connection breaks, a batch is there wholly or not at all, and what is said about it is true.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_on_a_connection_that_breaks() {
    let behind = Behind::new(|config| config).await;
    let (mut before, mut unknown, mut certain) = (1, 0, 0);
    for bytes in (0..).step_by(12) {
        let values: Vec<_> = (0..3).map(|n| [Value::Text(format!("{bytes}-{n}").into()), Value::Null]).collect();
        let statements: Vec<_> = values.iter().map(|values| Statement::new(&behind.users.insert, values)).collect();
        // On a connection that is whole.
        behind.users.count(&behind.executor).await;
        behind.proxy.cut_after(Direction::ToClient, bytes);
        let written = behind.executor.write_atomic(&statements).await;
        let added = behind.users.count(&behind.direct).await - before;
        before += added;
        assert!(added == 0 || added == 3, "all or nothing: {added}");
        match written {
            Ok(_) => assert_eq!(added, 3),
            Err((_, error)) if error.may_have_executed() => unknown += 1,
            Err((_, error)) => {
                assert!(lost(&error, false) && added == 0, "{error:?}");
                certain += 1;
            }
        }
        if bytes > 600 {
            break;
        }
    }
    assert!(unknown > 0 && certain > 0, "{unknown} unknown, {certain} certain");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_breaks_has_no_effect_until_its_commit() {
    let behind = Behind::new(|config| config).await;
    let values = [Value::Text("second".into()), Value::Null];
    let insert = Statement::new(&behind.users.insert, &values);
    let mut transaction = behind.executor.begin(&TransactionOptions::default()).await.unwrap();
    transaction.write(&insert, &mut NoRows).await.unwrap();
    behind.proxy.cut_all().await;
    let error = transaction.write(&insert, &mut NoRows).await.unwrap_err();
    assert!(lost(&error, false) && error.is_retryable(), "{error:?}");
    let error = transaction.commit().await.unwrap_err();
    assert!(!error.may_have_executed() && !error.is_not_found(), "{error:?}");
    let mut transaction = behind.executor.begin(&TransactionOptions::default()).await.unwrap();
    transaction.write(&insert, &mut NoRows).await.unwrap();
    behind.proxy.cut_after(Direction::ToClient, 0);
    let error = transaction.commit().await.unwrap_err();
    assert!(lost(&error, true), "{error:?}");
    assert_eq!(behind.users.count(&behind.direct).await, 2, "the commit arrived");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_whose_connections_all_broke_heals() {
    let behind = Behind::new(|config| config).await;
    let mut transactions = Vec::new();
    for _ in 0..5 {
        transactions.push(behind.executor.begin(&TransactionOptions::default()).await.unwrap());
    }
    for transaction in transactions {
        transaction.rollback().await.unwrap();
    }
    behind.proxy.cut_all().await;
    // One finds out; the others are asked before they are used.
    assert_eq!(behind.users.count(&behind.executor).await, 1);
    for n in 0..5 {
        behind.users.add(&behind.executor, &format!("u{n}")).await.unwrap();
    }
    behind.proxy.cut_all().await;
    let mut transaction = behind.executor.begin(&TransactionOptions::default()).await.unwrap();
    let mut rows = Rows::of(&[ValueType::I64]);
    transaction.fetch(&Statement::new(&behind.users.count, &[]), &mut rows).await.unwrap();
    assert_eq!(rows.rows, [[Value::I64(6)]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_idled_is_asked_before_it_is_trusted_with_a_write() {
    let behind = Behind::new(|config| config).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    behind.proxy.cut_all().await;
    behind.users.add(&behind.executor, "second").await.unwrap();
    assert_eq!(behind.users.count(&behind.direct).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_connections_is_lost_and_comes_back() {
    let behind = Behind::new(|config| config).await;
    behind.proxy.refuse(true);
    behind.proxy.cut_all().await;
    let mut rows = Rows::of(&[ValueType::I64]);
    let error = behind.executor.fetch(&Statement::new(&behind.users.count, &[]), &mut rows).await.unwrap_err();
    assert!(lost(&error, false), "{error:?}");
    let error = behind.executor.begin(&TransactionOptions::default()).await.map(drop).unwrap_err();
    assert!(lost(&error, false), "{error:?}");
    let error = behind.users.add(&behind.executor, "second").await.unwrap_err();
    assert!(lost(&error, false), "a write that found no connection certainly did not run: {error:?}");
    behind.proxy.refuse(false);
    behind.users.add(&behind.executor, "second").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_in_time() {
    let behind = Behind::new(|config| config.statement_timeout(Duration::from_secs(1))).await;
    for direction in [Direction::ToServer, Direction::ToClient] {
        behind.proxy.stall(direction);
        let started = Instant::now();
        let mut rows = Rows::of(&[ValueType::I64]);
        let error = behind.executor.fetch(&Statement::new(&behind.users.count, &[]), &mut rows).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Timeout { may_have_executed: false }, "{error:?}");
        assert!(started.elapsed() < Duration::from_secs(20));
        behind.proxy.resume();
        assert!(behind.users.count(&behind.executor).await >= 1);
        behind.proxy.stall(direction);
        let error = behind.users.add(&behind.executor, &format!("{direction:?}")).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Timeout { may_have_executed: true }, "{error:?}");
        behind.proxy.resume();
    }
    behind.users.add(&behind.executor, "at last").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_vanish_time_out() {
    let behind = Behind::new(|config| config.statement_timeout(Duration::from_secs(1)).max_connections(2)).await;
    behind.proxy.black_hole(Direction::ToClient);
    let error = behind.users.add(&behind.executor, "second").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout { may_have_executed: true }, "{error:?}");
    behind.proxy.resume();
    for n in 0..10 {
        behind.users.add(&behind.executor, &format!("u{n}")).await.unwrap();
    }
    assert!(behind.users.count(&behind.executor).await >= 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_not_made_in_time() {
    let behind = Behind::new(|config| config.connect_timeout(Duration::from_secs(2))).await;
    behind.proxy.cut_all().await;
    behind.proxy.stall(Direction::ToClient);
    let started = Instant::now();
    let mut rows = Rows::of(&[ValueType::I64]);
    let error = behind.executor.fetch(&Statement::new(&behind.users.count, &[]), &mut rows).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout { may_have_executed: false }, "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(20));
    behind.proxy.resume();
    assert_eq!(behind.users.count(&behind.executor).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_pool_says_so_and_goes_on() {
    let fresh = Fresh::with(|config| config.max_connections(2).pool_timeout(Duration::from_secs(2))).await;
    let users = Users::create(&fresh.executor).await;
    let options = TransactionOptions::default();
    let first = fresh.executor.begin(&options).await.unwrap();
    let second = fresh.executor.begin(&options).await.unwrap();
    let error = users.add(&fresh.executor, "x").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout { may_have_executed: false });
    assert!(error.message().contains("all 2 connections"), "{error}");
    drop(first);
    users.add(&fresh.executor, "x").await.unwrap();
    second.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_and_started_again_is_used_again() {
    let mut server = Instance::mariadb().await;
    let executor = MysqlExecutor::connect(config(server.url())).await.unwrap();
    let users = Users::create(&executor).await;
    users.add(&executor, "kept").await.unwrap();
    let transaction = executor.begin(&TransactionOptions::default()).await.unwrap();
    for orderly in [false, true] {
        if orderly {
            server.stop().await
        } else {
            server.kill().await
        }
        let error = users.add(&executor, "lost").await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ConnectionLost { .. }), "{error:?}");
        let error = users.add(&executor, "lost").await.unwrap_err();
        assert!(lost(&error, false), "nobody is there: {error:?}");
        server.start().await;
        assert_eq!(users.count(&executor).await, 1);
        users.add(&executor, "again").await.unwrap();
        raw(&executor, "DELETE FROM users WHERE name = 'again'").await.unwrap();
    }
    assert!(transaction.commit().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_server_ends_are_replaced() {
    use mysql_async::prelude::Queryable;
    let fresh = Fresh::new().await;
    let users = Users::create(&fresh.executor).await;
    let mut other = fresh.other().await;
    let name = fresh.database.name();
    for n in 0..3 {
        let ids: Vec<u64> = other
            .query(format!(
                "SELECT id FROM information_schema.processlist WHERE db = '{name}' AND id <> CONNECTION_ID()"
            ))
            .await
            .unwrap();
        assert!(!ids.is_empty());
        for id in ids {
            other.query_drop(format!("KILL {id}")).await.unwrap();
        }
        assert_eq!(users.count(&fresh.executor).await, n);
        users.add(&fresh.executor, &format!("u{n}")).await.unwrap();
    }
}

#[tokio::test]
async fn a_host_without_an_address_is_named() {
    let error = MysqlExecutor::open("mysql://u:secret@no-such-host.invalid/db").await.unwrap_err();
    assert!(lost(&error, false), "{error:?}");
    assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_named() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let error = MysqlExecutor::open(format!("mysql://u:p@{address}/db")).await.unwrap_err();
    assert!(lost(&error, false), "{error:?}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn what_is_no_such_server_is_an_error_and_no_panic() {
    use tokio::io::AsyncWriteExt;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        }
    });
    let config = config(&format!("mysql://u:p@{address}/db")).connect_timeout(Duration::from_millis(500));
    let error = MysqlExecutor::connect(config).await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn a_wrong_password_or_database_is_told_and_not_retried() {
    let url = mysql_url();
    let (user, rest) = url.rsplit_once('@').unwrap();
    let (user, _) = user.rsplit_once(':').unwrap();
    let error = MysqlExecutor::open(format!("{user}:wr0ng@{rest}")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Backend, "{error:?}");
    assert!(
        error.message().contains("refuses the user `thing`") && !format!("{error:?}").contains("wr0ng"),
        "{error:?}"
    );
    let (server, _) = url.rsplit_once('/').unwrap();
    let error = MysqlExecutor::open(format!("{server}/nowhere")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Backend, "{error:?}");
    assert!(error.message().contains("no database `nowhere`"), "{error}");
}

#[tokio::test]
async fn a_certificate_of_a_known_authority_is_trusted_and_others_are_not() {
    let url = mysql_url();
    let authority = std::fs::read(certificate_authority()).unwrap();
    let executor = MysqlExecutor::connect(config(&url).tls_root_certificate(authority.clone())).await.unwrap();
    let rows = support::query(&executor, "SHOW SESSION STATUS LIKE 'Ssl_version'", &[]).await.unwrap().rows;
    assert!(matches!(&rows[0][1], Value::Text(version) if version.starts_with("TLS")), "{rows:?}");
    // The public authorities did not sign it.
    let error = MysqlExecutor::connect(config(&url).tls()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Backend, "{error:?}");
    assert!(error.message().contains("can't be trusted"), "{error}");
    let executor = MysqlExecutor::connect(config(&url).tls().tls_verification(false)).await.unwrap();
    assert_eq!(one(&executor, "SELECT 1").await, Value::I64(1));
    let error = MysqlExecutor::connect(config(&url).tls_root_certificate("no certificate")).await.unwrap_err();
    assert!(!error.is_retryable(), "{error:?}");
}

/// A certificate of a trusted authority, but for another host.
#[tokio::test]
async fn a_certificate_for_another_host_is_not_trusted() {
    let url = mysql_url();
    let authority = std::fs::read(certificate_authority()).unwrap();
    let proxy = Proxy::to_url(&url).await;
    let behind = proxy.address();
    let impostor = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let address = impostor.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = impostor.accept().await.unwrap();
            let mut server = tokio::net::TcpStream::connect(behind).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    let through = proxy.url_through(&url);
    let trusted = MysqlExecutor::connect(config(&through).tls_root_certificate(authority.clone())).await;
    assert!(trusted.is_ok(), "{trusted:?}");
    let elsewhere = through.replace(&behind.to_string(), &address.to_string());
    assert!(MysqlExecutor::open(&elsewhere).await.is_ok(), "without TLS nobody looks");
    let error = MysqlExecutor::connect(config(&elsewhere).tls_root_certificate(authority)).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Backend, "{error:?}");
    assert!(error.message().contains("can't be trusted"), "{error}");
}
