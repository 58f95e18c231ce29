//! Programs that are killed in the middle of a migration: nothing is lost, the status is true, and the next run finishes.

#![allow(clippy::unwrap_used, clippy::expect_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use support::{Database, files, has_table, integers, open, version};
use thing_driver_api::{ErrorKind, Executor};
use thing_migrate::{Event, Migrations, Migrator, Resolution, State};

/// What the worker is told by its environment.
const URL: &str = "THING_MIGRATE_TEST_URL";
const STOP: &str = "THING_MIGRATE_TEST_STOP";
const SLOW: &str = "THING_MIGRATE_TEST_SLOW";

/// What the worker says when it waits to be killed.
const READY: &str = "ready to be killed: ";

/// A change in a transaction where the database can, one in none, and one more behind it.
fn migrations(database: &str, slow: bool) -> Migrations {
    let first = "CREATE TABLE users (id BIGINT NOT NULL PRIMARY KEY, n BIGINT NOT NULL);\n\
                 INSERT INTO users (id, n) VALUES (1, 0), (2, 0);\nUPDATE users SET n = n + 1;";
    let second = "-- thing: no transaction\nCREATE TABLE IF NOT EXISTS log (n BIGINT);\n\
                  INSERT INTO log (n) SELECT n FROM users;\nALTER TABLE users ADD COLUMN age BIGINT;\n\
                  UPDATE users SET n = n + 1;";
    let third = "INSERT INTO log (n) VALUES (100);";
    let rows = match database {
        "sqlite" => {
            "WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers LIMIT 12000000) \
             SELECT count(*) AS n FROM numbers"
        }
        "postgres" => "SELECT 1 AS n FROM pg_sleep(6)",
        _ => "SELECT SLEEP(6) AS n",
    };
    let slowly = format!("-- thing: no transaction\nCREATE TABLE slow AS {rows};\nINSERT INTO log (n) VALUES (7);");
    if slow {
        files(&[(first, ""), (second, ""), (third, ""), (&slowly, "")])
    } else {
        files(&[(first, ""), (second, ""), (third, "")])
    }
}

fn scheme(url: &str) -> &str {
    url.split(':').next().unwrap_or_default()
}

/// The program that is killed. Called by itself it does nothing.
#[test]
fn worker() {
    let Ok(url) = std::env::var(URL) else { return };
    let slow = std::env::var(SLOW).is_ok();
    let stop: usize = std::env::var(STOP).unwrap().parse().unwrap();
    let seen = AtomicUsize::new(0);
    let stop = |event: &Event<'_>| {
        let number = seen.fetch_add(1, Ordering::Relaxed) + 1;
        let begins_slowly =
            matches!(event, Event::Statement { statement, .. } if statement.sql.starts_with("CREATE TABLE slow"));
        if begins_slowly && slow {
            println!("\n{READY}{event:?}");
        } else if number == stop {
            println!("\n{READY}{event:?}");
            loop {
                std::thread::sleep(Duration::from_secs(60));
            }
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let executor = open(&url).await;
        Migrator::new(&*executor, &migrations(scheme(&url), slow)).progress(stop).up().await.unwrap();
    });
}

/// Starts the worker, and waits until it says that it is ready. `None` when it came to its end instead.
fn start(url: &str, stop: usize, slow: bool) -> Option<(Child, String)> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "worker", "--nocapture"]).env(URL, url).env(STOP, stop.to_string());
    if slow {
        command.env(SLOW, "1");
    }
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        if let Some(event) = line.strip_prefix(READY) {
            return Some((child, event.to_owned()));
        }
    }
    assert!(child.wait().unwrap().success(), "the worker fails by itself");
    None
}

fn kill(mut child: Child) {
    // SIGKILL: nothing is cleaned up.
    child.kill().unwrap();
    child.wait().unwrap();
}

async fn has_column(executor: &dyn Executor, table: &str, column: &str) -> bool {
    let described = executor.schema().unwrap().describe(table).await.unwrap();
    described.is_some_and(|table| table.column(column).is_some())
}

async fn count(executor: &dyn Executor, table: &str) -> usize {
    if !has_table(executor, table).await {
        return 0;
    }
    integers(executor, &format!("SELECT 1 FROM {table}")).await.unwrap().len()
}

