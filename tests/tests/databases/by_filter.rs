//! Writes by a filter: all that match are written, their number is told, and what the cache answers follows.

use std::time::SystemTime;

use thing::driver::Capability;
use thing::{Db, ErrorKind, Filter, Model, Result};

use crate::support::{Limited, Stack, at, statements};

matrix! {
    every: [
        matching_objects_are_updated,
        matching_objects_are_deleted,
        the_version_and_the_time_are_raised,
        many_objects_are_written_by_one_statement,
        all_objects_are_written_where_it_is_asked_for,
        what_makes_no_sense_is_refused,
        transactions_commit_and_roll_back,
        rows_of_composite_keys_are_written,
        updates_need_no_help_of_the_database,
    ]
    cached: [
        lists_that_hold_none_of_them_stay,
    ]
    uncached: [
        one_statement_is_enough,
    ]
}

#[derive(Model, Clone, Debug, PartialEq)]
struct Book {
    id: i64,
    #[thing(index)]
    shelf: i64,
    title: String,
    price: Option<i32>,
    #[thing(version)]
    version: i32,
    #[thing(updated)]
    updated_at: SystemTime,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[thing(key(shelf, place))]
struct Slot {
    shelf: i64,
    place: i64,
    free: bool,
}

fn book(shelf: i64, title: &str) -> NewBook {
    NewBook { shelf, title: title.into(), price: Some(10) }
}

async fn books(stack: &Stack) -> Result<Db> {
    let db = stack.builder().await.clock(|| at(700)).build();
    db.sync::<(Book, Slot)>().await?;
    db.things::<Book>().create_many([book(1, "a"), book(1, "b"), book(2, "c"), book(3, "d")]).await?;
    Ok(db)
}

/// Counts by shelf, by price, and the titles.
async fn seen(db: &Db) -> Result<(Vec<u64>, u64, Vec<String>)> {
    let mut shelves = Vec::new();
    for shelf in 1..=3 {
        shelves.push(Book::filter(db, Book::SHELF.eq(shelf)).count().await?);
    }
    let cheap = Book::filter(db, Book::PRICE.lt(10)).count().await?;
    let mut titles = Vec::new();
    for book in db.things::<Book>().all().await? {
        assert_eq!(db.things::<Book>().by_id_uncached(book.id).await?, book);
        titles.push(book.title.clone());
    }
    Ok((shelves, cheap, titles))
}

async fn matching_objects_are_updated(stack: &Stack) -> Result<()> {
    let db = books(stack).await?;
    assert_eq!(seen(&db).await?.1, 0);
    let changes = Book::PRICE.set(5) & Book::TITLE.set("sale");
    assert_eq!(Book::filter(&db, Book::SHELF.eq(1)).update(changes.clone()).await?, 2);
    let titles = ["sale", "sale", "c", "d"].map(str::to_owned).to_vec();
    assert_eq!(seen(&db).await?, (vec![2, 1, 1], 2, titles));
    assert_eq!(Book::filter(&db, Book::SHELF.eq(9)).update(changes).await?, 0);
    // Rows move from one scope to another.
    assert_eq!(Book::filter(&db, Book::TITLE.eq("sale")).update(Book::SHELF.set(2)).await?, 2);
    assert_eq!(seen(&db).await?.0, [0, 3, 1]);
    assert_eq!(Book::filter(&db, Book::SHELF.eq(3)).update(Book::PRICE.set(None)).await?, 1);
    assert_eq!(Book::by_id(&db, 4).await?.price, None);
    let raw = Filter::raw("title = ?", ("c",));
    assert_eq!(Book::filter(&db, raw).update(Book::PRICE.set(Some(1))).await?, 1);
    assert_eq!(seen(&db).await?.1, 3);
    Ok(())
}

async fn matching_objects_are_deleted(stack: &Stack) -> Result<()> {
    let db = books(stack).await?;
    seen(&db).await?;
    assert_eq!(Book::by_id(&db, 1).await?.title, "a");
    assert_eq!(Book::filter(&db, Book::SHELF.is_in([1, 3])).delete().await?, 3);
    assert_eq!(seen(&db).await?, (vec![0, 1, 0], 0, vec!["c".to_owned()]));
    assert!(Book::find(&db, 1).await?.is_none());
    assert_eq!(Book::filter(&db, Book::SHELF.eq(1)).delete().await?, 0);
    assert_eq!(Book::filter(&db, Book::SHELF.eq(2)).force_delete().await?, 1);
    assert_eq!(db.things::<Book>().count().await?, 0);
    Ok(())
}

async fn the_version_and_the_time_are_raised(stack: &Stack) -> Result<()> {
    let db = books(stack).await?;
    let mut old = Book::by_id(&db, 1).await?;
    Book::filter(&db, Book::SHELF.eq(1)).update(Book::PRICE.set(1)).await?;
    let book = Book::by_id(&db, 1).await?;
    assert_eq!((book.version, book.updated_at, book.price), (2, at(700), Some(1)));
    old.title = "old".into();
    assert!(old.save(&db).await.unwrap_err().is_stale());
    Ok(())
}

async fn many_objects_are_written_by_one_statement(stack: &Stack) -> Result<()> {
    let db = books(stack).await?;
    db.things::<Book>().create_many((0..1300).map(|n| book(7, &n.to_string()))).await?;
    let shelf = |shelf: i64| Book::filter(&db, Book::SHELF.eq(shelf)).count();
    assert_eq!((shelf(7).await?, shelf(8).await?, shelf(1).await?), (1300, 0, 2));
    assert_eq!(Book::by_id(&db, 5).await?.shelf, 7);
    let (sent, updated) = statements(&db, Book::filter(&db, Book::SHELF.eq(7)).update(Book::SHELF.set(8))).await;
    assert_eq!(updated?, 1300);
    assert!(sent <= 2, "{sent} statements");
    assert_eq!((shelf(7).await?, shelf(8).await?, shelf(1).await?), (0, 1300, 2));
    let moved = Book::by_id(&db, 5).await?;
    assert_eq!((moved.shelf, moved.version), (8, 2));
    assert_eq!(Book::filter(&db, Book::SHELF.eq(8)).delete().await?, 1300);
    assert_eq!((shelf(7).await?, shelf(8).await?, shelf(1).await?), (0, 0, 2));
    assert!(Book::find(&db, 5).await?.is_none());
    Ok(())
}

async fn all_objects_are_written_where_it_is_asked_for(stack: &Stack) -> Result<()> {
    let db = books(stack).await?;
    let all = || db.things::<Book>().all_objects();
    for refused in [all().update(Book::PRICE.set(1)).await, all().delete().await, all().force_delete().await] {
        let error = refused.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("all_rows()"), "{error}");
    }
    assert_eq!(all().all_rows().update(Book::PRICE.set(1)).await?, 4);
    assert_eq!(seen(&db).await?.1, 4);
    assert_eq!(all().all_rows().delete().await?, 4);
    assert_eq!(seen(&db).await?, (vec![0, 0, 0], 0, vec![]));
    Ok(())
}

