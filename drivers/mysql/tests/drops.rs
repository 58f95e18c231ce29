//! Futures that are dropped, at every poll: no connection of the pool stays in a transaction, and none has rows to read.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::time::{Duration, Instant};

use support::{Fresh, Rows, Users, one, poll_times, query, raw};
use thing_driver_api::{Executor, Key, NoRows, Schema, Shape, Statement, TransactionOptions, Value, ValueType};

/// Drops the future of every operation after 0, 1, 2, ... polls.
#[tokio::test(flavor = "multi_thread")]
async fn no_operation_leaves_a_connection_dirty() {
    let fresh = Fresh::with(|config| config.max_connections(2)).await;
    let executor = &fresh.executor;
    let users = Users::create(executor).await;
    let values: Vec<_> = (0..2000).map(|n| [Value::Text(format!("u{n}").into()), Value::I64(n)]).collect();
    let statements: Vec<_> = values.iter().map(|values| Statement::new(&users.insert, values)).collect();
    executor.write_atomic(&statements).await.unwrap();
    let keys: Vec<Key> = (1..=2000).map(Key::Int).collect();
    let raw_shape = Shape::raw("SELECT * FROM users");
    let failing: Vec<_> = (0..3).map(|_| Statement::new(&users.insert, &values[0])).collect();
    let set_age = [Value::I64(1), Value::I64(1)];
    let options = TransactionOptions::default();
    for kind in 0..10 {
        for polls in 0..200 {
            let all = Statement::new(&users.all, &[]);
            let completed = match kind {
                0 => poll_times(executor.fetch(&all, &mut NoRows), polls).await.is_some(),
                1 => poll_times(executor.get_many(&users.get, &keys, &mut NoRows), polls).await.is_some(),
                2 => poll_times(executor.write(&Statement::new(&users.set_age, &set_age), &mut NoRows), polls)
                    .await
                    .is_some(),
                3 => poll_times(executor.write_atomic(&failing), polls).await.is_some(),
                4 => poll_times(executor.begin(&options), polls).await.is_some(),
                5 => poll_times(executor.fetch(&Statement::new(&raw_shape, &[]), &mut NoRows), polls).await.is_some(),
                6 => poll_times(executor.describe("users"), polls).await.is_some(),
                7 => {
                    let stream = async {
                        let mut stream = executor.stream(&all).await.unwrap();
                        while stream.next().await.unwrap().is_some() {}
                    };
                    poll_times(stream, polls).await.is_some()
                }
                8 => {
                    let transaction = async {
                        let mut transaction = executor.begin(&options).await.unwrap();
                        transaction.write(&Statement::new(&users.set_age, &set_age), &mut NoRows).await.unwrap();
                        transaction.savepoint(1).await.unwrap();
                        transaction.fetch(&all, &mut NoRows).await.unwrap();
                        transaction.get_many(&users.get, &keys, &mut NoRows).await.unwrap();
                        transaction.rollback_to(1).await.unwrap();
                        transaction.savepoint(1).await.unwrap();
                        transaction.release(1).await.unwrap();
                        transaction.commit().await.unwrap();
                    };
                    poll_times(transaction, polls).await.is_some()
                }
                _ => {
                    let stopped = async {
                        let mut rows = Rows::default().stop_after(1);
                        executor.fetch(&all, &mut rows).await.unwrap();
                    };
                    poll_times(stopped, polls).await.is_some()
                }
            };
            // Both connections answer for themselves, and commit by themselves.
            let own = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = CONNECTION_ID()";
            let (a, b) = tokio::join!(query(executor, own, &[]), query(executor, "SELECT 7", &[]));
            assert_eq!(a.unwrap().rows, [[Value::I64(0)]], "operation {kind}, {polls} polls");
            assert_eq!(b.unwrap().rows, [[Value::I64(7)]], "operation {kind}, {polls} polls");
            if completed {
                break;
            }
            assert!(polls < 199, "operation {kind} did not complete");
        }
    }
    assert_eq!(users.count(executor).await, 2000);
    fresh.assert_no_transaction().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_statement_that_is_given_up_ends_on_the_server() {
    let fresh = Fresh::with(|config| config.max_connections(1)).await;
    raw(&fresh.executor, "CREATE TABLE t (id INT PRIMARY KEY, n INT)").await.unwrap();
    raw(&fresh.executor, "INSERT INTO t VALUES (1, 0)").await.unwrap();
    let started = Instant::now();
    for text in ["SELECT SLEEP(60)", "UPDATE t SET n = SLEEP(60) + 1"] {
        let given_up = tokio::time::timeout(Duration::from_millis(100), raw(&fresh.executor, text)).await;
        assert!(given_up.is_err());
        assert_eq!(one(&fresh.executor, "SELECT n FROM t").await, Value::I64(0));
        raw(&fresh.executor, "UPDATE t SET n = 0").await.unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(fresh.executor.statistics().killed, 2);
    use mysql_async::prelude::Queryable;
    let sleeping: Option<u64> = fresh
        .other()
        .await
        .query_first(format!("SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{}' AND info LIKE '%SLEEP(60)%' AND id <> CONNECTION_ID()", fresh.database.name()))
        .await
        .unwrap();
    assert_eq!(sleeping, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_connection_can_be_given_up() {
    let fresh = Fresh::with(|config| config.max_connections(1)).await;
    let users = Users::create(&fresh.executor).await;
    let transaction = fresh.executor.begin(&TransactionOptions::default()).await.unwrap();
    for polls in [0, 1, 1, 1] {
        assert!(poll_times(users.count(&fresh.executor), polls).await.is_none());
    }
    drop(transaction);
    assert_eq!(users.count(&fresh.executor).await, 0);
}

/// Dropping outside of a runtime closes the connection.
#[test]
fn a_transaction_outlives_its_runtime() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let first = runtime();
    let (fresh, users, transaction) = first.block_on(async {
        let fresh = Fresh::new().await;
        let users = Users::create(&fresh.executor).await;
        let mut transaction = fresh.executor.begin(&TransactionOptions::default()).await.unwrap();
        let values = [Value::Text("a".into()), Value::Null];
        transaction.write(&Statement::new(&users.insert, &values), &mut NoRows).await.unwrap();
        (fresh, users, transaction)
    });
    drop(transaction);
    runtime().block_on(async {
        let executor = thing_driver_mysql::MysqlExecutor::open(fresh.database.url()).await.unwrap();
        assert_eq!(users.count(&executor).await, 0);
        users.add(&executor, "a").await.unwrap();
    });
    first.block_on(async {
        let mut rows = Rows::of(&[ValueType::I64]);
        fresh.executor.fetch(&Statement::new(&users.count, &[]), &mut rows).await.unwrap();
        assert_eq!(rows.rows, [[Value::I64(1)]]);
        drop(fresh);
    });
}
