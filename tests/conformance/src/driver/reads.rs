//! Reads: order, limit and offset, counts, chosen columns.

use std::sync::Arc;

use thing_driver_api::{
    Column, Comparison, Condition, Operation, Order, Shape, Slot, Statement, Table, Value, ValueType,
};

use super::Database;
use super::samples::{EXACT, NUMBERS, samples};
use super::statements::{
    Rows, Values, ascending, by_key, compare, count, count_all, descending, equals, exists, fetch, id, number, select,
    write_all,
};
use crate::evaluate;

const EVERY_ROW: Condition = Condition::Constant(true);

/// A table `id`, `a`, `b` of one type, with NULLs and repeated values, in no order.
async fn shuffled(db: &Database<'_>, value_type: ValueType) -> (Arc<Table>, Vec<Values>) {
    let table = db
        .table(&format!("{value_type:?}").to_lowercase())
        .column(Column::new("id", ValueType::I64))
        .column(Column::new("a", value_type).nullable(true))
        .column(Column::new("b", value_type).nullable(true))
        .key([0]);
    let table = db.create(table).await;
    let mut values = samples(value_type);
    values.push(Value::Null);
    let rows: Vec<Values> = (0..24)
        .map(|n: usize| {
            let a = values[n * 7 % values.len()].clone();
            let b = values[n * 5 % values.len() / 2].clone();
            vec![Value::I64((n as i64 * 11) % 24), a, b]
        })
        .collect();
    write_all(&**db.executor(), &table, &rows).await;
    (table, rows)
}

async fn judge_order(db: &Database<'_>, table: &Arc<Table>, rows: &[Values], order: Vec<Order>) {
    let mut expected = rows.to_vec();
    expected.sort_by(|left, right| evaluate::order(&order, left, right));
    let shape = select(table, EVERY_ROW, order.clone(), None, None);
    let found = fetch(&**db.executor(), &shape, &[]).await.expect("the rows are read in order");
    assert_eq!(found, expected, "rows in the order {order:?}");
}

async fn orders_of(db: &Database<'_>, value_type: ValueType) {
    let (table, rows) = shuffled(db, value_type).await;
    for order in [
        vec![ascending(1), ascending(0)],
        vec![descending(1), ascending(0)],
        vec![ascending(2), descending(1), descending(0)],
        vec![descending(2), ascending(1), ascending(0)],
    ] {
        judge_order(db, &table, &rows, order).await;
    }
}

/// Orders of several terms over exact types; NULL is least, ascending and descending.
pub async fn order_of_exact_types(db: &Database<'_>) {
    for value_type in EXACT {
        orders_of(db, value_type).await;
    }
}

/// Orders over floats, timestamps and times.
pub async fn order_of_numbers(db: &Database<'_>) {
    for value_type in NUMBERS {
        orders_of(db, value_type).await;
    }
}

/// Orders over text, by its bytes.
pub async fn order_of_text(db: &Database<'_>) {
    orders_of(db, ValueType::Text).await;
}

async fn window(db: &Database<'_>, table: &Arc<Table>, limit: Option<i64>, offset: Option<i64>) -> Vec<i64> {
    let mut values = vec![Value::I64(3)];
    let mut slot = |value: Option<i64>| {
        value.map(|value| {
            values.push(Value::I64(value));
            values.len() - 1
        })
    };
    let (limit, offset) = (slot(limit), slot(offset));
    let filter = compare(0, Comparison::Greater, 0);
    let shape = select(table, filter, by_key(table), limit, offset);
    let rows = fetch(&**db.executor(), &shape, &values).await.expect("the window is read");
    rows.iter().map(|row| id(row)).collect()
}

