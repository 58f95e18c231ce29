//! Values: exact on the way in and out, or refused.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::sync::Arc;

use support::{Folder, Rows, by_id, raw};
use thing_driver_api::{
    Column, Condition, ErrorKind, Executor, Operation, Schema, Shape, Statement, Table, Value, ValueType,
};
use thing_driver_sqlite::SqliteExecutor;

fn everything() -> Arc<Table> {
    let types = [
        ValueType::Bool,
        ValueType::I16,
        ValueType::I32,
        ValueType::I64,
        ValueType::F32,
        ValueType::F64,
        ValueType::Text,
        ValueType::Bytes,
        ValueType::Uuid,
        ValueType::Timestamp,
        ValueType::Date,
        ValueType::Time,
        ValueType::Json,
    ];
    let mut table = Table::builder("everything").column(Column::new("id", ValueType::I64));
    for (at, value_type) in types.into_iter().enumerate() {
        table = table.column(Column::new(format!("c{at}"), value_type).nullable(true));
    }
    Arc::new(table.key(vec![0]).build().unwrap())
}

async fn round_trips(executor: SqliteExecutor) {
    let table = everything();
    executor.create_table(&table).await.unwrap();
    let types: Vec<_> = table.columns().iter().map(|c| c.value_type).collect();
    let described = executor.describe("everything").await.unwrap().unwrap();
    for (column, existing) in table.columns().iter().zip(&described.columns) {
        assert!(existing.holds.contains(&column.value_type), "{existing:?}");
        assert_eq!(existing.nullable, column.nullable);
    }
    let cases: Vec<(usize, Vec<Value<'static>>)> = vec![
        (1, vec![Value::Bool(true), Value::Bool(false)]),
        (2, [i64::from(i16::MIN), i64::from(i16::MAX)].map(Value::I64).to_vec()),
        (3, [i64::from(i32::MIN), i64::from(i32::MAX)].map(Value::I64).to_vec()),
        (4, [i64::MIN, i64::MAX, 0, 1 << 53, (1 << 53) + 1].map(Value::I64).to_vec()),
        (
            5,
            [f64::from(f32::MIN), f64::from(f32::MAX), f64::from(f32::MIN_POSITIVE), f64::from(0.1f32)]
                .map(Value::F64)
                .to_vec(),
        ),
        (
            6,
            [
                0.0,
                1.0,
                1e15,
                1e300,
                f64::MIN,
                f64::MAX,
                f64::MIN_POSITIVE,
                5e-324,
                0.1,
                f64::INFINITY,
                f64::NEG_INFINITY,
            ]
            .map(Value::F64)
            .to_vec(),
        ),
        (7, ["", "a\0b", "\0", "🦀 ß \u{10FFFF}", "123", "1e5", " 7 "].map(|v| Value::Text(v.into())).to_vec()),
        (8, [&b""[..], b"\0", &[0xFF; 300], b"123"].map(|v| Value::Bytes(v.to_vec().into())).to_vec()),
        (9, [[0; 16], [0xFF; 16], *b"0123456789abcdef"].map(Value::Uuid).to_vec()),
        (10, [i64::MIN, i64::MAX, -1, 0].map(Value::Timestamp).to_vec()),
        (11, [i32::MIN, i32::MAX, -1, 0].map(Value::Date).to_vec()),
        (12, [0, 86_399_999_999].map(Value::Time).to_vec()),
        (13, ["null", "{\"a\":[1,2.50]}", "\"\\u0000\""].map(|v| Value::Json(v.into())).to_vec()),
    ];
    let mut id = 0;
    for (column, values) in cases {
        let insert = Shape::new(table.clone(), Operation::Insert { columns: vec![0, column], returning: vec![column] });
        for value in values.into_iter().chain([Value::Null]) {
            id += 1;
            let mut returned = Rows::of(&types[column..=column]);
            executor.write(&Statement::new(&insert, &[Value::I64(id), value.clone()]), &mut returned).await.unwrap();
            assert_eq!(returned.rows, [[value.clone()]]);
            let mut rows = Rows::of(&types);
            let get = Shape::new(table.clone(), Operation::GetMany);
            executor.get_many(&get, &[thing_driver_api::Key::Int(id)], &mut rows).await.unwrap();
            assert_eq!(rows.rows[0][column], value, "column {column}");
            // An equality finds it, too.
            if !value.is_null() {
                let found = support::select(
                    &table,
                    Condition::And(vec![by_id(0), Condition::Same { column, slot: thing_driver_api::Slot(1) }]),
                );
                let mut rows = Rows::of(&types);
                executor.fetch(&Statement::new(&found, &[Value::I64(id), value.clone()]), &mut rows).await.unwrap();
                assert_eq!(rows.rows.len(), 1, "{value:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_comes_back_as_it_went() {
    let folder = Folder::new();
    round_trips(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
}

#[tokio::test]
async fn every_type_comes_back_as_it_went_on_a_current_thread_runtime() {
    round_trips(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sqlite_would_change_is_refused() {
    let executor = SqliteExecutor::memory().await.unwrap();
    raw(&executor, "CREATE TABLE t (a)").await.unwrap();
    let nan = support::raw_with(&executor, "INSERT INTO t VALUES (?1)", &[Value::F64(f64::NAN)]).await;
    assert_eq!(*nan.unwrap_err().kind(), ErrorKind::InvalidData { column: None });
    raw(&executor, "INSERT INTO t VALUES ('text')").await.unwrap();
    for expected in [
        ValueType::Bool,
        ValueType::I64,
        ValueType::F64,
        ValueType::Bytes,
        ValueType::Uuid,
        ValueType::Timestamp,
        ValueType::Date,
        ValueType::Time,
    ] {
        let mut rows = Rows::of(&[expected]);
        let error = executor.fetch(&Statement::new(&Shape::raw("SELECT a FROM t"), &[]), &mut rows).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidData { column: None });
        assert!(error.message().contains("column 0 holds text"), "{error}");
    }
}
