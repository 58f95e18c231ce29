//! The fixture of the tests that a driver has of its own change feeds, over the table of [`users`](crate::users).
//!
//! The functions panic where the database fails.

use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::{
    Change, ChangeFeed, Executor, NoRows, Observed, RowImage, Statement, Table, TransactionOptions, Value,
};

use crate::users::{Users, raw};

/// A feed that tells later is of no use.
const PATIENCE: Duration = Duration::from_secs(20);

/// Has changes of the table recorded.
pub async fn record(executor: &dyn Executor, table: &Table) {
    let schema = executor.schema().expect("a driver whose feed can be prepared has a schema");
    schema.record_changes(&[table]).await.expect("changes are recorded");
}

/// A feed of the table.
pub async fn follow(executor: &dyn Executor, table: &Arc<Table>) -> Box<dyn ChangeFeed> {
    executor.changes(std::slice::from_ref(table)).await.expect("changes are followed")
}

/// A feed of the table of which nothing was recorded so far, when it has said that nobody knows what was before.
pub async fn follow_from_here(executor: &dyn Executor, table: &Arc<Table>) -> Box<dyn ChangeFeed> {
    record(executor, table).await;
    let mut feed = follow(executor, table).await;
    let first = next(&mut feed).await;
    assert!(matches!(first, Observed::Tables(_) | Observed::Everything), "what was before is not known: {first:?}");
    feed
}

/// What the feed tells in time.
pub async fn next(feed: &mut Box<dyn ChangeFeed>) -> Observed {
    let observed = tokio::time::timeout(PATIENCE, feed.next()).await.expect("the feed tells it in time");
    observed.expect("the feed goes on")
}

/// The changes that the feed tells next, at least so many. Fails where it tells anything but changes of rows.
pub async fn changes(feed: &mut Box<dyn ChangeFeed>, least: usize) -> Vec<Arc<Change>> {
    let mut told = Vec::new();
    while told.len() < least {
        match next(feed).await {
            Observed::Changes(changes) => told.extend(changes),
            other => panic!("changes of rows are told, not {other:?}"),
        }
    }
    told
}

/// Fails unless these are the changes of a row that was each of `rows` in turn.
pub fn assert_history(changes: &[Arc<Change>], rows: &[RowImage]) {
    let told: Vec<_> = changes.iter().map(|change| (&change.before, &change.after)).collect();
    let expected: Vec<_> = rows.iter().zip(&rows[1..]).collect();
    assert_eq!(told, expected);
}

/// A user of whom all is known.
pub fn user(id: i64, name: &str, age: Option<i64>) -> RowImage {
    let age = age.map_or(Value::Null, Value::I64);
    RowImage::Row([Some(Value::I64(id)), Some(Value::Text(name.to_owned().into())), Some(age)].into_iter().collect())
}

/// Writes users in all the ways that an executor has: a feed that leaves out own writes tells nothing.
pub async fn write_in_every_way(executor: &dyn Executor, users: &Users) {
    for name in 0..20 {
        users.add(executor, &format!("user {name}")).await.unwrap();
    }
    let names: Vec<String> = (0..2000).map(|n| format!("bulk {n}")).collect();
    users.add_many(executor, &names).await.unwrap();
    raw(executor, "UPDATE users SET age = 3").await.unwrap();
    let values = [Value::Text("in a transaction".into()), Value::I64(1)];
    let insert = Statement::new(&users.insert, &values);
    for commits in [true, false] {
        let mut transaction = executor.begin(&TransactionOptions::default()).await.unwrap();
        transaction.savepoint(1).await.unwrap();
        transaction.write(&insert, &mut NoRows).await.unwrap();
        transaction.rollback_to(1).await.unwrap();
        transaction.write(&insert, &mut NoRows).await.unwrap();
        let ended = if commits { transaction.commit().await } else { transaction.rollback().await };
        ended.unwrap();
        raw(executor, "DELETE FROM users WHERE age = 1").await.unwrap();
    }
    raw(executor, "DELETE FROM users").await.unwrap();
}