async fn what_makes_no_sense_is_refused(stack: &Stack) -> Result<()> {
    let db = books(stack).await?;
    let some = || Book::filter(&db, Book::SHELF.eq(1));
    let price = || Book::PRICE.set(1);
    for changes in [
        Book::ID.set(1),
        Book::VERSION.set(1),
        Book::UPDATED_AT.set(at(1)),
        price() & price(),
        Book::SHELF.set(Book::ID),
    ] {
        let (sent, refused) = statements(&db, some().update(changes)).await;
        let error = refused.unwrap_err();
        assert_eq!((sent, error.kind()), (0, &ErrorKind::InvalidInput), "{error}");
    }
    for query in [some().order_by(Book::TITLE.asc()), some().for_update()] {
        let (sent, refused) = statements(&db, query.update(price())).await;
        assert_eq!((sent, refused.unwrap_err().kind()), (0, &ErrorKind::InvalidInput));
    }
    Ok(())
}

async fn transactions_commit_and_roll_back(stack: &Stack) -> Result<()> {
    let db = books(stack).await?;
    seen(&db).await?;
    let transaction = db.begin().await?;
    let books = transaction.things::<Book>();
    assert_eq!(books.filter(Book::SHELF.eq(1)).update(Book::PRICE.set(1)).await?, 2);
    assert_eq!(books.filter(Book::PRICE.eq(1)).delete().await?, 2);
    assert_eq!(books.count().await?, 2);
    transaction.rollback().await?;
    assert_eq!(seen(&db).await?.0, [2, 1, 1]);
    let transaction = db.begin().await?;
    let books = transaction.things::<Book>();
    assert_eq!(books.filter(Book::SHELF.eq(1)).update(Book::SHELF.set(2)).await?, 2);
    assert_eq!(books.filter(Book::SHELF.eq(2)).update(Book::SHELF.set(3)).await?, 3);
    transaction.commit().await?;
    assert_eq!(seen(&db).await?.0, [0, 0, 4]);
    Ok(())
}

