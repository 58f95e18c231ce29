//! Relations: loaded along or later, right after every write from either side, in a constant number of statements.

use std::time::SystemTime;

use thing::{Db, ErrorKind, HasMany, Loaded, Model, Result, Session};

use crate::support::{Cache, Stack, statements};

matrix! {
    every: [
        each_kind_is_loaded_with_a_query,
        each_kind_is_loaded_later,
        what_is_not_loaded_is_an_error_that_names_the_fix,
        a_relation_of_a_changed_column_is_not_the_old_one,
        what_was_loaded_survives_a_save_and_is_copied,
        a_relation_is_filtered_ordered_and_limited,
        relations_nest,
        relations_come_with_pages_and_chunks,
        a_relation_of_one_object_is_a_query,
        many_objects_take_as_many_statements_as_two,
        a_model_is_related_to_itself,
        two_relations_of_the_same_models_are_apart,
        lists_follow_writes_from_either_side,
        targets_follow_writes,
        links_are_attached_detached_and_replaced,
        links_are_written_in_transactions,
        a_link_that_needs_more_is_created_as_itself,
        everything_works_in_a_transaction,
        keys_of_text_find_their_rows,
        every_operation_can_be_spawned,
    ]
    cached: [
        lists_are_shared_with_queries_by_the_column,
        an_uncached_query_loads_uncached,
        a_second_load_sends_nothing,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(has_many(books: Book, Book::AUTHOR_ID), has_one(profile: Profile, Profile::AUTHOR_ID))]
#[thing(has_many(edited: Book, Book::EDITOR_ID))]
struct Author {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(belongs_to(author: Author, AUTHOR_ID), belongs_to(editor: Author, EDITOR_ID))]
#[thing(many_to_many(tags: Tag, BookTag::BOOK_ID, BookTag::TAG_ID), has_many(book_tags: BookTag, BookTag::BOOK_ID))]
#[thing(many_to_many(rooms: Room, Shelf::BOOK_ID, Shelf::ROOM))]
struct Book {
    id: i64,
    #[thing(index)]
    author_id: i64,
    #[thing(index)]
    editor_id: Option<i64>,
    title: String,
    year: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(belongs_to(author: Author, AUTHOR_ID))]
struct Profile {
    id: i64,
    #[thing(unique)]
    author_id: i64,
    text: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(many_to_many(books: Book, BookTag::TAG_ID, BookTag::BOOK_ID))]
struct Tag {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(key(book_id, tag_id), belongs_to(tag: Tag, TAG_ID))]
struct BookTag {
    book_id: i64,
    #[thing(index)]
    tag_id: i64,
    #[thing(default = 1)]
    weight: i32,
    note: Option<String>,
    #[thing(created)]
    at: SystemTime,
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Room {
    #[thing(key)]
    name: String,
}

/// A link with a column that nothing fills in.
#[derive(Model, Clone, Debug, PartialEq)]
struct Shelf {
    id: i64,
    #[thing(index)]
    book_id: i64,
    room: String,
    place: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(belongs_to(manager: Employee, MANAGER_ID), has_many(reports: Employee, Employee::MANAGER_ID))]
struct Employee {
    id: i64,
    #[thing(index)]
    manager_id: Option<i64>,
    name: String,
}

/// Three authors: Ann with three books and a profile, Bob with one book that Ann edits, Cleo with none.
async fn library(stack: &Stack) -> Result<Db> {
    let db = stack.db::<(Author, Book, Profile, Tag, BookTag, Room, Shelf, Employee)>().await;
    db.things::<Author>().create_many(["Ann", "Bob", "Cleo"].map(|name| NewAuthor { name: name.into() })).await?;
    let books = [(1, None, "Zen", 1999), (1, None, "Art", 2005), (2, Some(1), "Map", 2010), (1, None, "Fog", 2015)];
    let book = |(author_id, editor_id, title, year): (i64, Option<i64>, &str, i32)| NewBook {
        author_id,
        editor_id,
        title: title.into(),
        year,
    };
    db.things::<Book>().create_many(books.map(book)).await?;
    db.things::<Profile>().create(NewProfile { author_id: 1, text: "writes".into() }).await?;
    db.things::<Tag>().create_many(["old", "new", "odd"].map(|name| NewTag { name: name.into() })).await?;
    for (book_id, tag_id) in [(1, 1), (1, 3), (2, 2), (3, 2)] {
        link(&db, book_id, tag_id).await?;
    }
    Ok(db)
}

async fn link(db: &Db, book_id: i64, tag_id: i64) -> Result<()> {
    db.things::<BookTag>().create(NewBookTag { book_id, tag_id, weight: None, note: None }).await.map(drop)
}

async fn relations_come_with_pages_and_chunks(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let authors = || Author::filter(&db, Author::ID.gt(0)).with(Author::BOOKS);
    let counts = |page: &[Loaded<Author>]| {
        page.iter().map(|author| Ok(author.related(Author::BOOKS)?.len())).collect::<Result<Vec<_>>>()
    };
    let page = authors().page(2).await?;
    assert_eq!(counts(&page.items)?, [3, 1]);
    let page = authors().page_at(&page.next, 2).await?;
    assert_eq!(counts(&page.items)?, [0]);
    assert_eq!(counts(&authors().page_number(2, 1).await?.items)?, [1]);
    let mut chunks = authors().chunks(2);
    let mut found = Vec::new();
    while let Some(chunk) = chunks.next().await? {
        found.extend(counts(&chunk)?);
    }
    assert_eq!(found, [3, 1, 0]);
    Ok(())
}

fn titles(books: &[Loaded<Book>]) -> Vec<&str> {
    books.iter().map(|book| book.title.as_str()).collect()
}

fn names(tags: &[Loaded<Tag>]) -> Vec<&str> {
    tags.iter().map(|tag| tag.name.as_str()).collect()
}

async fn each_kind_is_loaded_with_a_query(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    for _ in 0..2 {
        let authors = db.things::<Author>().with(Author::BOOKS).with(Author::PROFILE).all().await?;
        let books: Vec<_> = authors.iter().map(|author| titles(author.related(Author::BOOKS).unwrap())).collect();
        assert_eq!(books, [vec!["Zen", "Art", "Fog"], vec!["Map"], vec![]]);
        let profiles: Vec<_> = authors.iter().map(|author| author.related(Author::PROFILE).unwrap()).collect();
        assert_eq!(profiles[0].unwrap().text, "writes");
        assert_eq!((profiles[1], profiles[2]), (None, None));

        let books = db.things::<Book>().with(Book::AUTHOR).with(Book::EDITOR).with(Book::TAGS).all().await?;
        let author = |book: &Loaded<Book>| book.related(Book::AUTHOR).unwrap().unwrap().name.clone();
        assert_eq!(books.iter().map(author).collect::<Vec<_>>(), ["Ann", "Ann", "Bob", "Ann"]);
        let edited: Vec<_> = books.iter().map(|book| book.related(Book::EDITOR).unwrap().is_some()).collect();
        assert_eq!(edited, [false, false, true, false]);
        let tags: Vec<_> = books.iter().map(|book| names(book.related(Book::TAGS).unwrap())).collect();
        assert_eq!(tags, [vec!["old", "odd"], vec!["new"], vec!["new"], vec![]]);
    }
    let map = Book::filter(&db, Book::TITLE.eq("Map")).with(Book::AUTHOR);
    assert_eq!(map.clone().one().await?.related(Book::AUTHOR)?.unwrap().name, "Bob");
    assert_eq!(map.clone().first().await?.unwrap().related(Book::AUTHOR)?.unwrap().name, "Bob");
    assert_eq!(map.fetch(0, 5).await?[0].related(Book::AUTHOR)?.unwrap().name, "Bob");
    let nobody = Author::filter(&db, Author::NAME.eq("Nobody")).with(Author::BOOKS);
    let (sent, nobody) = statements(&db, nobody.all()).await;
    assert!(nobody?.is_empty());
    assert_eq!(sent, 1, "nothing is loaded of no objects");
    Ok(())
}

async fn each_kind_is_loaded_later(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let mut ann = Author::by_id(&db, 1).await?;
    assert_eq!(titles(ann.load(&db, Author::BOOKS).await?), ["Zen", "Art", "Fog"]);
    assert_eq!(ann.load(&db, Author::PROFILE).await?.unwrap().text, "writes");
    assert_eq!(titles(ann.related(Author::BOOKS)?), ["Zen", "Art", "Fog"]);
    let mut zen = Book::by_id(&db, 1).await?;
    assert_eq!(zen.load(&db, Book::AUTHOR).await?.unwrap().name, "Ann");
    assert_eq!(zen.load(&db, Book::EDITOR).await?, None);
    assert_eq!(names(zen.load(&db, Book::TAGS).await?), ["old", "odd"]);

    let mut authors = db.things::<Author>().by_ids([1, 2, 3]).await?;
    db.things::<Author>().load_many(authors.values_mut(), Author::BOOKS).await?;
    assert_eq!(titles(authors[&1].related(Author::BOOKS)?), ["Zen", "Art", "Fog"]);
    assert!(authors[&3].related(Author::BOOKS)?.is_empty());
    let mut books = db.things::<Book>().all().await?;
    db.things::<Book>().load_many(&mut books[1..], Book::TAGS).await?;
    assert!(books[0].related(Book::TAGS).unwrap_err().is_not_loaded());
    assert_eq!(names(books[2].related(Book::TAGS)?), ["new"]);
    db.things::<Book>().load_many(&mut Vec::new(), Book::TAGS).await?;
    Ok(())
}

async fn what_is_not_loaded_is_an_error_that_names_the_fix(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let mut cleo = Author::by_id(&db, 3).await?;
    let error = cleo.related(Author::BOOKS).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotLoaded);
    assert!(!error.is_not_found());
    let message = error.to_string();
    assert!(message.contains(".with(Author::BOOKS)") && message.contains(".load(&db, Author::BOOKS)"), "{message}");
    assert!(cleo.related_mut(Author::BOOKS).unwrap_err().is_not_loaded());
    cleo.load(&db, Author::PROFILE).await?;
    assert!(cleo.related(Author::BOOKS).is_err(), "another relation was loaded");
    assert!(cleo.load(&db, Author::BOOKS).await?.is_empty(), "loaded, and empty");
    assert!(db.things::<Author>().with(Author::BOOKS).stream().await.is_err());
    Ok(())
}

async fn a_relation_of_a_changed_column_is_not_the_old_one(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let mut zen = Book::by_id(&db, 1).await?;
    zen.load(&db, Book::AUTHOR).await?;
    zen.author_id = 2;
    let error = zen.related(Book::AUTHOR).unwrap_err();
    assert!(error.is_not_loaded() && error.to_string().contains("Book::AUTHOR was loaded for another key"), "{error}");
    assert!(zen.related_mut(Book::AUTHOR).is_err());
    assert_eq!(zen.load(&db, Book::AUTHOR).await?.unwrap().name, "Bob");
    Ok(())
}

async fn what_was_loaded_survives_a_save_and_is_copied(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let mut ann = Author::by_id(&db, 1).await?;
    ann.load(&db, Author::BOOKS).await?;
    ann.name = "Anna".into();
    ann.save(&db).await?;
    let copy = ann.clone();
    let zen = &mut ann.related_mut(Author::BOOKS)?[0];
    zen.title = "Zed".into();
    zen.save(&db).await?;
    zen.load(&db, Book::TAGS).await?;
    assert_eq!(titles(ann.related(Author::BOOKS)?), ["Zed", "Art", "Fog"]);
    assert_eq!(names(ann.related(Author::BOOKS)?[0].related(Book::TAGS)?), ["old", "odd"]);
    assert_eq!(titles(copy.related(Author::BOOKS)?), ["Zen", "Art", "Fog"], "a copy is apart");
    assert_eq!(Book::by_id(&db, 1).await?.title, "Zed");
    Ok(())
}

async fn a_relation_is_filtered_ordered_and_limited(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let chosen = Author::BOOKS.filter(Book::YEAR.gt(2000)).order_by(Book::TITLE.desc());
    for _ in 0..2 {
        let authors = db.things::<Author>().with(chosen.clone()).all().await?;
        let lists: Vec<_> = authors.iter().map(|author| titles(author.related(Author::BOOKS).unwrap())).collect();
        assert_eq!(lists, [vec!["Fog", "Art"], vec!["Map"], vec![]]);
        let authors = db.things::<Author>().with(chosen.clone().limit(1)).all().await?;
        let lists: Vec<_> = authors.iter().map(|author| titles(author.related(Author::BOOKS).unwrap())).collect();
        assert_eq!(lists, [vec!["Fog"], vec!["Map"], vec![]]);
        let authors = db.things::<Author>().with(Author::BOOKS.limit(2)).all().await?;
        assert_eq!(titles(authors[0].related(Author::BOOKS)?), ["Zen", "Art"]);

        let books = db.things::<Book>().with(Book::TAGS.order_by(Tag::NAME.asc()).limit(1)).all().await?;
        assert_eq!(names(books[0].related(Book::TAGS)?), ["odd"]);
        let books = db.things::<Book>().with(Book::TAGS.filter(Tag::NAME.ne("odd"))).all().await?;
        assert_eq!(names(books[0].related(Book::TAGS)?), ["old"]);
        let anns = db.things::<Book>().with(Book::AUTHOR.filter(Author::NAME.eq("Ann"))).all().await?;
        let found: Vec<_> = anns.iter().map(|book| book.related(Book::AUTHOR).unwrap().is_some()).collect();
        assert_eq!(found, [true, true, false, true]);
    }
    let mut ann = Author::by_id(&db, 1).await?;
    assert_eq!(titles(ann.load(&db, chosen.limit(1)).await?), ["Fog"]);
    let newest = db.things::<Author>().with(Author::PROFILE.order_by(Profile::ID.desc())).all().await?;
    assert_eq!(newest[0].related(Author::PROFILE)?.unwrap().id, 1);
    Ok(())
}

async fn relations_nest(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    for _ in 0..2 {
        let books = Author::BOOKS.order_by(Book::ID.asc()).with(Book::TAGS.with(Tag::BOOKS)).with(Book::EDITOR);
        let authors = db.things::<Author>().with(books).with(Author::PROFILE).all().await?;
        let zen = &authors[0].related(Author::BOOKS)?[0];
        assert_eq!(names(zen.related(Book::TAGS)?), ["old", "odd"]);
        let art = &authors[0].related(Author::BOOKS)?[1];
        assert_eq!(titles(art.related(Book::TAGS)?[0].related(Tag::BOOKS)?), ["Art", "Map"]);
        assert_eq!(authors[1].related(Author::BOOKS)?[0].related(Book::EDITOR)?.unwrap().name, "Ann");
    }
    let mut map = Book::by_id(&db, 3).await?;
    let editor = map.load(&db, Book::EDITOR.with(Author::BOOKS)).await?.unwrap();
    assert_eq!(titles(editor.related(Author::BOOKS)?), ["Zen", "Art", "Fog"]);
    Ok(())
}

async fn a_relation_of_one_object_is_a_query(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let ann = Author::by_id(&db, 1).await?;
    let books = Author::BOOKS.of(&db, &ann);
    assert_eq!(books.clone().count().await?, 3);
    assert_eq!(titles(&books.clone().order_by(Book::TITLE.asc()).fetch(0, 2).await?), ["Art", "Fog"]);
    assert_eq!(books.filter(Book::YEAR.lt(2000)).one().await?.title, "Zen");
    assert_eq!(Author::BOOKS.filter(Book::YEAR.gt(2000)).of(&db, &ann).count().await?, 2);
    assert_eq!(Author::PROFILE.of(&db, &ann).one().await?.text, "writes");
    let map = Book::by_id(&db, 3).await?;
    assert_eq!(Book::AUTHOR.of(&db, &map).one().await?.name, "Bob");
    assert!(!Book::EDITOR.of(&db, &*Book::by_id(&db, 1).await?).exists().await?);
    let zen = Book::by_id(&db, 1).await?;
    let tags = Book::TAGS.of(&db, &zen).await?;
    assert_eq!(names(&tags.clone().order_by(Tag::NAME.desc()).all().await?), ["old", "odd"]);
    assert_eq!(tags.filter(Tag::NAME.eq("odd")).count().await?, 1);
    let with_tags = Author::BOOKS.with(Book::TAGS).of(&db, &ann).all().await?;
    assert_eq!(names(with_tags[0].related(Book::TAGS)?), ["old", "odd"]);
    Ok(())
}

async fn many_objects_take_as_many_statements_as_two(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let many = (4..=60).map(|n| NewAuthor { name: format!("Author {n}") });
    db.things::<Author>().create_many(many).await?;
    let many = (1..=2000).map(|n| NewBook { author_id: 1 + n % 60, editor_id: None, title: format!("{n}"), year: 1 });
    db.things::<Book>().create_many(many).await?;
    for limit in [2, 60] {
        let authors = || db.things::<Author>().all_objects().uncached();
        let (sent, read) = statements(&db, authors().with(Author::BOOKS).with(Author::PROFILE).fetch(0, limit)).await;
        assert_eq!((sent, read?.len() as u64), (3, limit));
        let nested = authors().with(Author::BOOKS.with(Book::TAGS.with(Tag::BOOKS)).with(Book::AUTHOR));
        let (sent, read) = statements(&db, nested.fetch(0, limit)).await;
        // Authors, books, links and tags, links and books of the tags, authors.
        assert_eq!((sent, read?.len() as u64), (7, limit));
    }
    let mut authors = db.things::<Author>().all().await?;
    let (sent, loaded) = statements(&db, db.things::<Author>().load_many(&mut authors, Author::BOOKS)).await;
    loaded?;
    assert_eq!(sent, 1);
    let sizes: usize = authors.iter().map(|author| author.related(Author::BOOKS).unwrap().len()).sum();
    assert_eq!(sizes, 2004);
    let mut books = db.things::<Book>().all().await?;
    let (sent, loaded) = statements(&db, db.things::<Book>().load_many(&mut books, Book::AUTHOR)).await;
    loaded?;
    assert!(sent <= 1, "{sent}");
    assert!(books.iter().all(|book| book.related(Book::AUTHOR).unwrap().unwrap().id == book.author_id));
    // More values than some databases take in one statement.
    let (sent, loaded) = statements(&db, db.things::<Book>().load_many(&mut books, Book::BOOK_TAGS)).await;
    loaded?;
    assert_eq!(sent, 1);
    Ok(())
}

async fn a_model_is_related_to_itself(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let new = |name: &str, manager_id| NewEmployee { name: name.into(), manager_id };
    let employees = db.things::<Employee>();
    employees.create_many([new("Ann", None), new("Bob", Some(1)), new("Cleo", Some(1)), new("Dan", Some(2))]).await?;
    let all = employees.with(Employee::MANAGER.with(Employee::MANAGER)).with(Employee::REPORTS).all().await?;
    let manager = |employee: &Loaded<Employee>| employee.related(Employee::MANAGER).map(Option::<&_>::cloned);
    assert_eq!(manager(&all[0])?, None);
    let bob = manager(&all[3])?.unwrap();
    assert_eq!((bob.name.as_str(), manager(&bob)?.unwrap().name.as_str()), ("Bob", "Ann"));
    let reports: Vec<_> = all.iter().map(|one| one.related(Employee::REPORTS).unwrap().len()).collect();
    assert_eq!(reports, [2, 1, 0, 0]);
    Ok(())
}

async fn two_relations_of_the_same_models_are_apart(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let authors = db.things::<Author>().with(Author::BOOKS).with(Author::EDITED).all().await?;
    assert_eq!(titles(authors[0].related(Author::BOOKS)?), ["Zen", "Art", "Fog"]);
    assert_eq!(titles(authors[0].related(Author::EDITED)?), ["Map"]);
    assert!(authors[1].related(Author::EDITED)?.is_empty());
    Ok(())
}

/// The titles by author, read along with all authors, for some of them, and for one.
async fn shelves(session: &dyn Session, relation: HasMany<Author, Book>) -> Result<Vec<Vec<String>>> {
    let list = |author: &Loaded<Author>| -> Vec<String> {
        author.related(Author::BOOKS).unwrap().iter().map(|book| book.title.clone()).collect()
    };
    let all = session.things::<Author>().with(relation.clone()).all().await?;
    let lists: Vec<Vec<String>> = all.iter().map(list).collect();
    let mut some = session.things::<Author>().order_by(Author::ID.desc()).fetch(0, 2).await?;
    session.things::<Author>().load_many(&mut some, relation.clone()).await?;
    for author in &some {
        assert_eq!(list(author), lists[author.id as usize - 1]);
    }
    let mut one = Author::by_id(session, 1).await?;
    one.load(session, relation).await?;
    assert_eq!(list(&one), lists[0]);
    Ok(lists)
}

async fn lists_follow_writes_from_either_side(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let late = || Author::BOOKS.filter(Book::YEAR.gt(2000)).order_by(Book::YEAR.desc());
    let both = async || -> Result<_> { Ok((shelves(&db, Author::BOOKS).await?, shelves(&db, late()).await?)) };
    let (all, newer) = both().await?;
    assert_eq!(all, [vec!["Zen", "Art", "Fog"], vec!["Map"], vec![]]);
    assert_eq!(newer, [vec!["Fog", "Art"], vec!["Map"], vec![]]);

    let new = NewBook { author_id: 3, editor_id: None, title: "Sea".into(), year: 2020 };
    let mut sea = db.things::<Book>().create(new).await?;
    assert_eq!(both().await?.0[2], ["Sea"]);

    sea.author_id = 2;
    sea.save(&db).await?;
    let (all, newer) = both().await?;
    assert_eq!((&all[1], &all[2]), (&vec!["Map".to_owned(), "Sea".into()], &Vec::new()));
    assert_eq!(newer[1], ["Sea", "Map"]);

    sea.year = 1990;
    sea.save(&db).await?;
    let (all, newer) = both().await?;
    assert_eq!((all[1].len(), newer[1].len()), (2, 1));

    sea.title = "Lake".into();
    sea.save(&db).await?;
    assert_eq!(both().await?.0[1], ["Map", "Lake"]);

    sea.delete(&db).await?;
    assert_eq!(both().await?.0[1], ["Map"]);

    db.things::<Book>().delete_many([1, 3]).await?;
    assert_eq!(both().await?.0, [vec!["Art", "Fog"], vec![], vec![]]);
    db.things::<Author>().delete(2).await?;
    let authors = db.things::<Author>().with(Author::BOOKS).all().await?;
    assert_eq!(authors.len(), 2);
    Ok(())
}

async fn targets_follow_writes(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let read = async || -> Result<Vec<Option<String>>> {
        let books = db.things::<Book>().with(Book::EDITOR).all().await?;
        let name = |book: &Loaded<Book>| book.related(Book::EDITOR).unwrap().map(|editor| editor.name.clone());
        Ok(books.iter().map(name).collect())
    };
    assert_eq!(read().await?, [None, None, Some("Ann".into()), None]);
    let mut zen = Book::by_id(&db, 1).await?;
    zen.editor_id = Some(3);
    zen.save(&db).await?;
    let mut ann = Author::by_id(&db, 1).await?;
    ann.name = "Anna".into();
    ann.save(&db).await?;
    assert_eq!(read().await?, [Some("Cleo".into()), None, Some("Anna".into()), None]);
    db.things::<Author>().delete(3).await?;
    assert_eq!(read().await?[0], None);
    Ok(())
}

async fn links_are_attached_detached_and_replaced(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let tags = db.things::<Tag>().all().await?;
    let of = async |id: i64| -> Result<Vec<String>> {
        let mut book = Book::by_id(&db, id).await?;
        Ok(names(book.load(&db, Book::TAGS).await?).into_iter().map(str::to_owned).collect())
    };
    let books_of = async |id: i64| -> Result<usize> {
        let tags = db.things::<Tag>().with(Tag::BOOKS).all().await?;
        Ok(tags.iter().find(|tag| tag.id == id).unwrap().related(Tag::BOOKS)?.len())
    };
    assert_eq!((of(4).await?.len(), books_of(1).await?), (0, 1));

    let mut fog = Book::by_id(&db, 4).await?;
    fog.load(&db, Book::TAGS).await?;
    assert!(fog.attach(&db, Book::TAGS, &tags[0]).await?);
    assert!(fog.related(Book::TAGS).unwrap_err().is_not_loaded(), "what was loaded is out of date");
    assert!(!fog.attach(&db, Book::TAGS, &tags[0]).await?, "linked already");
    assert_eq!((of(4).await?, books_of(1).await?), (vec!["old".to_owned()], 2));
    let link = BookTag::by_id(&db, (4, 1)).await?;
    assert_eq!((link.weight, &link.note), (1, &None));
    assert!(link.at > SystemTime::UNIX_EPOCH);

    // From the other side, and by a plain struct.
    let mut odd = tags[2].clone();
    assert!(odd.attach(&db, Tag::BOOKS, &*fog).await?);
    assert_eq!((of(4).await?, books_of(3).await?), (vec!["old".to_owned(), "odd".into()], 2));

    assert!(fog.detach(&db, Book::TAGS, &tags[0]).await?);
    assert!(!fog.detach(&db, Book::TAGS, &tags[0]).await?);
    assert_eq!((of(4).await?, books_of(1).await?), (vec!["odd".to_owned()], 1));

    let kept = BookTag::by_id(&db, (4, 3)).await?;
    fog.replace(&db, Book::TAGS, &tags[1..]).await?;
    assert_eq!(of(4).await?, ["new", "odd"]);
    assert_eq!(BookTag::by_id(&db, (4, 3)).await?, kept, "what stays is not written");
    fog.replace(&db, Book::TAGS, [&*tags[0], &*tags[0]]).await?;
    assert_eq!((of(4).await?, books_of(2).await?, books_of(3).await?), (vec!["old".to_owned()], 2, 1));
    fog.replace(&db, Book::TAGS, Vec::<&Tag>::new()).await?;
    assert!(of(4).await?.is_empty());

    let mut ghost = Loaded::clone(&fog);
    fog.delete(&db).await?;
    assert!(ghost.replace(&db, Book::TAGS, &tags).await.unwrap_err().is_not_found());
    assert_eq!(BookTag::filter(&db, BookTag::BOOK_ID.eq(4)).count().await?, 0);
    Ok(())
}

async fn links_are_written_in_transactions(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let tags = db.things::<Tag>().all().await?;
    let mut zen = Book::by_id(&db, 1).await?;
    assert_eq!(names(zen.load(&db, Book::TAGS).await?), ["old", "odd"]);
    let transaction = db.begin().await?;
    zen.attach(&transaction, Book::TAGS, &tags[1]).await?;
    zen.detach(&transaction, Book::TAGS, &tags[0]).await?;
    assert_eq!(names(zen.load(&transaction, Book::TAGS).await?), ["new", "odd"]);
    zen.replace(&transaction, Book::TAGS, &tags[..1]).await?;
    assert_eq!(names(zen.load(&transaction, Book::TAGS).await?), ["old"]);
    transaction.rollback().await?;
    assert_eq!(names(zen.load(&db, Book::TAGS).await?), ["old", "odd"]);
    db.transaction(async |transaction| zen.replace(transaction, Book::TAGS, &tags[1..2]).await).await?;
    assert_eq!(names(zen.load(&db, Book::TAGS).await?), ["new"]);
    Ok(())
}

async fn a_link_that_needs_more_is_created_as_itself(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let hall = Room { name: "Hall".into() }.create(&db).await?;
    let mut zen = Book::by_id(&db, 1).await?;
    let error = zen.attach(&db, Book::ROOMS, &hall).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("column `place` of Shelf"), "{error}");
    for place in [3, 4] {
        db.things::<Shelf>().create(NewShelf { book_id: 1, room: "Hall".into(), place }).await?;
    }
    assert_eq!(zen.load(&db, Book::ROOMS).await?.len(), 1, "two links lead to one object");
    assert!(zen.detach(&db, Book::ROOMS, &hall).await?);
    assert!(zen.load(&db, Book::ROOMS).await?.is_empty());
    let books =
        db.things::<Book>().with(Book::BOOK_TAGS.order_by(BookTag::TAG_ID.desc()).with(BookTag::TAG)).all().await?;
    let links = books[0].related(Book::BOOK_TAGS)?;
    assert_eq!((links[0].weight, links[0].related(BookTag::TAG)?.unwrap().name.as_str()), (1, "odd"));
    Ok(())
}

