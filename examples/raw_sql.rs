//! Raw SQL: what the typed interface leaves out, such as joins and sums.
//!
//!     cargo run --example raw_sql

use thing::{Db, Model};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug)]
struct Author {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug)]
struct Book {
    id: i64,
    #[thing(index)]
    author_id: i64,
    title: String,
    sold: i64,
}

#[tokio::main]
async fn main() -> thing::Result<()> {
    let db = Db::builder(SqliteExecutor::memory().await?).cache(MemoryCache::new(MemoryConfig::default())).build();
    db.sync::<(Author, Book)>().await?;
    for (author, books) in
        [("Austen", [("Emma", 70), ("Persuasion", 40)]), ("Melville", [("Moby-Dick", 90), ("Typee", 5)])]
    {
        let author = db.things::<Author>().create(NewAuthor { name: author.into() }).await?;
        let books = books.map(|(title, sold)| NewBook { author_id: author.id, title: title.into(), sold });
        db.things::<Book>().create_many(books).await?;
    }

    // Rows as tuples.
    let sums: Vec<(String, i64)> = db
        .raw(
            "SELECT authors.name, SUM(books.sold) FROM authors JOIN books ON books.author_id = authors.id \
             GROUP BY authors.id ORDER BY 2 DESC",
        )
        .rows()
        .await?;
    for (name, sold) in &sums {
        println!("{name:<12}{sold:>4} sold");
    }

    // One value.
    let most: i64 = db.raw("SELECT MAX(sold) FROM books WHERE sold < ?").bind(80).row().await?;
    println!("most below 80: {most}");

    // Objects of a model, by the names of the columns.
    let books = db.raw("SELECT * FROM books WHERE length(title) <= ? ORDER BY title").bind(5).objects::<Book>().await?;
    let titles: Vec<&str> = books.iter().map(|book| book.title.as_str()).collect();
    println!("short titles: {}", titles.join(", "));

    // A write, in a transaction. The cache does not see raw writes: say which models they may have changed.
    let emma = db.things::<Book>().filter(Book::TITLE.eq("Emma")).one().await?;
    let transaction = db.begin().await?;
    let changed = transaction
        .raw("UPDATE books SET sold = sold + ? WHERE author_id = ?")
        .bind(1)
        .bind(emma.author_id)
        .execute()
        .await?;
    transaction.commit().await?;
    db.invalidate::<Book>().await?;
    println!("changed by one statement: {changed}");
    println!("Emma: {} sold, before {}", Book::by_id(&db, emma.id).await?.sold, emma.sold);
    Ok(())
}
