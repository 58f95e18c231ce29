//! Plans: a shape is shared by executors, tasks and transactions without mixing anything up.

use thing_driver_api::{Condition, Key, NoRows, Operation, Shape, Slot, Statement, TransactionOptions, Value};
use tokio::task::JoinSet;

use super::Database;
use super::database::{item, items};
use super::statements::{Rows, count_all, equals, fetch, insert, select, select_all, stored, write, write_in};

/// One shape on two databases at once: each answers with its own rows.
pub async fn one_shape_on_two_executors(db: &Database<'_>) {
    let table = db.items().await;
    let other = db.another().await;
    db.create_on(&*other, items(db.table("items"))).await;
    let (add, read) = (insert(&table), select(&table, equals(0, 0), Vec::new(), None, None));
    let row = |id: i64, name: &'static str| vec![Value::I64(id), Value::Text(name.into()), Value::Null];
    let mut tasks = JoinSet::new();
    for (executor, name) in [(db.executor().clone(), "here"), (other.clone(), "there")] {
        let (add, read) = (add.clone(), read.clone());
        tasks.spawn(async move {
            for id in 0..50 {
                write(&*executor, &add, &row(id, name)).await.expect("the row is added");
                let found = fetch(&*executor, &read, &[Value::I64(id)]).await.expect("the row is read");
                assert_eq!(found, [row(id, name)]);
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(count_all(&**db.executor(), &table).await, 50);
    assert_eq!(count_all(&*other, &table).await, 50);
}

/// Many tasks use a new shape at once.
pub async fn many_tasks_compile_at_once(db: &Database<'_>) {
    let table = db.filled_items(5).await;
    for _ in 0..20 {
        let shape = select(&table, equals(0, 0), Vec::new(), None, None);
        let mut tasks = JoinSet::new();
        for id in 1..=5 {
            let (executor, shape) = (db.executor().clone(), shape.clone());
            tasks.spawn(async move {
                let found = fetch(&*executor, &shape, &[Value::I64(id)]).await.expect("the row is read");
                assert_eq!(found, [item(id)]);
            });
        }
        tasks.join_all().await;
    }
}

/// One shape inside and outside a transaction.
pub async fn one_shape_inside_and_outside(db: &Database<'_>) {
    let table = db.items().await;
    let (add, by_key) = (insert(&table), Shape::new(table.clone(), Operation::GetMany));
    write(&**db.executor(), &add, &item(1)).await.expect("row 1");
    let options = TransactionOptions::default();
    let mut transaction = db.executor().begin(&options).await.expect("a transaction begins");
    write_in(&mut transaction, &add, &item(2)).await.expect("row 2");
    let mut rows = Rows::like(&table);
    transaction.get_many(&by_key, &[Key::Int(2)], &mut rows).await.expect("row 2 is read");
    assert_eq!(rows.rows, [item(2)]);
    transaction.commit().await.expect("the transaction commits");
    let mut rows = Rows::like(&table);
    db.executor().get_many(&by_key, &[Key::Int(2)], &mut rows).await.expect("row 2 is read");
    assert_eq!(rows.rows, [item(2)]);
}

/// Hundreds of different shapes, more than a driver keeps prepared, and the first ones again.
pub async fn hundreds_of_shapes(db: &Database<'_>) {
    let table = db.filled_items(10).await;
    let shapes: Vec<_> = (1..=400)
        .map(|slots| {
            let condition =
                Condition::In { column: 0, slots: (0..slots).map(|n| Slot(n % 10)).collect(), negated: false };
            select(&table, condition, Vec::new(), None, None)
        })
        .collect();
    let values: Vec<_> = (1..=10).map(Value::I64).collect();
    for _ in 0..2 {
        for (at, shape) in shapes.iter().enumerate() {
            let found = fetch(&**db.executor(), shape, &values[..10.min(at + 1)]).await;
            assert_eq!(found.expect("the rows are read").len(), 10.min(at + 1));
        }
    }
    assert_eq!(stored(&**db.executor(), &table).await.len(), 10);
}

/// A read that ends early leaves its statement fit for the next call.
pub async fn a_shape_after_an_early_end(db: &Database<'_>) {
    let table = db.filled_items(100).await;
    let shape = select_all(&table);
    for _ in 0..5 {
        let mut rows = Rows::like(&table).stop_after(1);
        db.executor().fetch(&Statement::new(&shape, &[]), &mut rows).await.expect("the read stops");
        assert_eq!(stored(&**db.executor(), &table).await.len(), 100);
        db.executor().fetch(&Statement::new(&shape, &[]), &mut NoRows).await.expect("the rows are read");
        assert_eq!(fetch(&**db.executor(), &shape, &[]).await.expect("the rows are read").len(), 100);
    }
}
