//! Changes of others: what triggers record, what the binary log tells, and what neither does.
// A helper of a test fails with it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use support::{Fresh, Users, raw};
use thing_conformance::changes::{
    assert_history, changes, follow, follow_from_here, next, record, user, write_in_every_way,
};
use thing_conformance::users::users;
use thing_driver_api::{Change, ChangeFeed, ColumnSet, ErrorKind, Executor, Key, Observed, RowImage, Value};
use thing_driver_mysql::{ChangeSource, MysqlExecutor};
use thing_test_servers::{Direction, Proxy};

const SOON: Duration = Duration::from_millis(5);

async fn recorded(fresh: &Fresh) -> Box<dyn ChangeFeed> {
    let users = Users::create(&fresh.executor).await;
    follow_from_here(&fresh.executor, &users.table).await
}

async fn with_triggers() -> Fresh {
    Fresh::with(|config| config.changes_interval(SOON)).await
}

async fn with_log() -> Fresh {
    Fresh::with(|config| config.changes_from(ChangeSource::Binlog)).await
}

fn of(columns: &[usize]) -> ColumnSet {
    columns.iter().copied().collect()
}

async fn pending(fresh: &Fresh) -> i64 {
    fresh.other().await.query_first("SELECT count(*) FROM thing_changes").await.unwrap().unwrap()
}

