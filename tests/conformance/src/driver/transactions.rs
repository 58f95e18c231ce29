//! Transactions: commit, rollback, what is seen from inside and outside, savepoints.

use std::time::Duration;

use thing_driver_api::{
    Condition, ErrorKind, Isolation, Key, Operation, Shape, Statement, Transaction, TransactionOptions, Value,
    ValueType,
};

use super::Database;
use super::database::item;
use super::statements::{
    Rows, ascending, count, count_all, delete, equals, insert, sorted, stored, stored_in, update, write, write_in,
};

/// How long a task that may have to wait for a transaction is given to be done before it ends.
const HEAD_START: Duration = Duration::from_millis(500);

async fn begin(db: &Database<'_>) -> Box<dyn Transaction> {
    db.executor().begin(&TransactionOptions::default()).await.expect("a transaction begins")
}

/// What is committed stays.
pub async fn commit_keeps(db: &Database<'_>) {
    let table = db.items().await;
    let mut transaction = begin(db).await;
    for id in 1..=3 {
        let written = write_in(&mut transaction, &insert(&table), &item(id)).await;
        assert_eq!(written.expect("the row is added").rows, 1);
    }
    transaction.commit().await.expect("the transaction commits");
    assert_eq!(stored(&**db.executor(), &table).await, [item(1), item(2), item(3)]);
}

/// What is rolled back never was.
pub async fn rollback_undoes(db: &Database<'_>) {
    let table = db.filled_items(2).await;
    let mut transaction = begin(db).await;
    write_in(&mut transaction, &insert(&table), &item(3)).await.expect("the row is added");
    let gone = delete(&table, equals(0, 0), Vec::new());
    write_in(&mut transaction, &gone, &[Value::I64(1)]).await.expect("the row is removed");
    transaction.rollback().await.expect("the transaction rolls back");
    assert_eq!(stored(&**db.executor(), &table).await, [item(1), item(2)]);
}

/// A transaction that is dropped is rolled back, and does not stand in the way of the next.
pub async fn drop_without_commit_rolls_back(db: &Database<'_>) {
    let table = db.filled_items(1).await;
    for id in 2..40 {
        let mut transaction = begin(db).await;
        write_in(&mut transaction, &insert(&table), &item(id)).await.expect("the row is added");
        drop(transaction);
        assert_eq!(count_all(&**db.executor(), &table).await, 1, "a dropped transaction is not seen");
    }
    write(&**db.executor(), &insert(&table), &item(2)).await.expect("the executor still writes");
}

/// A transaction without statements commits and rolls back.
pub async fn an_empty_transaction(db: &Database<'_>) {
    begin(db).await.commit().await.expect("nothing is committed");
    begin(db).await.rollback().await.expect("nothing is rolled back");
    drop(begin(db).await);
    let table = db.filled_items(1).await;
    assert_eq!(count_all(&**db.executor(), &table).await, 1);
}

/// Reads in a transaction see its own writes, by every way of reading.
pub async fn a_transaction_reads_its_own_writes(db: &Database<'_>) {
    let table = db.filled_items(2).await;
    let mut transaction = begin(db).await;
    write_in(&mut transaction, &insert(&table), &item(3)).await.expect("the row is added");
    let change = update(&table, vec![2], equals(0, 1), Vec::new());
    let values = [Value::I64(-1), Value::I64(1)];
    write_in(&mut transaction, &change, &values).await.expect("the row is changed");
    let changed = vec![Value::I64(1), Value::Text("item 1".into()), Value::I64(-1)];
    let expected = vec![changed, item(2), item(3)];
    assert_eq!(stored_in(&mut transaction, &table).await, expected);
    let mut rows = Rows::like(&table);
    let by_key = Shape::new(table.clone(), Operation::GetMany);
    let keys = [Key::Int(1), Key::Int(3), Key::Int(4)];
    transaction.get_many(&by_key, &keys, &mut rows).await.expect("the rows are read by key");
    assert_eq!(sorted(rows.rows), sorted(vec![expected[0].clone(), item(3)]));
    let mut rows = Rows::of([ValueType::I64]);
    let shape = count(&table, Condition::Constant(true));
    transaction.fetch(&Statement::new(&shape, &[]), &mut rows).await.expect("the rows are counted");
    assert_eq!(rows.rows, [[Value::I64(3)]]);
    transaction.rollback().await.expect("the transaction rolls back");
}

