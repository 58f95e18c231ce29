//! Replacing what belongs to an object: in one transaction, by as many statements for many as for one.

use thing::{Db, Model, Result};

use crate::support::{Stack, statements};

matrix! {
    every: [
        children_are_kept_moved_added_and_removed,
        children_without_an_owner_stay,
        many_take_as_many_statements_as_two,
        a_child_that_is_gone_undoes_everything,
        replacing_works_in_a_transaction,
        versions_of_moved_children_are_raised,
        links_are_replaced_by_a_constant_number_of_statements,
        links_take_values_of_their_own,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many(books: Book, Book::AUTHOR_ID), has_many(notes: Note, Note::AUTHOR_ID))]
#[thing(many_to_many(friends: Author, Friend::OF, Friend::IS))]
struct Author {
    id: i64,
    name: String,
}

/// Can't be without an author.
#[derive(Model, Clone, Debug, PartialEq)]
struct Book {
    id: i64,
    #[thing(index)]
    author_id: i64,
    #[thing(unique)]
    title: String,
    #[thing(version)]
    version: i64,
}

/// Can be without an author.
#[derive(Model, Clone, Debug, PartialEq)]
struct Note {
    id: i64,
    #[thing(index)]
    author_id: Option<i64>,
    text: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(key(of, is))]
struct Friend {
    of: i64,
    #[thing(index)]
    is: i64,
    since: i32,
}

fn book(title: impl Into<String>) -> NewBook {
    NewBook { author_id: 0, title: title.into() }
}

async fn library(stack: &Stack) -> Result<Db> {
    let db = stack.db::<(Author, Book, Note, Friend)>().await;
    db.things::<Author>().create_many(["Ann", "Bob"].map(|name| NewAuthor { name: name.into() })).await?;
    let books = [(1, "A"), (1, "B"), (2, "C"), (2, "D")];
    let books = books.map(|(author_id, title)| NewBook { author_id, title: title.into() });
    db.things::<Book>().create_many(books).await?;
    let notes = [Some(1), Some(1), Some(2), None].map(|author_id| NewNote { author_id, text: String::new() });
    db.things::<Note>().create_many(notes).await?;
    Ok(db)
}

/// The titles of an author's books, which the cache and the database tell alike.
async fn titles(db: &Db, author: i64) -> Result<String> {
    let query = Book::filter(db, Book::AUTHOR_ID.eq(author)).order_by(Book::TITLE.asc());
    let cached: Vec<String> = query.clone().all().await?.iter().map(|book| book.title.clone()).collect();
    let stored: Vec<String> = query.uncached().all().await?.iter().map(|book| book.title.clone()).collect();
    assert_eq!(cached, stored);
    Ok(cached.concat())
}

async fn children_are_kept_moved_added_and_removed(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    assert_eq!((titles(&db, 1).await?, titles(&db, 2).await?), ("AB".into(), "CD".into()));
    let books = db.things::<Book>().all().await?;
    let mut ann = Author::by_id(&db, 1).await?;
    ann.load(&db, Author::BOOKS).await?;
    // B is kept, C comes from Bob, E is new, A goes.
    ann.replace_all(&db, Author::BOOKS, &books[1..3], [book("E")]).await?;
    assert!(ann.related(Author::BOOKS).is_err(), "what was loaded is forgotten");
    assert_eq!((titles(&db, 1).await?, titles(&db, 2).await?), ("BCE".into(), "D".into()));
    assert!(Book::find(&db, 1).await?.is_none());
    assert_eq!(Book::by_id(&db, 3).await?.author_id, 1);
    // A title that goes can come again.
    ann.replace_all(&db, Author::BOOKS, &books[1..2], [book("C"), book("A")]).await?;
    assert_eq!(titles(&db, 1).await?, "ABC");
    ann.replace_all(&db, Author::BOOKS, &[] as &[Book], [] as [NewBook; 0]).await?;
    assert_eq!((titles(&db, 1).await?, titles(&db, 2).await?), (String::new(), "D".into()));
    Ok(())
}

async fn children_without_an_owner_stay(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let count = async |author: Option<i64>| Note::filter(&db, Note::AUTHOR_ID.eq(author)).count().await;
    assert_eq!((count(Some(1)).await?, count(Some(2)).await?, count(None).await?), (2, 1, 1));
    let notes = db.things::<Note>().all().await?;
    let mut ann = Author::by_id(&db, 1).await?;
    let new = [NewNote { author_id: None, text: "new".into() }];
    ann.replace_all(&db, Author::NOTES, [&notes[1], &notes[3]], new).await?;
    assert_eq!((count(Some(1)).await?, count(Some(2)).await?, count(None).await?), (3, 1, 1));
    assert_eq!(Note::by_id(&db, 1).await?.author_id, None);
    assert_eq!(Note::by_id(&db, 4).await?.author_id, Some(1));
    Ok(())
}

