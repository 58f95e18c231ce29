//! Transactions: commit, rollback, savepoints, and what happens when they are dropped.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use support::{Folder, Rows, Users, poll_times, query, raw};
use thing_driver_api::{
    ErrorKind, Executor, Isolation, Key, NoRows, Shape, Statement, Transaction, TransactionOptions, Value,
};
use thing_driver_sqlite::SqliteExecutor;

async fn begin(executor: &SqliteExecutor) -> Box<dyn Transaction> {
    executor.begin(&TransactionOptions::default()).await.unwrap()
}

async fn add(transaction: &mut Box<dyn Transaction>, users: &Users, name: &str) -> thing_driver_api::Result<()> {
    let values = [Value::Text(name.into()), Value::Null];
    transaction.write(&Statement::new(&users.insert, &values), &mut NoRows).await.map(|_| ())
}

async fn count(transaction: &mut Box<dyn Transaction>, users: &Users) -> Value<'static> {
    let mut rows = Rows::default();
    transaction.fetch(&Statement::new(&users.count, &[]), &mut rows).await.unwrap();
    rows.rows[0][0].clone()
}

async fn lives(executor: SqliteExecutor) {
    let users = Users::create(&executor).await;
    let mut transaction = begin(&executor).await;
    add(&mut transaction, &users, "one").await.unwrap();
    assert_eq!(count(&mut transaction, &users).await, Value::I64(1), "its own writes are seen");
    let mut rows = Rows::default();
    let keys: Vec<_> = (1..=300).map(Key::Int).collect();
    transaction.get_many(&users.get, &keys, &mut rows).await.unwrap();
    assert_eq!(rows.rows.len(), 1);
    transaction.commit().await.unwrap();
    assert_eq!(users.count(&executor).await, 1);

    let mut transaction = begin(&executor).await;
    add(&mut transaction, &users, "two").await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(users.count(&executor).await, 1);

    let mut transaction = begin(&executor).await;
    add(&mut transaction, &users, "two").await.unwrap();
    drop(transaction);
    assert_eq!(users.count(&executor).await, 1, "dropped without commit");

    let mut transaction = begin(&executor).await;
    add(&mut transaction, &users, "kept").await.unwrap();
    transaction.savepoint(1).await.unwrap();
    add(&mut transaction, &users, "undone").await.unwrap();
    transaction.savepoint(2).await.unwrap();
    add(&mut transaction, &users, "undone, too").await.unwrap();
    transaction.release(2).await.unwrap();
    assert_eq!(count(&mut transaction, &users).await, Value::I64(4));
    transaction.rollback_to(1).await.unwrap();
    assert_eq!(count(&mut transaction, &users).await, Value::I64(2));
    assert!(add(&mut transaction, &users, "kept").await.unwrap_err().is_unique_violation());
    add(&mut transaction, &users, "after an error").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(users.count(&executor).await, 3);

    // Raw statements, those that return rows included; more than are committed on the caller's thread.
    let mut transaction = begin(&executor).await;
    let insert = Shape::raw("INSERT INTO users (name) VALUES (?1) RETURNING id");
    for n in 0..150 {
        let mut rows = Rows::default();
        let values = [Value::Text(format!("raw {n}").into())];
        transaction.fetch(&Statement::new(&insert, &values), &mut rows).await.unwrap();
        assert_eq!((rows.names.unwrap(), rows.rows.len()), (vec!["id".to_owned()], 1));
        transaction
            .write(&Statement::new(&Shape::raw("UPDATE users SET age = 1 WHERE name = ?1"), &values), &mut NoRows)
            .await
            .unwrap();
    }
    transaction.commit().await.unwrap();
    assert_eq!(users.count(&executor).await, 153);
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_keeps_and_everything_else_undoes() {
    let folder = Folder::new();
    lives(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    lives(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test]
async fn commit_keeps_and_everything_else_undoes_on_a_current_thread_runtime() {
    let folder = Folder::new();
    lives(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    lives(SqliteExecutor::memory().await.unwrap()).await;
}

const SLOW: &str = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";

async fn dropped_in_the_middle(executor: SqliteExecutor) {
    let users = Users::create(&executor).await;
    for write in [false, true] {
        let mut transaction = begin(&executor).await;
        add(&mut transaction, &users, "undone").await.unwrap();
        {
            let shape = if write { Shape::raw("UPDATE users SET age = 2") } else { Shape::raw(SLOW) };
            let statement = Statement::new(&shape, &[]);
            let mut rows = Rows::default();
            let call = if write {
                Box::pin(async { transaction.write(&statement, &mut NoRows).await.map(|_| ()) })
                    as std::pin::Pin<Box<dyn Future<Output = _> + Send + '_>>
            } else {
                Box::pin(transaction.fetch(&statement, &mut rows))
            };
            // Begun, but not waited for.
            poll_times(call, 1).await;
        }
        let error = add(&mut transaction, &users, "later").await;
        drop(transaction);
        if !write {
            assert_eq!(*error.unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        // The endless read is stopped, or this would wait for ever.
        assert_eq!(users.count(&executor).await, 0);
        users.add(&executor, "next").await.unwrap();
        raw(&executor, "DELETE FROM users").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_dropped_in_the_middle_of_a_call_is_rolled_back() {
    let folder = Folder::new();
    dropped_in_the_middle(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    dropped_in_the_middle(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test]
async fn a_transaction_dropped_in_the_middle_of_a_call_is_rolled_back_on_a_current_thread_runtime() {
    let folder = Folder::new();
    dropped_in_the_middle(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    dropped_in_the_middle(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_begin_that_is_not_waited_for_leaves_the_writer_free() {
    let executor = SqliteExecutor::memory().await.unwrap();
    let users = Users::create(&executor).await;
    let holder = begin(&executor).await;
    let options = TransactionOptions::default();
    for _ in 0..3 {
        assert!(poll_times(executor.begin(&options), 1).await.is_none());
    }
    holder.rollback().await.unwrap();
    users.add(&executor, "free").await.unwrap();
}

async fn read_only(executor: SqliteExecutor, snapshot: bool) {
    let users = Users::create(&executor).await;
    users.add(&executor, "before").await.unwrap();
    let options = TransactionOptions::default().read_only(true).isolation(Isolation::RepeatableRead);
    let mut transaction = executor.begin(&options).await.unwrap();
    if snapshot {
        users.add(&executor, "meanwhile").await.unwrap();
        assert_eq!(users.count(&executor).await, 2);
    }
    assert_eq!(count(&mut transaction, &users).await, Value::I64(1));
    let refused = add(&mut transaction, &users, "refused").await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::ReadOnly);
    let text = "INSERT INTO users (name) VALUES ('x') RETURNING id";
    let refused = transaction.fetch(&Statement::new(&Shape::raw(text), &[]), &mut Rows::default()).await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::ReadOnly);
    transaction.commit().await.unwrap();
    assert_eq!(users.count(&executor).await, if snapshot { 2 } else { 1 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_transaction_sees_one_state_and_refuses_writes() {
    let folder = Folder::new();
    read_only(SqliteExecutor::connect(folder.config()).await.unwrap(), true).await;
    read_only(SqliteExecutor::memory().await.unwrap(), false).await;
}

#[tokio::test]
async fn a_read_only_transaction_sees_one_state_and_refuses_writes_on_a_current_thread_runtime() {
    let folder = Folder::new();
    read_only(SqliteExecutor::connect(folder.config()).await.unwrap(), true).await;
    read_only(SqliteExecutor::memory().await.unwrap(), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transaction_control_in_raw_statements_is_refused() {
    let executor = SqliteExecutor::memory().await.unwrap();
    let users = Users::create(&executor).await;
    let mut transaction = begin(&executor).await;
    add(&mut transaction, &users, "one").await.unwrap();
    for text in ["COMMIT", "END", "ROLLBACK", "RELEASE s"] {
        let shape = Shape::raw(text);
        let statement = Statement::new(&shape, &[]);
        let error = transaction.write(&statement, &mut NoRows).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput);
        let error = transaction.fetch(&statement, &mut Rows::default()).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(count(&mut transaction, &users).await, Value::I64(1));
    drop(transaction);
    assert_eq!(users.count(&executor).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_sqlite_rolled_back_cannot_be_committed() {
    let executor = SqliteExecutor::memory().await.unwrap();
    let users = Users::create(&executor).await;
    let mut transaction = begin(&executor).await;
    add(&mut transaction, &users, "one").await.unwrap();
    let text = "INSERT OR ROLLBACK INTO users (name) VALUES ('one')";
    let error = transaction.write(&Statement::new(&Shape::raw(text), &[]), &mut NoRows).await.unwrap_err();
    assert!(error.is_unique_violation(), "{error}");
    let error = add(&mut transaction, &users, "two").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Conflict);
    assert!(transaction.commit().await.is_err());
    assert_eq!(users.count(&executor).await, 0);
    assert_eq!(query(&executor, "SELECT 1", &[]).await.unwrap().rows.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transactions_of_many_tasks_take_turns() {
    let folder = Folder::new();
    let executor = SqliteExecutor::connect(folder.config()).await.unwrap();
    let users = std::sync::Arc::new(Users::create(&executor).await);
    users.add(&executor, "counter").await.unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (executor, users) = (executor.clone(), users.clone());
            tokio::spawn(async move {
                for _ in 0..10 {
                    let mut transaction = begin(&executor).await;
                    let mut rows = Rows::default();
                    transaction.get_many(&users.get, &[Key::Int(1)], &mut rows).await.unwrap();
                    let Value::I64(age) = rows.rows[0][2] else { panic!("an age is an integer") };
                    tokio::task::yield_now().await;
                    let values = [Value::I64(age + 1), Value::I64(1)];
                    transaction.write(&Statement::new(&users.set_age, &values), &mut NoRows).await.unwrap();
                    transaction.commit().await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(users.ages(&executor, &[1]).await, [(1, Value::I64(161))]);
}
