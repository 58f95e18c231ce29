//! Documents, lists, sets and data maps: what comes back, what filters mean, and what ends a cached list.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thing::driver::Capability;
use thing::{ColumnType, Data, Db, ErrorKind, Filter, Json, List, Model, Query, Result, Set};
use uuid::Uuid;

use crate::support::{Limited, Stack, statements};

mod random;

matrix! {
    every: [
        documents_lists_and_maps_come_back_as_they_were_written,
        a_path_leads_to_values_of_every_kind,
        what_is_no_path_is_refused,
        nothing_in_a_path_becomes_sql,
        lists_and_sets_are_asked_for_their_elements,
        a_data_map_holds_values_of_any_type,
        a_changed_value_writes_its_column_alone,
        enums_are_stored_as_integers,
        a_database_without_such_conditions_refuses_them,
    ]
    cached: [a_change_ends_the_lists_that_it_may_concern_and_no_others]
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Meta {
    author: Option<String>,
    pages: Option<i64>,
    rating: Option<f64>,
    public: Option<bool>,
    parts: Vec<String>,
}

#[derive(ColumnType, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Tag(i64);

#[derive(ColumnType, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Colour {
    Red,
    Green,
}

#[derive(ColumnType, Clone, Copy, Debug, PartialEq)]
#[thing(integer)]
enum Status {
    Draft = 1,
    Live = 20,
    Gone = -3,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(no_new)]
struct Book {
    id: i64,
    #[thing(index)]
    owner: i64,
    meta: Json<Meta>,
    tags: List<Tag>,
    labels: Set<String>,
    colours: Option<Set<Colour>>,
    ids: List<Uuid>,
    flags: List<bool>,
    data: Data,
    #[thing(index)]
    status: Status,
}

fn book(author: &str, pages: i64) -> Book {
    Book {
        id: 0,
        owner: 1,
        meta: Json(Meta { author: Some(author.into()), pages: Some(pages), ..Meta::default() }),
        tags: List::default(),
        labels: Set::default(),
        colours: None,
        ids: List::default(),
        flags: List::default(),
        data: Data::new(),
        status: Status::Draft,
    }
}

/// The ids of a query; the cache, the count and the database agree.
async fn ids(query: Query<'_, Book>) -> Result<Vec<i64>> {
    let found: Vec<i64> = query.clone().all().await?.iter().map(|book| book.id).collect();
    assert_eq!(query.clone().count().await?, found.len() as u64);
    let expected: Vec<i64> = query.uncached().all().await?.iter().map(|book| book.id).collect();
    assert_eq!(found, expected);
    Ok(found)
}

async fn documents_lists_and_maps_come_back_as_they_were_written(stack: &Stack) -> Result<()> {
    let db = stack.db::<Book>().await;
    let mut book = book("it's \"é\" \\ 🦀", i64::MAX);
    book.tags = [Tag(i64::MIN), Tag(0), Tag(0), Tag(i64::MAX)].into();
    book.labels = ["b", "a", "", "a", "é\"\\\n", "🦀 "].into();
    book.colours = Some([Colour::Green, Colour::Red].into());
    book.ids = [Uuid::nil(), Uuid::max(), Uuid::from_u128(0x0123_4567_89ab_cdef)].into();
    book.flags = [true, false, true].into();
    book.data.set("n", &1)?;
    book.data.set("nested", &Meta::default())?;
    book.status = Status::Gone;
    let created = book.clone().create(&db).await?;
    book.id = created.id;
    assert_eq!(*created, book);
    assert_eq!(*Book::by_id(&db, book.id).await?, book);
    assert_eq!(*db.things::<Book>().by_id_uncached(book.id).await?, book);
    assert_eq!(book.labels.iter().collect::<Vec<_>>(), ["", "a", "b", "é\"\\\n", "🦀 "]);
    Ok(())
}

