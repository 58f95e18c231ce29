//! Values: in columns of the driver's own types, and of others.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::sync::Arc;

use support::{Fresh, Rows, one, query, raw, raw_with};
use thing_driver_api::{
    Column, Comparison, Condition, Decimal, ErrorKind, Executor, NoRows, Operand, Operation, Row, Schema, Shape, Slot,
    Statement, Table, Value, ValueType,
};

fn kinds_of(error: &thing_driver_api::Error) -> (bool, Option<String>) {
    match error.kind() {
        ErrorKind::InvalidData { column } => (true, column.clone()),
        _ => (false, None),
    }
}

async fn table_of(fresh: &Fresh, value_type: ValueType) -> Arc<Table> {
    let table = Table::builder("t")
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("value", value_type).nullable(true))
        .key([0])
        .build()
        .unwrap();
    fresh.executor.create_table(&table).await.unwrap();
    Arc::new(table)
}

#[tokio::test]
async fn what_the_servers_cannot_store_is_refused_before_it_is_sent() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE t (a TEXT)").await.unwrap();
    let year_999 = -354_286;
    let values = [
        Value::F64(f64::NAN),
        Value::F64(f64::INFINITY),
        Value::Date(year_999),
        Value::Date(i32::MAX),
        Value::Timestamp(i64::MAX),
        Value::Timestamp(i64::from(year_999) * 86_400_000_000),
        Value::Time(-1),
        Value::Time(86_400_000_000),
    ];
    for value in values {
        let error = raw_with(&fresh.executor, "INSERT INTO t VALUES (?)", &[value]).await.unwrap_err();
        assert!(kinds_of(&error).0, "{error:?}");
    }
    assert_eq!(one(&fresh.executor, "SELECT COUNT(*) FROM t").await, Value::I64(0));
}

#[tokio::test]
async fn unsigned_integers_are_read_as_far_as_they_go() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE t (small INT UNSIGNED, large BIGINT UNSIGNED)").await.unwrap();
    raw(&fresh.executor, "INSERT INTO t VALUES (4294967295, 9223372036854775807)").await.unwrap();
    let mut rows = Rows::of(&[ValueType::I64, ValueType::I64]);
    let all = Shape::raw("SELECT * FROM t");
    fresh.executor.fetch(&Statement::new(&all, &[]), &mut rows).await.unwrap();
    assert_eq!(rows.rows, [[Value::I64(4_294_967_295), Value::I64(i64::MAX)]]);
    raw(&fresh.executor, "UPDATE t SET large = 18446744073709551615").await.unwrap();
    let mut rows = Rows::of(&[ValueType::I64, ValueType::I64]);
    let error = fresh.executor.fetch(&Statement::new(&all, &[]), &mut rows).await.unwrap_err();
    assert_eq!(kinds_of(&error), (true, Some("large".to_owned())), "{error:?}");
    let exact: Decimal = "18446744073709551615".parse().unwrap();
    assert_eq!(one(&fresh.executor, "SELECT large FROM t").await, Value::Decimal(exact));
}

#[tokio::test]
async fn a_generated_key_beyond_signed_bits_is_no_other_key() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE users (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(99), age INT) AUTO_INCREMENT = 9223372036854775807")
        .await
        .unwrap();
    let users = support::Users::new();
    assert_eq!(users.add(&fresh.executor, "last").await.unwrap().generated_key, Some(i64::MAX));
    let error = users.add(&fresh.executor, "one too many").await.unwrap_err();
    assert!(error.may_have_executed() && !error.is_retryable(), "{error:?}");
    assert!(error.message().contains("AUTO_INCREMENT"), "{error}");
}

#[tokio::test]
async fn floats_of_single_precision_are_found_by_their_value() {
    let fresh = Fresh::new().await;
    let table = table_of(&fresh, ValueType::F32).await;
    let insert = Shape::new(table.clone(), Operation::Insert { columns: vec![0, 1], returning: vec![] });
    let numbers = [0.1_f32, 1.0 / 3.0, f32::MAX, f32::MIN_POSITIVE, 16_777_217.0, -2.5e-30];
    let count = Shape::new(
        table,
        Operation::Count {
            filter: Condition::Compare { column: 1, operator: Comparison::Equal, operand: Operand::Slot(Slot(0)) },
        },
    );
    for (id, number) in (0..).zip(numbers) {
        let values = [Value::I64(id), Value::F64(number.into())];
        fresh.executor.write(&Statement::new(&insert, &values), &mut NoRows).await.unwrap();
        let mut rows = Rows::of(&[ValueType::I64]);
        fresh.executor.fetch(&Statement::new(&count, &values[1..]), &mut rows).await.unwrap();
        assert_eq!(rows.rows, [[Value::I64(1)]], "{number}");
    }
}

