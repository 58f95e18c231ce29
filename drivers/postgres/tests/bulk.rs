//! Bulk: many inserts as one transaction, by COPY where it does the same.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::collections::HashMap;
use std::sync::Arc;

use support::{Place, Users, query, raw};
use thing_driver_api::{
    Column, ConstraintKind, ErrorKind, Executor, Key, ListItem, NoRows, Operation, Shape, Statement, Table, Value,
    ValueType, Written,
};

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("user {n}")).collect()
}

/// Each key belongs to the row of its place.
async fn assert_keys(place: &Place, users: &Users, names: &[String], written: &[Written]) {
    let keys: Vec<i64> = written.iter().map(|written| written.generated_key.unwrap()).collect();
    let rows = users.get(&place.executor, &keys).await.unwrap().rows;
    let stored: HashMap<String, Value<'_>> =
        rows.into_iter().map(|mut row| (format!("{:?}", row[1]), row.swap_remove(0))).collect();
    assert_eq!(stored.len(), names.len());
    for (name, key) in names.iter().zip(keys) {
        assert_eq!(stored[&format!("{:?}", Value::Text(name.as_str().into()))], Value::I64(key), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_rows_are_copied_and_their_keys_are_exact() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    users.add(&place.executor, "before").await.unwrap();
    let names = names(10_000);
    let written = users.add_many(&place.executor, &names).await.unwrap();
    assert_eq!(place.executor.statistics().copied_rows, 10_000);
    assert_keys(&place, &users, &names, &written).await;
    let after = users.add(&place.executor, "after").await.unwrap();
    assert!(after.generated_key > written.last().unwrap().generated_key, "the sequence went on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_rows_are_copied() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    let written = users.add_many(&place.executor, &names(100_000)).await.unwrap();
    assert_eq!(written.len(), 100_000);
    assert_eq!(users.count(&place.executor).await, 100_000);
    assert_eq!(place.executor.statistics().copied_rows, 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_with_keys_of_their_own_are_copied() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    let values: Vec<_> =
        (0..500).map(|n| [Value::I64(n * 2), Value::Text(format!("{n}").into()), Value::Null]).collect();
    let statements: Vec<_> = values.iter().map(|values| Statement::new(&users.insert_with_id, values)).collect();
    let written = place.executor.write_atomic(&statements).await.unwrap();
    assert_eq!(written, vec![Written::new(1); 500]);
    assert_eq!(place.executor.statistics().copied_rows, 500);
    let found = users.get(&place.executor, &[998]).await.unwrap();
    assert_eq!(found.rows, [[Value::I64(998), Value::Text("499".into()), Value::Null]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_with_lists_are_copied() {
    let place = Place::new().await;
    let table = Table::builder("lists")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("tags", ValueType::List(ListItem::Text)))
        .key([0])
        .build()
        .unwrap();
    place.executor.schema().unwrap().create_table(&table).await.unwrap();
    let insert = Operation::Insert { columns: vec![0, 1], returning: Vec::new() };
    let insert = Arc::new(Shape::new(Arc::new(table), insert));
    let rows: Vec<_> = (0..200).map(|n| [Value::I64(n), Value::Json(format!("[\"tag {n}\", \"\"]").into())]).collect();
    let statements: Vec<_> = rows.iter().map(|values| Statement::new(&insert, values)).collect();
    place.executor.write_atomic(&statements).await.unwrap();
    assert_eq!(place.executor.statistics().copied_rows, 200);
    let found = query(&place.executor, "SELECT tags::text FROM lists WHERE id = 199", &[]).await.unwrap();
    assert_eq!(found.rows, [[Value::Text("{\"tag 199\",\"\"}".into())]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_row_that_fails_is_told() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    users.add(&place.executor, "taken").await.unwrap();
    for failing in [0, 137, 999] {
        let mut names = names(1000);
        names[failing] = "taken".into();
        let (index, error) = users.add_many(&place.executor, &names).await.unwrap_err();
        assert_eq!(index, failing, "{error}");
        let constraint = error.constraint().unwrap();
        assert_eq!(
            (constraint.kind, constraint.columns.as_slice()),
            (ConstraintKind::Unique, &["name".to_owned()][..])
        );
        assert!(!error.to_string().contains("taken"), "{error}");
        names[failing] = "a\0b".into();
        let (index, error) = users.add_many(&place.executor, &names).await.unwrap_err();
        assert_eq!(index, failing, "{error}");
        assert_eq!(*error.kind(), ErrorKind::InvalidData { column: Some("name".into()) });
    }
    assert_eq!(users.count(&place.executor).await, 1, "nothing was kept");
    users.add_many(&place.executor, &names(1000)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_can_not_be_sent_keeps_the_rest_out() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    for (count, failing) in [(10, 3), (100, 99), (400, 300)] {
        let mut names = names(count);
        names[failing] = "a\0b".into();
        let (index, error) = users.add_many(&place.executor, &names).await.unwrap_err();
        assert_eq!(
            (index, error.kind()),
            (failing, &ErrorKind::InvalidData { column: Some("name".into()) }),
            "{error}"
        );
        assert_eq!(users.count(&place.executor).await, 0, "no part was committed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_to_which_copy_does_something_else_are_not_copied_to() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    place
        .run(
            "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN NEW.id := NEW.id + 1000000; RETURN NEW; END'; \
             CREATE TRIGGER shout BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION shout()",
        )
        .await;
    let names = names(300);
    let written = users.add_many(&place.executor, &names).await.unwrap();
    assert_eq!(place.executor.statistics().copied_rows, 0);
    assert!(written[0].generated_key.unwrap() > 1_000_000, "the key that the trigger made");
    assert_keys(&place, &users, &names, &written).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn serial_and_small_keys_are_copied_and_others_are_not() {
    for (key, copied) in [
        ("serial", 200),
        ("smallserial", 200),
        ("bigint GENERATED ALWAYS AS IDENTITY", 200),
        ("bigint DEFAULT (random() * 1e15)::bigint", 0),
    ] {
        let place = Place::new().await;
        place.run(&format!("CREATE TABLE users (id {key} PRIMARY KEY, name text UNIQUE, age int)")).await;
        let users = Users::new();
        let names = names(200);
        let written = users.add_many(&place.executor, &names).await.unwrap();
        assert_eq!(place.executor.statistics().copied_rows, copied, "{key}");
        assert_keys(&place, &users, &names, &written).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn different_statements_and_runs_keep_their_order() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    let rows: Vec<_> = (1..=400).map(|n| [Value::I64(n), Value::Text(format!("{n}").into()), Value::I64(0)]).collect();
    let (age, key) = ([Value::I64(7), Value::I64(1)], [Value::I64(2)]);
    let mut statements: Vec<_> =
        rows[..200].iter().map(|values| Statement::new(&users.insert_with_id, values)).collect();
    statements.push(Statement::new(&users.set_age, &age));
    statements.push(Statement::new(&users.delete, &key));
    statements.extend(rows[200..].iter().map(|values| Statement::new(&users.insert_with_id, values)));
    let written = place.executor.write_atomic(&statements).await.unwrap();
    assert!(written.iter().all(|written| written.rows == 1));
    assert_eq!(place.executor.statistics().copied_rows, 400);
    let seen = query(&place.executor, "SELECT count(*), max(age) FROM users", &[]).await.unwrap().rows;
    assert_eq!(seen, [[Value::I64(399), Value::I64(7)]]);
    statements[200] = Statement::new(&users.insert_with_id, &rows[0]);
    raw(&place.executor, "DELETE FROM users").await.unwrap();
    let (index, _) = place.executor.write_atomic(&statements).await.unwrap_err();
    assert_eq!(index, 200);
    assert_eq!(users.count(&place.executor).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_constraint_fails_the_commit() {
    let place = Place::new().await;
    place
        .run("CREATE TABLE users (id bigint PRIMARY KEY, name text UNIQUE DEFERRABLE INITIALLY DEFERRED, age int)")
        .await;
    let users = Users::new();
    let rows: Vec<_> = (0..3).map(|n| [Value::I64(n), Value::Text("same".into()), Value::Null]).collect();
    let statements: Vec<_> = rows.iter().map(|values| Statement::new(&users.insert_with_id, values)).collect();
    let (index, error) = place.executor.write_atomic(&statements).await.unwrap_err();
    assert_eq!(index, 3, "the commit failed");
    assert_eq!(error.constraint().unwrap().kind, ConstraintKind::Unique);
    assert!(!error.may_have_executed());
    assert_eq!(users.count(&place.executor).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_keys_than_a_statement_takes_are_read() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    users.add_many(&place.executor, &names(40_000)).await.unwrap();
    let keys: Vec<Key> = (1..=50_000).map(Key::Int).collect();
    let mut rows = support::Rows::of(&[ValueType::I64]);
    place.executor.get_many(&users.get, &keys, &mut rows).await.unwrap();
    assert_eq!((rows.rows.len(), rows.restarts), (40_000, 0));
    let mut rows = support::Rows::of(&[ValueType::I64]).stop_after(5);
    place.executor.get_many(&users.get, &keys, &mut rows).await.unwrap();
    assert_eq!(rows.rows.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_exact_while_others_take_keys_too() {
    let place = Place::new().await;
    let users = std::sync::Arc::new(Users::create(&place.executor).await);
    place.run("ALTER TABLE users ALTER id SET INCREMENT BY 3").await;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..4 {
        let (executor, users) = (place.executor.clone(), users.clone());
        tasks.spawn(async move {
            let names: Vec<String> = (0..3000).map(|n| format!("{task}/{n}")).collect();
            let written = users.add_many(&executor, &names).await.unwrap();
            (names, written)
        });
        let (executor, users) = (place.executor.clone(), Users::new());
        tasks.spawn(async move {
            for n in 0..100 {
                users.add(&executor, &format!("single {task}/{n}")).await.unwrap();
            }
            (Vec::new(), Vec::new())
        });
    }
    for (names, written) in tasks.join_all().await {
        assert_keys(&place, &users, &names, &written).await;
    }
    assert_eq!(place.executor.statistics().copied_rows, 12_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_became_wider_takes_its_values_at_once() {
    let place = Place::new().await;
    let table = Table::builder("sizes")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("size", ValueType::I16))
        .key([0])
        .build()
        .unwrap();
    place.executor.schema().unwrap().create_table(&table).await.unwrap();
    let insert = Operation::Insert { columns: vec![0, 1], returning: Vec::new() };
    let insert = Arc::new(Shape::new(Arc::new(table), insert));
    let rows = async |first: i64, count: i64, size: i64| {
        let rows: Vec<_> = (first..first + count).map(|id| [Value::I64(id), Value::I64(size)]).collect();
        let statements: Vec<_> = rows.iter().map(|values| Statement::new(&insert, values)).collect();
        place.executor.write_atomic(&statements).await.map_err(|(_, error)| error)
    };
    let beyond = i64::MAX;
    let row = async |id: i64| {
        let values = [Value::I64(id), Value::I64(beyond)];
        place.executor.write(&Statement::new(&insert, &values), &mut NoRows).await
    };
    rows(0, 200, 1).await.unwrap();
    assert_eq!(*row(1000).await.unwrap_err().kind(), ErrorKind::InvalidData { column: Some("size".into()) });
    place.run("ALTER TABLE sizes ALTER COLUMN size TYPE bigint").await;
    rows(1000, 200, beyond).await.unwrap();
    row(2000).await.unwrap();
    rows(3000, 2, beyond).await.unwrap();
    let count = query(&place.executor, "SELECT count(*) FROM sizes WHERE size > 1", &[]).await.unwrap();
    assert_eq!(count.rows, [[Value::I64(203)]]);
}
