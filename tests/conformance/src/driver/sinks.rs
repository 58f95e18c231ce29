//! Sinks: their errors are passed on, they can stop a read, and no row is delivered twice.

use thing_driver_api::{Error, Flow, NoRows, Result, Row, RowSink, Statement, TransactionOptions, Value};
use tokio::task::JoinSet;

use super::Database;
use super::database::item;
use super::statements::{
    Rows, count_all, delete, equals, id, insert, insert_columns, select_all, stored, update, write,
};

/// Fails on one row, and counts what comes before and after.
#[derive(Default)]
struct Failing {
    at: usize,
    rows: usize,
}

impl RowSink for Failing {
    fn row(&mut self, _: &dyn Row) -> Result<Flow> {
        self.rows += 1;
        if self.rows == self.at {
            return Err(Error::invalid_data("word", "no such word"));
        }
        Ok(Flow::Continue)
    }

    fn restart(&mut self) {
        self.rows = 0;
    }
}

fn assert_passed_on(result: Result<()>, sink: &Failing) {
    let error = result.expect_err("the sink failed");
    assert_eq!(*error.kind(), *Error::invalid_data("word", "").kind(), "the sink's error is passed on: {error:?}");
    assert_eq!(error.message(), "no such word");
    assert_eq!(sink.rows, sink.at, "no row is delivered after the error");
}

/// The error of a sink ends the read and is what the caller gets; the executor goes on.
pub async fn errors_are_passed_on(db: &Database<'_>) {
    let table = db.filled_items(1000).await;
    let shape = select_all(&table);
    for at in [1, 2, 500, 1000] {
        let mut sink = Failing { at, rows: 0 };
        let result = db.executor().fetch(&Statement::new(&shape, &[]), &mut sink).await;
        assert_passed_on(result, &sink);
        assert_eq!(count_all(&**db.executor(), &table).await, 1000);
    }
}

/// The same in a transaction, which can then be rolled back.
pub async fn errors_are_passed_on_in_a_transaction(db: &Database<'_>) {
    let table = db.filled_items(10).await;
    let shape = select_all(&table);
    let options = TransactionOptions::default();
    let mut transaction = db.executor().begin(&options).await.expect("a transaction begins");
    let mut sink = Failing { at: 3, rows: 0 };
    let result = transaction.fetch(&Statement::new(&shape, &[]), &mut sink).await;
    assert_passed_on(result, &sink);
    transaction.rollback().await.expect("the transaction rolls back");
    write(&**db.executor(), &delete(&table, equals(0, 0), Vec::new()), &[Value::I64(1)]).await.expect("others write");
}

/// Rows of `returning` are delivered after the commit: a sink that fails then does not undo the write.
pub async fn returned_rows_come_after_the_commit(db: &Database<'_>) {
    let table = db.items().await;
    let shape = insert_columns(&table, vec![0, 1, 2], vec![0]);
    let row = item(1);
    let mut sink = Failing { at: 1, rows: 0 };
    let result = db.executor().write(&Statement::new(&shape, &row), &mut sink).await;
    assert_passed_on(result.map(|_| ()), &sink);
    assert_eq!(stored(&**db.executor(), &table).await, [row], "the write is committed");
    write(&**db.executor(), &insert(&table), &item(2)).await.expect("the executor still writes");
}

/// After `Flow::Stop` no row is delivered; the executor goes on.
pub async fn a_sink_stops_the_read(db: &Database<'_>) {
    let table = db.filled_items(1000).await;
    let shape = select_all(&table);
    for rows in [1, 3, 999, 1000] {
        let mut sink = Rows::like(&table).stop_after(rows);
        db.executor().fetch(&Statement::new(&shape, &[]), &mut sink).await.expect("the read stops");
        let ids: Vec<_> = sink.rows.iter().map(|row| id(row)).collect();
        assert_eq!(ids, (1..=rows as i64).collect::<Vec<_>>());
    }
    assert_eq!(count_all(&**db.executor(), &table).await, 1000);
}

/// The same in a transaction.
pub async fn a_sink_stops_the_read_in_a_transaction(db: &Database<'_>) {
    let table = db.filled_items(1000).await;
    let shape = select_all(&table);
    let options = TransactionOptions::default();
    let mut transaction = db.executor().begin(&options).await.expect("a transaction begins");
    for _ in 0..3 {
        let mut sink = Rows::like(&table).stop_after(2);
        transaction.fetch(&Statement::new(&shape, &[]), &mut sink).await.expect("the read stops");
        assert_eq!(sink.rows.len(), 2);
    }
    transaction.commit().await.expect("the transaction commits");
}

/// A sink that honours `restart` has each row once and in order, also where many reads are at work and some of them are
/// started again elsewhere.
pub async fn every_row_comes_once(db: &Database<'_>) {
    let table = db.filled_items(3000).await;
    let shape = select_all(&table);
    let mut readers = JoinSet::new();
    for _ in 0..12 {
        let (executor, table, shape) = (db.executor().clone(), table.clone(), shape.clone());
        readers.spawn(async move {
            for _ in 0..3 {
                let mut sink = Rows::like(&table);
                executor.fetch(&Statement::new(&shape, &[]), &mut sink).await.expect("the rows are read");
                let ids: Vec<_> = sink.rows.iter().map(|row| id(row)).collect();
                assert_eq!(ids, (1..=3000).collect::<Vec<_>>(), "each row once");
            }
        });
    }
    // Writes in between let a reader meet a database that moves.
    let shape = update(&table, vec![2], equals(0, 1), Vec::new());
    for n in 0..50 {
        let values = [Value::I64(n), Value::I64(n + 1)];
        db.executor().write(&Statement::new(&shape, &values), &mut NoRows).await.expect("the row is changed");
    }
    readers.join_all().await;
}
