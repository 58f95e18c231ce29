//! Many rows at once: exact keys, the row that fails, the limits of the server.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use mysql_async::prelude::Queryable;
use support::{Fresh, Rows, Users, one, raw};
use thing_driver_api::{ConstraintKind, ErrorKind, Executor, Statement, Value, ValueType, Written};

async fn assert_keys(fresh: &Fresh, users: &Users, names: &[String], written: &[Written]) {
    let mut rows = Rows::of(&[ValueType::I64, ValueType::Text, ValueType::I32]);
    fresh.executor.fetch(&Statement::new(&users.all, &[]), &mut rows).await.unwrap();
    let of = |id: i64| {
        rows.rows.binary_search_by_key(&id, |row| match row[0] {
            Value::I64(id) => id,
            _ => 0,
        })
    };
    assert_eq!(written.len(), names.len());
    for (written, name) in written.iter().zip(names) {
        let key = written.generated_key.unwrap();
        let row = &rows.rows[of(key).unwrap_or_else(|_| panic!("key {key} exists"))];
        assert_eq!(row[1], Value::Text(name.as_str().into()), "key {key}");
    }
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}{n}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_rows_have_the_keys_that_are_told() {
    let fresh = Fresh::new().await;
    let users = Users::create(&fresh.executor).await;
    let names = names("u", 10_000);
    let written = users.add_many(&fresh.executor, &names).await.unwrap();
    assert_keys(&fresh, &users, &names, &written).await;
    assert_eq!(fresh.executor.statistics().bulk_inserts, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_exact_beside_other_writers() {
    let fresh = Fresh::new().await;
    let users = Users::create(&fresh.executor).await;
    let batches: Vec<_> = (0..8).map(|n| names(&format!("{n}-"), 300)).collect();
    let all = futures_of(&fresh, &users, &batches).await;
    for (names, written) in batches.iter().zip(all) {
        assert_keys(&fresh, &users, names, &written).await;
    }
}

async fn futures_of(fresh: &Fresh, users: &Users, batches: &[Vec<String>]) -> Vec<Vec<Written>> {
    let mut tasks = tokio::task::JoinSet::new();
    for (at, names) in batches.iter().cloned().enumerate() {
        let (executor, insert) = (fresh.executor.clone(), users.insert.clone());
        tasks.spawn(async move {
            let values: Vec<_> = names.iter().map(|name| [Value::Text(name.as_str().into()), Value::Null]).collect();
            let statements: Vec<_> = values.iter().map(|values| Statement::new(&insert, values)).collect();
            (at, executor.write_atomic(&statements).await.unwrap())
        });
    }
    let mut done = tasks.join_all().await;
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, written)| written).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_exact_where_the_server_counts_in_steps() {
    let fresh = Fresh::new().await;
    let users = Users::create(&fresh.executor).await;
    // As servers do that replicate to each other.
    raw(&fresh.executor, "SET SESSION auto_increment_increment = 10, auto_increment_offset = 3").await.unwrap();
    let names = names("u", 100);
    let written = users.add_many(&fresh.executor, &names).await.unwrap();
    assert_keys(&fresh, &users, &names, &written).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_row_that_fails_is_named_and_nothing_stays() {
    let fresh = Fresh::new().await;
    let users = Users::create(&fresh.executor).await;
    users.add(&fresh.executor, "taken").await.unwrap();
    for count in [2, 100, 3000] {
        for failing in [0, 1, count / 2, count - 1] {
            let mut names = names("u", count);
            names[failing] = "taken".to_owned();
            let (index, error) = users.add_many(&fresh.executor, &names).await.unwrap_err();
            assert_eq!(index, failing, "of {count}");
            assert_eq!(error.constraint().map(|c| c.kind), Some(ConstraintKind::Unique), "{error:?}");
            assert_eq!(users.count(&fresh.executor).await, 1);
        }
    }
    fresh.assert_no_transaction().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_of_several_failures_is_told() {
    let fresh = Fresh::new().await;
    let users = Users::create(&fresh.executor).await;
    let mut all = names("u", 600);
    all[500] = "u3".to_owned();
    all[400] = "x".repeat(300);
    let (index, error) = users.add_many(&fresh.executor, &all).await.unwrap_err();
    assert_eq!((index, error.kind()), (400, &ErrorKind::InvalidData { column: Some("name".to_owned()) }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_cannot_be_bound_is_told_before_anything_is_sent() {
    let fresh = Fresh::new().await;
    let users = Users::create(&fresh.executor).await;
    let good = [Value::Text("a".into()), Value::I64(1)];
    let bad = [Value::Text("b".into()), Value::F64(f64::NAN)];
    let statements = [Statement::new(&users.insert, &good), Statement::new(&users.insert, &bad)];
    let (index, error) = fresh.executor.write_atomic(&statements).await.unwrap_err();
    assert_eq!(index, 1);
    assert!(matches!(error.kind(), ErrorKind::InvalidData { .. }));
    assert_eq!(users.count(&fresh.executor).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_larger_than_a_packet_are_split_and_a_larger_row_is_refused() {
    let server = thing_test_servers::Instance::mariadb().await;
    let mut admin = mysql_async::Conn::from_url(server.url()).await.unwrap();
    admin.query_drop("SET GLOBAL max_allowed_packet = 1048576").await.unwrap();
    let executor = thing_driver_mysql::MysqlExecutor::open(server.url()).await.unwrap();
    raw(&executor, "CREATE TABLE users (id BIGINT AUTO_INCREMENT PRIMARY KEY, name LONGTEXT NOT NULL, age INT)")
        .await
        .unwrap();
    let users = Users::new();
    let long = "x".repeat(100_000);
    let values: Vec<_> = (0..50).map(|n| [Value::Text(format!("{n}{long}").into()), Value::I64(n)]).collect();
    let statements: Vec<_> = values.iter().map(|values| Statement::new(&users.insert, values)).collect();
    let written = executor.write_atomic(&statements).await.unwrap();
    assert_eq!(written.len(), 50);
    assert_eq!(one(&executor, "SELECT COUNT(*) FROM users").await, Value::I64(50));
    let longest = "x".repeat(1 << 20);
    let error = users.add(&executor, &longest).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidData { .. }), "{error:?}");
    let values = [Value::Text("small".into()), Value::Null];
    let large = [Value::Text(longest.as_str().into()), Value::Null];
    let statements = [Statement::new(&users.insert, &values), Statement::new(&users.insert, &large)];
    let (index, error) = executor.write_atomic(&statements).await.unwrap_err();
    assert_eq!((index, matches!(error.kind(), ErrorKind::InvalidData { .. })), (1, true), "{error:?}");
    assert_eq!(users.count(&executor).await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn different_writes_are_one_transaction() {
    let fresh = Fresh::new().await;
    let users = Users::create(&fresh.executor).await;
    let (a, b, c) = (
        [Value::Text("a".into()), Value::Null],
        [Value::Text("b".into()), Value::Null],
        [Value::Text("c".into()), Value::Null],
    );
    let (age, one) = ([Value::I64(5), Value::I64(1)], [Value::I64(2)]);
    let statements = [
        Statement::new(&users.insert, &a),
        Statement::new(&users.insert, &b),
        Statement::new(&users.set_age, &age),
        Statement::new(&users.delete, &one),
        Statement::new(&users.insert, &c),
    ];
    let written = fresh.executor.write_atomic(&statements).await.unwrap();
    let keys: Vec<_> = written.iter().map(|w| (w.rows, w.generated_key)).collect();
    assert_eq!(keys, [(1, Some(1)), (1, Some(2)), (1, None), (1, None), (1, Some(3))]);
    assert_eq!(users.ages(&fresh.executor, &[1, 2, 3]).await, [(1, Value::I64(5)), (3, Value::Null)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_leave_everything_to_the_database_are_added_together() {
    let fresh = Fresh::new().await;
    raw(&fresh.executor, "CREATE TABLE users (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(9), age INT)")
        .await
        .unwrap();
    let users = Users::new();
    let operation = thing_driver_api::Operation::Insert { columns: vec![], returning: vec![] };
    let insert = thing_driver_api::Shape::new(users.table.clone(), operation);
    let statements = vec![Statement::new(&insert, &[]); 100];
    let written = fresh.executor.write_atomic(&statements).await.unwrap();
    let keys: std::collections::HashSet<_> = written.iter().map(|w| w.generated_key.unwrap()).collect();
    assert_eq!(keys.len(), 100);
}
