//! Transactions: what ends them, what they wait for, and what they leave behind.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::time::{Duration, Instant};

use support::{Fresh, Rows, Users, config, one, query, raw};
use thing_driver_api::{
    ErrorKind, Executor, Isolation, NoRows, Result, Shape, Statement, Transaction, TransactionOptions, Value,
    ValueType, Written,
};
use thing_driver_mysql::MysqlExecutor;

async fn begin(fresh: &Fresh) -> Box<dyn Transaction> {
    fresh.executor.begin(&TransactionOptions::default()).await.unwrap()
}

async fn run(transaction: &mut Box<dyn Transaction>, text: &str) -> Result<Written> {
    transaction.write(&Statement::new(&Shape::raw(text), &[]), &mut NoRows).await
}

async fn two_rows(fresh: &Fresh) {
    raw(&fresh.executor, "CREATE TABLE t (id INT PRIMARY KEY, n INT)").await.unwrap();
    raw(&fresh.executor, "INSERT INTO t VALUES (1, 0), (2, 0)").await.unwrap();
}

/// One of the two transactions is rolled back; the other commits.
#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_a_conflict_and_ends_the_transaction() {
    let fresh = Fresh::new().await;
    two_rows(&fresh).await;
    let (mut a, mut b) = (begin(&fresh).await, begin(&fresh).await);
    run(&mut a, "UPDATE t SET n = 1 WHERE id = 1").await.unwrap();
    run(&mut b, "UPDATE t SET n = 2 WHERE id = 2").await.unwrap();
    let (of_a, of_b) =
        tokio::join!(run(&mut a, "UPDATE t SET n = 1 WHERE id = 2"), run(&mut b, "UPDATE t SET n = 2 WHERE id = 1"));
    let (mut victim, winner, error) = match (of_a, of_b) {
        (Err(error), Ok(_)) => (a, b, error),
        (Ok(_), Err(error)) => (b, a, error),
        other => panic!("one of them fails: {other:?}"),
    };
    assert_eq!(*error.kind(), ErrorKind::Conflict);
    assert!(error.is_retryable());
    // What follows would be committed by itself.
    let error = run(&mut victim, "INSERT INTO t VALUES (3, 3)").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Conflict, "{error:?}");
    let read = victim.fetch(&Statement::new(&Shape::raw("SELECT 1"), &[]), &mut NoRows).await;
    assert_eq!(*read.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(*victim.commit().await.unwrap_err().kind(), ErrorKind::Conflict);
    winner.commit().await.unwrap();
    assert_eq!(one(&fresh.executor, "SELECT COUNT(*) FROM t").await, Value::I64(2));
    fresh.assert_no_transaction().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_held_too_long_is_busy_and_the_transaction_goes_on() {
    let fresh = Fresh::with(|config| config.lock_timeout(Duration::from_secs(1))).await;
    two_rows(&fresh).await;
    let mut holder = begin(&fresh).await;
    run(&mut holder, "UPDATE t SET n = 1 WHERE id = 1").await.unwrap();
    let started = Instant::now();
    let error = raw(&fresh.executor, "UPDATE t SET n = 2 WHERE id = 1").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Busy, "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(30));
    let mut other = begin(&fresh).await;
    run(&mut other, "UPDATE t SET n = 3 WHERE id = 2").await.unwrap();
    let error = run(&mut other, "UPDATE t SET n = 3 WHERE id = 1").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Busy, "{error:?}");
    other.commit().await.unwrap();
    holder.rollback().await.unwrap();
    assert_eq!(one(&fresh.executor, "SELECT n FROM t WHERE id = 2").await, Value::I64(3));
}

#[tokio::test]
async fn what_would_commit_the_transaction_is_refused() {
    let fresh = Fresh::new().await;
    two_rows(&fresh).await;
    let mut transaction = begin(&fresh).await;
    run(&mut transaction, "DELETE FROM t").await.unwrap();
    for text in
        ["CREATE TABLE u (id INT)", "/* now */ truncate t", "ALTER TABLE t ADD c INT", "COMMIT", "START TRANSACTION"]
    {
        let error = run(&mut transaction, text).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{text}: {error:?}");
    }
    run(&mut transaction, "CREATE TEMPORARY TABLE scratch (id INT)").await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(one(&fresh.executor, "SELECT COUNT(*) FROM t").await, Value::I64(2));
}

#[tokio::test]
async fn a_commit_hidden_in_a_procedure_is_found() {
    let fresh = Fresh::new().await;
    two_rows(&fresh).await;
    raw(&fresh.executor, "CREATE PROCEDURE sly() BEGIN COMMIT; END").await.unwrap();
    raw(&fresh.executor, "CREATE PROCEDURE open() BEGIN START TRANSACTION; DELETE FROM t; END").await.unwrap();
    raw(&fresh.executor, "CREATE PROCEDURE fail() BEGIN START TRANSACTION; DELETE FROM t; SELECT * FROM nowhere; END")
        .await
        .unwrap();
    let mut transaction = begin(&fresh).await;
    let error = run(&mut transaction, "CALL sly()").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error:?}");
    assert!(run(&mut transaction, "DELETE FROM t").await.is_err());
    drop(transaction);
    for text in ["CALL open()", "CALL fail()"] {
        assert!(raw(&fresh.executor, text).await.is_err(), "{text}");
        assert!(query(&fresh.executor, text, &[]).await.is_err() || text == "CALL open()", "{text}");
    }
    fresh.assert_no_transaction().await;
    assert_eq!(one(&fresh.executor, "SELECT COUNT(*) FROM t").await, Value::I64(2));
}