/// An insert, an update and a delete by somebody else, with everything that is known about them.
async fn writes_are_told_with_images(feed: &mut Box<dyn ChangeFeed>, other: &mut Conn) {
    for text in [
        "SET time_zone = '+09:00', sql_mode = 'NO_BACKSLASH_ESCAPES', NAMES utf8mb4",
        "INSERT INTO users (id, name, age) VALUES (7, 'O''Neil \"\\ 日本', NULL)",
        "UPDATE users SET age = 5 WHERE id = 7",
        "UPDATE users SET name = 'o''neil' WHERE id = 7",
        "UPDATE users SET name = 'O''Neil' WHERE id = 7",
        "DELETE FROM users WHERE id = 7",
    ] {
        other.query_drop(text).await.unwrap();
    }
    let told = changes(feed, 5).await;
    let name = "O'Neil \"\\ 日本";
    let (born, named) = (user(7, name, None), |name| user(7, name, Some(5)));
    let rows = [RowImage::Absent, born, named(name), named("o'neil"), named("O'Neil"), RowImage::Absent];
    assert_history(&told, &rows);
    assert_eq!((told[1].columns, told[3].columns), (of(&[2]), of(&[1])));
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_record_whole_rows() {
    let fresh = with_triggers().await;
    let mut feed = recorded(&fresh).await;
    writes_are_told_with_images(&mut feed, &mut fresh.other().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_whole_rows() {
    let fresh = with_log().await;
    let mut feed = recorded(&fresh).await;
    writes_are_told_with_images(&mut feed, &mut fresh.other().await).await;
    // Own writes are told, too.
    Users::new().add(&fresh.executor, "own").await.unwrap();
    assert_eq!(changes(&mut feed, 1).await.len(), 1);
    fresh.other().await.query_drop("TRUNCATE users").await.unwrap();
    assert!(matches!(next(&mut feed).await, Observed::Tables(tables) if tables == [users().id()]));
}

/// Writes until rows are told again, which is so when the feed has learned of the last change of the schema. Gives what
/// was told of rows meanwhile.
async fn known_again(feed: &mut Box<dyn ChangeFeed>, other: &mut Conn) -> Vec<Arc<Change>> {
    let mut said = Vec::new();
    for id in 99.. {
        other.query_drop(format!("INSERT INTO users (id, name) VALUES ({id}, 'known {id}')")).await.unwrap();
        loop {
            let Observed::Changes(changes) = next(feed).await else { break };
            said.extend(changes);
            if said.iter().any(|change| change.key == Key::Int(id)) {
                return said;
            }
        }
    }
    said
}

/// Text that compares as equal is another text.
#[tokio::test(flavor = "multi_thread")]
async fn letter_case_and_spaces_are_differences() {
    for fresh in [with_triggers().await, with_log().await] {
        let mut feed = recorded(&fresh).await;
        let mut other = fresh.other().await;
        let collation = "ALTER TABLE users MODIFY name VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci";
        other.query_drop(collation).await.unwrap();
        other.query_drop("INSERT INTO users (id, name) VALUES (1, 'a')").await.unwrap();
        known_again(&mut feed, &mut other).await;
        for name in ["A", "A ", "a"] {
            other.query_drop(format!("UPDATE users SET name = '{name}' WHERE id = 1")).await.unwrap();
            assert_eq!(changes(&mut feed, 1).await[0].columns, of(&[1]), "{name:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn own_writes_are_not_recorded() {
    let fresh = Fresh::with(|config| config.changes_interval(SOON).max_lifetime(Some(Duration::from_millis(1)))).await;
    drop(recorded(&fresh).await);
    fresh.other().await.query_drop("DELETE FROM thing_changes").await.unwrap();
    write_in_every_way(&fresh.executor, &Users::new()).await;
    assert_eq!(pending(&fresh).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_values_are_left_out_and_compared_all_the_same() {
    for fresh in [with_triggers().await, with_log().await] {
        raw(&fresh.executor, "CREATE TABLE users (id BIGINT PRIMARY KEY, name TEXT, age INT)").await.unwrap();
        let mut feed = follow_from_here(&fresh.executor, &users()).await;
        let mut other = fresh.other().await;
        other.query_drop("INSERT INTO users (id, name, age) VALUES (1, repeat('x', 2000), 1)").await.unwrap();
        let told = changes(&mut feed, 1).await;
        let RowImage::Row(values) = &told[0].after else { panic!("there is a row") };
        assert_eq!((values[0].clone(), values[1].clone()), (Some(Value::I64(1)), None));
        other.query_drop("UPDATE users SET age = 2").await.unwrap();
        assert_eq!(changes(&mut feed, 1).await[0].columns, of(&[2]));
        other.query_drop("UPDATE users SET name = concat(repeat('x', 1999), 'y')").await.unwrap();
        assert_eq!(changes(&mut feed, 1).await[0].columns, of(&[1]));
    }
}

/// The log names no columns: those of before a change of the schema are not taken for those behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_schema_does_not_mix_up_columns() {
    let fresh = with_log().await;
    let mut feed = recorded(&fresh).await;
    let mut other = fresh.other().await;
    for round in 0..10 {
        let id = round + 1;
        // Two columns of one type change places.
        let first = if round % 2 == 0 { "AFTER age" } else { "AFTER id" };
        for text in [
            format!("INSERT INTO users (id, name, age) VALUES ({id}, 'name {id}', {id})"),
            format!("ALTER TABLE users MODIFY name VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin {first}"),
            format!("UPDATE users SET age = 100 WHERE id = {id}"),
        ] {
            other.query_drop(text).await.unwrap();
        }
    }
    for change in known_again(&mut feed, &mut other).await {
        let Key::Int(id) = change.key else { panic!("the key is an integer") };
        let RowImage::Row(after) = &change.after else { panic!("nothing is deleted") };
        if id < 99 {
            assert!(after[1].is_none() || after[1] == Some(Value::Text(format!("name {id}").into())), "{after:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_of_the_model_exchanges_the_triggers() {
    let fresh = with_triggers().await;
    let mut feed = recorded(&fresh).await;
    let schema = fresh.executor.schema().unwrap();
    let mut other = fresh.other().await;
    let count = "SELECT count(*) FROM information_schema.triggers WHERE trigger_schema = database()";
    other.query_drop("ALTER TABLE users ADD COLUMN city TEXT").await.unwrap();
    let wider = thing_driver_api::Table::builder("users")
        .column(thing_driver_api::Column::new("id", thing_driver_api::ValueType::I64))
        .column(thing_driver_api::Column::new("name", thing_driver_api::ValueType::Text))
        .column(thing_driver_api::Column::new("city", thing_driver_api::ValueType::Text).nullable(true))
        .key([0]);
    let wider = Arc::new(wider.build().unwrap());
    schema.record_changes(&[&wider]).await.unwrap();
    assert_eq!(other.query_first::<i64, _>(count).await.unwrap(), Some(3));
    assert!(matches!(next(&mut feed).await, Observed::Tables(_)));
    // The old version goes on, and takes what the triggers leave out for changed.
    other.query_drop("INSERT INTO users (id, name, age) VALUES (1, 'a', 3)").await.unwrap();
    changes(&mut feed, 1).await;
    other.query_drop("UPDATE users SET age = 4").await.unwrap();
    assert_eq!(changes(&mut feed, 1).await[0].columns, of(&[2]));
    schema.forget_changes(&[&wider]).await.unwrap();
    assert_eq!(other.query_first::<i64, _>(count).await.unwrap(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_followed_that_is_not_recorded() {
    for fresh in [with_triggers().await, with_log().await] {
        let users = Users::new();
        let error = fresh.executor.schema().unwrap().record_changes(&[&users.table]).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Schema, "{error}");
        let users = Users::create(&fresh.executor).await;
        let error = fresh.executor.changes(&[users.table]).await.map(drop).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Schema, "{error}");
    }
}

/// A server that has nothing to say is told from one that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn silence_is_noticed() {
    let fresh = with_log().await;
    let users = Users::create(&fresh.executor).await.table;
    record(&fresh.executor, &users).await;
    let proxy = Proxy::to_url(fresh.database.url()).await;
    let config = support::config(&proxy.url_through(fresh.database.url())).changes_from(ChangeSource::Binlog);
    let executor = MysqlExecutor::connect(config).await.unwrap();
    let mut feed = follow(&executor, &users).await;
    assert!(matches!(next(&mut feed).await, Observed::Everything));
    let waiting = tokio::spawn(async move { feed.next().await.map(|_| feed) });
    tokio::time::sleep(Duration::from_secs(10)).await;
    fresh.other().await.query_drop("INSERT INTO users (id, name) VALUES (1, 'a')").await.unwrap();
    let mut feed = waiting.await.unwrap().expect("the server was there all the while");
    proxy.black_hole(Direction::ToClient);
    let noticed = tokio::time::timeout(Duration::from_secs(15), feed.next()).await.expect("it is noticed");
    assert!(noticed.is_err());
}
