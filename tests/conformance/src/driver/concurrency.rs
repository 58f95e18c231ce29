//! Concurrency: many tasks on one executor.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::{Key, TransactionOptions, Value};
use tokio::task::JoinSet;

use super::Database;
use super::database::item;
use super::statements::{
    count_all, equals, fetch, get_many, insert, insert_columns, select, stored, update, write, write_in,
};

/// How long readers that may have to wait for a transaction are given to be done before it ends.
const HEAD_START: Duration = Duration::from_millis(100);

async fn join(mut tasks: JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        ended.expect("every task succeeds");
    }
}

/// 64 tasks insert at once: all succeed, and every generated key differs.
pub async fn generated_keys_differ(db: &Database<'_>) {
    let table = db.numbered().await;
    let shape = insert_columns(&table, vec![1], Vec::new());
    let mut tasks = JoinSet::new();
    for task in 0..64 {
        let (executor, shape) = (db.executor().clone(), shape.clone());
        tasks.spawn(async move {
            let mut keys = Vec::new();
            for n in 0..5 {
                let values = [Value::Text(format!("{task}/{n}").into())];
                let written = write(&*executor, &shape, &values).await.expect("the row is added");
                keys.push((written.generated_key.expect("a generated key"), values[0].clone()));
            }
            keys
        });
    }
    let keys: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let distinct: HashSet<i64> = keys.iter().map(|(key, _)| *key).collect();
    assert_eq!(distinct.len(), 64 * 5, "generated keys differ");
    let rows = stored(&**db.executor(), &table).await;
    for (key, name) in keys {
        assert!(rows.contains(&vec![Value::I64(key), name]), "each key is given to its own row");
    }
}

/// 64 tasks insert rows with keys of their own: all succeed.
pub async fn inserts_all_succeed(db: &Database<'_>) {
    let table = db.items().await;
    let shape = insert(&table);
    let mut tasks = JoinSet::new();
    for task in 0..64 {
        let (executor, shape) = (db.executor().clone(), shape.clone());
        tasks.spawn(async move {
            for n in 0..5 {
                write(&*executor, &shape, &item(task * 5 + n)).await.expect("the row is added");
            }
        });
    }
    join(tasks).await;
    assert_eq!(count_all(&**db.executor(), &table).await, 64 * 5);
}

/// Readers at once with writers get whole rows, each its own.
pub async fn answers_are_not_mixed_up(db: &Database<'_>) {
    let table = db.filled_items(100).await;
    let read = select(&table, equals(0, 0), Vec::new(), None, None);
    let change = update(&table, vec![1], equals(0, 1), Vec::new());
    let mut tasks = JoinSet::new();
    for task in 0..16_i64 {
        let (executor, table, read, change) = (db.executor().clone(), table.clone(), read.clone(), change.clone());
        tasks.spawn(async move {
            for n in 0..40 {
                let id = (task * 7 + n * 3) % 100 + 1;
                if task % 4 == 0 {
                    let values = [Value::Text(format!("item {id}").into()), Value::I64(id)];
                    write(&*executor, &change, &values).await.expect("the row is changed");
                }
                let rows = fetch(&*executor, &read, &[Value::I64(id)]).await.expect("the row is read");
                assert_eq!(rows, [item(id)], "the row that was asked for");
                let rows = get_many(&*executor, &table, &[Key::Int(id)]).await;
                assert_eq!(rows, [item(id)], "the row that was asked for by key");
            }
        });
    }
    join(tasks).await;
}

/// Readers during a transaction are served, during it or after it, and see the state before or after the whole.
pub async fn readers_during_a_transaction(db: &Database<'_>) {
    let table = db.filled_items(10).await;
    let mut transaction = db.executor().begin(&TransactionOptions::default()).await.expect("a transaction begins");
    let mut readers = JoinSet::new();
    for id in 11..=19 {
        write_in(&mut transaction, &insert(&table), &item(id)).await.expect("the row is added");
        let (executor, table) = (db.executor().clone(), Arc::clone(&table));
        readers.spawn(async move {
            let seen = count_all(&*executor, &table).await;
            assert!(seen == 10 || seen == 20, "{seen} of 20 rows are seen");
        });
    }
    let early = async {
        while let Some(ended) = readers.join_next().await {
            ended.expect("every reader succeeds");
        }
    };
    // Those that need not wait for the transaction end here, before its last row.
    let _ = tokio::time::timeout(HEAD_START, early).await;
    write_in(&mut transaction, &insert(&table), &item(20)).await.expect("the row is added");
    transaction.commit().await.expect("the transaction commits");
    join(readers).await;
}

/// Transactions at once: each adds two rows or, every third, none. Conflicts may be tried again.
pub async fn transactions_at_once(db: &Database<'_>) {
    let table = db.items().await;
    let shape = insert(&table);
    let mut tasks = JoinSet::new();
    for task in 0..24 {
        let (executor, shape) = (db.executor().clone(), shape.clone());
        tasks.spawn(async move {
            let add = async || {
                let mut transaction = executor.begin(&TransactionOptions::default()).await?;
                write_in(&mut transaction, &shape, &item(task * 2)).await?;
                tokio::task::yield_now().await;
                write_in(&mut transaction, &shape, &item(task * 2 + 1)).await?;
                if task % 3 == 0 { transaction.rollback().await } else { transaction.commit().await }
            };
            while let Err(error) = add().await {
                assert!(error.is_retryable(), "{error:?}");
            }
        });
    }
    join(tasks).await;
    let rows = stored(&**db.executor(), &table).await;
    let expected: Vec<_> = (0..48).filter(|id| id / 2 % 3 != 0).map(item).collect();
    assert_eq!(rows, expected);
}
