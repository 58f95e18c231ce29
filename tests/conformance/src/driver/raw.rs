//! Raw statements: passed on as they stand, with their values in order.

use std::sync::Arc;

use thing_driver_api::{Capability, Dialect, NoRows, Shape, Statement, Table, TransactionOptions, Value, ValueType};

use super::Database;
use super::database::item;
use super::statements::{Rows, count_all, stored};

fn text(db: &Database<'_>, write: impl FnOnce(&dyn Dialect, &mut String)) -> Arc<Shape> {
    let mut out = String::new();
    let dialect = db.executor().dialect().expect("raw statements have a dialect");
    write(dialect, &mut out);
    Shape::raw(out)
}

/// `SELECT name, id FROM items WHERE id > ? AND id < ?`.
fn select_between(db: &Database<'_>, table: &Table) -> Arc<Shape> {
    text(db, |dialect, out| {
        out.push_str("SELECT ");
        dialect.identifier("name", out);
        out.push_str(", ");
        dialect.identifier("id", out);
        out.push_str(" FROM ");
        dialect.identifier(table.name(), out);
        out.push_str(" WHERE ");
        dialect.identifier("id", out);
        out.push_str(" > ");
        dialect.placeholder(1, out);
        out.push_str(" AND ");
        dialect.identifier("id", out);
        out.push_str(" < ");
        dialect.placeholder(2, out);
    })
}

/// A statement without a table gives its row, as what the database holds.
pub async fn a_constant_is_read(db: &Database<'_>) {
    let shape = Shape::raw("SELECT 1");
    let mut rows = Rows::of([ValueType::I64]);
    db.executor().fetch(&Statement::new(&shape, &[]), &mut rows).await.expect("the constant is read");
    assert_eq!(rows.rows, [[Value::I64(1)]]);
}

/// Values are bound in order, again and again.
pub async fn values_are_bound_in_order(db: &Database<'_>) {
    let table = db.filled_items(9).await;
    let shape = select_between(db, &table);
    for (low, high, expected) in [(3, 5, 1), (0, 10, 9), (5, 3, 0)] {
        let values = [Value::I64(low), Value::I64(high)];
        let mut rows = Rows::of([ValueType::Text, ValueType::I64]);
        db.executor().fetch(&Statement::new(&shape, &values), &mut rows).await.expect("the rows are read");
        assert_eq!(rows.rows.len(), expected, "ids between {low} and {high}");
    }
}

/// The columns are named once, before the first row.
pub async fn columns_are_named(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let shape = select_between(db, &table);
    let values = [Value::I64(0), Value::I64(10)];
    let mut rows = Rows::of([ValueType::Text, ValueType::I64]);
    db.executor().fetch(&Statement::new(&shape, &values), &mut rows).await.expect("the rows are read");
    assert_eq!(rows.rows.len(), 3);
    assert_eq!(rows.names, [["name", "id"]]);
    let shape = Shape::raw("SELECT 1 AS first, 2 AS second");
    let mut rows = Rows::of([ValueType::I64, ValueType::I64]);
    db.executor().fetch(&Statement::new(&shape, &[]), &mut rows).await.expect("the constants are read");
    assert_eq!(rows.names, [["first", "second"]]);
}

/// No rows is no error.
pub async fn no_rows_is_no_error(db: &Database<'_>) {
    let table = db.items().await;
    let shape = select_between(db, &table);
    let values = [Value::I64(0), Value::I64(10)];
    let mut rows = Rows::of([ValueType::Text, ValueType::I64]);
    db.executor().fetch(&Statement::new(&shape, &values), &mut rows).await.expect("no rows are read");
    assert!(rows.rows.is_empty());
}

/// Too few or too many values are an error, not a guess; the executor goes on.
pub async fn a_wrong_number_of_values_is_an_error(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let shape = select_between(db, &table);
    for count in [0, 1, 3] {
        let values = vec![Value::I64(2); count];
        let refused = db.executor().fetch(&Statement::new(&shape, &values), &mut NoRows).await;
        let error = refused.expect_err("a wrong number of values");
        assert!(!error.is_not_found() && !error.is_retryable(), "{count} values: {error:?}");
    }
    assert_eq!(count_all(&**db.executor(), &table).await, 3);
}

/// Text that is no statement is an error; the executor goes on.
pub async fn nonsense_is_an_error(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let shape = Shape::raw("SELEKT nothing FORM nowhere");
    let error = db.executor().fetch(&Statement::new(&shape, &[]), &mut NoRows).await.expect_err("no statement");
    assert!(!error.is_not_found() && !error.is_retryable(), "{error:?}");
    let error = db.executor().write(&Statement::new(&shape, &[]), &mut NoRows).await.expect_err("no statement");
    assert!(!error.is_not_found() && !error.may_have_executed(), "{error:?}");
    assert_eq!(count_all(&**db.executor(), &table).await, 3);
}

/// Raw writes count their rows, alone and in a transaction.
pub async fn writes_count_rows(db: &Database<'_>) {
    let table = db.filled_items(5).await;
    let shape = text(db, |dialect, out| {
        out.push_str("DELETE FROM ");
        dialect.identifier(table.name(), out);
        out.push_str(" WHERE ");
        dialect.identifier("id", out);
        out.push_str(" >= ");
        dialect.placeholder(1, out);
    });
    let write = Statement::new(&shape, &[Value::I64(4)]);
    assert_eq!(db.executor().write(&write, &mut NoRows).await.expect("rows are removed").rows, 2);
    assert_eq!(stored(&**db.executor(), &table).await, [item(1), item(2), item(3)]);
    if db.can(Capability::Transactions) {
        let options = TransactionOptions::default();
        let mut transaction = db.executor().begin(&options).await.expect("a transaction begins");
        let write = Statement::new(&shape, &[Value::I64(2)]);
        assert_eq!(transaction.write(&write, &mut NoRows).await.expect("rows are removed").rows, 2);
        transaction.rollback().await.expect("the transaction rolls back");
        assert_eq!(count_all(&**db.executor(), &table).await, 3);
    }
}
