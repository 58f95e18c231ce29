//! Queries: conditions, NULL, order, pages, and what a query will do.
//!
//!     cargo run --example queries

use thing::{Db, Filter, Loaded, Model};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug)]
struct Book {
    id: i64,
    title: String,
    #[thing(index)]
    year: i32,
    copies: i32,
    lent: i32,
    shelf: Option<String>,
}

#[tokio::main]
async fn main() -> thing::Result<()> {
    let db = Db::builder(SqliteExecutor::memory().await?).build();
    db.sync::<Book>().await?;
    let books = db.things::<Book>();
    books
        .create_many([
            book("Middlemarch", 1871, 3, 1, Some("A2")),
            book("Moby-Dick", 1851, 2, 2, Some("A1")),
            book("Walden", 1854, 1, 0, None),
            book("Emma", 1815, 4, 2, Some("A2")),
            book("Persuasion", 1817, 1, 1, None),
            book("100% Wool", 2004, 1, 0, Some("C7")),
        ])
        .await?;

    show("all, by key", &books.all().await?);
    show("year > 1850, newest first", &{
        let query = books.filter(Book::YEAR.gt(1850)).order_by(Book::YEAR.desc());
        query.all().await?
    });
    show("between, and a copy is there", &{
        let in_period = Book::YEAR.between(1810, 1860);
        books.filter(in_period & Book::LENT.lt(Book::COPIES)).all().await?
    });
    show("shelf A1 or A2", &books.filter(Book::SHELF.is_in(["A1", "A2"])).all().await?);
    show("no shelf", &books.filter(Book::SHELF.is_null()).all().await?);
    // As in SQL, a row without a shelf is not different from shelf A2.
    show("shelf other than A2", &books.filter(Book::SHELF.ne("A2")).all().await?);
    show("contains \"100%\"", &books.filter(Book::TITLE.contains("100%")).all().await?);
    show("like M%", &books.filter(Book::TITLE.like("M%")).all().await?);
    show("not (like M% or 1815)", &{
        let unwanted = Book::TITLE.like("M%") | Book::YEAR.eq(1815);
        books.filter(!unwanted).all().await?
    });
    show("page 2 of two each", &books.order_by(Book::TITLE.asc()).fetch(2, 2).await?);
    show("empty IN", &books.filter(Book::ID.is_in(Vec::<i64>::new())).all().await?);

    // Filters are values, so conditions can be put together at run time.
    let mut wanted = Filter::everything();
    for word in ["a", "e"] {
        wanted = wanted & Book::TITLE.contains(word);
    }
    println!("{:<32}{}", "count, built in a loop", books.filter(wanted).count().await?);
    println!("{:<32}{}", "exists", books.filter(Book::COPIES.gt(3)).exists().await?);
    let first = books.order_by(Book::YEAR.asc()).first().await?;
    println!("{:<32}{}", "first", first.map_or_else(String::new, |book| book.title.clone()));
    let several = books.filter(Book::YEAR.lt(1820)).one().await;
    println!("{:<32}{}", "one, of several", several.map_or_else(|e| e.to_string(), |b| b.title.clone()));

    println!("\nwhat a query does:\n{}", books.filter(Book::YEAR.eq(1815)).plan()?);
    Ok(())
}

fn book(title: &str, year: i32, copies: i32, lent: i32, shelf: Option<&str>) -> NewBook {
    NewBook { title: title.into(), year, copies, lent, shelf: shelf.map(Into::into) }
}

fn show(what: &str, books: &[Loaded<Book>]) {
    let titles: Vec<&str> = books.iter().map(|book| book.title.as_str()).collect();
    println!("{what:<32}{}", titles.join(", "));
}