async fn many_take_as_many_statements_as_two(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let mut ann = Author::by_id(&db, 1).await?;
    let mut bob = Author::by_id(&db, 2).await?;
    let mut sent = Vec::new();
    for n in [2, 50] {
        let of_bob = (0..n).map(|i| book(format!("bob {n} {i}")));
        bob.replace_all(&db, Author::BOOKS, &[] as &[Book], of_bob).await?;
        let of_ann = (0..n).map(|i| book(format!("old {n} {i}")));
        ann.replace_all(&db, Author::BOOKS, &[] as &[Book], of_ann).await?;
        let moved = Author::BOOKS.of(&db, &bob).all().await?;
        let new: Vec<NewBook> = (0..n).map(|i| book(format!("new {n} {i}"))).collect();
        let (count, done) = statements(&db, ann.replace_all(&db, Author::BOOKS, &moved, new)).await;
        done?;
        assert_eq!(Author::BOOKS.of(&db, &ann).count().await?, 2 * n);
        assert_eq!(Author::BOOKS.of(&db, &bob).count().await?, 0);
        sent.push(count);
    }
    assert_eq!(sent, [6, 6], "the owner, its books, the moved ones, delete, update, insert");
    Ok(())
}

async fn a_child_that_is_gone_undoes_everything(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let gone = Book::by_id(&db, 4).await?;
    db.things::<Book>().delete(4).await?;
    let mut ann = Author::by_id(&db, 1).await?;
    let error = ann.replace_all(&db, Author::BOOKS, [&gone], [book("E")]).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let error = ann.replace_all(&db, Author::BOOKS, &[] as &[Book], [book("E"), book("C")]).await.unwrap_err();
    assert!(error.is_unique_violation(), "{error}");
    assert_eq!((titles(&db, 1).await?, titles(&db, 2).await?), ("AB".into(), "C".into()));
    db.things::<Author>().delete(2).await?;
    let mut bob = Author { id: 2, name: String::new() }.create(&db).await?;
    db.things::<Author>().delete(2).await?;
    let error = bob.replace_all(&db, Author::BOOKS, &[] as &[Book], [book("E")]).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    Ok(())
}

async fn replacing_works_in_a_transaction(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    assert_eq!(titles(&db, 1).await?, "AB");
    let mut ann = Author::by_id(&db, 1).await?;
    let transaction = db.begin().await?;
    ann.replace_all(&transaction, Author::BOOKS, &[] as &[Book], [book("E")]).await?;
    assert_eq!(Author::BOOKS.of(&transaction, &ann).count().await?, 1);
    transaction.rollback().await?;
    assert_eq!(titles(&db, 1).await?, "AB");
    let transaction = db.begin().await?;
    ann.replace_all(&transaction, Author::BOOKS, &[] as &[Book], [book("E")]).await?;
    transaction.commit().await?;
    assert_eq!(titles(&db, 1).await?, "E");
    Ok(())
}

async fn versions_of_moved_children_are_raised(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let mut old = Book::by_id(&db, 3).await?;
    let mut ann = Author::by_id(&db, 1).await?;
    ann.replace_all(&db, Author::BOOKS, [&old], [] as [NewBook; 0]).await?;
    assert_eq!(Book::by_id(&db, 3).await?.version, 2);
    old.title = "late".into();
    assert!(old.save(&db).await.unwrap_err().is_stale());
    Ok(())
}

async fn links_are_replaced_by_a_constant_number_of_statements(stack: &Stack) -> Result<()> {
    let db = stack.db::<(Author, Tag, AuthorTag)>().await;
    db.things::<Author>().create(NewAuthor { name: "Ann".into() }).await?;
    let tags = db.things::<Tag>().create_many((0..40).map(|n| NewTag { name: n.to_string() })).await?;
    let mut ann = Tagged::by_id(&db, 1).await?;
    ann.replace(&db, Tagged::TAGS, &tags[..2]).await?;
    let (few, done) = statements(&db, ann.replace(&db, Tagged::TAGS, &tags[2..4])).await;
    done?;
    ann.replace(&db, Tagged::TAGS, &tags[..20]).await?;
    let (many, done) = statements(&db, ann.replace(&db, Tagged::TAGS, &tags[15..])).await;
    done?;
    assert_eq!((few, many), (4, 4), "the owner, its links, delete, insert");
    assert_eq!(ann.load(&db, Tagged::TAGS).await?.len(), 25);
    assert_eq!(Tag::ANYBODY.of(&db, &tags[0]).count().await?, 0);
    assert_eq!(Tag::ANYBODY.of(&db, &tags[39]).count().await?, 1);
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(table = "authors", many_to_many(tags: Tag, AuthorTag::AUTHOR_ID, AuthorTag::TAG_ID))]
struct Tagged {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many(anybody: AuthorTag, AuthorTag::TAG_ID))]
struct Tag {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(key(author_id, tag_id))]
struct AuthorTag {
    author_id: i64,
    #[thing(index)]
    tag_id: i64,
}

async fn links_take_values_of_their_own(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let bob = Author::by_id(&db, 2).await?;
    let mut ann = Author::by_id(&db, 1).await?;
    let error = ann.attach(&db, Author::FRIENDS, &bob).await.unwrap_err();
    assert!(error.to_string().contains("attach_with"), "{error}");
    assert!(ann.attach_with(&db, Author::FRIENDS, &bob, Friend::SINCE.set(1999)).await?);
    assert!(!ann.attach_with(&db, Author::FRIENDS, &bob, Friend::SINCE.set(2000)).await?);
    assert_eq!(Friend::by_id(&db, (1, 2)).await?.since, 1999);
    assert_eq!(ann.load(&db, Author::FRIENDS).await?[0].name, "Bob");
    let error = ann.attach_with(&db, Author::FRIENDS, &bob, Friend::SINCE.plus(1)).await.unwrap_err();
    assert!(error.to_string().contains("can only be set"), "{error}");
    Ok(())
}