async fn a_path_leads_to_values_of_every_kind(stack: &Stack) -> Result<()> {
    let db = stack.db::<Book>().await;
    let books = db.things::<Book>();
    let mut rows = [book("x", 10), book("X", 20), book("10", 30), book("", 0)];
    rows[0].meta.rating = Some(4.5);
    rows[1].meta.public = Some(true);
    rows[2].meta.parts = vec!["one".into(), "two".into()];
    rows[3].meta.author = None;
    for row in rows {
        row.create(&db).await?;
    }
    let at = |path: &str| Book::META.path(path);
    for (filter, expected) in [
        (at("author").eq("x"), vec![1]),
        (at("author").ne("x"), vec![2, 3]),
        (!at("author").eq("x"), vec![2, 3]),
        (at("author").eq(10), vec![]),
        (at("author").is_in(["x", "X"]), vec![1, 2]),
        (at("author").is_in(Vec::<&str>::new()), vec![]),
        (at("author").ge("X"), vec![1, 2]),
        (at("author").exists(), vec![1, 2, 3, 4]),
        (at("author").is_null(), vec![4]),
        (at("author").is_not_null(), vec![1, 2, 3]),
        (at("editor").exists(), vec![]),
        (at("editor").is_null(), vec![1, 2, 3, 4]),
        (at("pages").gt(10), vec![2, 3]),
        (at("pages").le(10u64), vec![1, 4]),
        (at("pages").lt(9.5), vec![4]),
        (at("rating").ge(4), vec![1]),
        (at("rating").lt(4.6f32), vec![1]),
        (at("public").eq(true), vec![2]),
        (at("public").ne(true), vec![]),
        (at("parts[1]").eq("two"), vec![3]),
        (at("parts[0]").exists(), vec![3]),
        (at("author[0]").exists(), vec![]),
        (at("parts.one").exists(), vec![]),
    ] {
        let what = format!("{filter:?}");
        assert_eq!(ids(books.filter(filter.clone())).await?, expected, "{what}");
        assert_eq!(ids(books.filter(filter & Book::OWNER.eq(1))).await?, expected, "{what} in a scope");
    }
    Ok(())
}

async fn what_is_no_path_is_refused(stack: &Stack) -> Result<()> {
    let db = stack.db::<Book>().await;
    for path in ["", "a..b", "a[x]", "a[", "\"a", "a\\"] {
        let error = Book::filter(&db, Book::META.path(path).eq(1)).all().await.unwrap_err();
        assert!(*error.kind() == ErrorKind::InvalidInput && error.to_string().contains("no path"), "{error}");
    }
    for number in [f64::NAN, f64::INFINITY] {
        let error = Book::filter(&db, Book::META.path("a").eq(number)).all().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput);
    }
    assert!(Book::filter(&db, Book::META.path("a").eq(u64::MAX)).all().await.is_err());
    Ok(())
}

async fn nothing_in_a_path_becomes_sql(stack: &Stack) -> Result<()> {
    let db = stack.db::<Book>().await;
    let keys = ["'", "''", "' OR 1 = 1 --", "a') OR (1 = 1", "?", "$1", ":a", "%", "{}", "*", "@", "x.y", "[0]", "ä ö"];
    let mut book = book("x", 1);
    for key in keys {
        book.data.set(key, &format!("value of {key}"))?;
    }
    book.create(&db).await?;
    for key in keys {
        let at = || Book::DATA.path(format!("\"{key}\""));
        assert_eq!(ids(Book::filter(&db, at().eq(format!("value of {key}")))).await?, [1], "{key}");
        assert!(ids(Book::filter(&db, at().eq("another"))).await?.is_empty(), "{key}");
        assert!(ids(Book::filter(&db, Book::DATA.path(format!("\"{key}-\"")).exists())).await?.is_empty(), "{key}");
    }
    Ok(())
}

