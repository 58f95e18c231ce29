//! Changes of others: what triggers record, what a slot tells, and what neither does.
// A helper of a test fails with it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use support::{Place, Users, other, patient, users};
use thing_conformance::changes::{assert_history, changes, follow, follow_from_here, next, user, write_in_every_way};
use thing_driver_api::{ChangeFeed, ErrorKind, Executor, Key, Observed, RowImage, Value};
use thing_driver_postgres::{ChangeSource, PostgresConfig, PostgresExecutor};
use thing_test_servers::PostgresDatabase;

const SOON: Duration = Duration::from_millis(5);

async fn recorded(place: &Place) -> Box<dyn ChangeFeed> {
    let users = Users::create(&place.executor).await;
    follow_from_here(&place.executor, &users.table).await
}

async fn pending(place: &Place) -> i64 {
    place.other().await.query_one("SELECT count(*) FROM thing_changes", &[]).await.unwrap().get(0)
}

/// An insert, an update and a delete by somebody else, with everything that is known about them.
async fn writes_are_told_with_images(feed: &mut Box<dyn ChangeFeed>, url: &str) {
    let other = other(url).await;
    other.batch_execute("SET bytea_output = 'escape'; SET TimeZone = 'Asia/Tokyo'").await.unwrap();
    other.batch_execute("INSERT INTO users (id, name, age) VALUES (7, 'O''Neil \"\\ 日本', NULL)").await.unwrap();
    other.batch_execute("UPDATE users SET age = 5 WHERE id = 7").await.unwrap();
    other.batch_execute("DELETE FROM users WHERE id = 7").await.unwrap();
    let told = changes(feed, 3).await;
    let name = "O'Neil \"\\ 日本";
    let rows = [RowImage::Absent, user(7, name, None), user(7, name, Some(5)), RowImage::Absent];
    assert_history(&told, &rows);
    assert_eq!(told[1].columns, [2].into_iter().collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_record_whole_rows() {
    let place = Place::with(|config| config.changes_interval(SOON)).await;
    let mut feed = recorded(&place).await;
    writes_are_told_with_images(&mut feed, place.schema.url()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn own_writes_are_not_recorded() {
    let place = Place::with(|config| config.changes_interval(SOON).max_lifetime(Some(Duration::from_millis(1)))).await;
    drop(recorded(&place).await);
    place.run("DELETE FROM thing_changes").await;
    write_in_every_way(&place.executor, &Users::new()).await;
    support::raw(&place.executor, "TRUNCATE users").await.unwrap();
    assert_eq!(pending(&place).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn truncate_and_cascades_are_told() {
    let place = Place::with(|config| config.changes_interval(SOON)).await;
    let mut feed = recorded(&place).await;
    place.run("CREATE TABLE groups (id INT PRIMARY KEY); INSERT INTO groups VALUES (1)").await;
    place.run("ALTER TABLE users ADD COLUMN of_group INT REFERENCES groups ON DELETE CASCADE").await;
    place.run("INSERT INTO users (id, name, age, of_group) VALUES (1, 'a', 1, 1), (2, 'b', 1, NULL)").await;
    assert_eq!(changes(&mut feed, 2).await.len(), 2);
    place.run("DELETE FROM groups").await;
    assert_eq!(changes(&mut feed, 1).await[0].key, Key::Int(1));
    place.run("TRUNCATE users").await;
    assert!(matches!(next(&mut feed).await, Observed::Tables(tables) if tables == [users().id()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_values_are_left_out_and_compared_all_the_same() {
    let place = Place::with(|config| config.changes_interval(SOON)).await;
    let mut feed = recorded(&place).await;
    place.run("INSERT INTO users (id, name, age) VALUES (1, repeat('x', 2000), 1)").await;
    let told = changes(&mut feed, 1).await;
    let RowImage::Row(values) = &told[0].after else { panic!("there is a row") };
    assert_eq!((values[0].clone(), values[1].clone()), (Some(Value::I64(1)), None));
    place.run("UPDATE users SET age = 2").await;
    assert_eq!(changes(&mut feed, 1).await[0].columns, [2].into_iter().collect());
    place.run("UPDATE users SET name = repeat('x', 1999) || 'y'").await;
    assert_eq!(changes(&mut feed, 1).await[0].columns, [1].into_iter().collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_needs_no_right_to_record() {
    let place = Place::with(|config| config.changes_interval(SOON)).await;
    let mut feed = recorded(&place).await;
    let schema = place.schema.name();
    let role = schema.replace("thing_test", "thing_role");
    place
        .run(&format!("CREATE ROLE {role}; GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT ALL ON users TO {role}"))
        .await;
    place.run(&format!("SET ROLE {role}; INSERT INTO users (id, name) VALUES (1, 'a')")).await;
    assert_eq!(changes(&mut feed, 1).await[0].after, user(1, "a", None));
    let refused = place.other().await.batch_execute(&format!("SET ROLE {role}; DELETE FROM thing_changes")).await;
    assert!(refused.is_err());
    place.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_share_what_was_recorded() {
    let place = Place::with(|config| config.changes_interval(SOON)).await;
    let mut one = recorded(&place).await;
    let mut two = follow(&place.executor, &users()).await;
    // Confirms what was told first, and waits.
    let (_, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(5), one.next()), async {
        place.run("INSERT INTO users (id, name) VALUES (1, 'a')").await;
    });
    assert_eq!(pending(&place).await, 1, "it is told, and not confirmed");
    let (other, ()) = tokio::join!(changes(&mut two, 1), async {
        place.run("INSERT INTO users (id, name) VALUES (2, 'b')").await;
    });
    assert_eq!(other.iter().map(|change| change.key.clone()).collect::<Vec<_>>(), [Key::Int(2)]);
    drop(one);
    assert_eq!(changes(&mut two, 1).await[0].key, Key::Int(1));
    drop(two);
    let mut three = follow(&place.executor, &users()).await;
    assert_eq!(changes(&mut three, 1).await[0].key, Key::Int(1));
    let quiet = async {
        while pending(&place).await > 0 {
            tokio::time::sleep(SOON).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    tokio::select! {
        told = three.next() => panic!("{told:?}"),
        waited = tokio::time::timeout(Duration::from_secs(60), quiet) => waited.expect("it is confirmed"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_followed_that_is_not_recorded() {
    let place = Place::new().await;
    let users = Users::create(&place.executor).await;
    let error = place.executor.changes(std::slice::from_ref(&users.table)).await.map(drop).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Schema, "{error}");
    place.run("DROP TABLE users; CREATE VIEW users AS SELECT 1 AS id, 'a' AS name, 2 AS age").await;
    let error = place.executor.schema().unwrap().record_changes(&[&users.table]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Schema, "{error}");
}

async fn of_slot(database: &PostgresDatabase) -> PostgresExecutor {
    let source = ChangeSource::LogicalSlot { name: database.name().to_owned() };
    let config = PostgresConfig::from_url(database.url()).unwrap().changes_from(source).changes_interval(SOON);
    PostgresExecutor::connect(patient(config)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_tells_whole_rows() {
    let database = PostgresDatabase::create().await;
    let executor = of_slot(&database).await;
    let users = Users::create(&executor).await;
    let error = executor.changes(std::slice::from_ref(&users.table)).await.map(drop).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Schema, "{error}");
    let mut feed = follow_from_here(&executor, &users.table).await;
    writes_are_told_with_images(&mut feed, database.url()).await;
    // Own writes are told, too.
    users.add(&executor, "own").await.unwrap();
    assert_eq!(changes(&mut feed, 1).await.len(), 1);
    let other = other(database.url()).await;
    other.batch_execute("TRUNCATE users").await.unwrap();
    assert!(matches!(next(&mut feed).await, Observed::Tables(_)));
    // Without the row before nobody knows where it was.
    other.batch_execute("INSERT INTO users (id, name) VALUES (1, 'a')").await.unwrap();
    assert_eq!(changes(&mut feed, 1).await.len(), 1);
    other.batch_execute("ALTER TABLE users REPLICA IDENTITY DEFAULT; UPDATE users SET age = 4").await.unwrap();
    assert!(matches!(next(&mut feed).await, Observed::Tables(_)));
    drop(feed);
    executor.schema().unwrap().forget_changes(&[&users.table]).await.unwrap();
    let slots = "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()";
    assert_eq!(other.query_one(slots, &[]).await.unwrap().get::<_, i64>(0), 0);
}

/// Another program makes the publication between the look whether there is one and the try to make it.
#[tokio::test(flavor = "multi_thread")]
async fn a_publication_that_another_makes_at_the_same_time_is_taken() {
    let database = PostgresDatabase::create().await;
    let executor = of_slot(&database).await;
    let users = Users::create(&executor).await;
    let (making, looking) = (other(database.url()).await, other(database.url()).await);
    making.batch_execute(&format!("BEGIN; CREATE PUBLICATION {}", database.name())).await.unwrap();
    let (schema, tables) = (executor.schema().unwrap(), [&*users.table]);
    let made = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%CREATE PUBLICATION%'";
        while looking.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::time::sleep(SOON).await;
        }
        making.batch_execute("COMMIT").await.unwrap();
    };
    let both = async { tokio::join!(schema.record_changes(&tables), made) };
    let (recorded, ()) = tokio::time::timeout(Duration::from_secs(60), both).await.expect("one waits for the other");
    recorded.unwrap();
    follow(&executor, &users.table).await;
    schema.forget_changes(&tables).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_no_slot_can_have_are_refused() {
    let place = Place::with(|config| config.changes_from(ChangeSource::LogicalSlot { name: "My Slot".into() })).await;
    let users = Users::create(&place.executor).await;
    let error = place.executor.schema().unwrap().record_changes(&[&users.table]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
}
