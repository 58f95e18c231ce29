//! Writes: alone, in groups, as one transaction.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::sync::Arc;

use support::{Folder, Rows, Users, by_id, query, raw};
use thing_driver_api::{
    Condition, ConstraintKind, Executor, NoRows, Operation, Shape, Statement, TransactionOptions, Value, ValueType,
};
use thing_driver_sqlite::{SqliteExecutor, Synchronous};

async fn generated_keys_and_counts(executor: SqliteExecutor) {
    let users = Users::create(&executor).await;
    for n in 1..=3 {
        let written = users.add(&executor, &format!("user {n}")).await.unwrap();
        assert_eq!((written.rows, written.generated_key), (1, Some(n)));
    }
    let set = |age, id| [Value::I64(age), Value::I64(id)];
    for (id, rows) in [(2, 1), (2, 1), (99, 0)] {
        let written = executor.write(&Statement::new(&users.set_age, &set(7, id)), &mut NoRows).await.unwrap();
        assert_eq!((written.rows, written.generated_key), (rows, None), "the same value counts too");
    }
    executor.write(&Statement::new(&users.delete, &[Value::I64(3)]), &mut NoRows).await.unwrap();
    assert_eq!(users.add(&executor, "next").await.unwrap().generated_key, Some(4), "no key twice");
    assert_eq!(users.ages(&executor, &[2]).await, [(2, Value::I64(7))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_give_counts_and_generated_keys() {
    let folder = Folder::new();
    generated_keys_and_counts(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    generated_keys_and_counts(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test]
async fn writes_give_counts_and_generated_keys_on_a_current_thread_runtime() {
    let folder = Folder::new();
    generated_keys_and_counts(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    generated_keys_and_counts(SqliteExecutor::memory().await.unwrap()).await;
}

async fn returned_rows(executor: SqliteExecutor) {
    let users = Users::create(&executor).await;
    let insert = Shape::new(users.table.clone(), Operation::Insert { columns: vec![1], returning: vec![0, 1, 2] });
    let types = [ValueType::I64, ValueType::Text, ValueType::I32];
    let mut rows = Rows::of(&types);
    executor.write(&Statement::new(&insert, &[Value::Text("a".into())]), &mut rows).await.unwrap();
    assert_eq!(rows.rows, [[Value::I64(1), Value::Text("a".into()), Value::Null]]);
    let update = Shape::new(
        users.table.clone(),
        Operation::Update { columns: vec![2], filter: Condition::Constant(true), returning: vec![2, 0] },
    );
    users.add(&executor, "b").await.unwrap();
    let mut rows = Rows::of(&[ValueType::I32, ValueType::I64]);
    let written = executor.write(&Statement::new(&update, &[Value::I64(5)]), &mut rows).await.unwrap();
    assert_eq!((written.rows, rows.rows.len()), (2, 2));
    let delete = Shape::new(users.table.clone(), Operation::Delete { filter: by_id(0), returning: vec![1] });
    let mut rows = Rows::of(&[ValueType::Text]);
    executor.write(&Statement::new(&delete, &[Value::I64(2)]), &mut rows).await.unwrap();
    assert_eq!(rows.rows, [[Value::Text("b".into())]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn returning_gives_stored_rows() {
    returned_rows(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test]
async fn returning_gives_stored_rows_on_a_current_thread_runtime() {
    returned_rows(SqliteExecutor::memory().await.unwrap()).await;
}

/// Writes queue while a transaction holds the writer, and so make one group.
async fn grouped(
    executor: SqliteExecutor,
    names: Vec<String>,
) -> Vec<thing_driver_api::Result<thing_driver_api::Written>> {
    let users = Arc::new(Users::new());
    let transaction = executor.begin(&TransactionOptions::default()).await.unwrap();
    let queued = executor.statistics().queued_writes;
    let expected = queued + names.len() as u64;
    let tasks: Vec<_> = names
        .into_iter()
        .map(|name| {
            let (executor, users) = (executor.clone(), users.clone());
            tokio::spawn(async move { users.add(&executor, &name).await })
        })
        .collect();
    while executor.statistics().queued_writes < expected {
        tokio::task::yield_now().await;
    }
    transaction.commit().await.unwrap();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_write_of_a_group_gets_its_own_error() {
    let folder = Folder::new();
    for executor in [SqliteExecutor::connect(folder.config()).await.unwrap(), SqliteExecutor::memory().await.unwrap()] {
        let users = Users::create(&executor).await;
        users.add(&executor, "taken").await.unwrap();
        let names = (0..40).map(|n| if n == 20 { "taken".into() } else { format!("user {n}") });
        let results = grouped(executor.clone(), names.collect()).await;
        for (n, result) in results.into_iter().enumerate() {
            if n == 20 {
                let error = result.unwrap_err();
                assert!(error.is_unique_violation());
                assert_eq!(error.constraint().unwrap().columns, ["name"]);
            } else {
                assert_eq!(result.unwrap().rows, 1);
            }
        }
        assert_eq!(users.count(&executor).await, 40);
        let statistics = executor.statistics();
        assert!(statistics.group_commits >= 1 && statistics.grouped_writes >= 39, "{statistics:?}");
        assert!(statistics.group_commits < statistics.grouped_writes / 2, "{statistics:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_committed_before_it_is_answered() {
    let folder = Folder::new();
    let executor = SqliteExecutor::connect(folder.config()).await.unwrap();
    Users::create(&executor).await;
    let names = (0..50).map(|n| format!("user {n}")).collect();
    for written in grouped(executor.clone(), names).await {
        let key = written.unwrap().generated_key.unwrap();
        let found: i64 =
            folder.other().query_row("SELECT count(*) FROM users WHERE id = ?1", [key], |row| row.get(0)).unwrap();
        assert_eq!(found, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_rolls_back_its_group_leaves_the_others_alone() {
    let folder = Folder::new();
    let executor = SqliteExecutor::connect(folder.config()).await.unwrap();
    let users = Users::create(&executor).await;
    raw(
        &executor,
        "CREATE TRIGGER strict BEFORE INSERT ON users WHEN NEW.name = 'poison' BEGIN SELECT RAISE(ROLLBACK, 'refused'); END",
    )
    .await
    .unwrap();
    let names = (0..30).map(|n| if n == 10 { "poison".into() } else { format!("user {n}") });
    let results = grouped(executor.clone(), names.collect()).await;
    for (n, result) in results.iter().enumerate() {
        assert_eq!(result.is_err(), n == 10, "{result:?}");
    }
    assert_eq!(users.count(&executor).await, 29);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_constraint_fails_only_its_own_write() {
    let executor = SqliteExecutor::memory().await.unwrap();
    let users = Users::create(&executor).await;
    raw(&executor, "CREATE TABLE parent (id INTEGER PRIMARY KEY)").await.unwrap();
    raw(
        &executor,
        "CREATE TRIGGER orphan AFTER INSERT ON users WHEN NEW.name = 'orphan' BEGIN INSERT INTO child VALUES (9); END",
    )
    .await
    .unwrap();
    raw(&executor, "CREATE TABLE child (parent REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)").await.unwrap();
    let names = (0..30).map(|n| if n == 10 { "orphan".into() } else { format!("user {n}") });
    let results = grouped(executor.clone(), names.collect()).await;
    for (n, result) in results.iter().enumerate() {
        assert_eq!(result.is_err(), n == 10, "{result:?}");
    }
    let kind = &results[10].as_ref().unwrap_err().constraint().unwrap().kind;
    assert_eq!(*kind, ConstraintKind::ForeignKey);
    assert_eq!(users.count(&executor).await, 29);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_write_and_nothing_is_lost() {
    for synchronous in [Synchronous::Off, Synchronous::Normal, Synchronous::Full] {
        let folder = Folder::new();
        let executor = SqliteExecutor::connect(folder.config().synchronous(synchronous)).await.unwrap();
        let users = Arc::new(Users::create(&executor).await);
        let tasks: Vec<_> = (0..32)
            .map(|task| {
                let (executor, users) = (executor.clone(), users.clone());
                tokio::spawn(async move {
                    for n in 0..25 {
                        users.add(&executor, &format!("{task} {n}")).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(users.count(&executor).await, 800);
        let statistics = executor.statistics();
        assert_eq!(statistics.inline_writes + statistics.queued_writes, 800);
        if synchronous == Synchronous::Full {
            assert!(statistics.group_commits > 0 && statistics.inline_writes == 0, "{statistics:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_does_not_grow_without_end() {
    let folder = Folder::new();
    let executor = SqliteExecutor::connect(folder.config()).await.unwrap();
    let users = Users::create(&executor).await;
    for n in 0..4000 {
        users.add(&executor, &format!("user {n}")).await.unwrap();
    }
    let log = std::fs::metadata(folder.path("test.db-wal")).unwrap().len();
    assert!(log < 3 * 1000 * 4200, "the log has {log} bytes");
}

async fn atomic(executor: SqliteExecutor) {
    let users = Users::create(&executor).await;
    for size in [3, 500] {
        let mut names: Vec<_> = (0..size).map(|n| format!("{size} {n}")).collect();
        let run = |names: Vec<String>| {
            let (executor, insert) = (executor.clone(), users.insert.clone());
            async move {
                let values: Vec<_> =
                    names.iter().map(|name| [Value::Text(name.as_str().into()), Value::Null]).collect();
                let statements: Vec<_> = values.iter().map(|v| Statement::new(&insert, v)).collect();
                executor.write_atomic(&statements).await
            }
        };
        let before = users.count(&executor).await;
        let last = names.len() - 1;
        let good = std::mem::replace(&mut names[last], format!("{size} 0"));
        let (index, error) = run(names.clone()).await.unwrap_err();
        assert_eq!(index, last);
        assert!(error.is_unique_violation());
        assert_eq!(users.count(&executor).await, before, "nothing of it remains");
        names[last] = good;
        let written = run(names).await.unwrap();
        assert_eq!(written.len(), size);
        assert!(written.windows(2).all(|pair| pair[0].generated_key < pair[1].generated_key));
        assert_eq!(users.count(&executor).await, before + size as i64);
    }
    assert!(executor.write_atomic(&[]).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn write_atomic_writes_all_or_nothing() {
    let folder = Folder::new();
    atomic(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    atomic(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test]
async fn write_atomic_writes_all_or_nothing_on_a_current_thread_runtime() {
    let folder = Folder::new();
    atomic(SqliteExecutor::connect(folder.config()).await.unwrap()).await;
    atomic(SqliteExecutor::memory().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_constraint_fails_write_atomic_at_its_end() {
    let executor = SqliteExecutor::memory().await.unwrap();
    raw(&executor, "CREATE TABLE parent (id INTEGER PRIMARY KEY)").await.unwrap();
    let declared = "CREATE TABLE child (parent REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)";
    raw(&executor, declared).await.unwrap();
    let orphan = Shape::raw("INSERT INTO child VALUES (9)");
    let (index, error) = executor.write_atomic(&[Statement::new(&orphan, &[])]).await.unwrap_err();
    assert_eq!(index, 1);
    assert_eq!(error.constraint().unwrap().kind, ConstraintKind::ForeignKey);
    assert!(query(&executor, "SELECT * FROM child", &[]).await.unwrap().rows.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_write_whose_future_is_dropped_leaks_nothing() {
    let executor = SqliteExecutor::memory().await.unwrap();
    let users = Arc::new(Users::create(&executor).await);
    let transaction = executor.begin(&TransactionOptions::default()).await.unwrap();
    let task = {
        let (executor, users) = (executor.clone(), users.clone());
        tokio::spawn(async move { users.add(&executor, "dropped").await })
    };
    while executor.statistics().queued_writes == 0 {
        tokio::task::yield_now().await;
    }
    task.abort();
    transaction.rollback().await.unwrap();
    users.add(&executor, "next").await.unwrap();
    assert!(users.count(&executor).await >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_near_the_budget_is_executed_once() {
    let executor = SqliteExecutor::memory().await.unwrap();
    raw(&executor, "CREATE TABLE t (a INTEGER NOT NULL)").await.unwrap();
    let mut calls = 0;
    for step in 0..40 {
        // From far below the budget to above it.
        for _ in 0..100 {
            support::raw_with(&executor, "INSERT INTO t VALUES (?1)", &[Value::I64(calls)]).await.unwrap();
        }
        let add = Shape::raw(format!("UPDATE t SET a = a + 1 -- {step}"));
        for _ in 0..40 {
            executor.write(&Statement::new(&add, &[]), &mut NoRows).await.unwrap();
            calls += 1;
        }
        let sums = query(&executor, "SELECT min(a), max(a) FROM t", &[]).await.unwrap();
        assert_eq!(sums.rows, [[Value::I64(calls), Value::I64(calls)]]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_judged_by_the_schema_that_is_there() {
    let folder = Folder::new();
    let executor = SqliteExecutor::connect(folder.config()).await.unwrap();
    raw(&executor, "CREATE TABLE t (a INT, b INT AS (a + 1))").await.unwrap();
    raw(&executor, "INSERT INTO t (a) VALUES (1)").await.unwrap();
    // The writing connection knows the table by now, and another makes it anew.
    folder.other().execute_batch("DROP TABLE t; CREATE TABLE t (a INT, b INT); INSERT INTO t VALUES (1, 2)").unwrap();
    raw(&executor, "UPDATE t SET b = 5").await.unwrap();
    let found = query(&executor, "SELECT b FROM t", &[]).await.unwrap();
    assert_eq!(found.rows, [[Value::I64(5)]]);
}