async fn lists_and_sets_are_asked_for_their_elements(stack: &Stack) -> Result<()> {
    let db = stack.db::<Book>().await;
    let books = db.things::<Book>();
    let id = Uuid::from_u128(7);
    let mut rows = [book("a", 1), book("b", 2), book("c", 3)];
    rows[0].tags = [Tag(1), Tag(2)].into();
    rows[1].tags = [Tag(2), Tag(i64::MAX)].into();
    rows[0].labels = ["new", "New ", "it's"].into();
    rows[1].labels = ["new"].into();
    rows[1].colours = Some([Colour::Red].into());
    rows[2].colours = Some(Set(BTreeSet::new()));
    rows[2].ids = [id].into();
    rows[2].flags = [false].into();
    for row in rows {
        row.create(&db).await?;
    }
    for (filter, expected) in [
        (Book::TAGS.has(Tag(2)), vec![1, 2]),
        (!Book::TAGS.has(Tag(2)), vec![3]),
        (Book::TAGS.has(Tag(i64::MAX)), vec![2]),
        (Book::TAGS.has(Tag(i64::MAX - 1)), vec![]),
        (Book::TAGS.has_any([Tag(1), Tag(i64::MAX)]), vec![1, 2]),
        (Book::TAGS.has_all([Tag(1), Tag(2)]), vec![1]),
        (Book::TAGS.has_any(Vec::<Tag>::new()), vec![]),
        (Book::TAGS.has_all(Vec::<Tag>::new()), vec![1, 2, 3]),
        (Book::TAGS.is_empty(), vec![3]),
        (!Book::TAGS.is_empty(), vec![1, 2]),
        (Book::LABELS.has("new"), vec![1, 2]),
        (Book::LABELS.has("New"), vec![]),
        (Book::LABELS.has("New "), vec![1]),
        (Book::LABELS.has("it's"), vec![1]),
        (Book::COLOURS.has(Colour::Red), vec![2]),
        (!Book::COLOURS.has(Colour::Red), vec![3]),
        (Book::COLOURS.is_empty(), vec![3]),
        (Book::COLOURS.is_null(), vec![1]),
        (Book::IDS.has(id), vec![3]),
        (Book::FLAGS.has(false), vec![3]),
        (Book::FLAGS.has(true), vec![]),
    ] {
        let what = format!("{filter:?}");
        assert_eq!(ids(books.filter(filter)).await?, expected, "{what}");
    }
    Ok(())
}

async fn a_data_map_holds_values_of_any_type(stack: &Stack) -> Result<()> {
    let db = stack.db::<Book>().await;
    let mut row = book("a", 1);
    row.data = Data::new().with("n", &5)?.with("s", "text")?.with("list", &[1, 2])?;
    let mut book = row.create(&db).await?;
    assert_eq!(book.data.get::<i64>("n")?, Some(5));
    assert_eq!(book.data.get::<String>("s")?.as_deref(), Some("text"));
    assert_eq!(book.data.get::<Vec<i64>>("list")?, Some(vec![1, 2]));
    assert_eq!(book.data.get::<i64>("missing")?, None);
    assert!(matches!(book.data.get::<i64>("s").unwrap_err().kind(), ErrorKind::InvalidData { .. }));
    assert_eq!(ids(Book::filter(&db, Book::DATA.path("n").eq(5))).await?, [1]);
    book.data.set("n", &6)?;
    assert!(book.data.remove("s") && !book.data.remove("s"));
    book.save(&db).await?;
    let stored = db.things::<Book>().by_id_uncached(1).await?;
    assert_eq!(stored.data.names().collect::<Vec<_>>(), ["list", "n"]);
    assert!(ids(Book::filter(&db, Book::DATA.path("n").eq(5))).await?.is_empty());
    assert_eq!(ids(Book::filter(&db, Book::DATA.path("list[1]").eq(2))).await?, [1]);
    Ok(())
}