/// What the status says is so.
async fn assert_true(executor: &dyn Executor, migrator: &Migrator<'_>, stepwise: bool, event: &str) {
    let states: Vec<State> = migrator.status().await.unwrap().into_iter().map(|status| status.state).collect();
    let users = if has_table(executor, "users").await {
        integers(executor, "SELECT n FROM users ORDER BY id").await.unwrap()
    } else {
        Vec::new()
    };
    let log = count(executor, "log").await;
    let say = || format!("{states:?}, killed at {event}: {users:?}, {log} rows in the log");
    match &states[0] {
        State::Pending { .. } => assert!(users.is_empty() && !has_table(executor, "users").await, "{}", say()),
        State::Applied { .. } => assert!(users.len() == 2 && users[0] >= 1, "{}", say()),
        State::Unfinished(unfinished) => {
            assert!(stepwise, "{}", say());
            let expected: &[i64] = [&[][..], &[], &[0, 0], &[1, 1]][unfinished.done];
            assert_eq!(users, expected, "{}", say());
        }
        other => panic!("{other:?}"),
    }
    let age = has_column(executor, "users", "age").await;
    match &states[1] {
        State::Pending { .. } => assert!(log == 0 && !age, "{}", say()),
        State::Applied { .. } => assert!(log >= 2 && age && users == [2, 2], "{}", say()),
        State::Unfinished(unfinished) => {
            assert_eq!(log, if unfinished.done >= 2 { 2 } else { 0 }, "{}", say());
            assert!(age || unfinished.done < 3, "{}", say());
            assert!(!age || unfinished.done >= 3 || unfinished.in_doubt == Some(3), "{}", say());
            assert_eq!(users[0], if unfinished.done >= 4 { 2 } else { 1 }, "{}", say());
        }
        other => panic!("{other:?}"),
    }
}

/// Runs to the end, and decides what is in doubt as somebody would who looks at the database.
async fn finish(executor: &dyn Executor, migrator: &Migrator<'_>) -> usize {
    let mut doubts = 0;
    loop {
        let Err(error) = migrator.up().await else { return doubts };
        assert_eq!(*error.kind(), ErrorKind::Schema, "{error}");
        assert!(error.to_string().contains("not known"), "{error}");
        let status = migrator.status().await.unwrap();
        let unfinished = status.iter().find(|status| matches!(status.state, State::Unfinished(_))).unwrap();
        let done = match unfinished.version {
            first if first == version(1) => has_table(executor, "users").await,
            second if second == version(2) => has_column(executor, "users", "age").await,
            _ => has_table(executor, "slow").await,
        };
        let resolution = if done { Resolution::Done } else { Resolution::Again };
        migrator.resolve(unfinished.version, resolution).await.unwrap();
        doubts += 1;
        assert!(doubts < 3);
    }
}

async fn assert_finished(executor: &dyn Executor, migrator: &Migrator<'_>, log: &[i64], event: &str) {
    let status = migrator.status().await.unwrap();
    assert!(status.iter().all(|status| matches!(status.state, State::Applied { .. })), "{status:?}");
    assert_eq!(integers(executor, "SELECT n FROM users").await.unwrap(), [2, 2], "killed at {event}");
    assert_eq!(integers(executor, "SELECT n FROM log ORDER BY n").await.unwrap(), log, "killed at {event}");
    assert!(has_column(executor, "users", "age").await);
}

async fn killed_at_every_step(database: Database) {
    let (mut steps, mut doubts) = (0, 0);
    let url = database.url();
    let stepwise = !database.is_transactional();
    let migrations = migrations(scheme(&url), false);
    loop {
        let executor = database.open().await;
        let Some((child, event)) = start(&url, steps + 1, false) else { break };
        steps += 1;
        kill(child);
        let migrator = Migrator::new(&*executor, &migrations);
        // The server ends the work of the dead a little later; who has the lock knows that it has.
        executor.schema().unwrap().session().await.unwrap().lock(Duration::from_secs(30)).await.unwrap();
        assert_true(&*executor, &migrator, stepwise, &event).await;
        doubts += finish(&*executor, &migrator).await;
        assert_finished(&*executor, &migrator, &[1, 1, 100], &event).await;
        let mut session = support::session(&*executor).await;
        for table in ["users", "log", thing_migrate::TABLE] {
            session.execute(&format!("DROP TABLE {table}")).await.unwrap();
        }
    }
    println!("{}: killed at {steps} steps, {doubts} statements in doubt", database.name());
    assert!(steps >= 20, "{steps} steps");
    assert!(doubts > 0, "a statement that can't be rolled back is in doubt once at least");
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_survives_a_kill_at_every_step() {
    let [database, ..] = Database::each().await;
    killed_at_every_step(database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_survives_a_kill_at_every_step() {
    let [_, database, _] = Database::each().await;
    killed_at_every_step(database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_survives_a_kill_at_every_step() {
    let [.., database] = Database::each().await;
    killed_at_every_step(database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_a_statement_leaves_it_in_doubt() {
    for database in Database::each().await {
        let url = database.url();
        let executor = database.open().await;
        let (child, event) = start(&url, usize::MAX, true).unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        kill(child);
        let migrations = migrations(scheme(&url), true);
        let migrator = Migrator::new(&*executor, &migrations);
        let State::Unfinished(unfinished) = migrator.status().await.unwrap().pop().unwrap().state else {
            panic!("{}: it was under way", database.name());
        };
        assert_eq!((unfinished.done, unfinished.in_doubt, unfinished.error), (0, Some(1), None));
        assert_eq!(finish(&*executor, &migrator).await, 1);
        assert_finished(&*executor, &migrator, &[1, 1, 7, 100], &event).await;
        assert_eq!(count(&*executor, "slow").await, 1, "{}: once, and not twice", database.name());
    }
}
