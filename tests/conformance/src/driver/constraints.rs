//! Constraints: a refused write says which sort of constraint refused it, and had no effect.

use thing_driver_api::{Column, Constraint, ConstraintKind, Error, Value, ValueType};

use super::Database;
use super::database::item;
use super::statements::{equals, insert, stored, update, write};

fn constraint(refused: Result<thing_driver_api::Written, Error>, kind: ConstraintKind) -> Constraint {
    let error = refused.expect_err("the write is refused");
    assert!(!error.may_have_executed() && !error.is_not_found(), "{error:?}");
    let constraint = error.constraint().unwrap_or_else(|| panic!("a constraint is named: {error:?}"));
    assert_eq!(constraint.kind, kind, "{error:?}");
    assert!(!error.to_string().contains("4711"), "messages hold no values: {error}");
    constraint.clone()
}

/// Where the database says table and columns, they are the right ones.
fn assert_on(constraint: &Constraint, table: &str, columns: &[&str]) {
    if let Some(found) = &constraint.table {
        assert_eq!(found, table);
    }
    if !constraint.columns.is_empty() {
        assert_eq!(constraint.columns, columns);
    }
}

/// A key that exists.
pub async fn primary_key(db: &Database<'_>) {
    let table = db.items().await;
    write(&**db.executor(), &insert(&table), &item(4711)).await.expect("the first is added");
    let refused = write(&**db.executor(), &insert(&table), &item(4711)).await;
    let constraint = constraint(refused, ConstraintKind::PrimaryKey);
    assert_on(&constraint, table.name(), &["id"]);
    assert_eq!(stored(&**db.executor(), &table).await, [item(4711)]);
}

/// A key of several columns that exists.
pub async fn composite_primary_key(db: &Database<'_>) {
    let table = db
        .table("seats")
        .column(Column::new("hall", ValueType::I32))
        .column(Column::new("seat", ValueType::I32))
        .key([0, 1]);
    let table = db.create(table).await;
    let row = |seat| [Value::I64(1), Value::I64(seat)];
    for seat in [4711, 4712] {
        write(&**db.executor(), &insert(&table), &row(seat)).await.expect("another seat is free");
    }
    let refused = write(&**db.executor(), &insert(&table), &row(4711)).await;
    assert_on(&constraint(refused, ConstraintKind::PrimaryKey), table.name(), &["hall", "seat"]);
}

/// A unique column, on insert and on update.
pub async fn unique(db: &Database<'_>) {
    let table = db
        .table("users")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("email", ValueType::Text))
        .key([0])
        .index(None, [1], true);
    let table = db.create(table).await;
    let row = |id: i64, email: &'static str| [Value::I64(id), Value::Text(email.into())];
    write(&**db.executor(), &insert(&table), &row(1, "a4711")).await.expect("the first is added");
    write(&**db.executor(), &insert(&table), &row(2, "b4711")).await.expect("another is added");
    let refused = write(&**db.executor(), &insert(&table), &row(3, "a4711")).await;
    assert_on(&constraint(refused, ConstraintKind::Unique), table.name(), &["email"]);
    let shape = update(&table, vec![1], equals(0, 1), Vec::new());
    let refused = write(&**db.executor(), &shape, &[Value::Text("a4711".into()), Value::I64(2)]).await;
    assert_on(&constraint(refused, ConstraintKind::Unique), table.name(), &["email"]);
    assert_eq!(stored(&**db.executor(), &table).await, [row(1, "a4711"), row(2, "b4711")]);
}

/// A unique index over several columns; NULLs in it are no duplicates.
pub async fn composite_unique(db: &Database<'_>) {
    let table = db
        .table("slots")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("day", ValueType::Date))
        .column(Column::new("room", ValueType::I32).nullable(true))
        .key([0])
        .index(Some(&db.name("booked")), [1, 2], true);
    let table = db.create(table).await;
    let row = |id: i64, room: Value<'static>| [Value::I64(id), Value::Date(19_000), room];
    for (id, room) in [(1, Value::I64(1)), (2, Value::I64(2)), (3, Value::Null), (4, Value::Null)] {
        write(&**db.executor(), &insert(&table), &row(id, room)).await.expect("no duplicate");
    }
    let refused = write(&**db.executor(), &insert(&table), &row(5, Value::I64(2))).await;
    assert_on(&constraint(refused, ConstraintKind::Unique), table.name(), &["day", "room"]);
}

/// NULL where there must be a value, on insert and on update.
pub async fn not_null(db: &Database<'_>) {
    let table = db.filled_items(1).await;
    let row = [Value::I64(4711), Value::Null, Value::Null];
    let refused = write(&**db.executor(), &insert(&table), &row).await;
    assert_on(&constraint(refused, ConstraintKind::NotNull), table.name(), &["name"]);
    let shape = update(&table, vec![1], equals(0, 1), Vec::new());
    let refused = write(&**db.executor(), &shape, &[Value::Null, Value::I64(1)]).await;
    assert_on(&constraint(refused, ConstraintKind::NotNull), table.name(), &["name"]);
    assert_eq!(stored(&**db.executor(), &table).await, [item(1)]);
}

/// A unique index of a table that marks deleted rows counts the others only, whatever marks them.
pub async fn unique_among_living_rows(db: &Database<'_>) {
    for (suffix, value_type, mark) in
        [("stamped", ValueType::Timestamp, Value::Timestamp(1)), ("flagged", ValueType::Bool, Value::Bool(true))]
    {
        let flagged = value_type == ValueType::Bool;
        let table = db
            .table(suffix)
            .column(Column::new("id", ValueType::I64))
            .column(Column::new("email", ValueType::Text))
            .column(Column::new("deleted", value_type).nullable(!flagged))
            .key([0])
            .deleted(2)
            .index(None, [1], true);
        let table = db.create(table).await;
        let living = if flagged { Value::Bool(false) } else { Value::Null };
        let row = |id: i64, mark: &Value<'static>| [Value::I64(id), Value::Text("a4711".into()), mark.clone()];
        for (id, mark) in [(1, &mark), (2, &mark), (3, &living)] {
            write(&**db.executor(), &insert(&table), &row(id, mark))
                .await
                .expect("one living row is no other's double");
        }
        let refused = write(&**db.executor(), &insert(&table), &row(4, &living)).await;
        assert_on(&constraint(refused, ConstraintKind::Unique), table.name(), &["email"]);
        let change = update(&table, vec![2], equals(0, 1), Vec::new());
        let refused = write(&**db.executor(), &change, &[living.clone(), Value::I64(1)]).await;
        assert_on(&constraint(refused, ConstraintKind::Unique), table.name(), &["email"]);
        write(&**db.executor(), &change, &[mark.clone(), Value::I64(3)]).await.expect("the living row is deleted");
        write(&**db.executor(), &change, &[living.clone(), Value::I64(1)]).await.expect("another is restored");
        if let Some(schema) = db.executor().schema() {
            let existing = schema.describe(table.name()).await.expect("the table is described").expect("it is there");
            let index = existing.indexes.first().expect("it has an index");
            assert!(index.unique && index.living, "{index:?}");
            assert_eq!((existing.columns.len(), index.columns()), (3, Some(vec!["email"])));
        }
    }
}
