//! The history says what was run, also behind failures, edited files and decisions of people.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::sync::Mutex;

use support::{Database, files, has_table, session, version};
use thing_driver_api::schema::SchemaSession;
use thing_driver_api::{Error, ErrorKind, Executor, Result, async_trait};
use thing_migrate::{Guard, Migration, Migrations, Migrator, Resolution, RustMigration, State, Unfinished, Work};

async fn state(executor: &dyn Executor, migrations: &Migrations, number: i64) -> State {
    let statuses = Migrator::new(executor, migrations).status().await.unwrap();
    statuses.into_iter().find(|status| status.version == version(number)).unwrap().state
}

async fn unfinished(executor: &dyn Executor, migrations: &Migrations, number: i64) -> Unfinished {
    match state(executor, migrations, number).await {
        State::Unfinished(unfinished) => unfinished,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_is_not_resolved_over_statements_that_were_not_run() {
    for database in Database::each().await {
        let executor = database.open().await;
        let text = "-- thing: no transaction\nCREATE TABLE a (id BIGINT);\nALTER TABLE nowhere ADD COLUMN n BIGINT;";
        let migrations = files(&[(text, "")]);
        Migrator::new(&*executor, &migrations).up().await.unwrap_err();
        // As if the program had ended while the second statement was under way.
        let doubt = format!("UPDATE {} SET statement_begun = 2", thing_migrate::TABLE);
        session(&*executor).await.execute(&doubt).await.unwrap();
        let edited = files(&[(&text.replace("TABLE a", "TABLE z"), "")]);
        let refused = Migrator::new(&*executor, &edited).resolve(version(1), Resolution::Done).await.unwrap_err();
        assert_eq!(*refused.kind(), ErrorKind::Schema, "{refused}");
        assert!(refused.to_string().contains("as they were"), "{refused}");
        let migrator = Migrator::new(&*executor, &migrations);
        migrator.resolve(version(1), Resolution::Done).await.unwrap();
        assert_eq!(migrator.up().await.unwrap(), [version(1)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redo_that_is_given_up_leaves_what_was_run() {
    for database in Database::each().await {
        let executor = database.open().await;
        let down = "-- thing: no transaction\nDROP TABLE nowhere;\nDROP TABLE a";
        let first = files(&[("CREATE TABLE a (id BIGINT)", down)]);
        Migrator::new(&*executor, &first).up().await.unwrap();
        let State::Applied { at, took } = state(&*executor, &first, 1).await else { panic!("it was run") };
        let back = format!("UPDATE {} SET applied_at = '2001-02-03T04:05:06Z'", thing_migrate::TABLE);
        session(&*executor).await.execute(&back).await.unwrap();
        let edited = files(&[("CREATE TABLE a (id BIGINT, n BIGINT)", down)]);
        let migrator = Migrator::new(&*executor, &edited);
        migrator.redo().await.unwrap_err();
        migrator.resolve(version(1), Resolution::Undone).await.unwrap();
        let when = "2001-02-03T04:05:06Z".to_owned();
        assert_eq!(state(&*executor, &edited, 1).await, State::Edited { at: when.clone() }, "not then at {at}");
        assert_eq!(state(&*executor, &first, 1).await, State::Applied { at: when, took });
        assert!(has_table(&*executor, "a").await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_any_letters_is_written_down() {
    let [.., database] = Database::each().await;
    let Database::Mysql(name) = &database else { panic!("the last is MariaDB") };
    let executor = database.open().await;
    let latin = format!("ALTER DATABASE `{}` CHARACTER SET latin1", name.name());
    session(&*executor).await.execute(&latin).await.unwrap();
    let migrations = files(&[("ALTER TABLE `日本` ADD COLUMN n BIGINT", "")]);
    let error = Migrator::new(&*executor, &migrations).up().await.unwrap_err();
    let unfinished = unfinished(&*executor, &migrations, 1).await;
    assert_eq!(unfinished.in_doubt, None, "{error}");
    assert!(unfinished.error.unwrap().contains("日本"), "{error}");
}

/// Keeps what it was told: the tables, and whether the work had no effect.
#[derive(Default)]
struct Told(Mutex<Vec<(Vec<String>, bool)>>);

#[async_trait]
impl Guard for &Told {
    async fn around(&self, tables: &[String], work: Work<'_>) -> Result<()> {
        let done = work.await;
        let harmless = done.as_ref().is_err_and(|error| !error.may_have_executed());
        self.0.lock().unwrap().push((tables.to_vec(), harmless));
        done
    }
}

struct Closed;

#[async_trait]
impl Guard for Closed {
    async fn around(&self, _: &[String], _: Work<'_>) -> Result<()> {
        Err(Error::cache("nobody can be told"))
    }
}

/// Fails behind its first statement.
struct Half;

#[async_trait]
impl RustMigration for Half {
    async fn up(&self, session: &mut dyn SchemaSession) -> Result<()> {
        session.execute("UPDATE users SET id = id + 1").await?;
        session.execute("INSERT INTO nowhere VALUES (1)").await
    }

    fn in_transaction(&self) -> bool {
        false
    }

    fn changes(&self) -> Option<Vec<String>> {
        Some(vec!["users".into()])
    }
}

const USERS: &str = "-- thing: changes nothing\nCREATE TABLE users (id BIGINT NOT NULL PRIMARY KEY);\n\
                     INSERT INTO users VALUES (1);";

fn with_half() -> Migrations {
    files(&[(USERS, "")]).with(Migration::code(version(2), "half", Half).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_halfway_is_a_change_to_caches() {
    for database in Database::each().await {
        let executor = database.open().await;
        let told = Told::default();
        let migrations = with_half();
        let error = Migrator::new(&*executor, &migrations).guard(&told).up().await.unwrap_err();
        assert!(error.to_string().contains("nowhere"), "{error}");
        assert_eq!(*told.0.lock().unwrap(), [(vec!["users".to_owned()], false)], "{}", database.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_fails_in_no_transaction_is_a_change_to_caches() {
    let [.., database] = Database::each().await;
    let executor = database.open().await;
    let told = Told::default();
    let migrations = files(&[(USERS, ""), ("-- thing: changes users\nDROP TABLE users, nowhere", "")]);
    Migrator::new(&*executor, &migrations).guard(&told).up().await.unwrap_err();
    assert!(!has_table(&*executor, "users").await, "MariaDB drops what there is");
    assert_eq!(*told.0.lock().unwrap(), [(vec!["users".to_owned()], false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_before_it_began_is_in_no_doubt() {
    for database in Database::each().await {
        let executor = database.open().await;
        let migrations = with_half();
        let error = Migrator::new(&*executor, &migrations).guard(Closed).up().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Cache, "{error}");
        let unfinished = unfinished(&*executor, &migrations, 2).await;
        assert_eq!((unfinished.done, unfinished.in_doubt), (0, None), "{}", database.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_a_text_does_not_name_are_told_of() {
    for database in Database::each().await {
        let executor = database.open().await;
        let (make, hidden) = match &database {
            Database::Sqlite(_) => ("CREATE TABLE users (id BIGINT)", "ALTER TABLE 'users' ADD COLUMN n BIGINT"),
            Database::Postgres(_) => (
                "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE users (id BIGINT, mood mood)",
                "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'",
            ),
            Database::Mysql(_) => (
                "CREATE TABLE users (id BIGINT)",
                "EXECUTE IMMEDIATE CONCAT('ALTER TABLE us', 'ers ADD COLUMN n BIGINT')",
            ),
        };
        let make = format!("-- thing: changes nothing\n{make}; CREATE TABLE books (id BIGINT)");
        let named = "CREATE INDEX by_id ON books (id)";
        let told = Told::default();
        let migrations = files(&[(&make, ""), (hidden, ""), (named, "")]);
        Migrator::new(&*executor, &migrations).guard(&told).up().await.unwrap();
        let told: Vec<Vec<String>> = told.0.lock().unwrap().iter().map(|(tables, _)| tables.clone()).collect();
        assert!(told[0].contains(&"users".to_owned()), "{}: {told:?}", database.name());
        assert_eq!(told[1], ["books"], "{}: no more than it names", database.name());
    }
}
