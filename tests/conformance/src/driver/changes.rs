//! Change feeds: what an outsider writes is told, with what is known of the rows.
//!
//! A feed may tell more than it must: whole tables, everything, or the same twice. What it tells of a row has to be
//! right.

use std::sync::Arc;

use thing_driver_api::{
    Change, ChangeFeed, Column, ErrorKind, Executor, Key, Observed, RowImage, Table, TransactionOptions, Value,
    ValueType,
};

use super::Database;
use super::database::item;
use super::samples::{plain_types, samples};
use super::statements::{delete, equals, fetch, insert, select_all, update, write, write_all, write_in};
use crate::changes::{self, next, record};

/// A feed of the table, with an outsider who writes it.
async fn followed(db: &Database<'_>, table: &Arc<Table>) -> (Box<dyn ChangeFeed>, Arc<dyn Executor>) {
    record(&**db.executor(), table).await;
    (follow(db, table).await, db.outsider().await)
}

async fn follow(db: &Database<'_>, table: &Arc<Table>) -> Box<dyn ChangeFeed> {
    changes::follow(&**db.executor(), table).await
}

/// Waits until the feed tells of these rows, and gives what it said of them in particular.
async fn told(feed: &mut Box<dyn ChangeFeed>, table: &Arc<Table>, keys: &[i64]) -> Vec<Arc<Change>> {
    let mut missing: Vec<i64> = keys.to_vec();
    let mut said = Vec::new();
    while !missing.is_empty() {
        match next(feed).await {
            Observed::Everything => missing.clear(),
            Observed::Tables(tables) => {
                if tables.contains(&table.id()) {
                    missing.clear();
                }
            }
            Observed::Changes(changes) => {
                for change in changes {
                    assert_eq!(change.table, table.id(), "only what was asked for is told");
                    assert_eq!(change.form, table.fingerprint(), "the numbers of columns are those of the table");
                    missing.retain(|&key| change.key != Key::Int(key));
                    said.push(change);
                }
            }
        }
    }
    said
}

/// Until nothing is left of what happened so far: another row is written and waited for.
async fn settle(feed: &mut Box<dyn ChangeFeed>, outsider: &dyn Executor, table: &Arc<Table>) {
    for id in [1_000_001, 1_000_002] {
        write(outsider, &insert(table), &item(id)).await.expect("the row is added");
        told(feed, table, &[id]).await;
    }
}

