//! Errors: a failure says what it is, and is never taken for a missing row.

use std::sync::Arc;

use thing_driver_api::{Column, Error, Key, NoRows, Operation, Shape, Statement, Table, Value, ValueType};

use super::Database;
use super::database::{item, items};
use super::statements::{count_all, insert, select_all, write};

fn nowhere(db: &Database<'_>) -> Arc<Table> {
    Arc::new(items(db.table("nowhere")).build().expect("a valid table"))
}

fn assert_failure(error: &Error) {
    assert!(!error.is_not_found(), "a failure is not a missing row: {error:?}");
    assert!(!error.is_retryable(), "trying again does not help: {error:?}");
    assert!(error.constraint().is_none(), "{error:?}");
    assert!(!error.to_string().is_empty());
}

/// A table that does not exist is a failure, by every way of reading and writing; the executor goes on.
pub async fn a_missing_table_is_a_failure(db: &Database<'_>) {
    let table = nowhere(db);
    let executor = &**db.executor();
    let fetched = executor.fetch(&Statement::new(&select_all(&table), &[]), &mut NoRows).await;
    assert_failure(&fetched.expect_err("no such table"));
    let by_key = Shape::new(table.clone(), Operation::GetMany);
    let read = executor.get_many(&by_key, &[Key::Int(1)], &mut NoRows).await;
    assert_failure(&read.expect_err("no such table"));
    let error = write(executor, &insert(&table), &item(1)).await.expect_err("no such table");
    assert_failure(&error);
    assert!(!error.may_have_executed(), "the write certainly had no effect: {error:?}");
    let (shape, row) = (insert(&table), item(1));
    let (index, error) = executor.write_atomic(&[Statement::new(&shape, &row)]).await.expect_err("no such table");
    assert_eq!(index, 0);
    assert_failure(&error);
    let table = db.filled_items(2).await;
    assert_eq!(count_all(executor, &table).await, 2, "the executor still works");
}

/// A column that does not exist is a failure.
pub async fn a_missing_column_is_a_failure(db: &Database<'_>) {
    db.filled_items(1).await;
    let wrong = items(db.table("items")).column(Column::new("extra", ValueType::I32).nullable(true));
    let wrong = Arc::new(wrong.build().expect("a valid table"));
    let shape = select_all(&wrong);
    let error = db.executor().fetch(&Statement::new(&shape, &[]), &mut NoRows).await.expect_err("no such column");
    assert_failure(&error);
}

/// Shapes that failed to run work once the table is there: a failed plan is not kept.
pub async fn a_shape_recovers(db: &Database<'_>) {
    let table = nowhere(db);
    let shape = insert(&table);
    assert_failure(&write(&**db.executor(), &shape, &item(1)).await.expect_err("no such table"));
    db.create(items(db.table("nowhere"))).await;
    write(&**db.executor(), &shape, &item(1)).await.expect("the table is there now");
    assert_eq!(count_all(&**db.executor(), &table).await, 1);
}

/// Messages hold no values, which may be secrets.
pub async fn messages_hold_no_values(db: &Database<'_>) {
    let table = nowhere(db);
    let row = [Value::I64(4711), Value::Text("hunter2".into()), Value::I64(4712)];
    let error = write(&**db.executor(), &insert(&table), &row).await.expect_err("no such table");
    let message = error.to_string();
    for secret in ["4711", "hunter2", "4712"] {
        assert!(!message.contains(secret), "the message holds a value: {message}");
    }
}
