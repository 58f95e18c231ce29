//! JSON: the fields that a request asks for, what is loaded for them, and a list too long for the memory.
//!
//!     cargo run --example json_output

use std::io::Write;

use thing::{Db, Fields, Model};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug)]
#[thing(has_many(books: Book, Book::AUTHOR_ID), computed(full_name, initials = Self::short))]
struct Author {
    id: i64,
    first: String,
    last: String,
    password: String,
}

impl Author {
    fn full_name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }

    fn short(&self) -> String {
        [&self.first, &self.last].iter().filter_map(|name| name.chars().next()).collect()
    }
}

#[derive(Model, Clone, Debug)]
#[thing(belongs_to(author: Author, AUTHOR_ID))]
struct Book {
    id: i64,
    #[thing(index)]
    author_id: i64,
    title: String,
    year: Option<i32>,
}

#[tokio::main]
async fn main() -> thing::Result<()> {
    let db = Db::builder(SqliteExecutor::memory().await?).cache(MemoryCache::new(MemoryConfig::default())).build();
    db.sync::<(Author, Book)>().await?;
    fill(&db).await?;

    // What is public, declared once. Everything that is asked for is part of it.
    let books = Fields::<Book>::all().without(Book::AUTHOR_ID);
    let public =
        Fields::<Author>::all().without(Author::PASSWORD).relation(Author::BOOKS, books).computed("full_name")?;
    println!("public: {public:?}");

    for request in ["full_name,books{title}", "-id", "id,books", "*,full_name", "name", "password"] {
        match answer(&db, &public, request).await {
            Ok((json, statements)) => println!("{request}: {json} ({statements} statements)"),
            Err(error) => println!("{request}: {error}"),
        }
    }

    // Within the program every field can be chosen.
    let fields: Fields<Book> = Fields::parse("title,author{initials}")?;
    let emma = db.things::<Book>().filter(Book::TITLE.eq("Emma")).with_fields(&fields).one().await?;
    println!("one book: {}", fields.to_json(&emma)?);

    // One object in memory at a time.
    let fields: Fields<Book> = Fields::parse("-author_id")?;
    let mut books = db.things::<Book>().all_objects().stream().await?;
    print!("all books: ");
    let mut list = fields.list(std::io::stdout());
    while let Some(book) = books.next().await? {
        list.push(&book)?;
    }
    list.finish()?.write_all(b"\n").map_err(|error| thing::Error::backend(error.to_string()))
}

/// Answers a request for authors, and tells what it cost.
async fn answer(db: &Db, public: &Fields<Author>, request: &str) -> thing::Result<(String, u64)> {
    let fields = public.choose(request)?;
    let sent = db.statistics().statements();
    let authors = db.things::<Author>().all_objects().with_fields(&fields).all().await?;
    Ok((fields.list_to_json(&authors)?, db.statistics().statements() - sent))
}

async fn fill(db: &Db) -> thing::Result<()> {
    let author =
        |(first, last): (&str, &str)| NewAuthor { first: first.into(), last: last.into(), password: "secret".into() };
    db.things::<Author>().create_many([("Jane", "Austen"), ("John", "Keats")].map(author)).await?;
    let book = |(author_id, title, year): (i64, &str, Option<i32>)| NewBook { author_id, title: title.into(), year };
    let books = [(1, "Emma", Some(1815)), (1, "Persuasion", None), (2, "Endymion", Some(1818))];
    db.things::<Book>().create_many(books.map(book)).await.map(drop)
}