/// What is known of the image is what the row holds.
fn assert_image(image: &RowImage, row: Option<&[Value<'static>]>, what: &str) {
    match (image, row) {
        (RowImage::Unknown, _) | (RowImage::Absent, None) => {}
        (RowImage::Row(values), Some(row)) => {
            assert_eq!(values.len(), row.len(), "{what}: an image has all columns");
            for (at, (said, held)) in values.iter().zip(row).enumerate() {
                assert!(said.as_ref().is_none_or(|said| said == held), "{what}: column {at} is {held:?}, not {said:?}");
            }
        }
        _ => panic!("{what}: {image:?} is told of {row:?}"),
    }
}

/// What was said of the row last.
fn last(said: &[Arc<Change>], key: i64) -> Option<&Change> {
    said.iter().rev().map(AsRef::as_ref).find(|change| change.key == Key::Int(key))
}

/// Inserts, updates and deletes are told, with images that are right.
pub async fn writes_of_others_are_told(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let (mut feed, outsider) = followed(db, &table).await;
    settle(&mut feed, &*outsider, &table).await;
    write(&*outsider, &insert(&table), &item(4)).await.expect("the row is added");
    if let Some(change) = last(&told(&mut feed, &table, &[4]).await, 4) {
        assert_image(&change.before, None, "inserted, before");
        assert_image(&change.after, Some(&item(4)), "inserted, after");
    }
    let raise = update(&table, vec![2], equals(0, 1), Vec::new());
    write(&*outsider, &raise, &[Value::I64(7), Value::I64(2)]).await.expect("the row is changed");
    if let Some(change) = last(&told(&mut feed, &table, &[2]).await, 2) {
        assert_image(&change.before, Some(&item(2)), "updated, before");
        let after = [item(2).swap_remove(0), item(2).swap_remove(1), Value::I64(7)];
        assert_image(&change.after, Some(&after), "updated, after");
        assert!(change.columns.contains(2), "the column that changed is among {:?}", change.columns);
    }
    let gone = delete(&table, equals(0, 0), Vec::new());
    write(&*outsider, &gone, &[Value::I64(3)]).await.expect("the row is removed");
    if let Some(change) = last(&told(&mut feed, &table, &[3]).await, 3) {
        assert_image(&change.before, Some(&item(3)), "deleted, before");
        assert_image(&change.after, None, "deleted, after");
    }
}

/// A row whose key is changed is gone under the old one, and there under the new one.
pub async fn a_changed_key_is_told_as_two_rows(db: &Database<'_>) {
    let table = db.filled_items(2).await;
    let (mut feed, outsider) = followed(db, &table).await;
    settle(&mut feed, &*outsider, &table).await;
    let moved = update(&table, vec![0], equals(0, 1), Vec::new());
    write(&*outsider, &moved, &[Value::I64(9), Value::I64(2)]).await.expect("the key is changed");
    let said = told(&mut feed, &table, &[2, 9]).await;
    if let (Some(old), Some(new)) = (last(&said, 2), last(&said, 9)) {
        assert_image(&old.after, None, "under the old key");
        assert_image(&new.before, None, "under the new key");
    }
}

/// Values of every type are told as they are, or not at all.
pub async fn values_are_exact_or_unknown(db: &Database<'_>) {
    for (at, value_type) in plain_types().chain([ValueType::Json]).enumerate() {
        let table = db
            .table(&format!("sample{at}"))
            .column(Column::new("id", ValueType::I64))
            .column(Column::new("value", value_type).nullable(true))
            .key([0]);
        let table = db.create(table).await;
        let (mut feed, outsider) = followed(db, &table).await;
        let values: Vec<Value<'static>> = samples(value_type).into_iter().chain([Value::Null]).collect();
        let rows: Vec<_> = (1..).zip(&values).map(|(id, value)| vec![Value::I64(id), value.clone()]).collect();
        // The first may only be told as a change of the table, because nobody knows what was before.
        write(&*outsider, &insert(&table), &[Value::I64(0), Value::Null]).await.expect("a row is added");
        told(&mut feed, &table, &[0]).await;
        write_all(&*outsider, &table, &rows).await;
        let keys: Vec<i64> = (1..=rows.len() as i64).collect();
        let said = told(&mut feed, &table, &keys).await;
        let stored = fetch(&**db.executor(), &select_all(&table), &[]).await.expect("the rows are read");
        for row in &stored {
            let Value::I64(id) = row[0] else { panic!("the key is an integer") };
            if let Some(change) = last(&said, id) {
                assert_image(&change.after, Some(row), &format!("{value_type} {id}"));
            }
        }
    }
}

/// Who is told of a write and reads then sees it.
pub async fn what_is_told_can_be_read(db: &Database<'_>) {
    let table = db.filled_items(1).await;
    let (mut feed, outsider) = followed(db, &table).await;
    settle(&mut feed, &*outsider, &table).await;
    let raise = update(&table, vec![2], equals(0, 1), Vec::new());
    for amount in 1..=30 {
        write(&*outsider, &raise, &[Value::I64(amount), Value::I64(1)]).await.expect("the row is changed");
        told(&mut feed, &table, &[1]).await;
        let rows = fetch(&**db.executor(), &select_all(&table), &[]).await.expect("the rows are read");
        assert_eq!(rows[0][2], Value::I64(amount), "the write is seen");
    }
}

/// Each of many changes is told.
pub async fn many_writes_are_told(db: &Database<'_>) {
    let table = db.items().await;
    let (mut feed, outsider) = followed(db, &table).await;
    let rows: Vec<_> = (1..=1800).map(item).collect();
    let keys: Vec<i64> = (1..=1800).collect();
    for rows in rows.chunks(600) {
        write_all(&*outsider, &table, rows).await;
    }
    told(&mut feed, &table, &keys).await;
}

/// What a feed told last is told again by the next, unless somebody asked for more.
pub async fn what_was_not_confirmed_is_told_again(db: &Database<'_>) {
    let table = db.filled_items(2).await;
    let (mut feed, outsider) = followed(db, &table).await;
    settle(&mut feed, &*outsider, &table).await;
    let raise = update(&table, vec![2], equals(0, 1), Vec::new());
    write(&*outsider, &raise, &[Value::I64(7), Value::I64(2)]).await.expect("the row is changed");
    told(&mut feed, &table, &[2]).await;
    drop(feed);
    let mut feed = follow(db, &table).await;
    told(&mut feed, &table, &[2]).await;
}

/// What was written while nobody followed is told to who follows next, or that something may have been.
pub async fn writes_between_two_feeds_are_told(db: &Database<'_>) {
    let table = db.filled_items(2).await;
    let (mut feed, outsider) = followed(db, &table).await;
    settle(&mut feed, &*outsider, &table).await;
    drop(feed);
    write(&*outsider, &insert(&table), &item(3)).await.expect("the row is added");
    let mut feed = follow(db, &table).await;
    told(&mut feed, &table, &[3]).await;
}

/// A transaction is told when it has committed, also when others that began later were told before.
pub async fn a_late_commit_is_told(db: &Database<'_>) {
    let table = db.filled_items(1).await;
    let (mut feed, outsider) = followed(db, &table).await;
    settle(&mut feed, &*outsider, &table).await;
    let mut late = outsider.begin(&TransactionOptions::default()).await.expect("a transaction begins");
    write_in(&mut late, &insert(&table), &item(2)).await.expect("the row is added");
    match write(&*db.outsider().await, &insert(&table), &item(3)).await {
        Ok(_) => {
            told(&mut feed, &table, &[3]).await;
        }
        // Only one may write at a time.
        Err(error) => assert_eq!(*error.kind(), ErrorKind::Busy, "{error}"),
    }
    late.commit().await.expect("the transaction commits");
    told(&mut feed, &table, &[2]).await;
}

/// To have changes recorded that are recorded does nothing, also at the same moment.
pub async fn recording_twice_is_harmless(db: &Database<'_>) {
    let (first, second) = (db.items().await, db.numbered().await);
    let record = async || {
        let schema = db.executor().schema().expect("the driver has a schema");
        schema.record_changes(&[&first, &second]).await
    };
    let (one, two, three) = tokio::join!(record(), record(), record());
    [one, two, three].into_iter().for_each(|recorded| recorded.expect("changes are recorded"));
    record().await.expect("they are recorded still");
    let mut feed = follow(db, &first).await;
    settle(&mut feed, &*db.outsider().await, &first).await;
}

/// What is not recorded any more can be recorded again, and written meanwhile.
pub async fn forgetting_ends_it(db: &Database<'_>) {
    let table = db.filled_items(1).await;
    let (mut feed, outsider) = followed(db, &table).await;
    settle(&mut feed, &*outsider, &table).await;
    drop(feed);
    let schema = db.executor().schema().expect("the driver has a schema");
    schema.forget_changes(&[&table]).await.expect("changes are forgotten");
    schema.forget_changes(&[&table]).await.expect("there is nothing to be forgotten");
    write(&*outsider, &insert(&table), &item(2)).await.expect("the row is added");
    schema.record_changes(&[&table]).await.expect("changes are recorded again");
    // Nobody recorded the second row.
    let mut feed = follow(db, &table).await;
    told(&mut feed, &table, &[2]).await;
}