async fn a_changed_value_writes_its_column_alone(stack: &Stack) -> Result<()> {
    let db = stack.db::<Book>().await;
    book("a", 1).create(&db).await?;
    let mut book = Book::by_id(&db, 1).await?;
    assert_eq!(statements(&db, book.save(&db)).await.0, 0, "nothing changed");
    let mut other = Book::by_id(&db, 1).await?;
    other.labels.insert("theirs".into());
    other.save(&db).await?;
    book.data.set("mine", &true)?;
    book.save(&db).await?;
    let stored = db.things::<Book>().by_id_uncached(1).await?;
    assert!(stored.labels.contains("theirs") && stored.data.contains("mine"));
    Ok(())
}

async fn enums_are_stored_as_integers(stack: &Stack) -> Result<()> {
    let db = stack.db::<Book>().await;
    for status in [Status::Draft, Status::Live, Status::Gone] {
        Book { status, ..book("a", 1) }.create(&db).await?;
    }
    assert_eq!(ids(Book::filter(&db, Book::STATUS.eq(Status::Live))).await?, [2]);
    let stored: Vec<i64> = db.raw("SELECT status FROM books ORDER BY id").rows().await?;
    assert_eq!(stored, [1, 20, -3]);
    let ordered = db.things::<Book>().order_by(Book::STATUS.asc()).all().await?;
    assert_eq!(ordered.iter().map(|book| book.id).collect::<Vec<_>>(), [3, 1, 2]);
    Ok(())
}

async fn a_database_without_such_conditions_refuses_them(stack: &Stack) -> Result<()> {
    let limited = Limited::new(stack.executor().await, &[Capability::JsonConditions]);
    let db = stack.over(limited).await.build();
    db.sync::<Book>().await?;
    for filter in [Book::META.path("a").exists(), !(Book::TAGS.is_empty() & Book::OWNER.eq(1))] {
        let (sent, refused) = statements(&db, Book::filter(&db, filter).all()).await;
        assert_eq!((sent, refused.unwrap_err().kind()), (0, &ErrorKind::Unsupported));
    }
    Ok(())
}

async fn a_change_ends_the_lists_that_it_may_concern_and_no_others(stack: &Stack) -> Result<()> {
    let db = stack.db::<Book>().await;
    let mut tagged = book("a", 10);
    tagged.tags = [Tag(1)].into();
    tagged.create(&db).await?;
    book("b", 20).create(&db).await?;
    let by_author: Filter<Book> = Book::META.path("author").eq("a");
    let by_tag: Filter<Book> = Book::TAGS.has(Tag(1));
    let asked = async |db: &Db, filter: &Filter<Book>| -> Result<(u64, Vec<i64>)> {
        let (asked, found) = statements(db, Book::filter(db, filter.clone()).all()).await;
        Ok((asked, found?.iter().map(|book| book.id).collect()))
    };
    for filter in [&by_author, &by_tag] {
        assert_eq!(asked(&db, filter).await?.1, [1]);
        assert_eq!(asked(&db, filter).await?, (0, vec![1]));
    }
    book("c", 30).create(&db).await?;
    let transaction = db.begin().await?;
    let mut third = Book::by_id(&transaction, 3).await?;
    third.meta.pages = Some(31);
    third.save(&transaction).await?;
    transaction.commit().await?;
    assert_eq!(asked(&db, &by_author).await?, (0, vec![1]), "certainly not of this author, before and after");
    assert_eq!(
        asked(&db, &by_tag).await?,
        (0, vec![1]),
        "without this tag, and of the column that changed it says nothing"
    );
    let mut second = Book::by_id(&db, 2).await?;
    second.meta.author = Some("a".into());
    second.tags.push(Tag(1));
    second.save(&db).await?;
    for filter in [&by_author, &by_tag] {
        let (asked, found) = asked(&db, filter).await?;
        assert!(asked > 0);
        assert_eq!(found, [1, 2]);
    }
    second.meta.author = None;
    second.tags.clear();
    second.save(&db).await?;
    for filter in [&by_author, &by_tag] {
        assert_eq!(asked(&db, filter).await?.1, [1]);
    }
    Ok(())
}