async fn everything_works_in_a_transaction(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    shelves(&db, Author::BOOKS).await?;
    let transaction = db.begin().await?;
    let new = NewBook { author_id: 3, editor_id: Some(2), title: "Sea".into(), year: 2020 };
    transaction.things::<Book>().create(new).await?;
    assert_eq!(shelves(&transaction, Author::BOOKS).await?[2], ["Sea"]);
    let books = transaction.things::<Book>().with(Book::EDITOR).with(Book::TAGS).all().await?;
    assert_eq!(books[4].related(Book::EDITOR)?.unwrap().name, "Bob");
    let cleo = Author::by_id(&transaction, 3).await?;
    assert_eq!(Author::BOOKS.of(&transaction, &cleo).count().await?, 1);
    transaction.rollback().await?;
    assert!(shelves(&db, Author::BOOKS).await?[2].is_empty());
    Ok(())
}

async fn keys_of_text_find_their_rows(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    for (at, name) in ["Attic", "Hall"].into_iter().enumerate() {
        Room { name: name.into() }.create(&db).await?;
        for book_id in [1, 2] {
            db.things::<Shelf>().create(NewShelf { book_id, room: name.into(), place: at as i32 }).await?;
        }
    }
    for _ in 0..2 {
        let books = db.things::<Book>().with(Book::ROOMS).all().await?;
        let rooms = |book: &Loaded<Book>| book.related(Book::ROOMS).unwrap().iter().map(|r| r.name.clone()).collect();
        let rooms: Vec<Vec<String>> = books.iter().map(rooms).collect();
        assert_eq!(rooms, [vec!["Attic", "Hall"], vec!["Attic", "Hall"], vec![], vec![]]);
        let books = db.things::<Book>().with(Book::ROOMS.filter(Room::NAME.eq("Hall"))).all().await?;
        assert_eq!(books[1].related(Book::ROOMS)?[0].name, "Hall");
    }
    Ok(())
}

