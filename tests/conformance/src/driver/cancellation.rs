//! Cancellation: a future that is dropped at any await point leaves no open transaction and no unread rows behind.
//!
//! Each case drops the future after it was polled 0, 1, 2, ... times, until it completes. Whether the operation took
//! effect is open; that it did so wholly or not at all, and that the executor goes on, is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use thing_driver_api::{
    Capability, Comparison, Executor, Key, NoRows, Operation, Shape, Statement, Table, Transaction, TransactionOptions,
    Value, ValueType,
};
use tokio::task::JoinSet;

use super::Database;
use super::database::{item, items};
use super::statements::{
    Rows, compare, count, count_all, delete, equals, id, insert, number, select_all, stored, write, write_in,
};
use crate::users::poll_times;

/// Stops a future that needs more polls than any real driver.
const MOST_POLLS: usize = 200;

/// Runs `attempt` with 0, 1, 2, ... polls until it says that its operation completed.
async fn at_every_poll(mut attempt: impl AsyncFnMut(usize) -> bool) {
    for polls in 0..MOST_POLLS {
        if attempt(polls).await {
            return;
        }
    }
    panic!("the operation did not complete in {MOST_POLLS} polls");
}

async fn begin(executor: &dyn Executor) -> Box<dyn Transaction> {
    executor.begin(&TransactionOptions::default()).await.expect("a transaction begins")
}

/// Adds and removes rows with negative ids, alone and (where the driver can) in a transaction, and sees each step from
/// outside. It looks at these only: what was cancelled may still take effect.
async fn still_works(db: &Database<'_>, table: &Arc<Table>) {
    let executor = &**db.executor();
    let negative = count(table, compare(0, Comparison::Less, 0));
    let zero = [Value::I64(0)];
    write(executor, &insert(table), &item(-1)).await.expect("the executor still writes");
    assert_eq!(number(executor, &negative, &zero).await, 1, "no transaction is left open around a write");
    if db.can(Capability::Transactions) {
        let mut transaction = begin(executor).await;
        write_in(&mut transaction, &insert(table), &item(-2)).await.expect("transactions still write");
        let mut rows = Rows::of([ValueType::I64]);
        let statement = Statement::new(&negative, &zero);
        transaction.fetch(&statement, &mut rows).await.expect("transactions still read");
        assert_eq!(rows.rows, [[Value::I64(2)]]);
        transaction.rollback().await.expect("transactions still roll back");
    }
    let below_zero = delete(table, compare(0, Comparison::Less, 0), Vec::new());
    let written = write(executor, &below_zero, &zero).await.expect("the executor still writes");
    assert_eq!(written.rows, 1, "a row that was rolled back is gone");
}

/// `fetch`, of more rows than fit a buffer.
pub async fn of_fetch(db: &Database<'_>) {
    let table = db.filled_items(2000).await;
    let shape = select_all(&table);
    at_every_poll(async |polls| {
        let mut rows = Rows::like(&table);
        let statement = Statement::new(&shape, &[]);
        let completed = poll_times(db.executor().fetch(&statement, &mut rows), polls).await;
        still_works(db, &table).await;
        completed.is_some_and(|fetched| {
            fetched.expect("the rows are read");
            assert_eq!(rows.rows.len(), 2000);
            true
        })
    })
    .await;
}

/// `get_many`, of more keys than fit a statement.
pub async fn of_get_many(db: &Database<'_>) {
    let table = db.filled_items(3000).await;
    let shape = Shape::new(table.clone(), Operation::GetMany);
    let keys: Vec<_> = (1..=3000).map(Key::Int).collect();
    at_every_poll(async |polls| {
        let mut rows = NoRows;
        let completed = poll_times(db.executor().get_many(&shape, &keys, &mut rows), polls).await;
        still_works(db, &table).await;
        completed.is_some_and(|read| {
            read.expect("the rows are read");
            true
        })
    })
    .await;
}

/// `write`: the row is there or not, and nothing else changed.
pub async fn of_write(db: &Database<'_>) {
    let table = db.items().await;
    let shape = insert(&table);
    let mut next = 0;
    at_every_poll(async |polls| {
        next += 1;
        let row = item(next);
        let statement = Statement::new(&shape, &row);
        let completed = poll_times(db.executor().write(&statement, &mut NoRows), polls).await;
        still_works(db, &table).await;
        completed.is_some_and(|written| {
            assert_eq!(written.expect("the row is added").rows, 1);
            true
        })
    })
    .await;
    let ids: Vec<_> = stored(&**db.executor(), &table).await.iter().map(|row| id(row)).collect();
    assert!(ids.contains(&next), "a write that completed is there");
    assert!(ids.iter().all(|id| (1..=next).contains(id)), "nothing else is there");
}

/// `write_atomic`: all rows are there or none.
pub async fn of_write_atomic(db: &Database<'_>) {
    let table = db.items().await;
    let shape = insert(&table);
    let mut batch = 0;
    at_every_poll(async |polls| {
        batch += 1;
        let rows: Vec<_> = (0..10).map(|n| item(batch * 10 + n)).collect();
        let statements: Vec<_> = rows.iter().map(|row| Statement::new(&shape, row)).collect();
        let completed = poll_times(db.executor().write_atomic(&statements), polls).await;
        still_works(db, &table).await;
        let there = count_all(&**db.executor(), &table).await;
        assert_eq!(there % 10, 0, "all rows of a batch are there or none");
        completed.is_some_and(|written| {
            assert_eq!(written.expect("the rows are added").len(), 10);
            true
        })
    })
    .await;
}

