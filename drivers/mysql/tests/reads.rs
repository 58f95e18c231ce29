//! Reads: by key in parts, more statements than are kept, values that are many.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use support::{Fresh, Rows, Users, one, query, raw};
use thing_driver_api::{Column, Executor, Key, NoRows, Operation, Schema, Shape, Statement, Table, Value, ValueType};

#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_keys_is_read_each_row_once() {
    let fresh = Fresh::new().await;
    let users = Users::create(&fresh.executor).await;
    let values: Vec<_> = (0..2000).map(|n| [Value::Text(format!("u{n}").into()), Value::I64(n)]).collect();
    let statements: Vec<_> = values.iter().map(|values| Statement::new(&users.insert, values)).collect();
    fresh.executor.write_atomic(&statements).await.unwrap();
    for count in [1, 2, 3, 511, 512, 513, 1025, 2000] {
        let keys: Vec<i64> = (1..=count).collect();
        let mut ages = users.ages(&fresh.executor, &keys).await;
        ages.sort_by_key(|(id, _)| *id);
        let expected: Vec<_> = keys.iter().map(|&id| (id, Value::I64(id - 1))).collect();
        assert_eq!(ages, expected, "{count} keys");
    }
    assert!(users.ages(&fresh.executor, &[]).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn composite_keys_are_read_in_parts() {
    let fresh = Fresh::new().await;
    let table = Table::builder("t")
        .column(Column::new("a", ValueType::I64))
        .column(Column::new("b", ValueType::Text))
        .column(Column::new("c", ValueType::Uuid))
        .key([2, 0, 1])
        .build()
        .unwrap();
    fresh.executor.create_table(&table).await.unwrap();
    let table = std::sync::Arc::new(table);
    let insert = Shape::new(table.clone(), Operation::Insert { columns: vec![0, 1, 2], returning: vec![] });
    let values: Vec<_> =
        (0..400).map(|n| [Value::I64(n), Value::Text(format!("b{n}").into()), Value::Uuid([n as u8; 16])]).collect();
    let statements: Vec<_> = values.iter().map(|values| Statement::new(&insert, values)).collect();
    fresh.executor.write_atomic(&statements).await.unwrap();
    let keys: Vec<Key> = values
        .iter()
        .map(|values| Key::from_values(&[values[2].clone(), values[0].clone(), values[1].clone()]).unwrap())
        .collect();
    let mut rows = Rows::of(&[ValueType::I64, ValueType::Text, ValueType::Uuid]);
    fresh.executor.get_many(&Shape::new(table, Operation::GetMany), &keys, &mut rows).await.unwrap();
    assert_eq!(rows.rows.len(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_beyond_those_that_are_kept_are_closed() {
    let fresh = Fresh::with(|config| config.statement_cache(10).max_connections(1)).await;
    for round in 0..2 {
        for n in 0..50 {
            assert_eq!(one(&fresh.executor, &format!("SELECT {n}")).await, Value::I64(n), "round {round}");
        }
    }
    let closed = query(&fresh.executor, "SHOW SESSION STATUS LIKE 'Com_stmt_close'", &[]).await.unwrap().rows;
    let Value::Text(closed) = &closed[0][1] else { panic!("a status is text") };
    assert!(closed.parse::<u32>().unwrap() >= 80, "{closed} of 100 statements were closed");
}

#[tokio::test]
async fn a_table_that_changed_is_read_with_statements_of_before() {
    let fresh = Fresh::with(|config| config.max_connections(1)).await;
    let users = Users::create(&fresh.executor).await;
    users.add(&fresh.executor, "a").await.unwrap();
    for change in ["ADD extra INT FIRST", "DROP extra", "MODIFY name VARCHAR(100) NOT NULL", "ADD INDEX (age)"] {
        assert_eq!(users.ages(&fresh.executor, &[1]).await, [(1, Value::I64(1))]);
        raw(&fresh.executor, &format!("ALTER TABLE users {change}")).await.unwrap();
        assert_eq!(users.ages(&fresh.executor, &[1]).await, [(1, Value::I64(1))], "{change}");
        let all = query(&fresh.executor, "SELECT * FROM users", &[]).await.unwrap();
        assert_eq!(all.rows[0].len(), all.names.unwrap().len(), "{change}");
    }
}

#[tokio::test]
async fn more_values_than_a_statement_takes_are_refused() {
    let fresh = Fresh::new().await;
    let marks = vec!["?"; 65_536].join(",");
    let values = vec![Value::I64(1); 65_536];
    let text = format!("SELECT 1 WHERE 1 IN ({marks})");
    let error = query(&fresh.executor, &text, &values).await.unwrap_err();
    assert!(!error.is_not_found() && !error.is_retryable(), "{error:?}");
    let marks = vec!["?"; 65_535].join(",");
    let rows = query(&fresh.executor, &format!("SELECT 1 WHERE 1 IN ({marks})"), &values[1..]).await.unwrap();
    assert_eq!(rows.rows, [[Value::I64(1)]]);
}

#[tokio::test]
async fn the_first_result_of_a_procedure_is_read() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE PROCEDURE two() BEGIN SELECT 1 AS a; SELECT 2 AS b; END").await.unwrap();
    for _ in 0..3 {
        let rows = query(&fresh.executor, "CALL two()", &[]).await.unwrap();
        assert_eq!(rows.rows, [[Value::I64(1)]]);
        assert_eq!(rows.names.unwrap(), ["a"]);
    }
    assert_eq!(one(&fresh.executor, "SELECT 3").await, Value::I64(3));
}

#[tokio::test]
async fn a_statement_that_cannot_be_prepared_is_sent_as_text() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE t (id INT)").await.unwrap();
    raw(&fresh.executor, "CREATE TRIGGER plus BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id + 1").await.unwrap();
    raw(&fresh.executor, "INSERT INTO t VALUES (1)").await.unwrap();
    assert_eq!(one(&fresh.executor, "SELECT id FROM t").await, Value::I64(2));
}

#[tokio::test]
async fn names_with_question_marks_and_colons_are_names() {
    let fresh = Fresh::new().await;
    let table = Table::builder("what?")
        .column(Column::new(":id", ValueType::I64))
        .column(Column::new("a?:b`?", ValueType::I64).nullable(true))
        .key([0])
        .build()
        .unwrap();
    fresh.executor.create_table(&table).await.unwrap();
    let table = std::sync::Arc::new(table);
    let insert = Shape::new(table.clone(), Operation::Insert { columns: vec![0, 1], returning: vec![] });
    fresh.executor.write(&Statement::new(&insert, &[Value::I64(1), Value::I64(2)]), &mut NoRows).await.unwrap();
    let mut rows = Rows::of(&[ValueType::I64, ValueType::I64]);
    fresh.executor.get_many(&Shape::new(table, Operation::GetMany), &[Key::Int(1)], &mut rows).await.unwrap();
    assert_eq!(rows.rows, [[Value::I64(1), Value::I64(2)]]);
}