/// A limit, an offset, both, and windows that lie beyond the rows.
pub async fn limit_and_offset(db: &Database<'_>) {
    let table = db.filled_items(10).await;
    assert_eq!(window(db, &table, None, None).await, [4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(window(db, &table, Some(2), None).await, [4, 5]);
    assert_eq!(window(db, &table, Some(2), Some(0)).await, [4, 5]);
    assert_eq!(window(db, &table, Some(2), Some(3)).await, [7, 8]);
    assert_eq!(window(db, &table, Some(100), Some(5)).await, [9, 10]);
    assert_eq!(window(db, &table, Some(2), Some(100)).await, [] as [i64; 0]);
    assert_eq!(window(db, &table, Some(i64::MAX), Some(6)).await, [10]);
}

/// An offset without a limit.
pub async fn offset_without_limit(db: &Database<'_>) {
    let table = db.filled_items(10).await;
    assert_eq!(window(db, &table, None, Some(5)).await, [9, 10]);
    assert_eq!(window(db, &table, None, Some(0)).await, [4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(window(db, &table, None, Some(100)).await, [] as [i64; 0]);
}

/// A limit of zero gives no rows.
pub async fn limit_zero(db: &Database<'_>) {
    let table = db.filled_items(10).await;
    assert_eq!(window(db, &table, Some(0), None).await, [] as [i64; 0]);
    assert_eq!(window(db, &table, Some(0), Some(2)).await, [] as [i64; 0]);
}

/// Columns come in the order asked for, some and repeated.
pub async fn columns_as_asked(db: &Database<'_>) {
    let table = db.filled_items(2).await;
    let shape = Shape::new(
        table.clone(),
        Operation::Select {
            columns: vec![2, 0],
            filter: equals(0, 0),
            order: Vec::new(),
            limit: None,
            offset: None,
            lock: None,
        },
    );
    let mut rows = Rows::of([ValueType::I64, ValueType::I64]);
    let values = [Value::I64(2)];
    db.executor().fetch(&Statement::new(&shape, &values), &mut rows).await.expect("the row is read");
    assert_eq!(rows.rows, [[Value::I64(20), Value::I64(2)]]);
}

/// The different values of a column and of several, in any order; NULL is one value.
pub async fn distinct_values(db: &Database<'_>) {
    for value_type in EXACT {
        let (table, rows) = shuffled(db, value_type).await;
        for (columns, order) in [
            (vec![1], vec![ascending(1)]),
            (vec![2], vec![descending(2)]),
            (vec![2, 1], vec![ascending(1), descending(2)]),
        ] {
            let mut expected: Vec<&Values> = rows.iter().filter(|row| id(row) < 20).collect();
            expected.sort_by(|left, right| evaluate::order(&order, left, right));
            expected.dedup_by(|left, right| evaluate::order(&order, left, right).is_eq());
            let expected: Vec<Values> =
                expected.iter().map(|row| columns.iter().map(|&column| row[column].clone()).collect()).collect();
            let filter = compare(0, Comparison::Less, 0);
            let shape = Shape::new(table.clone(), Operation::Distinct { columns: columns.clone(), filter, order });
            let mut found = Rows::of(vec![value_type; columns.len()]);
            let values = [Value::I64(20)];
            db.executor().fetch(&Statement::new(&shape, &values), &mut found).await.expect("the values are read");
            assert_eq!(found.rows, expected, "{columns:?} of {value_type}");
        }
    }
}

/// Reading no rows is no error.
pub async fn no_rows_is_no_error(db: &Database<'_>) {
    let table = db.items().await;
    let shape = select(&table, equals(0, 0), Vec::new(), None, None);
    let rows = fetch(&**db.executor(), &shape, &[Value::I64(1)]).await;
    assert!(rows.expect("an empty table is read").is_empty());
}

/// Counts of all rows, of some, of none.
pub async fn counts(db: &Database<'_>) {
    let table = db.filled_items(10).await;
    assert_eq!(count_all(&**db.executor(), &table).await, 10);
    let above = count(&table, compare(2, Comparison::Greater, 0));
    for (bound, expected) in [(0, 10), (50, 5), (1000, 0)] {
        assert_eq!(number(&**db.executor(), &above, &[Value::I64(bound)]).await, expected);
    }
}

/// Exists gives 1 or 0.
pub async fn exists_is_one_or_zero(db: &Database<'_>) {
    let table = db.filled_items(10).await;
    let above = exists(&table, compare(2, Comparison::Greater, 0));
    assert_eq!(number(&**db.executor(), &above, &[Value::I64(20)]).await, 1);
    assert_eq!(number(&**db.executor(), &above, &[Value::I64(100)]).await, 0);
    assert_eq!(number(&**db.executor(), &exists(&table, EVERY_ROW), &[]).await, 1);
    assert_eq!(number(&**db.executor(), &exists(&table, Condition::Constant(false)), &[]).await, 0);
}

/// A read sees what was committed before it began, from any connection.
pub async fn reads_see_what_was_committed(db: &Database<'_>) {
    let table = db.filled_items(1).await;
    let change = super::statements::update(&table, vec![2], equals(0, 1), Vec::new());
    let read = select(&table, Condition::Same { column: 0, slot: Slot(0) }, Vec::new(), None, None);
    for amount in 0..200 {
        let values = [Value::I64(amount), Value::I64(1)];
        super::statements::write(&**db.executor(), &change, &values).await.expect("the row is changed");
        let rows = fetch(&**db.executor(), &read, &[Value::I64(1)]).await.expect("the row is read");
        assert_eq!(rows[0][2], Value::I64(amount), "a read after a write sees it");
    }
}
