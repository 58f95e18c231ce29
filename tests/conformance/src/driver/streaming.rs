//! Streams: large results in pages.

use std::sync::Arc;

use thing_driver_api::{Comparison, Row, Shape, Statement, Table, Value};

use super::Database;
use super::database::item;
use super::samples::{plain_types, samples};
use super::statements::{by_key, compare, count_all, insert, select, select_all, write, write_all};

const ROWS: i64 = 100_000;

async fn large(db: &Database<'_>) -> Arc<Table> {
    let table = db.items().await;
    let rows: Vec<_> = (0..ROWS).map(item).collect();
    for block in rows.chunks(10_000) {
        write_all(&**db.executor(), &table, block).await;
    }
    table
}

/// The ids that a stream gives, and the number of rows of its largest page.
pub(super) async fn streamed(db: &Database<'_>, shape: &Arc<Shape>, values: &[Value<'_>]) -> (Vec<i64>, usize) {
    let (mut ids, mut largest) = (Vec::new(), 0);
    let mut pages = db.executor().stream(&Statement::new(shape, values)).await.expect("a stream begins");
    while let Some(page) = pages.next().await.expect("the stream goes on") {
        assert!(!page.is_empty(), "pages are not empty");
        largest = largest.max(page.len());
        for index in 0..page.len() {
            let row = page.row(index).expect("the row is in the page");
            ids.push(row.i64(0).expect("the id is an integer"));
        }
    }
    assert!(pages.next().await.expect("the end is the end").is_none());
    (ids, largest)
}

/// 100 000 rows come once each and in order, in pages much smaller than the whole.
pub async fn a_large_result_comes_in_pages(db: &Database<'_>) {
    let table = large(db).await;
    let (ids, largest) = streamed(db, &select_all(&table), &[]).await;
    assert!(ids.into_iter().eq(0..ROWS), "each row once, in order");
    assert!(largest as i64 <= ROWS / 10, "a page of {largest} rows: memory grows with the result");
}

/// Filter and values work as in `fetch`; an empty result has no pages.
pub async fn a_stream_filters(db: &Database<'_>) {
    let table = db.filled_items(50).await;
    let shape = select(&table, compare(0, Comparison::Greater, 0), by_key(&table), None, None);
    let (ids, _) = streamed(db, &shape, &[Value::I64(45)]).await;
    assert_eq!(ids, [46, 47, 48, 49, 50]);
    let (ids, _) = streamed(db, &shape, &[Value::I64(1000)]).await;
    assert!(ids.is_empty());
}

/// Streams that are dropped early, again and again, leave the executor working.
pub async fn a_stream_dropped_early(db: &Database<'_>) {
    let table = large(db).await;
    let shape = select_all(&table);
    for pages_to_read in [0, 1, 2, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1] {
        let mut pages = db.executor().stream(&Statement::new(&shape, &[])).await.expect("a stream begins");
        for _ in 0..pages_to_read {
            pages.next().await.expect("the stream goes on").expect("there are more pages");
        }
        drop(pages);
    }
    assert_eq!(count_all(&**db.executor(), &table).await, ROWS);
    write(&**db.executor(), &insert(&table), &item(ROWS)).await.expect("the executor still writes");
    assert_eq!(streamed(db, &shape, &[]).await.0.len() as i64, ROWS + 1);
}

/// Values of all sorts come out of pages as they went in.
pub async fn pages_hold_every_type(db: &Database<'_>) {
    let table = db.of_every_type().await;
    let sample = |t| samples(t).pop().expect("there are samples");
    let values: Vec<_> = plain_types().map(sample).collect();
    let mut row = vec![Value::I64(1)];
    row.extend(values.iter().cloned());
    write(&**db.executor(), &insert(&table), &row).await.expect("the row is added");
    let shape = select_all(&table);
    let mut pages = db.executor().stream(&Statement::new(&shape, &[])).await.expect("a stream begins");
    let page = pages.next().await.expect("the stream goes on").expect("there is a page");
    let found = page.row(0).expect("there is a row");
    for (at, (value_type, value)) in plain_types().zip(values).enumerate() {
        assert_eq!(found.value(at + 1, value_type).expect("the value is read"), value);
    }
}
