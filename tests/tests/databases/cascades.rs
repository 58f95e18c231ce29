//! What the database does to rows of other tables when a row is deleted, as the models declare it.

use thing::{Db, Model, Result};

use crate::support::{Stack, statements};

matrix! {
    every: [
        rows_that_are_deleted_along_are_gone_at_once,
        columns_that_are_set_to_null_are_null_at_once,
        more_rows_than_are_named_are_gone_at_once,
        a_delete_that_is_undone_changes_nothing,
        several_columns_of_a_row_are_set_to_null_together,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(no_new, cascades(Book::AUTHOR_ID), nulls(Book::EDITOR_ID))]
struct Author {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(no_new, cascades(Chapter::BOOK_ID))]
struct Book {
    id: i64,
    #[thing(index)]
    author_id: i64,
    #[thing(index)]
    editor_id: Option<i64>,
    year: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(no_new)]
struct Chapter {
    id: i64,
    book_id: i64,
    #[thing(index)]
    number: i32,
}

/// Tables with foreign keys. SQLite can't add these to a table that is there.
async fn tables(stack: &Stack) -> Result<Db> {
    let db = stack.db::<(Author, Book, Chapter)>().await;
    let references = [
        ("books", "author_id", "authors", "CASCADE"),
        ("books", "editor_id", "authors", "SET NULL"),
        ("chapters", "book_id", "books", "CASCADE"),
    ];
    if !stack.name().starts_with("sqlite") {
        for (table, column, to, action) in references {
            let sql = format!("ALTER TABLE {table} ADD FOREIGN KEY ({column}) REFERENCES {to} (id) ON DELETE {action}");
            db.raw(sql).execute().await?;
        }
        return Ok(db);
    }
    for sql in [
        "DROP TABLE chapters",
        "DROP TABLE books",
        "CREATE TABLE books (id INTEGER PRIMARY KEY AUTOINCREMENT, \
         author_id INTEGER NOT NULL REFERENCES authors (id) ON DELETE CASCADE, \
         editor_id INTEGER REFERENCES authors (id) ON DELETE SET NULL, year INTEGER NOT NULL)",
        "CREATE TABLE chapters (id INTEGER PRIMARY KEY AUTOINCREMENT, \
         book_id INTEGER NOT NULL REFERENCES books (id) ON DELETE CASCADE, number INTEGER NOT NULL)",
    ] {
        db.raw(sql).execute().await?;
    }
    db.sync::<(Author, Book, Chapter)>().await?;
    Ok(db)
}

/// Two authors; the first has two books of two chapters each and edits the one book of the second.
async fn library(stack: &Stack) -> Result<Db> {
    let db = tables(stack).await?;
    for name in ["Ann", "Bob"] {
        Author { id: 0, name: name.into() }.save(&db).await?;
    }
    for (author_id, editor_id, year) in [(1, None, 2001), (1, None, 2002), (2, Some(1), 2003)] {
        let book = Book { id: 0, author_id, editor_id, year }.save(&db).await?;
        for number in 1..=2 {
            Chapter { id: 0, book_id: book.id, number }.save(&db).await?;
        }
    }
    assert_eq!(seen(&db).await?, (2, 1, 1, vec![2001, 2002, 2003], 3, 6));
    Ok(db)
}

/// Lists and counts of each sort: books by author, by editor, all years, first chapters, all chapters.
async fn seen(db: &Db) -> Result<(usize, usize, usize, Vec<i32>, u64, u64)> {
    let by = async |filter| -> Result<usize> { Ok(Book::filter(db, filter).all().await?.len()) };
    let years = db.things::<Book>().all().await?.iter().map(|book| book.year).collect();
    Ok((
        by(Book::AUTHOR_ID.eq(1)).await?,
        by(Book::AUTHOR_ID.eq(2)).await?,
        by(Book::EDITOR_ID.eq(1)).await?,
        years,
        Chapter::filter(db, Chapter::NUMBER.eq(1)).count().await?,
        db.things::<Chapter>().count().await?,
    ))
}

async fn rows_that_are_deleted_along_are_gone_at_once(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    assert_eq!(Chapter::by_id(&db, 1).await?.number, 1);
    let author = Author::by_id(&db, 1).await?;
    author.delete(&db).await?;
    assert_eq!(seen(&db).await?, (0, 1, 0, vec![2003], 1, 2));
    assert!(Book::find(&db, 1).await?.is_none());
    assert!(Chapter::find(&db, 1).await?.is_none());
    assert_eq!(Book::by_id(&db, 3).await?.editor_id, None);
    Ok(())
}

async fn columns_that_are_set_to_null_are_null_at_once(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    Book { id: 0, author_id: 1, editor_id: Some(2), year: 2004 }.save(&db).await?;
    assert_eq!(Book::filter(&db, Book::EDITOR_ID.eq(2)).count().await?, 1);
    assert_eq!(Book::filter(&db, Book::AUTHOR_ID.eq(1)).count().await?, 3);
    db.things::<Author>().delete_many([2]).await?;
    assert_eq!(Book::filter(&db, Book::EDITOR_ID.eq(2)).count().await?, 0);
    assert_eq!(Book::filter(&db, Book::EDITOR_ID.is_null()).count().await?, 3);
    assert_eq!(Book::by_id(&db, 4).await?.editor_id, None);
    if db.statistics().cache.hits > 0 {
        // The books of the other author stayed where they were.
        let (sent, count) = statements(&db, Book::filter(&db, Book::AUTHOR_ID.eq(1)).count()).await;
        assert_eq!((sent, count?), (0, 3));
    }
    Ok(())
}

async fn more_rows_than_are_named_are_gone_at_once(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let many = (3..=1300).map(|number| Chapter { id: 0, book_id: 1, number });
    db.things::<Chapter>().create_many(many).await?;
    assert_eq!(Chapter::filter(&db, Chapter::NUMBER.eq(3)).count().await?, 1);
    db.things::<Author>().delete(1).await?;
    assert_eq!(Chapter::filter(&db, Chapter::NUMBER.eq(3)).count().await?, 0);
    assert_eq!(seen(&db).await?, (0, 1, 0, vec![2003], 1, 2));
    Ok(())
}

async fn a_delete_that_is_undone_changes_nothing(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let transaction = db.begin().await?;
    transaction.things::<Author>().delete(1).await?;
    assert_eq!(transaction.things::<Chapter>().count().await?, 2);
    transaction.rollback().await?;
    assert_eq!(seen(&db).await?, (2, 1, 1, vec![2001, 2002, 2003], 3, 6));
    assert_eq!(Chapter::by_id(&db, 1).await?.number, 1);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(no_new, table = "people", nulls(Letter::SENDER_ID, Letter::RECEIVER_ID))]
struct Person {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(no_new)]
struct Letter {
    id: i64,
    #[thing(index)]
    sender_id: Option<i64>,
    #[thing(index)]
    receiver_id: Option<i64>,
}

/// A letter to oneself.
async fn several_columns_of_a_row_are_set_to_null_together(stack: &Stack) -> Result<()> {
    let db = stack.db::<(Person, Letter)>().await;
    if stack.name().starts_with("sqlite") {
        let reference = |column| format!("{column} INTEGER REFERENCES people (id) ON DELETE SET NULL");
        let columns = [reference("sender_id"), reference("receiver_id")].join(", ");
        db.raw("DROP TABLE letters").execute().await?;
        db.raw(format!("CREATE TABLE letters (id INTEGER PRIMARY KEY AUTOINCREMENT, {columns})")).execute().await?;
        db.sync::<Letter>().await?;
    } else {
        for column in ["sender_id", "receiver_id"] {
            let key = format!("FOREIGN KEY ({column}) REFERENCES people (id) ON DELETE SET NULL");
            db.raw(format!("ALTER TABLE letters ADD {key}")).execute().await?;
        }
    }
    let person = Person { id: 0, name: "Ann".into() }.save(&db).await?;
    Letter { id: 0, sender_id: Some(person.id), receiver_id: Some(person.id) }.save(&db).await?;
    let lost = || Letter::filter(&db, Letter::SENDER_ID.is_null() & Letter::RECEIVER_ID.is_null());
    assert_eq!((lost().all().await?.len(), lost().count().await?), (0, 0));
    person.delete(&db).await?;
    assert_eq!(lost().uncached().count().await?, 1);
    assert_eq!((lost().all().await?.len(), lost().count().await?), (1, 1));
    Ok(())
}
