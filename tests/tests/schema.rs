//! `Db::sync`: what it creates, and what it refuses.
// A helper of a test fails with it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use thing::{Db, ErrorKind, Model, Result};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "books")]
#[thing(unique(name = "books_by_place", columns(shelf, place)))]
struct Book {
    id: i64,
    title: String,
    #[thing(index)]
    author_id: Option<i64>,
    shelf: String,
    place: i32,
    #[thing(default = 5)]
    stars: i32,
}

async fn empty() -> Db {
    Db::builder(SqliteExecutor::memory().await.unwrap()).build()
}

fn book(n: i32) -> Book {
    Book { id: 0, title: format!("Book {n}"), author_id: None, shelf: "A".into(), place: n, stars: 1 }
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_creates_tables_and_indexes_once() -> Result<()> {
    let db = empty().await;
    db.sync::<Book>().await?;
    book(1).create(&db).await?;
    db.sync::<Book>().await?;
    assert_eq!(db.things::<Book>().count().await?, 1, "a second sync changes nothing");
    assert!(book(1).create(&db).await.unwrap_err().is_unique_violation(), "the named unique index is there");
    let indexes: Vec<String> = db
        .raw("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'books' ORDER BY name")
        .rows()
        .await?;
    assert_eq!(indexes, ["books_author_id_index", "books_by_place"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_creates_an_index_that_is_missing() -> Result<()> {
    let db = empty().await;
    db.sync::<Book>().await?;
    db.raw("DROP INDEX books_author_id_index").execute().await?;
    db.sync::<Book>().await?;
    let found: u32 = db.raw("SELECT count(*) FROM sqlite_schema WHERE name = 'books_author_id_index'").row().await?;
    assert_eq!(found, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_fills_in_defaults_for_other_programs() -> Result<()> {
    let db = empty().await;
    db.sync::<Book>().await?;
    db.raw("INSERT INTO books (title, shelf, place) VALUES ('Raw', 'B', 1)").execute().await?;
    assert_eq!(Book::filter(&db, Book::TITLE.eq("Raw")).one().await?.stars, 5);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_refuses_what_needs_a_migration_and_lists_all_of_it() -> Result<()> {
    let db = empty().await;
    db.raw(
        "CREATE TABLE books (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, title TEXT, author_id TEXT, \
         shelf TEXT NOT NULL, stars INTEGER NOT NULL, isbn TEXT NOT NULL)",
    )
    .execute()
    .await?;
    let error = db.sync::<Book>().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Schema);
    let message = error.to_string();
    for part in [
        "column `title` is nullable, the model says NOT NULL",
        "column `author_id` is `TEXT`, which does not hold 64-bit integer",
        "column `place` is missing",
        "column `isbn` is NOT NULL without default and no field fills it",
    ] {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
    let indexes: u32 = db.raw("SELECT count(*) FROM sqlite_schema WHERE type = 'index'").row().await?;
    assert_eq!(indexes, 0, "nothing was created");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_refuses_another_key_and_another_index_of_the_same_name() -> Result<()> {
    let db = empty().await;
    db.raw(
        "CREATE TABLE books (id INTEGER NOT NULL, title TEXT NOT NULL, author_id INTEGER, shelf TEXT NOT NULL, \
         place INTEGER NOT NULL, stars INTEGER NOT NULL, PRIMARY KEY (shelf, place))",
    )
    .execute()
    .await?;
    db.raw("CREATE INDEX books_by_place ON books (place, shelf)").execute().await?;
    let message = db.sync::<Book>().await.unwrap_err().to_string();
    assert!(message.contains("the key is (shelf, place), the model says (id)"), "{message}");
    assert!(message.contains("index `books_by_place` is over other columns or of another sort"), "{message}");
    Ok(())
}
