//! Sessions for changes of the schema: alone, in transactions, and gone without a trace when they are dropped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use thing_driver_api::schema::SchemaSession;
use thing_driver_api::{Error, ErrorKind, Result, Table, Value, ValueType};

use super::Database;
use super::statements::{Rows, insert, stored, write};
use crate::users::poll_times;

async fn session(db: &Database<'_>) -> Box<dyn SchemaSession> {
    let schema = db.executor().schema().expect("`Capability::SchemaSessions` is stated, so there is a schema");
    schema.session().await.expect("a session begins")
}

async fn execute(session: &mut Box<dyn SchemaSession>, sql: &str) {
    session.execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

async fn integers(session: &mut Box<dyn SchemaSession>, sql: &str) -> Result<Vec<i64>> {
    let mut rows = Rows::of([ValueType::I64]);
    session.fetch(sql, &mut rows).await?;
    assert_eq!(rows.names.len(), 1, "the names of the columns are told once");
    Ok(rows.rows.iter().map(|row| super::statements::id(row)).collect())
}

fn create(name: &str) -> String {
    format!("CREATE TABLE {name} (id BIGINT NOT NULL PRIMARY KEY)")
}

/// Whether there is a table of this name, as another connection sees it.
async fn exists(db: &Database<'_>, name: &str) -> bool {
    let schema = db.executor().schema().expect("`Capability::SchemaSessions` is stated, so there is a schema");
    schema.describe(name).await.expect("the table is described").is_some()
}

/// Repeats until it is so: the server hears of the end of a connection a little later.
async fn soon<T>(mut attempt: impl AsyncFnMut() -> Result<T>) -> T {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) if Instant::now() > until => panic!("it is not so after a while: {error:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// The rows of the table, by somebody else: not behind a lock that was left.
async fn is_free(db: &Database<'_>, table: &Arc<Table>) {
    write(&**db.executor(), &insert(table), &super::database::item(1000)).await.expect("others write the table");
    assert_eq!(stored(&**db.executor(), table).await.len(), 4);
}

/// One statement after another, and several in one text, where changes of the schema can be rolled back.
pub async fn statements_run(db: &Database<'_>) {
    let mut session = session(db).await;
    let (first, second) = (db.name("first"), db.name("second"));
    execute(&mut session, &create(&first)).await;
    execute(&mut session, &format!("INSERT INTO {first} (id) VALUES (1), (2)")).await;
    assert_eq!(integers(&mut session, &format!("SELECT id FROM {first} ORDER BY id")).await.expect("rows"), [1, 2]);
    let text = format!("{}; INSERT INTO {second} (id) VALUES (3);", create(&second));
    if session.is_transactional() {
        execute(&mut session, &text).await;
    } else {
        for sql in text.split_terminator(';') {
            execute(&mut session, sql).await;
        }
    }
    assert_eq!(integers(&mut session, &format!("SELECT id FROM {second}")).await.expect("a row"), [3]);
    assert!(exists(db, &first).await && exists(db, &second).await, "outside of a transaction it is done at once");
}

/// What a transaction did is there after its commit.
pub async fn commit_keeps(db: &Database<'_>) {
    let name = db.name("kept");
    let mut session = session(db).await;
    session.begin().await.expect("a transaction begins");
    execute(&mut session, &create(&name)).await;
    execute(&mut session, &format!("INSERT INTO {name} (id) VALUES (7)")).await;
    assert_eq!(integers(&mut session, &format!("SELECT id FROM {name}")).await.expect("a row"), [7]);
    session.commit().await.expect("it is committed");
    assert_eq!(integers(&mut session, &format!("SELECT id FROM {name}")).await.expect("a row"), [7]);
    assert!(exists(db, &name).await);
    session.begin().await.expect("another transaction begins");
    session.commit().await.expect("it is committed, too");
}

/// Rows are rolled back, and where the session says so, tables are.
pub async fn rollback_undoes(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let name = db.name("undone");
    let mut session = session(db).await;
    session.begin().await.expect("a transaction begins");
    execute(&mut session, &format!("DELETE FROM {} WHERE id < 3", table.name())).await;
    if session.is_transactional() {
        execute(&mut session, &create(&name)).await;
    }
    session.rollback().await.expect("it is rolled back");
    assert_eq!(stored(&**db.executor(), &table).await.len(), 3);
    assert!(!exists(db, &name).await, "the table was rolled back, or never made");
    is_free(db, &table).await;
}

/// A statement that fails is named, and the session goes on after a rollback.
pub async fn failures_name_the_statement(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let mut session = session(db).await;
    let missing = format!("INSERT INTO {} (nowhere) VALUES (1)", table.name());
    for sql in [missing.as_str(), "CREATE TABEL x (id INT)"] {
        let error = session.execute(sql).await.expect_err("the statement is wrong");
        assert!(error.to_string().contains(sql), "{error} does not name `{sql}`");
        session.begin().await.expect("a transaction begins");
        execute(&mut session, &format!("UPDATE {} SET amount = 0", table.name())).await;
        let error = session.execute(sql).await.expect_err("the statement is wrong");
        assert!(error.to_string().contains(sql), "{error} does not name `{sql}`");
        assert!(!error.may_have_executed(), "{error:?}");
        session.rollback().await.expect("it is rolled back");
    }
    let error = integers(&mut session, "SELECT id FROM nowhere_at_all").await.expect_err("there is no such table");
    assert!(error.to_string().contains("nowhere_at_all"), "{error}");
    let sum = format!("SELECT CAST(sum(amount) AS {}) FROM {}", integer(db), table.name());
    assert_eq!(integers(&mut session, &sum).await.expect("the sum"), [60], "all was rolled back");
}

/// The type of an integer in a cast.
fn integer(db: &Database<'_>) -> &'static str {
    let mut text = String::new();
    let dialect = db.executor().dialect().expect("a database with sessions speaks SQL");
    dialect.identifier("x", &mut text);
    if text.starts_with('`') { "SIGNED" } else { "BIGINT" }
}

/// A session that has no transaction ends none, and begins no second one.
pub async fn transactions_do_not_nest(db: &Database<'_>) {
    let mut session = session(db).await;
    let refused = |result: Result<()>| assert_eq!(result.map_err(|e| e.kind().clone()), Err(ErrorKind::InvalidInput));
    refused(session.commit().await);
    refused(session.rollback().await);
    session.begin().await.expect("a transaction begins");
    refused(session.begin().await);
    session.rollback().await.expect("it is rolled back");
    refused(session.rollback().await);
}

/// A failure of a constraint says which, and none of the values that broke it.
pub async fn failures_quote_no_rows(db: &Database<'_>) {
    let name = db.name("unique");
    let mut session = session(db).await;
    execute(&mut session, &format!("CREATE TABLE {name} (a INT UNIQUE)")).await;
    execute(&mut session, &format!("INSERT INTO {name} SELECT 4711")).await;
    let twice = session.execute(&format!("INSERT INTO {name} SELECT a FROM {name}")).await;
    let error = twice.expect_err("the value is there");
    assert!(error.is_unique_violation() && !error.to_string().contains("4711"), "{error}");
}

/// The second of two sessions, of which the first has the lock and is in a transaction, gets no lock in time, or, where
/// transactions exclude one another, can't begin.
async fn is_kept_out(second: &mut Box<dyn SchemaSession>, patience: Duration) {
    let began = Instant::now();
    match second.lock(patience).await {
        Err(error) => {
            assert_eq!(*error.kind(), ErrorKind::Timeout { may_have_executed: false }, "{error:?}");
            assert!(began.elapsed() >= patience, "it waited");
        }
        Ok(()) => {
            let error = second.begin().await.expect_err("the first session writes");
            assert!(error.is_retryable(), "{error:?}");
        }
    }
}

/// The lock is that of one database: sessions of another don't wait for it, and those of the same don't without patience.
pub async fn other_databases_have_other_locks(db: &Database<'_>) {
    let mut here = session(db).await;
    here.lock(Duration::from_secs(5)).await.expect("the lock is free");
    here.begin().await.expect("a transaction begins");
    let other = db.another().await;
    let mut there = other.schema().expect("the same driver").session().await.expect("a session begins");
    there.lock(Duration::ZERO).await.expect("the other database has a lock of its own");
    is_kept_out(&mut session(db).await, Duration::ZERO).await;
    here.rollback().await.expect("it is rolled back");
}

/// Two sessions at once: one has the lock, or the transaction. The other gives up after its patience, and has it later.
pub async fn one_session_at_a_time(db: &Database<'_>) {
    let patience = Duration::from_millis(300);
    let mut first = session(db).await;
    first.lock(patience).await.expect("nobody else has the lock");
    first.begin().await.expect("a transaction begins");
    let mut second = session(db).await;
    is_kept_out(&mut second, patience).await;
    first.rollback().await.expect("it is rolled back");
    drop(first);
    soon(async || second.lock(patience).await).await;
    soon(async || second.begin().await).await;
    second.commit().await.expect("it is committed");
}

/// A session that is dropped in a transaction leaves nothing behind, and frees the lock.
pub async fn a_dropped_session_rolls_back(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let mut dropped = session(db).await;
    dropped.lock(Duration::from_secs(5)).await.expect("the lock is free");
    dropped.begin().await.expect("a transaction begins");
    execute(&mut dropped, &format!("DELETE FROM {}", table.name())).await;
    drop(dropped);
    let mut next = session(db).await;
    next.lock(Duration::from_secs(20)).await.expect("the lock is free again");
    soon(async || next.begin().await).await;
    let found = integers(&mut next, &format!("SELECT id FROM {} ORDER BY id", table.name())).await;
    assert_eq!(found.expect("the rows are there"), [1, 2, 3]);
    next.rollback().await.expect("it is rolled back");
    is_free(db, &table).await;
}

/// The same in the middle of every call: whatever was under way is stopped and rolled back.
pub async fn a_session_dropped_in_a_call_rolls_back(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let delete = format!("DELETE FROM {}", table.name());
    for polls in 0..20 {
        let mut dropped = session(db).await;
        let whole = async {
            dropped.lock(Duration::from_secs(20)).await?;
            soon(async || dropped.begin().await).await;
            dropped.execute(&delete).await?;
            let mut rows = Rows::of([ValueType::I64]);
            dropped.fetch(&format!("SELECT count(*) FROM {}", table.name()), &mut rows).await?;
            assert_eq!(rows.rows, [[Value::I64(0)]]);
            Ok::<_, Error>(())
        };
        if let Some(done) = poll_times(whole, polls).await {
            done.expect("the calls work");
        }
        drop(dropped);
        let mut next = session(db).await;
        next.lock(Duration::from_secs(20)).await.expect("the lock is free again");
        soon(async || next.begin().await).await;
        let found = integers(&mut next, &format!("SELECT id FROM {} ORDER BY id", table.name())).await;
        assert_eq!(found.expect("the rows are there"), [1, 2, 3], "after {polls} polls");
        next.rollback().await.expect("it is rolled back");
    }
    is_free(db, &table).await;
}

/// A session whose call was dropped refuses to go on where it does not know how far it came.
pub async fn a_dropped_call_ends_the_transaction(db: &Database<'_>) {
    let table = db.filled_items(3).await;
    let delete = format!("DELETE FROM {}", table.name());
    let mut session = session(db).await;
    session.begin().await.expect("a transaction begins");
    assert!(poll_times(session.execute(&delete), 1).await.is_none_or(|done| done.is_ok()));
    if session.execute(&format!("UPDATE {} SET amount = 0", table.name())).await.is_err() {
        assert!(session.commit().await.is_err(), "what is half done is not committed");
    } else {
        session.rollback().await.expect("it is rolled back");
    }
    drop(session);
    soon(async || write(&**db.executor(), &insert(&table), &super::database::item(1000)).await).await;
    assert_eq!(stored(&**db.executor(), &table).await.len(), 4);
}

/// The limits of other statements do not hold for a session, and rows refer to each other when it is committed.
pub async fn foreign_keys_hold_at_the_end(db: &Database<'_>) {
    let mut session = session(db).await;
    if !session.is_transactional() {
        return;
    }
    let (parents, children) = (db.name("parents"), db.name("children"));
    execute(&mut session, &create(&parents)).await;
    execute(
        &mut session,
        &format!("CREATE TABLE {children} (id BIGINT PRIMARY KEY, parent BIGINT REFERENCES {parents} (id))"),
    )
    .await;
    execute(&mut session, &format!("INSERT INTO {parents} (id) VALUES (1)")).await;
    execute(&mut session, &format!("INSERT INTO {children} (id, parent) VALUES (1, 1)")).await;
    session.begin().await.expect("a transaction begins");
    let delete = format!("DELETE FROM {parents}");
    let refused = match session.execute(&delete).await {
        Ok(()) => session.commit().await.expect_err("a child is without its parent"),
        Err(error) => {
            session.rollback().await.expect("it is rolled back");
            error
        }
    };
    assert!(refused.constraint().is_some(), "{refused:?}");
    assert_eq!(integers(&mut session, &format!("SELECT id FROM {parents}")).await.expect("the parent"), [1]);
    let error = session.execute(&delete).await.expect_err("outside of a transaction foreign keys hold at once");
    assert!(error.constraint().is_some(), "{error:?}");
}
