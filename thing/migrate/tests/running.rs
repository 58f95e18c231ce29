//! Running migrations on every database: what is run, what is refused, and what is said about it.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::sync::Mutex;
use std::time::Duration;

use support::{Database, files, has_table, integers, session, version};
use thing_driver_api::schema::SchemaSession;
use thing_driver_api::{ErrorKind, Result, async_trait};
use thing_migrate::{Event, Goal, Migration, Migrations, Migrator, Resolution, RustMigration, Script, State, Version};

const USERS: (&str, &str) =
    ("CREATE TABLE users (id BIGINT NOT NULL PRIMARY KEY, name VARCHAR(50))", "DROP TABLE users");
const FILL: (&str, &str) = (
    "INSERT INTO users (id, name) VALUES (1, 'a;b'); -- ; no end\nINSERT INTO users VALUES (2, 'it''s');",
    "DELETE FROM users",
);
const AGE: (&str, &str) = ("ALTER TABLE users ADD COLUMN age BIGINT", "ALTER TABLE users DROP COLUMN age");

fn versions(numbers: &[i64]) -> Vec<Version> {
    numbers.iter().map(|number| version(*number)).collect()
}

async fn states(migrator: &Migrator<'_>) -> Vec<State> {
    migrator.status().await.unwrap().into_iter().map(|status| status.state).collect()
}

fn is_pending(state: &State) -> bool {
    matches!(state, State::Pending { out_of_order: false })
}

