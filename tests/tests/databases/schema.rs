//! `Db::sync`: what it creates, and what it refuses.

use thing::driver::Capability;
use thing::{Db, ErrorKind, Model, Result};

mod changes;
mod constraints;
mod losses;
mod progress;

use crate::support::Stack;

matrix! {
    uncached: [
        a_table_that_is_replaced_is_read_by_its_new_columns,
        sync_creates_an_index_that_is_missing,
        sync_creates_tables_and_indexes_once,
        sync_rebuilds_an_index_and_changes_a_key,
        sync_refuses_what_would_fill_or_lose_and_lists_all_of_it,
        the_database_fills_in_defaults_for_other_programs,
    ]
}

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

fn book(n: i32) -> Book {
    Book { id: 0, title: format!("Book {n}"), author_id: None, shelf: "A".into(), place: n, stars: 1 }
}

/// The names of the indexes of the table of books.
async fn indexes(db: &Db) -> Result<Vec<String>> {
    let table = db.executor().schema().unwrap().describe("books").await?.expect("the table is there");
    let mut names: Vec<String> = table.indexes.into_iter().map(|index| index.name).collect();
    names.sort_unstable();
    Ok(names)
}

async fn sync_creates_tables_and_indexes_once(stack: &Stack) -> Result<()> {
    let db = stack.db::<Book>().await;
    book(1).create(&db).await?;
    db.sync::<Book>().await?;
    assert_eq!(db.things::<Book>().count().await?, 1, "a second sync changes nothing");
    assert!(book(1).create(&db).await.unwrap_err().is_unique_violation(), "the named unique index is there");
    assert_eq!(indexes(&db).await?, ["books_author_id_index", "books_by_place"]);
    Ok(())
}

/// The table of books without an index.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "books")]
struct BareBook {
    id: i64,
    title: String,
    author_id: Option<i64>,
    shelf: String,
    place: i32,
    #[thing(default = 5)]
    stars: i32,
}

async fn sync_creates_an_index_that_is_missing(stack: &Stack) -> Result<()> {
    let db = stack.db::<BareBook>().await;
    let result = db.sync::<Book>().await;
    if let Err(error) = result {
        // Where text must have been made for an index.
        assert_eq!(*error.kind(), ErrorKind::Schema);
        return Ok(());
    }
    assert_eq!(indexes(&db).await?, ["books_author_id_index", "books_by_place"]);
    Ok(())
}

async fn the_database_fills_in_defaults_for_other_programs(stack: &Stack) -> Result<()> {
    let db = stack.db::<Book>().await;
    if !db.executor().capabilities().has(Capability::RawStatements) {
        return Ok(());
    }
    db.raw("INSERT INTO books (title, shelf, place) VALUES ('Raw', 'B', 1)").execute().await?;
    assert_eq!(Book::filter(&db, Book::TITLE.eq("Raw")).one().await?.stars, 5);
    Ok(())
}

async fn a_table_that_is_replaced_is_read_by_its_new_columns(stack: &Stack) -> Result<()> {
    let db = stack.db::<BareBook>().await;
    if !db.executor().capabilities().has(Capability::RawStatements) {
        return Ok(());
    }
    let bare = BareBook { id: 0, title: "Bare".into(), author_id: None, shelf: "A".into(), place: 1, stars: 2 };
    let bare = bare.create(&db).await?;
    // Whatever the driver keeps of statements is warm.
    for _ in 0..3 {
        assert_eq!(BareBook::by_id(&db, bare.id).await?, bare);
        assert_eq!(db.things::<BareBook>().all().await?.len(), 1);
    }
    db.raw("DROP TABLE books").execute().await?;
    db.raw(
        "CREATE TABLE books (stars BIGINT NOT NULL DEFAULT 7, place BIGINT NOT NULL, shelf VARCHAR(50) NOT NULL, \
            author_id BIGINT, title VARCHAR(50) NOT NULL, id BIGINT NOT NULL PRIMARY KEY)",
    )
    .execute()
    .await?;
    db.raw("INSERT INTO books (id, title, shelf, place) VALUES (1, 'New', 'B', 5)").execute().await?;
    for _ in 0..3 {
        let new = BareBook::by_id(&db, 1).await?;
        assert_eq!((new.title.as_str(), new.shelf.as_str(), new.place, new.stars), ("New", "B", 5, 7));
        assert_eq!(db.things::<BareBook>().all().await?, [new]);
    }
    Ok(())
}

/// What the table of books may have been once.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "books")]
struct OldBook {
    id: i64,
    title: Option<String>,
    shelf: String,
    stars: i32,
    isbn: String,
}

async fn sync_refuses_what_would_fill_or_lose_and_lists_all_of_it(stack: &Stack) -> Result<()> {
    let db = stack.db::<OldBook>().await;
    let old = OldBook { id: 0, title: None, shelf: "A".into(), stars: 1, isbn: "1-2".into() };
    old.create(&db).await?;
    let error = db.sync::<Book>().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Schema);
    let message = error.to_string();
    for part in [
        "nothing was changed",
        "table `books`: the new column `place` is NOT NULL without default, and there are rows",
        "column `isbn` is NOT NULL without default and no field fills it",
        "allow(\"books.isbn\")",
    ] {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
    assert!(indexes(&db).await?.is_empty(), "nothing was created");
    // Without rows a column need not be filled; what is allowed may go.
    db.things::<OldBook>().all_objects().all_rows().delete().await?;
    db.schema::<Book>().allow("books.isbn").apply().await?;
    assert!(db.schema::<Book>().plan().await?.is_empty());
    book(1).create(&db).await?;
    Ok(())
}

/// A table of books with another key, and another index of the same name.
#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "books")]
#[thing(key(author_id, place), index(name = "books_by_place", columns(place, shelf)))]
struct PlacedBook {
    id: i64,
    title: String,
    author_id: i64,
    shelf: String,
    place: i32,
    stars: i32,
}

async fn sync_rebuilds_an_index_and_changes_a_key(stack: &Stack) -> Result<()> {
    let db = stack.db::<PlacedBook>().await;
    let placed = PlacedBook { id: 7, title: "a".into(), author_id: 1, shelf: "A".into(), place: 1, stars: 2 };
    placed.create(&db).await?;
    db.sync::<Book>().await?;
    assert_eq!(indexes(&db).await?, ["books_author_id_index", "books_by_place"]);
    let kept = Book::by_id(&db, 7).await?;
    assert_eq!((kept.title.as_str(), kept.author_id), ("a", Some(1)));
    assert!(Book { id: 0, ..kept.into_inner() }.create(&db).await.unwrap_err().is_unique_violation());
    assert!(db.schema::<Book>().plan().await?.is_empty());
    Ok(())
}