#[tokio::test]
async fn bits_and_tiny_integers_are_truth_values() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE t (id INT PRIMARY KEY, b BIT(1), t TINYINT(1))").await.unwrap();
    raw_with(&fresh.executor, "INSERT INTO t VALUES (1, ?, ?), (2, 0, 2)", &[Value::Bool(true), Value::Bool(true)])
        .await
        .unwrap();
    let mut rows = Rows::of(&[ValueType::Bool, ValueType::Bool]);
    let first = Shape::raw("SELECT b, t FROM t WHERE id = 1");
    fresh.executor.fetch(&Statement::new(&first, &[]), &mut rows).await.unwrap();
    assert_eq!(rows.rows, [[Value::Bool(true), Value::Bool(true)]]);
    let mut rows = Rows::of(&[ValueType::Bool, ValueType::Bool]);
    let second = Shape::raw("SELECT b, t FROM t WHERE id = 2");
    let error = fresh.executor.fetch(&Statement::new(&second, &[]), &mut rows).await.unwrap_err();
    assert_eq!(kinds_of(&error), (true, Some("t".to_owned())), "{error:?}");
}

#[tokio::test]
async fn dates_that_are_no_days_and_times_beyond_a_day_are_invalid() {
    let fresh = Fresh::new().await;
    // Another program, which is not strict, put them there.
    let mut other = fresh.other().await;
    use mysql_async::prelude::Queryable;
    for text in [
        "SET sql_mode = 'ALLOW_INVALID_DATES'",
        "CREATE TABLE t (zero DATE, feb DATE, moment DATETIME(6), long_time TIME(6), before_zero TIME(6))",
        "INSERT INTO t VALUES ('0000-00-00', '2023-02-31', '0000-00-00 00:00:00', '25:00:00', '-00:00:01')",
    ] {
        other.query_drop(text).await.unwrap();
    }
    let columns = [
        ("zero", ValueType::Date),
        ("feb", ValueType::Date),
        ("moment", ValueType::Timestamp),
        ("long_time", ValueType::Time),
        ("before_zero", ValueType::Time),
    ];
    for (column, value_type) in columns {
        let shape = Shape::raw(format!("SELECT {column} FROM t"));
        let error = fresh.executor.fetch(&Statement::new(&shape, &[]), &mut Rows::of(&[value_type])).await.unwrap_err();
        assert_eq!(kinds_of(&error), (true, Some(column.to_owned())), "{error:?}");
    }
}

#[tokio::test]
async fn timestamps_are_utc_whatever_the_servers_zone() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE t (stamp TIMESTAMP(6) NULL, moment DATETIME(6))").await.unwrap();
    let at = Value::Timestamp(1_700_000_000_123_456);
    raw_with(&fresh.executor, "INSERT INTO t VALUES (?, ?)", &[at.clone(), at.clone()]).await.unwrap();
    let rows = query(&fresh.executor, "SELECT stamp, moment, UNIX_TIMESTAMP(stamp), @@time_zone FROM t", &[])
        .await
        .unwrap()
        .rows;
    assert_eq!(rows[0][..2], [at.clone(), at]);
    assert_eq!(rows[0][2], Value::Decimal("1700000000.123456".parse().unwrap()));
    assert_eq!(rows[0][3], Value::Text("+00:00".into()));
}

#[tokio::test]
async fn raw_rows_hold_what_the_database_holds() {
    let fresh = Fresh::new().await;
    let text = "SELECT 1, 1.50, 1e0, 'text', x'0102', DATE '2020-01-02', TIMESTAMP '2020-01-02 03:04:05.000006',                 TIME '03:04:05', NULL, SUM(2), CAST(3 AS UNSIGNED)";
    let rows = query(&fresh.executor, text, &[]).await.unwrap().rows;
    let expected = [
        Value::I64(1),
        Value::Decimal("1.5".parse().unwrap()),
        Value::F64(1.0),
        Value::Text("text".into()),
        Value::Bytes(vec![1, 2].into()),
        Value::Date(18_263),
        Value::Timestamp(1_577_934_245_000_006),
        Value::Time(11_045_000_000),
        Value::Null,
        Value::Decimal("2".parse().unwrap()),
        Value::I64(3),
    ];
    assert_eq!(rows[0], expected);
    // A sum of integers can be read as one.
    let mut rows = Rows::of(&[ValueType::I64]);
    fresh.executor.fetch(&Statement::new(&Shape::raw("SELECT SUM(2)"), &[]), &mut rows).await.unwrap();
    assert_eq!(rows.rows, [[Value::I64(2)]]);
}