fn is_applied(state: &State) -> bool {
    matches!(state, State::Applied { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn up_and_down_and_back() {
    for database in Database::each().await {
        let executor = database.open().await;
        let migrations = files(&[USERS, FILL, AGE]);
        let migrator = Migrator::new(&*executor, &migrations);
        assert!(states(&migrator).await.iter().all(is_pending));
        assert!(!has_table(&*executor, thing_migrate::TABLE).await, "looking changes nothing");
        assert_eq!(migrator.up_to(version(2)).await.unwrap(), versions(&[1, 2]));
        assert_eq!(integers(&*executor, "SELECT id FROM users ORDER BY id").await.unwrap(), [1, 2]);
        let status = states(&migrator).await;
        assert!(status[..2].iter().all(is_applied) && is_pending(&status[2]), "{status:?}");
        assert_eq!(migrator.pending().await.unwrap(), versions(&[3]));
        assert_eq!(migrator.up().await.unwrap(), versions(&[3]));
        assert_eq!(migrator.up().await.unwrap(), []);
        assert_eq!(migrator.redo().await.unwrap(), versions(&[3, 3]));
        assert_eq!(migrator.down(2).await.unwrap(), versions(&[3, 2]));
        assert!(integers(&*executor, "SELECT id FROM users").await.unwrap().is_empty());
        assert_eq!(migrator.down_to(version(0)).await.unwrap(), versions(&[1]));
        assert!(!has_table(&*executor, "users").await);
        assert_eq!(migrator.run(Goal::Latest).await.unwrap().len(), 3);
        assert_eq!(migrator.down_to(version(1)).await.unwrap(), versions(&[3, 2]));
        assert_eq!(migrator.down(9).await.unwrap(), versions(&[1]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_without_a_statement_are_not_taken_for_done() {
    for database in Database::each().await {
        let executor = database.open().await;
        let unwritten = files(&[(USERS.0, "-- Write it here.\n"), ("/* later */ ;", "")]);
        let migrator = Migrator::new(&*executor, &unwritten);
        for refused in [migrator.up().await.map(drop), migrator.dry_run(Goal::Latest).await.map(drop)] {
            let error = refused.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("2_step.up.sql holds no statement"), "{error}");
        }
        assert!(!has_table(&*executor, "users").await);
        migrator.up_to(version(1)).await.unwrap();
        let error = migrator.down(1).await.unwrap_err().to_string();
        assert!(error.contains("1_step.down.sql holds no statement"), "{error}");
        assert!(is_applied(&states(&migrator).await[0]));
        let nothing = files(&[(USERS.0, "SELECT 1;"), ("SELECT 1;", "")]);
        assert_eq!(Migrator::new(&*executor, &nothing).up().await.unwrap(), versions(&[2]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_and_changes_nothing() {
    for database in Database::each().await {
        let executor = database.open().await;
        let migrations = files(&[USERS, ("-- thing: no transaction\n\nDELETE FROM users", "")]);
        let migrator = Migrator::new(&*executor, &migrations);
        let planned = migrator.dry_run(Goal::Latest).await.unwrap();
        assert_eq!(planned.iter().map(|p| p.in_transaction).collect::<Vec<_>>(), [database.is_transactional(), false]);
        assert_eq!(planned[0].statements[0].sql, USERS.0);
        assert_eq!(planned[1].statements[0].line, 3);
        assert!(!has_table(&*executor, "users").await && !has_table(&*executor, thing_migrate::TABLE).await);
        migrator.up().await.unwrap();
        let error = migrator.dry_run(Goal::Down(1)).await.unwrap_err();
        assert!(error.to_string().contains("2_step.down.sql"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_history_is_refused() {
    for database in Database::each().await {
        let executor = database.open().await;
        let first = files(&[USERS, FILL]);
        Migrator::new(&*executor, &first).up().await.unwrap();
        let windows = format!("{}\r\n", FILL.0.replace('\n', "\r\n"));
        let unix = format!("{}\n", FILL.0);
        let (windows, unix) = (files(&[USERS, (&windows, "")]), files(&[USERS, (&unix, "")]));
        let checksums = [&windows, &unix]
            .map(|m| m.get(version(2)).unwrap().script(thing_migrate::Direction::Up).unwrap().checksum());
        assert_eq!(checksums[0], checksums[1], "how lines end makes no difference");
        let edited = files(&[USERS, ("INSERT INTO users (id) VALUES (3)", FILL.1), AGE]);
        let migrator = Migrator::new(&*executor, &edited);
        for goal in [Goal::Latest, Goal::Down(1)] {
            let error = migrator.run(goal).await.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Schema);
            assert!(
                error.to_string().contains("2_step.up.sql") && error.to_string().contains("as they were"),
                "{error}"
            );
        }
        assert!(matches!(states(&migrator).await[1], State::Edited { .. }));
        assert_eq!(migrator.redo().await.unwrap(), versions(&[2, 2]), "one that is being written");
        assert_eq!(integers(&*executor, "SELECT id FROM users").await.unwrap(), [3]);
        migrator.up().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_late_is_refused_unless_allowed() {
    for database in Database::each().await {
        let executor = database.open().await;
        let named = |names: &[(&str, &str)]| Migrations::embedded(names).unwrap();
        let (users, age) = (("1_users.up.sql", USERS.0), ("3_age.up.sql", AGE.0));
        Migrator::new(&*executor, &named(&[users, age])).up().await.unwrap();
        let late = named(&[users, ("2_late.up.sql", FILL.0), age]);
        let migrator = Migrator::new(&*executor, &late);
        assert_eq!(states(&migrator).await[1], State::Pending { out_of_order: true });
        let error = migrator.up().await.unwrap_err();
        assert!(error.to_string().contains("2_late") && *error.kind() == ErrorKind::Schema, "{error}");
        let text = "INSERT INTO users (id, name) VALUES (1, 'a')";
        let late = named(&[users, ("2_late.up.sql", text), age]);
        let migrator = Migrator::new(&*executor, &late).out_of_order(true);
        assert_eq!(migrator.up().await.unwrap(), versions(&[2]));
        // A colleague's program, without the new file.
        let missing = Mutex::new(Vec::new());
        let older = named(&[users, age]);
        let older = Migrator::new(&*executor, &older).progress(|event: &Event<'_>| {
            if let Event::Missing { version, .. } = event {
                missing.lock().unwrap().push(*version);
            }
        });
        assert_eq!(older.up().await.unwrap(), []);
        assert_eq!(*missing.lock().unwrap(), versions(&[2]));
        assert!(matches!(states(&older).await[1], State::Missing { .. }));
        assert!(older.down(2).await.unwrap_err().to_string().contains("missing"));
        assert_eq!(states(&older).await.iter().filter(|state| is_applied(state)).count(), 2, "nothing was undone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_database_gets_a_baseline() {
    for database in Database::each().await {
        let executor = database.open().await;
        session(&*executor).await.execute(USERS.0).await.unwrap();
        let migrations = files(&[USERS, FILL, AGE]);
        let migrator = Migrator::new(&*executor, &migrations);
        assert!(migrator.baseline(version(9)).await.is_err());
        assert_eq!(migrator.baseline(version(1)).await.unwrap(), versions(&[1]));
        assert_eq!(migrator.baseline(version(1)).await.unwrap(), []);
        assert_eq!(migrator.up().await.unwrap(), versions(&[2, 3]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_fails_is_named_and_nothing_is_lost() {
    for database in Database::each().await {
        let executor = database.open().await;
        let wrong = "INSERT INTO users (id, name) VALUES (1, 'a');\n\nALTER TABLE users ADD COLUMN a BIGINT;\n-- wrong\n\
                     INSERT INTO users (nowhere) VALUES (1);\nINSERT INTO users (id, name) VALUES (2, 'b');";
        let migrations = files(&[USERS, (wrong, "")]);
        let migrator = Migrator::new(&*executor, &migrations);
        let error = migrator.up().await.unwrap_err().to_string();
        assert!(error.contains("2_step.up.sql, line 5, statement 3 of 4") && error.contains("nowhere"), "{error}");
        let (done, rest) = if database.is_transactional() { (0, 4) } else { (2, 2) };
        assert_eq!(integers(&*executor, "SELECT id FROM users").await.unwrap().len(), done.min(1), "{error}");
        match &states(&migrator).await[1] {
            State::Pending { .. } => assert!(database.is_transactional() && error.contains("rolled back"), "{error}"),
            State::Unfinished(unfinished) => {
                assert_eq!((unfinished.done, unfinished.in_doubt), (2, None));
                assert!(
                    unfinished.error.as_ref().unwrap().contains("nowhere") && error.contains("goes on here"),
                    "{error}"
                );
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(migrator.dry_run(Goal::Latest).await.unwrap()[0].statements.len(), rest);
        // What was run may not change.
        if !database.is_transactional() {
            let changed = files(&[USERS, (&wrong.replace("'a'", "'z'"), "")]);
            let error = Migrator::new(&*executor, &changed).up().await.unwrap_err();
            assert!(error.to_string().contains("as they were"), "{error}");
            assert!(migrator.down(1).await.unwrap_err().to_string().contains("half made"));
        }
        let mended = wrong.replace("nowhere) VALUES (1)", "id) VALUES (3)");
        let migrations = files(&[USERS, (&mended, "DELETE FROM users")]);
        let migrator = Migrator::new(&*executor, &migrations);
        assert_eq!(migrator.up().await.unwrap(), versions(&[2]));
        assert_eq!(integers(&*executor, "SELECT id FROM users ORDER BY id").await.unwrap(), [1, 2, 3]);
        assert!(states(&migrator).await.iter().all(is_applied));
        assert_eq!(migrator.up().await.unwrap(), []);
    }
}

/// Runs may be spawned.
fn sendable<F: Future + Send>(future: F) -> F {
    future
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runners_at_once_run_everything_once() {
    for database in Database::each().await {
        let slow: Vec<String> =
            (0..6).map(|n| format!("CREATE TABLE t{n} (id BIGINT); INSERT INTO t{n} VALUES (1)")).collect();
        let scripts: Vec<(&str, &str)> = slow.iter().map(|up| (up.as_str(), "")).collect();
        let migrations = files(&scripts);
        let mut ran = Vec::new();
        let (first, second) = (database.open().await, database.open().await);
        let (first, second) = (Migrator::new(&*first, &migrations), Migrator::new(&*second, &migrations));
        let (first, second) = tokio::join!(sendable(first.up()), sendable(second.up()));
        ran.extend(first.unwrap());
        ran.extend(second.unwrap());
        ran.sort();
        assert_eq!(ran, versions(&[1, 2, 3, 4, 5, 6]), "{}", database.name());
        let executor = database.open().await;
        for n in 0..6 {
            assert_eq!(integers(&*executor, &format!("SELECT id FROM t{n}")).await.unwrap(), [1]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_too_long_is_told_so() {
    for database in Database::each().await {
        let executor = database.open().await;
        let migrations = files(&[USERS]);
        let mut other = session(&*executor).await;
        other.lock(Duration::from_secs(5)).await.unwrap();
        other.begin().await.unwrap();
        let other_executor = match &database {
            Database::Sqlite(folder) => {
                let path = folder.path().join("test.db");
                let config = thing_driver_sqlite::SqliteConfig::file(path).busy_timeout(Duration::from_millis(50));
                std::sync::Arc::new(thing_driver_sqlite::SqliteExecutor::connect(config).await.unwrap())
            }
            _ => database.open().await,
        };
        let migrator = Migrator::new(&*other_executor, &migrations).patience(Duration::from_millis(200));
        let error = migrator.up().await.unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
        other.rollback().await.unwrap();
        drop(other);
        migrator.patience(Duration::from_secs(20)).up().await.unwrap();
    }
}

/// Runs on any database, and asks it in between.
struct Shift;

#[async_trait]
impl RustMigration for Shift {
    async fn up(&self, session: &mut dyn SchemaSession) -> Result<()> {
        session.execute("UPDATE users SET id = id + 10").await?;
        session.execute("INSERT INTO users (id) VALUES (100)").await
    }

    fn changes(&self) -> Option<Vec<String>> {
        Some(vec!["users".into()])
    }
}

/// Fails behind its first statement.
struct Half;

#[async_trait]
impl RustMigration for Half {
    async fn up(&self, session: &mut dyn SchemaSession) -> Result<()> {
        session.execute("INSERT INTO users (id) VALUES (200)").await?;
        session.execute("INSERT INTO nowhere VALUES (1)").await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_in_rust_run_with_the_others() {
    for database in Database::each().await {
        let executor = database.open().await;
        let code = |number, name, code: Shift| Migration::code(version(number), name, code).unwrap();
        let migrations = files(&[USERS, FILL]).with(code(3, "shift", Shift)).unwrap();
        assert!(migrations.clone().with(code(3, "again", Shift)).is_err(), "one version is taken");
        let migrator = Migrator::new(&*executor, &migrations);
        assert_eq!(migrator.up().await.unwrap().len(), 3);
        assert_eq!(integers(&*executor, "SELECT id FROM users ORDER BY id").await.unwrap(), [11, 12, 100]);
        let error = migrator.down(1).await.unwrap_err();
        assert!(error.to_string().contains("can't be undone"), "{error}");
        let migrations = files(&[USERS, FILL]).with(code(3, "shift", Shift)).unwrap();
        let migrations = migrations.with(Migration::code(version(4), "half", Half).unwrap()).unwrap();
        let migrator = Migrator::new(&*executor, &migrations);
        if database.is_transactional() {
            assert!(migrator.up().await.unwrap_err().to_string().contains("rolled back"));
            assert_eq!(integers(&*executor, "SELECT id FROM users ORDER BY id").await.unwrap(), [11, 12, 100]);
            continue;
        }
        assert!(migrator.resolve(version(3), Resolution::Undone).await.is_err(), "nothing is in doubt");
        assert!(migrator.up().await.unwrap_err().to_string().contains("nowhere"));
        assert_eq!(integers(&*executor, "SELECT id FROM users ORDER BY id").await.unwrap(), [11, 12, 100, 200]);
        assert!(migrator.up().await.unwrap_err().to_string().contains("resolve"), "what it did is not known");
        migrator.resolve(version(4), Resolution::Done).await.unwrap();
        assert_eq!(migrator.up().await.unwrap(), versions(&[4]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_that_need_no_transaction_have_none() {
    for database in Database::each().await {
        let executor = database.open().await;
        let alone = match &database {
            Database::Sqlite(_) => "VACUUM",
            Database::Postgres(_) => "CREATE INDEX CONCURRENTLY by_name ON users (name)",
            Database::Mysql(_) => "OPTIMIZE TABLE users",
        };
        if database.is_transactional() {
            let error = Migrator::new(&*executor, &files(&[USERS, (alone, "")])).up().await.unwrap_err().to_string();
            assert!(error.contains("first line `-- thing: no transaction`"), "{error}");
        }
        let text = format!("-- thing: no transaction\nINSERT INTO users (id) VALUES (7);\n{alone};");
        let migrations = files(&[USERS, (&text, "")]);
        Migrator::new(&*executor, &migrations).up().await.unwrap();
        assert_eq!(integers(&*executor, "SELECT id FROM users").await.unwrap(), [7]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_are_one_statement() {
    for database in Database::each().await {
        let executor = database.open().await;
        let body = "INSERT INTO log (id) VALUES (NEW.id); UPDATE log SET n = CASE WHEN n IS NULL THEN 1 ELSE 2 END;";
        let trigger = match &database {
            Database::Postgres(_) => format!(
                "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$;\n\
                 CREATE TRIGGER noted AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION note();"
            ),
            _ => format!("CREATE TRIGGER noted AFTER INSERT ON users FOR EACH ROW BEGIN {body} END;"),
        };
        let log = format!("CREATE TABLE log (id BIGINT, n BIGINT);\n{trigger}\nINSERT INTO users (id) VALUES (5);");
        let migrations = files(&[USERS, (&log, "")]);
        Migrator::new(&*executor, &migrations).up().await.unwrap();
        assert_eq!(integers(&*executor, "SELECT id + n FROM log").await.unwrap(), [6], "{}", database.name());
    }
}

#[test]
fn files_are_read_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("20260102000000_b.up.sql", "SELECT 1");
    write("20260101000000_a.up.sql", "SELECT 1");
    write("20260101000000_a.down.sql", "SELECT 2");
    write("schema.json", "[]");
    let titles = |m: &Migrations| m.iter().map(Migration::title).collect::<Vec<_>>();
    assert_eq!(titles(&Migrations::folder(folder.path()).unwrap()), ["20260101000000_a", "20260102000000_b"]);
    let refused = |name: &str, says: &str| {
        write(name, "SELECT 1");
        let error = Migrations::folder(folder.path()).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        std::fs::remove_file(folder.path().join(name)).unwrap();
    };
    refused("notes.sql", "notes.sql");
    refused("x_name.up.sql", "x_name");
    refused("20260103000000_c.down.sql", "20260103000000_c.up.sql");
    refused("20260101000000_z.up.sql", "same version");
    refused("20260104000000_a b.up.sql", "a b");
    assert!(Migrations::folder(folder.path().join("nowhere")).unwrap_err().to_string().contains("nowhere"));
    write("0007_zeros.up.sql", "SELECT 1");
    assert_eq!(titles(&Migrations::folder(folder.path()).unwrap())[0], "0007_zeros");
    assert!(Script::new("a.up.sql", "-- thing: no transactions\n").unwrap_err().to_string().contains("line 1"));
}

#[test]
fn files_are_embedded() {
    let migrations = thing_migrate::embed!("tests/migrations").unwrap();
    assert_eq!(
        migrations.iter().map(Migration::title).collect::<Vec<_>>(),
        ["20260101000000_users", "20260102000000_age"]
    );
    assert!(migrations.iter().all(|m| m.script(thing_migrate::Direction::Down).is_some()));
}
