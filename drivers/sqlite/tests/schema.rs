//! The schema: described as it is, created whole or not at all.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use support::{Folder, Users, raw, users};
use thing_driver_api::schema::{IndexPart, IndexSchema};
use thing_driver_api::{
    Column, ErrorKind, Executor, NoRows, Operation, Schema, Shape, Statement, Table, Value, ValueType,
};
use thing_driver_sqlite::SqliteExecutor;

async fn created_and_described(executor: SqliteExecutor) {
    assert_eq!(executor.describe("users").await.unwrap(), None);
    executor.create_table(&users()).await.unwrap();
    let found = executor.describe("users").await.unwrap().unwrap();
    assert_eq!(found.key, ["id"]);
    let names: Vec<_> = found.columns.iter().map(|c| (c.name.as_str(), c.nullable)).collect();
    assert_eq!(names, [("id", false), ("name", false), ("age", true)]);
    assert!(found.columns[0].is_filled() && !found.columns[1].is_filled());
    assert_eq!(found.indexes, [IndexSchema::new("users_name_unique", vec![IndexPart::column("name")], true)]);
    assert!(executor.create_table(&users()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_created_table_is_described_as_declared() {
    let folder = Folder::new();
    created_and_described(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    created_and_described(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test]
async fn a_created_table_is_described_as_declared_on_a_current_thread_runtime() {
    let folder = Folder::new();
    created_and_described(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    created_and_described(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_whose_index_fails_is_not_created() {
    let executor = SqliteExecutor::memory().await.unwrap();
    raw(&executor, "CREATE TABLE other (a)").await.unwrap();
    raw(&executor, "CREATE INDEX users_name_unique ON other (a)").await.unwrap();
    assert!(executor.create_table(&users()).await.is_err());
    assert_eq!(executor.describe("users").await.unwrap(), None);
    Users::new();
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_and_expression_indexes_are_told_from_plain_ones() {
    let executor = SqliteExecutor::memory().await.unwrap();
    for text in [
        "CREATE TABLE t (a INTEGER, b TEXT, c TEXT AS (lower(b)), UNIQUE (a, b))",
        "CREATE INDEX partial ON t (a) WHERE b IS NOT NULL",
        "CREATE INDEX expression ON t (lower(b))",
        "CREATE INDEX plain ON t (b, a)",
    ] {
        raw(&executor, text).await.unwrap();
    }
    let found = executor.describe("t").await.unwrap().unwrap();
    let indexes: Vec<_> = found.indexes.iter().map(|i| (i.columns().map(|c| c.join(" ")), i.constraint)).collect();
    let plain = |columns: &str| Some(columns.to_owned());
    assert_eq!(indexes, [(None, false), (plain("a"), false), (plain("b a"), false), (plain("a b"), true)]);
    assert_eq!(found.indexes[0].parts, [IndexPart::expression("lower(b)")]);
    assert_eq!(found.indexes[1].condition.as_deref(), Some("b IS NOT NULL"));
    assert!(!found.indexes[1].living);
    assert!(found.columns[2].is_filled(), "a generated column fills itself");
    assert!(found.key.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_are_quoted() {
    let executor = SqliteExecutor::memory().await.unwrap();
    for name in ["order", "a\"b", "select * from", "x'y", "ünï", "[b]", "`"] {
        let table = Table::builder(name)
            .column(Column::new("group", ValueType::I64))
            .column(Column::new("c\"d", ValueType::Text).default_value(Value::Text("it's".into())))
            .key(vec![0])
            .index(None, vec![1], false)
            .build()
            .unwrap();
        executor.create_table(&table).await.unwrap();
        let found = executor.describe(name).await.unwrap().unwrap();
        assert_eq!(found.columns[1].name, "c\"d");
        assert!(found.columns[1].is_filled());
        assert_eq!(found.indexes.len(), 1);
        let table = std::sync::Arc::new(table);
        let insert = Shape::new(table, Operation::Insert { columns: vec![0], returning: vec![1] });
        let mut rows = support::Rows::default();
        executor.write(&Statement::new(&insert, &[Value::I64(1)]), &mut rows).await.unwrap();
        assert_eq!(rows.rows, [[Value::Text("it's".into())]]);
        let twice = executor.write(&Statement::new(&insert, &[Value::I64(1)]), &mut NoRows).await;
        assert!(twice.unwrap_err().is_unique_violation());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn declared_defaults_are_what_was_declared() {
    let executor = SqliteExecutor::memory().await.unwrap();
    let defaults = [
        (ValueType::Bool, Value::Bool(true)),
        (ValueType::I64, Value::I64(i64::MIN)),
        (ValueType::I32, Value::I64(-5)),
        (ValueType::F64, Value::F64(0.1)),
        (ValueType::F64, Value::F64(f64::NEG_INFINITY)),
        (ValueType::F64, Value::F64(-1e300)),
        (ValueType::Text, Value::Text("a'b".into())),
        (ValueType::Bytes, Value::Bytes(vec![0, 255].into())),
        (ValueType::Uuid, Value::Uuid([9; 16])),
        (ValueType::Timestamp, Value::Timestamp(-1)),
        (ValueType::Date, Value::Date(-1)),
        (ValueType::Time, Value::Time(1)),
        (ValueType::Json, Value::Json("{}".into())),
    ];
    let mut table = Table::builder("t").column(Column::new("id", ValueType::I64));
    for (at, (value_type, value)) in defaults.iter().enumerate() {
        table = table.column(Column::new(format!("c{at}"), *value_type).default_value(value.clone()));
    }
    let table = std::sync::Arc::new(table.key(vec![0]).build().unwrap());
    executor.create_table(&table).await.unwrap();
    let insert = Shape::new(table, Operation::Insert { columns: vec![0], returning: (1..=defaults.len()).collect() });
    let types: Vec<_> = defaults.iter().map(|(value_type, _)| *value_type).collect();
    let mut rows = support::Rows::of(&types);
    executor.write(&Statement::new(&insert, &[Value::I64(1)]), &mut rows).await.unwrap();
    let expected: Vec<_> = defaults.into_iter().map(|(_, value)| value).collect();
    assert_eq!(rows.rows, [expected]);
    let zero_byte = Table::builder("z")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("text", ValueType::Text).default_value(Value::Text("a\0".into())))
        .key(vec![0])
        .build()
        .unwrap();
    let error = executor.create_table(&zero_byte).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
}

#[tokio::test(flavor = "multi_thread")]
async fn defaults_that_mean_what_a_model_declares_do_not_differ() {
    let (decimal, blob) = (Value::Decimal("9.9".parse().unwrap()), Value::Bytes(vec![171].into()));
    let declared = [
        ("BOOLEAN", ValueType::Bool, Value::Bool(true), "1 | TRUE | (true) | +1"),
        ("INTEGER", ValueType::I64, Value::I64(-5), "-5 | ((-5)) | '-5' | -5.0"),
        ("BIGINT", ValueType::I64, Value::I64(5), "5 | (5) | \"5\""),
        ("REAL", ValueType::F64, Value::F64(5.0), "5 | 5.0 | 5e0 | '5'"),
        ("DOUBLE PRECISION", ValueType::F64, Value::F64(0.25), "0.25 | .25 | 2.5e-1"),
        ("TEXT", ValueType::Text, Value::Text("a".into()), "'a' | \"a\" | [a] | a | ('a')"),
        ("TEXT", ValueType::Text, Value::Text("2.5".into()), "'2.5' | 2.50 | (2.5)"),
        ("JSON_TEXT", ValueType::Json, Value::Json("{}".into()), "'{}' | \"{}\""),
        ("DECIMAL_TEXT COLLATE decimal", ValueType::Decimal, decimal, "'9.9' | 9.90 | '9.90'"),
        ("BLOB", ValueType::Bytes, blob, "x'ab' | X'AB'"),
    ];
    for (column_type, value_type, value, defaults) in declared {
        for default in defaults.split(" | ") {
            let executor = SqliteExecutor::memory().await.unwrap();
            let text = format!("CREATE TABLE t (id INTEGER PRIMARY KEY, c {column_type} DEFAULT {default})");
            raw(&executor, &text).await.unwrap();
            let column = Column::new("c", value_type).nullable(true).default_value(value.clone());
            let table = Table::builder("t").column(Column::new("id", ValueType::I64)).column(column).key(vec![0]);
            let wanted = executor.wanted(&table.build().unwrap()).unwrap().columns.remove(1).default.unwrap();
            let found = executor.describe("t").await.unwrap().unwrap();
            assert_eq!(found.columns[1].default.as_deref(), Some(wanted.as_str()), "{text}");
            raw(&executor, "INSERT INTO t (id) VALUES (1)").await.unwrap();
            raw(&executor, &format!("INSERT INTO t VALUES (2, {wanted})")).await.unwrap();
            let mut rows = support::Rows::default();
            let different = Shape::raw("SELECT count(DISTINCT typeof(c) || c) FROM t");
            executor.fetch(&Statement::new(&different, &[]), &mut rows).await.unwrap();
            // Decimals are compared as numbers.
            let same = default == "'9.90'" || rows.rows == [[Value::I64(1)]];
            assert!(same, "the database stores another value: {text}");
        }
    }
}
