//! Deleting: objects that are marked and come back, what refers to them, and writes by a filter.
//!
//!     cargo run --example deleting

use std::time::SystemTime;

use thing::{Db, Model};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug)]
#[thing(has_many(books: Book, Book::AUTHOR_ID, on_delete = "cascade"))]
#[thing(has_many(contracts: Contract, Contract::AUTHOR_ID, on_delete = "restrict"))]
struct Author {
    id: i64,
    #[thing(unique)]
    name: String,
    #[thing(deleted)]
    deleted_at: Option<SystemTime>,
}

#[derive(Model, Clone, Debug)]
struct Book {
    id: i64,
    #[thing(index)]
    author_id: i64,
    title: String,
    price: i32,
    #[thing(deleted)]
    deleted_at: Option<SystemTime>,
}

#[derive(Model, Clone, Debug)]
struct Contract {
    id: i64,
    #[thing(index)]
    author_id: i64,
}

#[tokio::main]
async fn main() -> thing::Result<()> {
    let db = Db::builder(SqliteExecutor::memory().await?).cache(MemoryCache::new(MemoryConfig::default())).build();
    db.sync::<(Author, Book, Contract)>().await?;
    let (authors, books) = (db.things::<Author>(), db.things::<Book>());
    let jane = authors.create(NewAuthor { name: "Jane".into() }).await?;
    for (title, price) in [("Emma", 9), ("Persuasion", 12), ("Sanditon", 3)] {
        books.create(NewBook { author_id: jane.id, title: title.into(), price }).await?;
    }
    println!("books            {}", books.count().await?);

    // One object is marked as deleted, and gone for every read that does not ask for it.
    books.delete(3).await?;
    println!("after a delete   {}, deleted {}", books.count().await?, books.only_deleted().count().await?);
    let sanditon = books.restore(3).await?;
    println!("restored         {}", sanditon.title);

    // All that match, by typed columns.
    let cheap = books.filter(Book::PRICE.lt(10));
    println!("dearer           {} books", cheap.update(Book::PRICE.set(10)).await?);
    println!("at 10            {} books", books.filter(Book::PRICE.eq(10)).count().await?);

    // What refers to an object goes along, or keeps it.
    let contract = db.things::<Contract>().create(NewContract { author_id: jane.id }).await?;
    if let Err(error) = authors.delete(jane.id).await {
        println!("refused          {error}");
    }
    contract.delete(&db).await?;
    authors.delete(jane.id).await?;
    println!("with the author  {} books", books.count().await?);

    // The name is free for another, until the first comes back.
    let other = authors.create(NewAuthor { name: "Jane".into() }).await?;
    if let Err(error) = authors.restore(jane.id).await {
        println!("name taken       {}", error.is_unique_violation());
    }
    other.force_delete(&db).await?;
    authors.restore(jane.id).await?;
    let back = books.filter(Book::AUTHOR_ID.eq(jane.id)).restore().await?;
    println!("back             {back} books");

    // For good.
    authors.force_delete(jane.id).await?;
    println!("left             {} books, deleted ones counted", books.with_deleted().count().await?);
    Ok(())
}