/// Nobody sees what is not committed. A reader may have to wait for the end of the transaction; what it then sees is
/// the state before or after the whole.
pub async fn others_do_not_see_it_before_commit(db: &Database<'_>) {
    let table = db.filled_items(1).await;
    let mut transaction = begin(db).await;
    for id in 2..=5 {
        write_in(&mut transaction, &insert(&table), &item(id)).await.expect("the row is added");
    }
    let (executor, read) = (db.executor().clone(), table.clone());
    let mut reader = tokio::spawn(async move { count_all(&*executor, &read).await });
    match tokio::time::timeout(HEAD_START, &mut reader).await {
        Ok(seen) => {
            assert_eq!(seen.expect("the reader ends"), 1, "what is not committed is not seen");
            transaction.commit().await.expect("the transaction commits");
        }
        Err(_) => {
            transaction.commit().await.expect("the transaction commits");
            let seen = reader.await.expect("the reader ends");
            assert!(seen == 1 || seen == 5, "{seen} of 5 rows are seen");
        }
    }
    assert_eq!(count_all(&**db.executor(), &table).await, 5, "what is committed is seen");
}

/// A read-only transaction reads and refuses writes, as read only.
pub async fn read_only_refuses_writes(db: &Database<'_>) {
    let table = db.filled_items(2).await;
    let options = TransactionOptions::default().read_only(true);
    let mut transaction = db.executor().begin(&options).await.expect("a transaction begins");
    assert_eq!(stored_in(&mut transaction, &table).await.len(), 2);
    let refused = write_in(&mut transaction, &insert(&table), &item(3)).await;
    let error = refused.expect_err("the write is refused");
    assert_eq!(*error.kind(), ErrorKind::ReadOnly, "{error:?}");
    drop(transaction);
    assert_eq!(count_all(&**db.executor(), &table).await, 2);
    write(&**db.executor(), &insert(&table), &item(3)).await.expect("others still write");
    let transaction = db.executor().begin(&options).await.expect("a transaction begins");
    transaction.commit().await.expect("it commits");
    write(&**db.executor(), &insert(&table), &item(4)).await.expect("others still write");
}

/// Each level of isolation is given, or refused as unsupported.
pub async fn isolation_is_given_or_refused(db: &Database<'_>) {
    let table = db.filled_items(2).await;
    for isolation in [Isolation::ReadCommitted, Isolation::RepeatableRead, Isolation::Serializable] {
        let options = TransactionOptions::default().isolation(isolation);
        match db.executor().begin(&options).await {
            Ok(mut transaction) => {
                assert_eq!(stored_in(&mut transaction, &table).await.len(), 2);
                transaction.commit().await.expect("the transaction commits");
            }
            Err(error) => assert_eq!(*error.kind(), ErrorKind::Unsupported, "{isolation:?}: {error:?}"),
        }
    }
}

/// After a refused write the transaction can be rolled back, and nothing of it stays.
pub async fn rollback_after_an_error(db: &Database<'_>) {
    let table = db.filled_items(1).await;
    let mut transaction = begin(db).await;
    write_in(&mut transaction, &insert(&table), &item(2)).await.expect("the row is added");
    let refused = write_in(&mut transaction, &insert(&table), &item(1)).await;
    assert!(refused.expect_err("key 1 exists").is_unique_violation());
    transaction.rollback().await.expect("the transaction rolls back");
    assert_eq!(stored(&**db.executor(), &table).await, [item(1)]);
}

/// Rows of `returning` come in a transaction too.
pub async fn writes_return_rows(db: &Database<'_>) {
    let table = db.filled_items(2).await;
    let mut transaction = begin(db).await;
    let mut rows = Rows::like(&table);
    let shape = delete(&table, equals(0, 0), vec![0, 1, 2]);
    let values = [Value::I64(2)];
    transaction.write(&Statement::new(&shape, &values), &mut rows).await.expect("the row is removed");
    assert_eq!(rows.rows, [item(2)]);
    transaction.commit().await.expect("the transaction commits");
    assert_eq!(stored(&**db.executor(), &table).await, [item(1)]);
}

