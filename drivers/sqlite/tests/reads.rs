//! Reads: by key, by condition, from workers, in pages.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::sync::Arc;

use support::{Folder, Rows, Users, query, raw, select};
use thing_driver_api::{
    Column, Comparison, Condition, ErrorKind, Executor, Flow, Key, NoRows, Operand, Operation, Result, Row, RowSink,
    Schema, Shape, Slot, Statement, Table, Value, ValueType,
};
use thing_driver_sqlite::SqliteExecutor;

async fn filled(executor: &SqliteExecutor, rows: i64) -> Users {
    let users = Users::create(executor).await;
    let values: Vec<_> = (1..=rows).map(|n| [Value::Text(format!("user {n}").into()), Value::I64(n)]).collect();
    let statements: Vec<_> = values.iter().map(|v| Statement::new(&users.insert, v)).collect();
    executor.write_atomic(&statements).await.unwrap();
    users
}

async fn any_number_of_keys(executor: SqliteExecutor) {
    let users = filled(&executor, 5000).await;
    for wanted in [0, 1, 100, 5000] {
        let keys: Vec<i64> = (1..=wanted).collect();
        let mut found = users.ages(&executor, &keys).await;
        found.sort_by_key(|(id, _)| *id);
        let expected: Vec<_> = (1..=wanted).map(|n| (n, Value::I64(n))).collect();
        assert_eq!(found, expected);
    }
    assert_eq!(users.ages(&executor, &[7, 999_999]).await, [(7, Value::I64(7))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn get_many_takes_any_number_of_keys() {
    let folder = Folder::new();
    any_number_of_keys(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    any_number_of_keys(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test]
async fn get_many_takes_any_number_of_keys_on_a_current_thread_runtime() {
    let folder = Folder::new();
    any_number_of_keys(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    any_number_of_keys(SqliteExecutor::memory().await.unwrap()).await;
}

fn keyed(name: &'static str, types: &[ValueType]) -> Arc<Table> {
    let mut table = Table::builder(name);
    for (at, value_type) in types.iter().enumerate() {
        table = table.column(Column::new(format!("k{at}"), *value_type));
    }
    let table = table.column(Column::new("order", ValueType::I64));
    Arc::new(table.key((0..types.len()).collect::<Vec<_>>()).build().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn text_uuid_and_composite_keys_find_their_rows() {
    let executor = SqliteExecutor::memory().await.unwrap();
    let cases = [
        (keyed("a\"b", &[ValueType::Text]), Key::Text("x'y\"z".into())),
        (keyed("order", &[ValueType::Uuid]), Key::Uuid([7; 16])),
        (
            keyed("both", &[ValueType::I32, ValueType::Text]),
            Key::Composite([Key::Int(-3), Key::Text("ß".into())].into()),
        ),
    ];
    for (table, key) in cases {
        executor.create_table(&table).await.unwrap();
        let width = table.columns().len();
        let insert = Shape::new(table.clone(), Operation::Insert { columns: (0..width).collect(), returning: vec![] });
        let mut values: Vec<Value<'_>> = (0..key.parts()).map(|part| key.value(part)).collect();
        values.push(Value::I64(42));
        executor.write(&Statement::new(&insert, &values), &mut NoRows).await.unwrap();
        let types: Vec<_> = table.columns().iter().map(|c| c.value_type).collect();
        let mut rows = Rows::of(&types);
        let get = Shape::new(table.clone(), Operation::GetMany);
        executor.get_many(&get, std::slice::from_ref(&key), &mut rows).await.unwrap();
        assert_eq!(rows.rows, [values.iter().map(|v| v.clone().into_owned()).collect::<Vec<_>>()]);
    }
}

/// A shape whose time grows with the square of the rows: every row is compared with all others.
fn slow_select(users: &Users) -> Arc<Shape> {
    select(
        &users.table,
        Condition::Or(
            (0..60)
                .map(|slot| Condition::Compare {
                    column: 2,
                    operator: Comparison::Equal,
                    operand: Operand::Slot(Slot(slot)),
                })
                .chain([Condition::IsNull { column: 2, negated: true }])
                .collect(),
        ),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_select_is_interrupted_and_complete_from_a_worker() {
    let folder = Folder::new();
    for executor in [SqliteExecutor::connect(folder.config()).await.unwrap(), SqliteExecutor::memory().await.unwrap()] {
        let users = filled(&executor, 40_000).await;
        let slow = slow_select(&users);
        let values: Vec<_> = (0..60).map(|n| Value::I64(-1 - n)).collect();
        let mut rows = Rows::of(&[ValueType::I64, ValueType::Text, ValueType::I32]);
        executor.fetch(&Statement::new(&slow, &values), &mut rows).await.unwrap();
        let ids: Vec<_> = rows.rows.iter().map(|row| row[0].clone()).collect();
        assert_eq!(ids, (1..=40_000).map(Value::I64).collect::<Vec<_>>());
        assert_eq!(rows.restarts, 1, "the read began on the caller's thread");
        assert_eq!(executor.statistics().interrupted_reads, 1);

        let mut rows = Rows::default();
        executor.fetch(&Statement::new(&slow, &values), &mut rows).await.unwrap();
        assert_eq!((rows.rows.len(), rows.restarts), (40_000, 0), "it is known to be long now");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_stops_gets_no_further_row() {
    let folder = Folder::new();
    let executor = SqliteExecutor::connect(folder.config()).await.unwrap();
    let users = filled(&executor, 5000).await;
    for text in ["SELECT id FROM users", "SELECT 1 FROM users"] {
        let mut rows = Rows::default().stop_after(3);
        executor.fetch(&Statement::new(&Shape::raw(text), &[]), &mut rows).await.unwrap();
        assert_eq!(rows.rows.len(), 3);
    }
    let mut rows = Rows::default().stop_after(2);
    executor.fetch(&Statement::new(&users.all, &[]), &mut rows).await.unwrap();
    assert_eq!(rows.rows.len(), 2);
    let mut rows = Rows::default().stop_after(2);
    let keys: Vec<_> = (1..=100).map(Key::Int).collect();
    executor.get_many(&users.get, &keys, &mut rows).await.unwrap();
    assert_eq!(rows.rows.len(), 2);
}

#[derive(Debug)]
struct Refuses;

impl RowSink for Refuses {
    fn row(&mut self, _: &dyn Row) -> Result<Flow> {
        Err(thing_driver_api::Error::new(ErrorKind::Busy, "the sink refuses"))
    }

    fn restart(&mut self) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_the_sink_are_passed_on() {
    let executor = SqliteExecutor::memory().await.unwrap();
    let users = filled(&executor, 10).await;
    let typed = executor.fetch(&Statement::new(&users.all, &[]), &mut Refuses).await;
    let raw = executor.fetch(&Statement::new(&Shape::raw("SELECT 1"), &[]), &mut Refuses).await;
    for result in [typed, raw] {
        assert_eq!(result.unwrap_err().message(), "the sink refuses");
    }
    assert_eq!(users.count(&executor).await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn like_is_case_sensitive_and_escapes() {
    let executor = SqliteExecutor::memory().await.unwrap();
    let users = Users::create(&executor).await;
    for name in ["Ann", "ann", "100%", "100 percent"] {
        users.add(&executor, name).await.unwrap();
    }
    let like = select(&users.table, Condition::Like { column: 1, pattern: Slot(0), negated: false });
    for (pattern, expected) in [("A%", "Ann"), ("a__", "ann"), ("100\\%", "100%")] {
        let mut rows = Rows::default();
        let values = [Value::Text(pattern.into())];
        executor.fetch(&Statement::new(&like, &values), &mut rows).await.unwrap();
        let names: Vec<_> = rows.rows.iter().map(|row| row[1].clone()).collect();
        assert_eq!(names, [Value::Text(expected.into())], "{pattern}");
    }
}

async fn streams(executor: SqliteExecutor) {
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x, 'some text' FROM n";
    let mut stream = executor.stream(&Statement::new(&Shape::raw(endless), &[])).await.unwrap();
    let mut next = 1;
    for _ in 0..5 {
        let page = stream.next().await.unwrap().unwrap();
        assert!(!page.is_empty() && page.len() <= 1000 && page.size() < 128 << 10);
        assert_eq!(page.names(), ["x", "'some text'"]);
        for at in 0..page.len() {
            assert_eq!(page.row(at).unwrap().i64(0).unwrap(), next);
            next += 1;
        }
    }
    drop(stream);

    // All connections come back: more streams than connections, each dropped at its first page.
    for _ in 0..20 {
        let mut stream = executor.stream(&Statement::new(&Shape::raw(endless), &[])).await.unwrap();
        stream.next().await.unwrap();
    }
    // Dropped before it has any row to give.
    for _ in 0..20 {
        let rowless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n WHERE x < 0";
        drop(executor.stream(&Statement::new(&Shape::raw(rowless), &[])).await.unwrap());
    }

    let users = filled(&executor, 2500).await;
    let mut stream = executor.stream(&Statement::new(&users.all, &[])).await.unwrap();
    let mut ids = Vec::new();
    while let Some(page) = stream.next().await.unwrap() {
        for at in 0..page.len() {
            let row = page.row(at).unwrap();
            assert_eq!(row.value(2, ValueType::I32).unwrap(), Value::I64(ids.len() as i64 + 1));
            ids.push(row.i64(0).unwrap());
        }
    }
    assert_eq!(ids, (1..=2500).collect::<Vec<_>>());
    assert!(stream.next().await.unwrap().is_none());

    let mut broken = executor.stream(&Statement::new(&Shape::raw("SELECT missing FROM users"), &[])).await.unwrap();
    assert_eq!(*broken.next().await.unwrap_err().kind(), ErrorKind::Schema);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_give_bounded_pages_and_end_when_dropped() {
    let folder = Folder::new();
    streams(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    streams(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test]
async fn streams_give_bounded_pages_and_end_when_dropped_on_a_current_thread_runtime() {
    let folder = Folder::new();
    streams(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    streams(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_while_streaming_from_memory_does_not_wait_for_itself() {
    let executor = SqliteExecutor::memory().await.unwrap();
    let users = filled(&executor, 20_000).await;
    let mut stream = executor.stream(&Statement::new(&users.all, &[])).await.unwrap();
    let mut pages = 0;
    while stream.next().await.unwrap().is_some() {
        users.add(&executor, &format!("page {pages}")).await.unwrap();
        pages += 1;
    }
    assert!(pages >= 20);
}

async fn raw_results(executor: SqliteExecutor) {
    raw(&executor, "CREATE TABLE t (a INTEGER, b REAL, c TEXT, d BLOB, e)").await.unwrap();
    let empty = query(&executor, "SELECT a, b AS bee FROM t", &[]).await.unwrap();
    assert_eq!(empty.names.unwrap(), ["a", "bee"]);
    assert!(empty.rows.is_empty());
    let returned = query(
        &executor,
        "INSERT INTO t VALUES (?1, ?2, ?3, ?4, NULL) RETURNING *",
        &[Value::Bool(true), Value::F64(1.5), Value::Text("x".into()), Value::Bytes(vec![1, 2].into())],
    )
    .await
    .unwrap();
    let expected =
        [Value::I64(1), Value::F64(1.5), Value::Text("x".into()), Value::Bytes(vec![1, 2].into()), Value::Null];
    assert_eq!(returned.names.unwrap(), ["a", "b", "c", "d", "e"]);
    assert_eq!(returned.rows, [expected.to_vec()]);
    // Often enough to go over to the caller's thread.
    let shape = Shape::raw("SELECT * FROM t WHERE a = ?1");
    for _ in 0..6 {
        let mut rows = Rows::of(&[ValueType::Bool]);
        executor.fetch(&Statement::new(&shape, &[Value::I64(1)]), &mut rows).await.unwrap();
        assert_eq!(rows.names.as_ref().unwrap().len(), 5);
        assert_eq!(rows.rows[0][0], Value::Bool(true));
        assert_eq!(rows.rows[0][1..], expected[1..]);
    }
    let changed = raw(&executor, "UPDATE t SET b = 2").await.unwrap();
    assert_eq!(changed.rows, 1);
    assert_eq!(raw(&executor, "CREATE TABLE u (a)").await.unwrap().rows, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_statements_give_names_and_what_sqlite_holds() {
    let folder = Folder::new();
    raw_results(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    raw_results(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test]
async fn raw_statements_give_names_and_what_sqlite_holds_on_a_current_thread_runtime() {
    let folder = Folder::new();
    raw_results(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    raw_results(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_statements_that_cannot_be_meant_are_refused() {
    let executor = SqliteExecutor::memory().await.unwrap();
    raw(&executor, "CREATE TABLE t (a)").await.unwrap();
    let error = query(&executor, "SELECT ?1, ?2", &[Value::I64(1)]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput);
    assert!(error.message().contains("2 placeholders") && error.message().contains("1 values"), "{error}");
    for text in [
        "SELECT 1; SELECT 2",
        "INSERT INTO t VALUES (1); DELETE FROM t",
        "BEGIN",
        " /* x */ commit",
        "SAVEPOINT s",
        "SELEC 1",
        "",
    ] {
        let read = query(&executor, text, &[]).await.unwrap_err();
        assert_eq!(*read.kind(), ErrorKind::InvalidInput, "{text}: {read}");
        let write = raw(&executor, text).await.unwrap_err();
        assert_eq!(*write.kind(), ErrorKind::InvalidInput, "{text}: {write}");
    }
    assert_eq!(query(&executor, "SELECT * FROM t", &[]).await.unwrap().rows.len(), 0);
}