#[tokio::test]
async fn text_of_other_character_sets_is_read_as_unicode() {
    let fresh = Fresh::new().await;
    raw(
        &fresh.executor,
        "CREATE TABLE t (a VARCHAR(9) CHARSET latin1, b VARCHAR(9) CHARSET utf8mb3, c VARCHAR(9) CHARSET ucs2)",
    )
    .await
    .unwrap();
    let value = Value::Text("é".into());
    raw_with(&fresh.executor, "INSERT INTO t VALUES (?, ?, ?)", &[value.clone(), value.clone(), value.clone()])
        .await
        .unwrap();
    let rows =
        query(&fresh.executor, "SELECT * FROM t WHERE a = ? AND b = ?", &[value.clone(), value.clone()]).await.unwrap();
    assert_eq!(rows.rows, [[value.clone(), value.clone(), value]]);
}

#[tokio::test]
async fn decimals_compare_as_numbers_and_not_as_floats() {
    let fresh = Fresh::new().await;
    let table = table_of(&fresh, ValueType::Decimal).await;
    let insert = Shape::new(table.clone(), Operation::Insert { columns: vec![0, 1], returning: vec![] });
    let numbers = ["12345678901234567890.123456789", "12345678901234567890.123456788", "0.1"];
    for (id, number) in (0..).zip(numbers) {
        let values = [Value::I64(id), Value::Decimal(number.parse().unwrap())];
        fresh.executor.write(&Statement::new(&insert, &values), &mut NoRows).await.unwrap();
    }
    for operator in [Comparison::Equal, Comparison::Greater] {
        let filter = Condition::Compare { column: 1, operator, operand: Operand::Slot(Slot(0)) };
        let shape = support::select(&table, filter);
        let mut rows = Rows::of(&[ValueType::I64, ValueType::Decimal]);
        let values = [Value::Decimal("12345678901234567890.123456788".parse().unwrap())];
        fresh.executor.fetch(&Statement::new(&shape, &values), &mut rows).await.unwrap();
        assert_eq!(rows.rows.len(), 1, "{operator:?}");
    }
}

#[tokio::test]
async fn defaults_of_every_type_are_what_was_declared() {
    let fresh = Fresh::new().await;
    let defaults = [
        (ValueType::Bool, Value::Bool(true)),
        (ValueType::I64, Value::I64(i64::MIN)),
        (ValueType::F64, Value::F64(0.1)),
        (ValueType::F64, Value::F64(f64::MIN_POSITIVE)),
        (ValueType::Text, Value::Text("it's \\ \"quoted\" \u{1F980}".into())),
        (ValueType::Text, Value::Text("plain".into())),
        (ValueType::Bytes, Value::Bytes(vec![0, 39, 92, 255].into())),
        (ValueType::Uuid, Value::Uuid([7; 16])),
        (ValueType::Timestamp, Value::Timestamp(-1)),
        (ValueType::Date, Value::Date(-1)),
        (ValueType::Time, Value::Time(86_399_999_999)),
        (ValueType::Decimal, Value::Decimal("-0.000000000000000000000000000001".parse().unwrap())),
    ];
    let mut table = Table::builder("t").column(Column::new("id", ValueType::I64)).key([0]);
    for (at, (value_type, value)) in defaults.iter().enumerate() {
        table = table.column(Column::new(format!("c{at}"), *value_type).default_value(value.clone()));
    }
    let table = Arc::new(table.build().unwrap());
    fresh.executor.create_table(&table).await.unwrap();
    raw(&fresh.executor, "INSERT INTO t (id) VALUES (1)").await.unwrap();
    let types: Vec<_> = table.columns().iter().map(|column| column.value_type).collect();
    let mut rows = Rows::of(&types);
    let all = support::select(&table, Condition::Constant(true));
    fresh.executor.fetch(&Statement::new(&all, &[]), &mut rows).await.unwrap();
    let expected: Vec<_> = defaults.iter().map(|(_, value)| value.clone()).collect();
    assert_eq!(rows.rows[0][1..], expected);
    let described = fresh.executor.describe("t").await.unwrap().unwrap();
    assert!(described.columns[1..].iter().all(|column| column.is_filled()), "{described:?}");
}

/// Looks at a row by its typed getters.
#[derive(Default)]
struct Getters(Vec<String>);

impl thing_driver_api::RowSink for Getters {
    fn row(&mut self, row: &dyn Row) -> thing_driver_api::Result<thing_driver_api::Flow> {
        let text = row.text(1)?;
        assert!(matches!(text, std::borrow::Cow::Borrowed(_)), "text is lent, not copied");
        self.0.push(format!("{} {} {}", row.i64(0)?, text, row.f64(2)?));
        Ok(thing_driver_api::Flow::Continue)
    }

    fn restart(&mut self) {
        self.0.clear();
    }
}

#[tokio::test]
async fn typed_getters_lend_what_the_row_holds() {
    let fresh = Fresh::new().await;
    let mut rows = Getters::default();
    fresh.executor.fetch(&Statement::new(&Shape::raw("SELECT 1, 'a', 2.5e0"), &[]), &mut rows).await.unwrap();
    assert_eq!(rows.0, ["1 a 2.5"]);
}
