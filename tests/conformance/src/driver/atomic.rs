//! `write_atomic`: all or nothing, in order.

use thing_driver_api::{Condition, ConstraintKind, Statement, Value};

use super::Database;
use super::database::item;
use super::statements::{Values, count_all, delete, equals, insert, insert_columns, stored, update, write};

/// Nothing to do is done.
pub async fn an_empty_batch(db: &Database<'_>) {
    assert_eq!(db.executor().write_atomic(&[]).await.expect("nothing fails"), []);
}

/// Different statements run in order, and give their results in order.
pub async fn statements_run_in_order(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let (row, change, gone) = (item(4), [Value::I64(0), Value::I64(4)], [Value::I64(1)]);
    let shapes = [
        insert(&table),
        update(&table, vec![2], equals(0, 1), Vec::new()),
        delete(&table, equals(0, 0), Vec::new()),
        delete(&table, equals(0, 0), Vec::new()),
        update(&table, vec![2], Condition::Constant(true), Vec::new()),
    ];
    let values: [&[Value<'_>]; 5] = [&row, &change, &gone, &gone, &change[..1]];
    let statements: Vec<_> = shapes.iter().zip(values).map(|(shape, values)| Statement::new(shape, values)).collect();
    let written = db.executor().write_atomic(&statements).await.expect("all succeed");
    assert_eq!(written.iter().map(|w| w.rows).collect::<Vec<_>>(), [1, 1, 1, 0, 3]);
    let zero = |id: i64| vec![Value::I64(id), Value::Text(format!("item {id}").into()), Value::I64(0)];
    assert_eq!(stored(&**db.executor(), &table).await, [zero(2), zero(3), zero(4)]);
}

/// A statement that fails undoes the whole, and its index is told.
pub async fn a_failure_undoes_everything(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let shape = insert(&table);
    for failing in [0, 2, 4] {
        let mut rows: Vec<Values> = (10..15).map(item).collect();
        rows[failing] = item(2);
        let statements: Vec<_> = rows.iter().map(|row| Statement::new(&shape, row)).collect();
        let (index, error) = db.executor().write_atomic(&statements).await.expect_err("key 2 exists");
        assert_eq!(index, failing, "the index of the statement that failed");
        let kind = error.constraint().map(|constraint| constraint.kind);
        assert_eq!(kind, Some(ConstraintKind::PrimaryKey), "{error:?}");
        assert_eq!(count_all(&**db.executor(), &table).await, 3, "nothing was kept");
    }
    write(&**db.executor(), &shape, &item(10)).await.expect("the executor still works");
}

/// Each insert gives the key that was made for it.
pub async fn generated_keys_come_in_order(db: &Database<'_>) {
    let table = db.numbered().await;
    let shape = insert_columns(&table, vec![1], Vec::new());
    let names: Vec<Values> = (0..50).map(|n| vec![Value::Text(format!("n{n}").into())]).collect();
    let statements: Vec<_> = names.iter().map(|values| Statement::new(&shape, values)).collect();
    let written = db.executor().write_atomic(&statements).await.expect("all are added");
    let rows = stored(&**db.executor(), &table).await;
    assert_eq!(rows.len(), 50);
    for (written, name) in written.iter().zip(&names) {
        let key = written.generated_key.expect("the generated key is given back");
        assert!(rows.contains(&vec![Value::I64(key), name[0].clone()]), "key {key} belongs to {name:?}");
    }
}

/// Ten thousand rows at once.
pub async fn ten_thousand_rows(db: &Database<'_>) {
    let table = db.filled_items(10_000).await;
    assert_eq!(count_all(&**db.executor(), &table).await, 10_000);
}

/// Others see all of a batch or none of it.
pub async fn others_see_all_or_nothing(db: &Database<'_>) {
    let table = db.filled_items(1).await;
    let (executor, rows) = (db.executor().clone(), (2..=1000).map(item).collect::<Vec<_>>());
    let shape = insert(&table);
    let writer = tokio::spawn(async move {
        let statements: Vec<_> = rows.iter().map(|row| Statement::new(&shape, row)).collect();
        executor.write_atomic(&statements).await.map(|written| written.len())
    });
    while !writer.is_finished() {
        let seen = count_all(&**db.executor(), &table).await;
        assert!(seen == 1 || seen == 1000, "{seen} of 1000 rows are seen");
        tokio::task::yield_now().await;
    }
    assert_eq!(writer.await.expect("the writer ends").expect("all are added"), 999);
    assert_eq!(count_all(&**db.executor(), &table).await, 1000);
}
