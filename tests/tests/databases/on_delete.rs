//! What Thing does to objects that refer to a deleted one, as relations say: the same on every database.

use std::time::SystemTime;

use thing::{Db, ErrorKind, Model, Result};

use crate::support::{Stack, at};

matrix! {
    every: [
        objects_that_refer_are_deleted_along,
        columns_are_set_to_null,
        a_restricted_delete_is_refused,
        a_circle_is_deleted_once,
        links_are_deleted_along,
        a_soft_delete_marks_what_can_be_marked,
        a_refused_delete_in_a_transaction_undoes_itself_alone,
        deletes_by_filter_take_along_too,
        what_the_database_deletes_along_is_known,
        foreign_keys_are_obeyed_along_the_way,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many(books: Book, Book::AUTHOR_ID, on_delete = "cascade"))]
#[thing(has_many(edited: Book, Book::EDITOR_ID, on_delete = "set_null"))]
#[thing(has_one(prize: Prize, Prize::AUTHOR_ID, on_delete = "restrict"))]
struct Author {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many(chapters: Chapter, Chapter::BOOK_ID, on_delete = "cascade"))]
#[thing(many_to_many(tags: Tag, BookTag::BOOK_ID, BookTag::TAG_ID, on_delete = "cascade"))]
struct Book {
    id: i64,
    #[thing(index)]
    author_id: i64,
    #[thing(index)]
    editor_id: Option<i64>,
    year: i32,
    #[thing(version)]
    version: i64,
    #[thing(updated)]
    updated_at: SystemTime,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Chapter {
    id: i64,
    book_id: i64,
    #[thing(index)]
    number: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Prize {
    id: i64,
    #[thing(unique)]
    author_id: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Tag {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(key(book_id, tag_id))]
struct BookTag {
    book_id: i64,
    #[thing(index)]
    tag_id: i64,
}

/// Two authors; the first has two books of two chapters each and edits the one book of the second.
async fn library(stack: &Stack) -> Result<Db> {
    let db = stack.builder().await.clock(|| at(500)).build();
    db.sync::<(Author, Book, Chapter, Prize, Tag, BookTag)>().await?;
    for name in ["Ann", "Bob"] {
        db.things::<Author>().create(NewAuthor { name: name.into() }).await?;
    }
    for (author_id, editor_id, year) in [(1, None, 2001), (1, None, 2002), (2, Some(1), 2003)] {
        let book = db.things::<Book>().create(NewBook { author_id, editor_id, year }).await?;
        for number in 1..=2 {
            db.things::<Chapter>().create(NewChapter { book_id: book.id, number }).await?;
        }
    }
    assert_eq!(seen(&db).await?, (2, 1, 1, vec![2001, 2002, 2003], 3, 6));
    assert_eq!(Chapter::by_id(&db, 1).await?.number, 1);
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

async fn objects_that_refer_are_deleted_along(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    Author::by_id(&db, 1).await?.delete(&db).await?;
    assert_eq!(seen(&db).await?, (0, 1, 0, vec![2003], 1, 2));
    assert!(Book::find(&db, 1).await?.is_none());
    assert!(Chapter::find(&db, 1).await?.is_none());
    assert_eq!(db.things::<Author>().count().await?, 1);
    Ok(())
}

async fn columns_are_set_to_null(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    assert_eq!(Book::by_id(&db, 3).await?.editor_id, Some(1));
    assert_eq!(Book::filter(&db, Book::EDITOR_ID.is_null()).count().await?, 2);
    db.things::<Author>().delete(1).await?;
    let book = Book::by_id(&db, 3).await?;
    assert_eq!((book.editor_id, book.version, book.updated_at), (None, 2, at(500)));
    assert_eq!(Book::filter(&db, Book::EDITOR_ID.is_null()).count().await?, 1);
    Ok(())
}

async fn a_restricted_delete_is_refused(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    db.things::<Prize>().create(NewPrize { author_id: 1 }).await?;
    let error = db.things::<Author>().delete(1).await.unwrap_err();
    let kind = ErrorKind::Restricted { relation: "Author::PRIZE".into(), model: "Prize".into(), count: 1 };
    assert_eq!(*error.kind(), kind);
    assert!(error.is_restricted());
    assert!(error.to_string().starts_with("delete Author 1: 1 of Prize refer to it by Author::PRIZE"), "{error}");
    assert_eq!(seen(&db).await?, (2, 1, 1, vec![2001, 2002, 2003], 3, 6));
    assert_eq!(Book::by_id(&db, 3).await?.editor_id, Some(1));
    db.things::<Prize>().delete(1).await?;
    db.things::<Author>().delete(1).await?;
    assert_eq!(seen(&db).await?, (0, 1, 0, vec![2003], 1, 2));
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many(followers: Node, Node::AFTER, on_delete = "cascade"), has_many(kept: Node, Node::KEEPS, on_delete = "restrict"))]
struct Node {
    id: i64,
    #[thing(index)]
    after: Option<i64>,
    keeps: Option<i64>,
}

async fn a_circle_is_deleted_once(stack: &Stack) -> Result<()> {
    let db = stack.db::<Node>().await;
    let nodes = db.things::<Node>();
    for (after, keeps) in [(Some(3), None), (Some(1), Some(1)), (Some(2), Some(3)), (Some(4), None)] {
        nodes.create(NewNode { after, keeps }).await?;
    }
    assert_eq!(nodes.count().await?, 4);
    // All who refer to one of the circle go with it.
    nodes.filter(Node::ID.le(3)).delete().await?;
    assert_eq!(nodes.all().await?.iter().map(|node| node.id).collect::<Vec<_>>(), [4]);
    nodes.delete(4).await?;
    assert_eq!(nodes.count().await?, 0);
    Ok(())
}

async fn links_are_deleted_along(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let tag = db.things::<Tag>().create(NewTag { name: "novel".into() }).await?;
    for id in 1..=3 {
        Book::by_id(&db, id).await?.attach(&db, Book::TAGS, &tag).await?;
    }
    assert_eq!(BookTag::filter(&db, BookTag::TAG_ID.eq(1)).count().await?, 3);
    db.things::<Author>().delete(1).await?;
    assert_eq!(BookTag::filter(&db, BookTag::TAG_ID.eq(1)).count().await?, 1);
    assert!(BookTag::find(&db, (1, 1)).await?.is_none());
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many(songs: Song, Song::BAND_ID, on_delete = "cascade"))]
#[thing(has_many(posters: Poster, Poster::BAND_ID, on_delete = "cascade"))]
#[thing(has_many(fans: Fan, Fan::BAND_ID, on_delete = "set_null"))]
#[thing(has_many(debts: Owed, Owed::BAND_ID, on_delete = "restrict"))]
struct Band {
    id: i64,
    #[thing(index)]
    city: i64,
    #[thing(deleted)]
    deleted_at: Option<SystemTime>,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Song {
    id: i64,
    #[thing(index)]
    band_id: i64,
    #[thing(deleted)]
    deleted_at: Option<SystemTime>,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Poster {
    id: i64,
    #[thing(index)]
    band_id: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Fan {
    id: i64,
    #[thing(index)]
    band_id: Option<i64>,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Owed {
    id: i64,
    band_id: i64,
    #[thing(deleted)]
    paid: bool,
}

async fn a_soft_delete_marks_what_can_be_marked(stack: &Stack) -> Result<()> {
    let db = stack.db::<(Band, Song, Poster, Fan, Owed)>().await;
    let bands = db.things::<Band>();
    bands.create(NewBand { city: 1 }).await?;
    db.things::<Song>().create_many([NewSong { band_id: 1 }, NewSong { band_id: 1 }]).await?;
    db.things::<Poster>().create(NewPoster { band_id: 1 }).await?;
    db.things::<Fan>().create(NewFan { band_id: Some(1) }).await?;
    db.things::<Owed>().create(NewOwed { band_id: 1 }).await?;
    let count = async || -> Result<[u64; 5]> {
        Ok([
            bands.count().await?,
            Song::filter(&db, Song::BAND_ID.eq(1)).count().await?,
            Poster::filter(&db, Poster::BAND_ID.eq(1)).count().await?,
            Fan::filter(&db, Fan::BAND_ID.eq(1)).count().await?,
            db.things::<Song>().with_deleted().count().await?,
        ])
    };
    assert_eq!(count().await?, [1, 2, 1, 1, 2]);
    assert!(bands.delete(1).await.unwrap_err().is_restricted());
    db.things::<Owed>().delete(1).await?;
    db.things::<Song>().delete(2).await?;
    bands.delete(1).await?;
    // What can't be marked keeps what it refers to, for the band may come back.
    assert_eq!(count().await?, [0, 0, 1, 1, 2]);
    let band = bands.restore(1).await?;
    assert_eq!(count().await?, [1, 0, 1, 1, 2]);
    assert_eq!(Song::filter(&db, Song::BAND_ID.eq(band.id)).restore().await?, 2);
    assert_eq!(count().await?, [1, 2, 1, 1, 2]);
    // For good: all that refers, deleted or not.
    assert!(bands.force_delete(1).await.unwrap_err().is_restricted());
    db.things::<Owed>().force_delete(1).await?;
    db.things::<Song>().delete(1).await?;
    bands.force_delete(1).await?;
    assert_eq!(count().await?, [0, 0, 0, 0, 0]);
    assert_eq!(db.things::<Fan>().by_id(1).await?.band_id, None);
    Ok(())
}

async fn a_refused_delete_in_a_transaction_undoes_itself_alone(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let transaction = db.begin().await?;
    transaction.things::<Prize>().create(NewPrize { author_id: 2 }).await?;
    assert!(transaction.things::<Author>().delete(2).await.unwrap_err().is_restricted());
    transaction.things::<Author>().delete(1).await?;
    assert_eq!(transaction.things::<Book>().count().await?, 1);
    transaction.commit().await?;
    assert_eq!(seen(&db).await?, (0, 1, 0, vec![2003], 1, 2));
    let transaction = db.begin().await?;
    transaction.things::<Prize>().delete(1).await?;
    transaction.things::<Author>().delete(2).await?;
    transaction.rollback().await?;
    assert_eq!(seen(&db).await?, (0, 1, 0, vec![2003], 1, 2));
    Ok(())
}

async fn deletes_by_filter_take_along_too(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    assert_eq!(Book::filter(&db, Book::YEAR.ge(2002)).delete().await?, 2);
    assert_eq!(seen(&db).await?, (1, 0, 0, vec![2001], 1, 2));
    let many = (3..=1500).map(|number| NewChapter { book_id: 1, number });
    db.things::<Chapter>().create_many(many).await?;
    assert_eq!(Chapter::filter(&db, Chapter::NUMBER.eq(3)).count().await?, 1);
    assert_eq!(db.things::<Author>().all_objects().all_rows().delete().await?, 2);
    assert_eq!(seen(&db).await?, (0, 0, 0, vec![], 0, 0));
    assert_eq!(Chapter::filter(&db, Chapter::NUMBER.eq(3)).count().await?, 0);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many(rooms: Room, Room::HOUSE_ID, on_delete = "cascade"))]
struct House {
    id: i64,
    number: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(cascades(Chair::ROOM_ID))]
struct Room {
    id: i64,
    #[thing(index)]
    house_id: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Chair {
    id: i64,
    #[thing(index)]
    room_id: i64,
}

/// Thing deletes the rooms of a house, and the database the chairs of a room.
async fn what_the_database_deletes_along_is_known(stack: &Stack) -> Result<()> {
    let db = stack.db::<(House, Room, Chair)>().await;
    if stack.name().starts_with("sqlite") {
        db.raw("DROP TABLE chairs").execute().await?;
        let sql = "CREATE TABLE chairs (id INTEGER PRIMARY KEY AUTOINCREMENT, \
                   room_id INTEGER NOT NULL REFERENCES rooms (id) ON DELETE CASCADE)";
        db.raw(sql).execute().await?;
        db.sync::<Chair>().await?;
    } else {
        let sql = "ALTER TABLE chairs ADD FOREIGN KEY (room_id) REFERENCES rooms (id) ON DELETE CASCADE";
        db.raw(sql).execute().await?;
    }
    for number in 1..=2 {
        let house = db.things::<House>().create(NewHouse { number }).await?;
        let room = db.things::<Room>().create(NewRoom { house_id: house.id }).await?;
        db.things::<Chair>().create(NewChair { room_id: room.id }).await?;
    }
    assert_eq!(Chair::filter(&db, Chair::ROOM_ID.eq(1)).count().await?, 1);
    assert_eq!(Chair::by_id(&db, 1).await?.room_id, 1);
    db.things::<House>().delete(1).await?;
    assert_eq!(Chair::filter(&db, Chair::ROOM_ID.eq(1)).count().await?, 0);
    assert!(Chair::find(&db, 1).await?.is_none());
    assert_eq!(Room::filter(&db, Room::HOUSE_ID.eq(2)).delete().await?, 1);
    assert_eq!(db.things::<Chair>().count().await?, 0);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many(posts: Article, Article::WRITER_ID, on_delete = "cascade"))]
#[thing(has_many(comments: Comment, Comment::WRITER_ID, on_delete = "cascade"))]
struct Writer {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many(comments: Comment, Comment::ARTICLE_ID, on_delete = "cascade"))]
struct Article {
    id: i64,
    #[thing(index)]
    writer_id: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Comment {
    id: i64,
    #[thing(index)]
    article_id: i64,
    #[thing(index)]
    writer_id: i64,
}

/// Whatever refers to a row goes before it: here comments before articles, and both before their writer.
async fn foreign_keys_are_obeyed_along_the_way(stack: &Stack) -> Result<()> {
    let db = stack.db::<(Writer, Article, Comment)>().await;
    // SQLite takes no foreign key for a table that is there.
    if !stack.name().starts_with("sqlite") {
        for (table, column, other) in [
            ("articles", "writer_id", "writers"),
            ("comments", "writer_id", "writers"),
            ("comments", "article_id", "articles"),
        ] {
            db.raw(format!("ALTER TABLE {table} ADD FOREIGN KEY ({column}) REFERENCES {other} (id)")).execute().await?;
        }
    }
    for name in ["Ann", "Bob"] {
        db.things::<Writer>().create(NewWriter { name: name.into() }).await?;
    }
    db.things::<Article>().create_many([1, 2].map(|writer_id| NewArticle { writer_id })).await?;
    // Ann on her own article and on Bob's, Bob on Ann's and on his own.
    let comments = [(1, 1), (2, 1), (1, 2), (2, 2)];
    let comments = comments.map(|(article_id, writer_id)| NewComment { article_id, writer_id });
    db.things::<Comment>().create_many(comments).await?;
    let left =
        async || Ok::<_, thing::Error>((db.things::<Article>().count().await?, db.things::<Comment>().count().await?));
    assert_eq!(left().await?, (2, 4));
    db.things::<Writer>().delete(1).await?;
    assert_eq!(left().await?, (1, 1));
    assert_eq!(Comment::by_id(&db, 4).await?.writer_id, 2);
    assert!(Comment::find(&db, 1).await?.is_none());
    assert_eq!(Writer::filter(&db, Writer::NAME.eq("Bob")).delete().await?, 1);
    assert_eq!(left().await?, (0, 0));
    Ok(())
}