async fn rows_of_composite_keys_are_written(stack: &Stack) -> Result<()> {
    let db = books(stack).await?;
    let slots = db.things::<Slot>();
    let new = |(shelf, place)| NewSlot { shelf, place, free: true };
    slots.create_many([(1, 1), (1, 2), (2, 1)].map(new)).await?;
    assert!(slots.by_id((1, 2)).await?.free);
    assert_eq!(slots.filter(Slot::FREE.eq(true)).count().await?, 3);
    assert_eq!(slots.filter(Slot::SHELF.eq(1)).update(Slot::FREE.set(false)).await?, 2);
    assert!(!slots.by_id((1, 2)).await?.free);
    assert_eq!(slots.filter(Slot::FREE.eq(true)).count().await?, 1);
    assert_eq!(slots.filter(Slot::PLACE.eq(1)).delete().await?, 2);
    assert_eq!(slots.count().await?, 1);
    Ok(())
}

async fn updates_need_no_help_of_the_database(stack: &Stack) -> Result<()> {
    let limited = Limited::new(stack.executor().await, &[Capability::Increments, Capability::Returning]);
    let db = stack.over(limited).await.build();
    db.sync::<Book>().await?;
    db.things::<Book>().create_many([book(1, "a"), book(1, "b"), book(2, "c")]).await?;
    assert_eq!(Book::filter(&db, Book::SHELF.eq(3)).count().await?, 0);
    assert_eq!(Book::filter(&db, Book::SHELF.eq(1)).update(Book::SHELF.set(3)).await?, 2);
    assert_eq!(Book::filter(&db, Book::SHELF.eq(3)).count().await?, 2);
    assert_eq!(Book::by_id(&db, 2).await?.version, 2);
    assert_eq!(Book::filter(&db, Book::SHELF.eq(3)).delete().await?, 2);
    assert_eq!(db.things::<Book>().count().await?, 1);
    Ok(())
}

async fn lists_that_hold_none_of_them_stay(stack: &Stack) -> Result<()> {
    let db = books(stack).await?;
    let shelf = |shelf: i64| Book::filter(&db, Book::SHELF.eq(shelf)).all();
    let dear = || Book::filter(&db, Book::PRICE.gt(100)).count();
    for _ in 0..2 {
        shelf(1).await?;
        shelf(2).await?;
        dear().await?;
    }
    Book::filter(&db, Book::SHELF.eq(1)).update(Book::PRICE.set(11)).await?;
    assert_eq!(statements(&db, shelf(2)).await.0, 0);
    // The changes are told one by one, and each is judged.
    assert_eq!(statements(&db, dear()).await.0, 0);
    Book::filter(&db, Book::SHELF.eq(1)).delete().await?;
    assert_eq!(statements(&db, shelf(2)).await.0, 0);
    assert_eq!(shelf(1).await?.len(), 0);
    Ok(())
}

async fn one_statement_is_enough(stack: &Stack) -> Result<()> {
    let db = books(stack).await?;
    let some = || Book::filter(&db, Book::SHELF.eq(1));
    let (sent, updated) = statements(&db, some().update(Book::PRICE.set(1))).await;
    assert_eq!((sent, updated?), (1, 2));
    let (sent, deleted) = statements(&db, some().delete()).await;
    assert_eq!((sent, deleted?), (1, 2));
    Ok(())
}