async fn every_operation_can_be_spawned(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let task = tokio::spawn(async move {
        let mut books = db.things::<Book>().with(Book::AUTHOR.with(Author::BOOKS)).with(Book::TAGS).all().await?;
        db.things::<Book>().load_many(&mut books, Book::EDITOR).await?;
        let tags = db.things::<Tag>().all().await?;
        books[0].replace(&db, Book::TAGS, &tags).await?;
        books[0].detach(&db, Book::TAGS, &tags[0]).await?;
        books[0].attach(&db, Book::TAGS, &tags[0]).await?;
        books[0].load(&db, Book::TAGS.limit(2)).await.map(<[_]>::len)
    });
    assert_eq!(task.await.unwrap()?, 2);
    Ok(())
}

async fn lists_are_shared_with_queries_by_the_column(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let mut authors = db.things::<Author>().all().await?;
    // One list is there; the statement reads the others, and stores them one by one.
    assert_eq!(Book::filter(&db, Book::AUTHOR_ID.eq(1)).all().await?.len(), 3);
    let (sent, loaded) = statements(&db, db.things::<Author>().load_many(&mut authors, Author::BOOKS)).await;
    loaded?;
    assert_eq!(sent, 1);
    for (author, books) in [(1, 3), (2, 1), (3, 0)] {
        let (sent, read) = statements(&db, Book::filter(&db, Book::AUTHOR_ID.eq(author)).all()).await;
        assert_eq!((sent, read?.len()), (0, books), "{author}");
    }
    let (sent, loaded) = statements(&db, authors[1].load(&db, Author::BOOKS)).await;
    assert_eq!((sent, loaded?.len()), (0, 1));
    let (sent, read) = statements(&db, Author::BOOKS.of(&db, &authors[0]).all()).await;
    assert_eq!((sent, read?.len()), (0, 3));
    // A write of one author's list leaves the others.
    let new = NewBook { author_id: 2, editor_id: None, title: "Sea".into(), year: 2020 };
    db.things::<Book>().create(new).await?;
    let (sent, read) = statements(&db, Book::filter(&db, Book::AUTHOR_ID.eq(1)).all()).await;
    assert_eq!((sent, read?.len()), (0, 3));
    let (sent, loaded) = statements(&db, db.things::<Author>().load_many(&mut authors, Author::BOOKS)).await;
    loaded?;
    assert_eq!((sent, authors[1].related(Author::BOOKS)?.len()), (1, 2));
    Ok(())
}

async fn an_uncached_query_loads_uncached(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let entries = db.statistics().cache.entries;
    let load = || Author::BOOKS.with(Book::AUTHOR).with(Book::TAGS);
    let read = || db.things::<Author>().with(load()).uncached().all();
    for _ in 0..2 {
        let (sent, authors) = statements(&db, read()).await;
        assert_eq!((sent, authors?.len()), (5, 3));
    }
    if stack.cache() == Cache::Memory {
        assert_eq!(db.statistics().cache.entries, entries);
    }
    Ok(())
}

async fn a_second_load_sends_nothing(stack: &Stack) -> Result<()> {
    let db = library(stack).await?;
    let read = || {
        let books = Author::BOOKS.with(Book::TAGS.order_by(Tag::NAME.asc())).with(Book::AUTHOR).with(Book::EDITOR);
        db.things::<Author>().with(books).with(Author::PROFILE).with(Author::BOOKS.limit(1)).all()
    };
    let (sent, first) = statements(&db, read()).await;
    let first = first?;
    assert!(sent > 3);
    let (sent, second) = statements(&db, read()).await;
    assert_eq!(sent, 0);
    assert_eq!(first, second?);
    Ok(())
}