#[tokio::test]
async fn a_read_only_transaction_refuses_writes() {
    let fresh = Fresh::new().await;
    two_rows(&fresh).await;
    let mut transaction = fresh.executor.begin(&TransactionOptions::default().read_only(true)).await.unwrap();
    let error = run(&mut transaction, "DELETE FROM t").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ReadOnly);
    let mut rows = Rows::of(&[ValueType::I64]);
    transaction.fetch(&Statement::new(&Shape::raw("SELECT COUNT(*) FROM t"), &[]), &mut rows).await.unwrap();
    assert_eq!(rows.rows, [[Value::I64(2)]]);
    transaction.commit().await.unwrap();
    // The next user of the connection may write.
    raw(&fresh.executor, "DELETE FROM t").await.unwrap();
}

#[tokio::test]
async fn isolation_is_that_which_was_asked_for_and_no_longer_than_the_transaction() {
    let fresh = Fresh::with(|config| config.max_connections(2)).await;
    two_rows(&fresh).await;
    let levels = [(Isolation::ReadCommitted, 5), (Isolation::RepeatableRead, 0), (Isolation::Serializable, 0)];
    for (isolation, expected) in levels {
        raw(&fresh.executor, "UPDATE t SET n = 0").await.unwrap();
        let mut transaction = fresh.executor.begin(&TransactionOptions::default().isolation(isolation)).await.unwrap();
        let read = Shape::raw("SELECT n FROM t WHERE id = 1");
        transaction.fetch(&Statement::new(&read, &[]), &mut NoRows).await.unwrap();
        if isolation != Isolation::Serializable {
            raw(&fresh.executor, "UPDATE t SET n = 5").await.unwrap();
        }
        let mut rows = Rows::of(&[ValueType::I64]);
        transaction.fetch(&Statement::new(&read, &[]), &mut rows).await.unwrap();
        assert_eq!(rows.rows, [[Value::I64(expected)]], "{isolation:?}");
        transaction.commit().await.unwrap();
    }
}

/// In a snapshot of before, a locked read sees what was committed since.
#[tokio::test]
async fn a_locked_read_sees_the_newest_row() {
    let fresh = Fresh::new().await;
    let users = Users::create(&fresh.executor).await;
    users.add(&fresh.executor, "a").await.unwrap();
    let mut transaction = begin(&fresh).await;
    transaction.fetch(&Statement::new(&users.all, &[]), &mut NoRows).await.unwrap();
    let values = [Value::I64(7), Value::I64(1)];
    fresh.executor.write(&Statement::new(&users.set_age, &values), &mut NoRows).await.unwrap();
    let operation = match support::select(&users.table, support::by_id(0)).operation().clone() {
        thing_driver_api::Operation::Select { columns, filter, order, limit, offset, .. } => {
            thing_driver_api::Operation::Select {
                columns,
                filter,
                order,
                limit,
                offset,
                lock: Some(thing_driver_api::Lock::Wait),
            }
        }
        other => other,
    };
    let locked = Shape::new(users.table.clone(), operation);
    let mut rows = Rows::of(&[ValueType::I64, ValueType::Text, ValueType::I32]);
    transaction.fetch(&Statement::new(&locked, &[Value::I64(1)]), &mut rows).await.unwrap();
    assert_eq!(rows.rows[0][2], Value::I64(7));
    transaction.rollback().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_times_out_is_undone_and_the_connection_is_clean() {
    let fresh = Fresh::new().await;
    two_rows(&fresh).await;
    let limited = config(fresh.database.url()).statement_timeout(Duration::from_secs(2)).max_connections(1);
    let limited = MysqlExecutor::connect(limited).await.unwrap();
    let mut transaction = limited.begin(&TransactionOptions::default()).await.unwrap();
    run(&mut transaction, "UPDATE t SET n = 9").await.unwrap();
    let error = run(&mut transaction, "UPDATE t SET n = SLEEP(30)").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout { may_have_executed: false }, "{error:?}");
    transaction.rollback().await.unwrap();
    let error = query(&limited, "SELECT COUNT(*) FROM information_schema.columns a, information_schema.columns b, information_schema.columns c WHERE a.column_name <> b.table_name", &[])
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout { may_have_executed: false }, "{error:?}");
    assert_eq!(one(&limited, "SELECT SUM(n) FROM t").await, Value::Decimal(0.into()));
}