/// Increments by a locked read lose nothing: each task reads the row, locks it, and writes one more. Conflicts may be
/// tried again from the start of the transaction.
pub async fn a_locked_read_holds_back_other_writers(db: &Database<'_>) {
    let table = db.filled_items(1).await;
    let lock = Shape::new(
        table.clone(),
        Operation::Select {
            columns: vec![2],
            filter: equals(0, 0),
            order: vec![ascending(0)],
            limit: None,
            offset: None,
            lock: Some(thing_driver_api::Lock::Wait),
        },
    );
    let change = update(&table, vec![2], equals(0, 1), Vec::new());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (executor, lock, change) = (db.executor().clone(), lock.clone(), change.clone());
        tasks.spawn(async move {
            let increment = async || {
                let mut transaction = executor.begin(&TransactionOptions::default()).await?;
                let mut rows = Rows::of([ValueType::I64]);
                transaction.fetch(&Statement::new(&lock, &[Value::I64(1)]), &mut rows).await?;
                let Value::I64(amount) = rows.rows[0][0] else { panic!("the amount is an integer") };
                tokio::task::yield_now().await;
                write_in(&mut transaction, &change, &[Value::I64(amount + 1), Value::I64(1)]).await?;
                transaction.commit().await
            };
            for _ in 0..5 {
                while let Err(error) = increment().await {
                    assert!(error.is_retryable(), "{error:?}");
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("the task ends");
    }
    assert_eq!(stored(&**db.executor(), &table).await[0][2], Value::I64(10 + 8 * 5));
}

/// A read that locks the rows which nobody else has locked, and one that fails where somebody has.
async fn locking(db: &Database<'_>, lock: thing_driver_api::Lock) -> (Box<dyn Transaction>, Vec<Vec<Value<'static>>>) {
    let table = db.filled_items(3).await;
    let select = |filter, lock| {
        let order = vec![ascending(0)];
        let operation = Operation::Select { columns: vec![0, 1, 2], filter, order, limit: None, offset: None, lock };
        Shape::new(table.clone(), operation)
    };
    let mut holder = begin(db).await;
    let one = select(equals(0, 0), Some(thing_driver_api::Lock::Wait));
    holder.fetch(&Statement::new(&one, &[Value::I64(2)]), &mut Rows::like(&table)).await.expect("the row is locked");
    let mut other = begin(db).await;
    let mut rows = Rows::like(&table);
    let read = other.fetch(&Statement::new(&select(Condition::Constant(true), Some(lock)), &[]), &mut rows).await;
    if let Err(error) = read {
        assert_eq!(*error.kind(), ErrorKind::Busy, "{error:?}");
        rows.rows.clear();
    }
    other.rollback().await.expect("the other transaction rolls back");
    (holder, rows.rows)
}

/// Rows that others have locked are left out.
pub async fn locked_rows_are_passed_over(db: &Database<'_>) {
    let (holder, rows) = locking(db, thing_driver_api::Lock::Skip).await;
    assert_eq!(rows, [item(1), item(3)]);
    holder.rollback().await.expect("the transaction rolls back");
}

/// A read that must not wait fails at once.
pub async fn locked_rows_are_told_at_once(db: &Database<'_>) {
    let (holder, rows) = locking(db, thing_driver_api::Lock::NoWait).await;
    assert!(rows.is_empty(), "{rows:?}");
    holder.rollback().await.expect("the transaction rolls back");
}

/// Savepoints undo what came after them, keep what came before, and nest.
pub async fn savepoints_nest(db: &Database<'_>) {
    let table = db.items().await;
    let shape = insert(&table);
    let mut transaction = begin(db).await;
    write_in(&mut transaction, &shape, &item(1)).await.expect("row 1");
    transaction.savepoint(1).await.expect("savepoint 1");
    write_in(&mut transaction, &shape, &item(2)).await.expect("row 2");
    transaction.savepoint(2).await.expect("savepoint 2");
    write_in(&mut transaction, &shape, &item(3)).await.expect("row 3");
    transaction.rollback_to(2).await.expect("back to savepoint 2");
    assert_eq!(stored_in(&mut transaction, &table).await, [item(1), item(2)]);
    transaction.savepoint(2).await.expect("savepoint 2 again");
    write_in(&mut transaction, &shape, &item(4)).await.expect("row 4");
    transaction.release(2).await.expect("savepoint 2 is kept");
    assert_eq!(stored_in(&mut transaction, &table).await, [item(1), item(2), item(4)]);
    transaction.rollback_to(1).await.expect("back to savepoint 1");
    assert_eq!(stored_in(&mut transaction, &table).await, [item(1)]);
    transaction.savepoint(1).await.expect("savepoint 1 again");
    write_in(&mut transaction, &shape, &item(5)).await.expect("row 5");
    transaction.release(1).await.expect("savepoint 1 is kept");
    transaction.commit().await.expect("the transaction commits");
    assert_eq!(stored(&**db.executor(), &table).await, [item(1), item(5)]);
}

/// A refused write is undone by going back to the savepoint before it, and the transaction goes on.
pub async fn a_savepoint_survives_an_error(db: &Database<'_>) {
    let table = db.filled_items(1).await;
    let shape = insert(&table);
    let mut transaction = begin(db).await;
    write_in(&mut transaction, &shape, &item(2)).await.expect("row 2");
    transaction.savepoint(1).await.expect("savepoint 1");
    let refused = write_in(&mut transaction, &shape, &item(1)).await;
    assert!(refused.expect_err("key 1 exists").is_unique_violation());
    transaction.rollback_to(1).await.expect("back to savepoint 1");
    write_in(&mut transaction, &shape, &item(3)).await.expect("row 3");
    transaction.commit().await.expect("the transaction commits");
    assert_eq!(stored(&**db.executor(), &table).await, [item(1), item(2), item(3)]);
}
