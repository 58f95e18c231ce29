//! Transactions: what goes over the connection, conflicts, isolation, and what is not committed by mistake.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::sync::Arc;

use support::{Place, Rows, Users, query, raw};
use thing_driver_api::{
    ErrorKind, Executor, Isolation, NoRows, Shape, Statement, Transaction, TransactionOptions, Value,
};
use tokio::sync::Barrier;

async fn begin(place: &Place) -> Box<dyn Transaction> {
    place.executor.begin(&TransactionOptions::default()).await.unwrap()
}

async fn run(transaction: &mut Box<dyn Transaction>, text: &str) -> thing_driver_api::Result<u64> {
    let shape = Shape::raw(text);
    transaction.write(&Statement::new(&shape, &[]), &mut NoRows).await.map(|written| written.rows)
}

async fn see(transaction: &mut Box<dyn Transaction>, text: &str) -> Vec<Vec<Value<'static>>> {
    let (shape, mut rows) = (Shape::raw(text), Rows::default());
    transaction.fetch(&Statement::new(&shape, &[]), &mut rows).await.unwrap();
    rows.rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_without_statements_sends_nothing() {
    let place = Place::new().await;
    begin(&place).await.commit().await.unwrap();
    begin(&place).await.rollback().await.unwrap();
    drop(begin(&place).await);
    assert_eq!(place.executor.statistics().transactions, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn begin_goes_out_with_the_first_statement() {
    let place = Place::new().await;
    Users::create(&place.executor).await;
    let mut transaction = begin(&place).await;
    run(&mut transaction, "INSERT INTO users (name) VALUES ('x')").await.unwrap();
    let seen = see(&mut transaction, "SELECT xmin = pg_current_xact_id_if_assigned()::xid FROM users").await;
    assert_eq!(seen, [[Value::Bool(true)]], "the first statement is in the transaction");
    transaction.rollback().await.unwrap();
    assert_eq!(query(&place.executor, "SELECT * FROM users", &[]).await.unwrap().rows.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn isolation_and_access_are_as_asked() {
    let place = Place::new().await;
    let seen = "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')";
    for (options, isolation, read_only) in [
        (TransactionOptions::default(), "read committed", "off"),
        (TransactionOptions::default().isolation(Isolation::ReadCommitted).read_only(true), "read committed", "on"),
        (TransactionOptions::default().isolation(Isolation::RepeatableRead), "repeatable read", "off"),
        (TransactionOptions::default().isolation(Isolation::Serializable), "serializable", "off"),
    ] {
        let mut transaction = place.executor.begin(&options).await.unwrap();
        let expected = [[Value::Text(isolation.into()), Value::Text(read_only.into())]];
        assert_eq!(see(&mut transaction, seen).await, expected);
        transaction.commit().await.unwrap();
    }
    let after = query(&place.executor, seen, &[]).await.unwrap().rows;
    assert_eq!(after, [[Value::Text("read committed".into()), Value::Text("off".into())]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_transaction_can_not_be_committed() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    let mut transaction = begin(&place).await;
    run(&mut transaction, "INSERT INTO users (name) VALUES ('x')").await.unwrap();
    run(&mut transaction, "INSERT INTO users (name) VALUES ('x')").await.unwrap_err();
    let error = run(&mut transaction, "INSERT INTO users (name) VALUES ('y')").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Conflict);
    let error = transaction.commit().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Conflict);
    assert!(!error.may_have_executed());
    assert_eq!(users.count(&place.executor).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_behind_rows_that_nobody_read_is_noticed() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    let mut transaction = begin(&place).await;
    run(&mut transaction, "INSERT INTO users (name) VALUES ('x')").await.unwrap();
    let shape = Shape::raw("SELECT 1 / (200000 - n) FROM generate_series(1, 200000) n");
    let mut rows = Rows::default().stop_after(1);
    transaction.fetch(&Statement::new(&shape, &[]), &mut rows).await.unwrap();
    let error = transaction.commit().await.unwrap_err();
    assert!(!error.may_have_executed(), "{error:?}");
    assert_eq!(users.count(&place.executor).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_can_not_be_sent_leaves_the_transaction_usable() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    let mut transaction = begin(&place).await;
    let values = [Value::Text("a\0b".into()), Value::Null];
    let error = transaction.write(&Statement::new(&users.insert, &values), &mut NoRows).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidData { column: Some("name".into()) });
    run(&mut transaction, "INSERT INTO users (name) VALUES ('x')").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(users.count(&place.executor).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serialization_failure_is_a_conflict() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    users.add(&place.executor, "x").await.unwrap();
    let options = TransactionOptions::default().isolation(Isolation::RepeatableRead);
    let mut late = place.executor.begin(&options).await.unwrap();
    see(&mut late, "SELECT * FROM users").await;
    raw(&place.executor, "UPDATE users SET age = 2").await.unwrap();
    let error = run(&mut late, "UPDATE users SET age = 3").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Conflict);
    assert!(error.is_retryable());
    late.rollback().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_that_shows_at_the_commit_is_one() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    let options = TransactionOptions::default().isolation(Isolation::Serializable);
    let mut one = place.executor.begin(&options).await.unwrap();
    let mut two = place.executor.begin(&options).await.unwrap();
    for (transaction, name) in [(&mut one, "a"), (&mut two, "b")] {
        see(transaction, "SELECT count(*) FROM users").await;
        run(transaction, &format!("INSERT INTO users (name) VALUES ('{name}')")).await.unwrap();
    }
    one.commit().await.unwrap();
    let error = two.commit().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Conflict);
    assert!(error.is_retryable());
    assert_eq!(users.count(&place.executor).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_a_conflict() {
    let place = Place::with(|config| config.setting("deadlock_timeout", "50ms")).await;
    let users = Users::create(&place.executor).await;
    for name in ["x", "y"] {
        users.add(&place.executor, name).await.unwrap();
    }
    let barrier = Arc::new(Barrier::new(2));
    let change = |first: i64, second: i64| {
        let (executor, barrier) = (place.executor.clone(), barrier.clone());
        tokio::spawn(async move {
            let mut transaction = executor.begin(&TransactionOptions::default()).await.unwrap();
            run(&mut transaction, &format!("UPDATE users SET age = 1 WHERE id = {first}")).await?;
            barrier.wait().await;
            run(&mut transaction, &format!("UPDATE users SET age = 2 WHERE id = {second}")).await?;
            transaction.commit().await
        })
    };
    let (one, two) = (change(1, 2), change(2, 1));
    let outcomes = [one.await.unwrap(), two.await.unwrap()];
    let errors: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(*errors[0].kind(), ErrorKind::Conflict);
    assert!(errors[0].is_retryable());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_table_is_a_conflict_inside_and_nothing_outside() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    users.add(&place.executor, "x").await.unwrap();
    users.get(&place.executor, &[1]).await.unwrap();
    place.run("ALTER TABLE users ALTER COLUMN age TYPE bigint").await;
    assert_eq!(users.get(&place.executor, &[1]).await.unwrap().rows[0][2], Value::I64(1), "prepared again");
    users.add(&place.executor, "y").await.unwrap();

    let mut transaction = begin(&place).await;
    let mut rows = Rows::default();
    transaction.get_many(&users.get, &[thing_driver_api::Key::Int(1)], &mut rows).await.unwrap();
    transaction.commit().await.unwrap();
    place.run("ALTER TABLE users ALTER COLUMN age TYPE integer").await;
    let mut transaction = begin(&place).await;
    let read = transaction.get_many(&users.get, &[thing_driver_api::Key::Int(1)], &mut rows).await;
    assert!(read.unwrap_err().is_retryable());
    transaction.rollback().await.unwrap();
    let mut transaction = begin(&place).await;
    transaction.get_many(&users.get, &[thing_driver_api::Key::Int(1)], &mut rows).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_that_the_server_forgot_are_prepared_again() {
    let place = Place::with(|config| config.max_connections(1)).await;
    let users = Users::create(&place.executor).await;
    let names = |batch: &str, count: usize| (0..count).map(|n| format!("{batch} {n}")).collect::<Vec<_>>();
    for round in 0..2 {
        users.add(&place.executor, &format!("{round}")).await.unwrap();
        raw(&place.executor, "DEALLOCATE ALL").await.unwrap();
        users.add_many(&place.executor, &names(&format!("few {round}"), 5)).await.unwrap();
        raw(&place.executor, "DEALLOCATE ALL").await.unwrap();
        users.add_many(&place.executor, &names(&format!("many {round}"), 200)).await.unwrap();
        raw(&place.executor, "DEALLOCATE ALL").await.unwrap();
    }
    users.add(&place.executor, "last").await.unwrap();
    assert_eq!(users.count(&place.executor).await, 2 * 206 + 1);
}