/// `begin`: no transaction stays open.
pub async fn of_begin(db: &Database<'_>) {
    let table = db.filled_items(1).await;
    let options = TransactionOptions::default();
    for _ in 0..20 {
        at_every_poll(async |polls| {
            let begun = poll_times(db.executor().begin(&options), polls).await;
            let completed = begun.is_some();
            drop(begun);
            still_works(db, &table).await;
            completed
        })
        .await;
    }
}

/// A write or a read in a transaction: the transaction rolls back when it is dropped.
pub async fn inside_a_transaction(db: &Database<'_>) {
    let table = db.filled_items(500).await;
    let (add, all) = (insert(&table), select_all(&table));
    let row = item(1000);
    at_every_poll(async |polls| {
        let mut transaction = begin(&**db.executor()).await;
        write_in(&mut transaction, &add, &item(1001)).await.expect("a row is added");
        let statement = Statement::new(&add, &row);
        let completed = poll_times(transaction.write(&statement, &mut NoRows), polls).await.is_some();
        drop(transaction);
        assert_eq!(count_all(&**db.executor(), &table).await, 500, "the transaction is rolled back");
        still_works(db, &table).await;
        completed
    })
    .await;
    at_every_poll(async |polls| {
        let mut transaction = begin(&**db.executor()).await;
        write_in(&mut transaction, &add, &row).await.expect("a row is added");
        let statement = Statement::new(&all, &[]);
        let completed = poll_times(transaction.fetch(&statement, &mut NoRows), polls).await.is_some();
        drop(transaction);
        assert_eq!(count_all(&**db.executor(), &table).await, 500, "the transaction is rolled back");
        still_works(db, &table).await;
        completed
    })
    .await;
}

/// `commit`: all of the transaction is there or nothing.
pub async fn of_commit(db: &Database<'_>) {
    let table = db.items().await;
    let shape = insert(&table);
    let mut pair = 0;
    at_every_poll(async |polls| {
        pair += 1;
        let mut transaction = begin(&**db.executor()).await;
        for n in 0..2 {
            write_in(&mut transaction, &shape, &item(pair * 2 + n)).await.expect("a row is added");
        }
        let completed = poll_times(transaction.commit(), polls).await;
        still_works(db, &table).await;
        let there = count_all(&**db.executor(), &table).await;
        assert_eq!(there % 2, 0, "both rows of a transaction are there or none");
        completed.is_some_and(|committed| {
            committed.expect("the transaction commits");
            true
        })
    })
    .await;
    let last = stored(&**db.executor(), &table).await;
    assert!(last.contains(&item(pair * 2 + 1)), "a commit that completed is there");
}

/// `rollback`: nothing is there, however far it got.
pub async fn of_rollback(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    at_every_poll(async |polls| {
        let mut transaction = begin(&**db.executor()).await;
        write_in(&mut transaction, &insert(&table), &item(4)).await.expect("a row is added");
        let completed = poll_times(transaction.rollback(), polls).await.is_some();
        assert_eq!(count_all(&**db.executor(), &table).await, 3);
        still_works(db, &table).await;
        completed
    })
    .await;
}

/// Runs `attempt` with 0 to 7 polls, many times, while other tasks write: futures then have to wait for others.
async fn under_load(db: &Database<'_>, mut attempt: impl AsyncFnMut(usize)) {
    let table = db.create(items(db.table("load"))).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let (executor, shape, stop) = (db.executor().clone(), insert(&table), stop.clone());
        writers.spawn(async move {
            let mut written = 0;
            while !stop.load(Ordering::Relaxed) {
                write(&*executor, &shape, &item(writer * 1_000_000 + written)).await.expect("the row is added");
                written += 1;
                tokio::task::yield_now().await;
            }
            written
        });
    }
    for polls in (0..8).cycle().take(400) {
        attempt(polls).await;
    }
    stop.store(true, Ordering::Relaxed);
    let written: i64 = writers.join_all().await.into_iter().sum();
    assert_eq!(count_all(&**db.executor(), &table).await, written, "no write of others is lost");
}

/// `write` and `write_atomic` while others write: a batch is there wholly or not at all, and nobody else's write is lost.
pub async fn of_writes_under_load(db: &Database<'_>) {
    let table = db.items().await;
    let shape = insert(&table);
    let mut batch = 0;
    under_load(db, async |polls| {
        batch += 1;
        let rows: Vec<_> = (0..10).map(|n| item(batch * 10 + n)).collect();
        let statements: Vec<_> = rows.iter().map(|row| Statement::new(&shape, row)).collect();
        poll_times(db.executor().write_atomic(&statements), polls).await;
        let changed = delete(&table, equals(0, 0), Vec::new());
        let nothing = [Value::I64(-5)];
        poll_times(db.executor().write(&Statement::new(&changed, &nothing), &mut NoRows), polls).await;
        let there = count_all(&**db.executor(), &table).await;
        assert_eq!(there % 10, 0, "all rows of a batch are there or none");
    })
    .await;
    still_works(db, &table).await;
}

/// Transactions while others write, dropped at every step: they are there wholly or not at all, and hold up nobody.
pub async fn of_transactions_under_load(db: &Database<'_>) {
    let table = db.items().await;
    let shape = insert(&table);
    let options = TransactionOptions::default();
    let mut pair = 0;
    under_load(db, async |polls| {
        pair += 1;
        let Some(begun) = poll_times(db.executor().begin(&options), polls).await else { return };
        let mut transaction = begun.expect("a transaction begins");
        for n in 0..2 {
            let row = item(pair * 2 + n);
            let statement = Statement::new(&shape, &row);
            if poll_times(transaction.write(&statement, &mut NoRows), polls).await.is_none() {
                return;
            }
        }
        poll_times(transaction.commit(), polls / 2).await;
        let there = count_all(&**db.executor(), &table).await;
        assert_eq!(there % 2, 0, "both rows of a transaction are there or none");
    })
    .await;
    still_works(db, &table).await;
}
