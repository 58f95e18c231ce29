//! The connection of rusqlite itself.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

mod support;

use support::raw;
use thing_driver_api::ErrorKind;
use thing_driver_sqlite::SqliteExecutor;

#[tokio::test]
async fn work_has_the_writing_connection() {
    let executor = SqliteExecutor::memory().await.unwrap();
    let made =
        executor.call(|sqlite| sqlite.execute_batch("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT UNIQUE)"));
    made.await.unwrap();
    let insert = |body: &'static str| {
        move |sqlite: &thing_driver_sqlite::rusqlite::Connection| {
            sqlite.execute("INSERT INTO notes (body) VALUES (?1)", [body])
        }
    };
    assert_eq!(executor.call(insert("kept")).await.unwrap(), 1);
    let error = executor.call(insert("kept")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Constraint(_)), "{error}");
    executor.call(|sqlite| sqlite.execute_batch("BEGIN; INSERT INTO notes (body) VALUES ('left open')")).await.unwrap();
    let count = executor.call(|sqlite| sqlite.query_row("SELECT count(*) FROM notes", [], |row| row.get::<_, i64>(0)));
    assert_eq!(count.await.unwrap(), 1, "what was left open is gone");
    raw(&executor, "INSERT INTO notes (body) VALUES ('next')").await.unwrap();
}
