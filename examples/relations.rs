//! Relations: loaded along or later, chosen, nested, linked, and what each costs.
//!
//!     cargo run --example relations

use thing::{Db, Loaded, Model, Statistics};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug)]
#[thing(has_many(books: Book, Book::AUTHOR_ID))]
struct Author {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug)]
#[thing(belongs_to(author: Author, AUTHOR_ID), many_to_many(tags: Tag, BookTag::BOOK_ID, BookTag::TAG_ID))]
struct Book {
    id: i64,
    #[thing(index)]
    author_id: i64,
    title: String,
    year: i32,
}

#[derive(Model, Clone, Debug)]
#[thing(many_to_many(books: Book, BookTag::TAG_ID, BookTag::BOOK_ID))]
struct Tag {
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug)]
#[thing(key(book_id, tag_id))]
struct BookTag {
    book_id: i64,
    #[thing(index)]
    tag_id: i64,
}

#[tokio::main]
async fn main() -> thing::Result<()> {
    let db = Db::builder(SqliteExecutor::memory().await?).cache(MemoryCache::new(MemoryConfig::default())).build();
    db.sync::<(Author, Book, Tag, BookTag)>().await?;
    fill(&db).await?;
    let authors = db.things::<Author>();

    let mut costs = Costs::new(&db);
    let all = authors.with(Author::BOOKS).all().await?;
    costs.line("all authors with their books");
    for author in &all {
        println!("    {}: {}", author.name, titles(author.related(Author::BOOKS)?));
    }
    authors.with(Author::BOOKS).all().await?;
    costs.line("again");

    let late = Author::BOOKS.filter(Book::YEAR.gt(1815)).order_by(Book::YEAR.desc());
    let all = authors.with(late.limit(1).with(Book::TAGS)).all().await?;
    costs.line("the latest book of each, with its tags");
    for author in &all {
        for book in author.related(Author::BOOKS)? {
            let tags: Vec<&str> = book.related(Book::TAGS)?.iter().map(|tag| tag.name.as_str()).collect();
            println!("    {}: {}, {}", author.name, book.title, tags.join(" and "));
        }
    }

    let mut walden = db.things::<Book>().filter(Book::TITLE.eq("Walden")).one().await?;
    costs.line("one book");
    if let Err(error) = walden.related(Book::AUTHOR) {
        println!("    not loaded: {error}");
    }
    let author = walden.load(&db, Book::AUTHOR).await?.map_or_else(String::new, |author| author.name.clone());
    costs.line("its author, loaded later");
    println!("    by {author}");

    let mut books = db.things::<Book>().all().await?;
    costs.line("all books");
    db.things::<Book>().load_many(&mut books, Book::TAGS).await?;
    costs.line("the tags of all of them");

    let tags = db.things::<Tag>().all().await?;
    costs.line("all tags");
    walden.replace(&db, Book::TAGS, &tags[1..]).await?;
    costs.line("replace the tags of one book");
    println!("    {} tags now", walden.load(&db, Book::TAGS).await?.len());
    costs.line("read them");
    let of_tag = Tag::BOOKS.of(&db, &tags[1]).await?;
    println!("    {}: {}", tags[1].name, titles(&of_tag.order_by(Book::TITLE.asc()).all().await?));

    // The same code in a transaction.
    let moved = db
        .transaction(async |transaction| {
            let mut book = Book::by_id(transaction, walden.id).await?;
            book.author_id = all[0].id;
            book.save(transaction).await?;
            Author::BOOKS.of(transaction, &all[0]).count().await
        })
        .await?;
    println!("    after a move {} has {moved} books", all[0].name);
    Ok(())
}

async fn fill(db: &Db) -> thing::Result<()> {
    let names = ["Austen", "Thoreau", "Keats"];
    let authors = db.things::<Author>().create_many(names.map(|name| NewAuthor { name: name.into() })).await?;
    let titles = [("Emma", 0, 1815), ("Persuasion", 0, 1817), ("Walden", 1, 1854), ("Endymion", 2, 1818)];
    let book = |(title, author, year): (&str, usize, i32)| {
        let author_id = authors[author].id;
        NewBook { author_id, title: title.into(), year }
    };
    let mut books = db.things::<Book>().create_many(titles.map(book)).await?;
    let tags =
        db.things::<Tag>().create_many(["novel", "nature", "poem"].map(|name| NewTag { name: name.into() })).await?;
    for (book, tag) in [(0, 0), (1, 0), (2, 1), (3, 2), (3, 1)] {
        books[book].attach(db, Book::TAGS, &tags[tag]).await?;
    }
    Ok(())
}

fn titles(books: &[Loaded<Book>]) -> String {
    books.iter().map(|book| book.title.as_str()).collect::<Vec<_>>().join(", ")
}

/// Prints what each step cost: statements sent to the database.
struct Costs<'a> {
    db: &'a Db,
    before: Statistics,
}

impl<'a> Costs<'a> {
    fn new(db: &'a Db) -> Self {
        Self { db, before: db.statistics() }
    }

    fn line(&mut self, what: &str) {
        let now = self.db.statistics();
        println!("{what:<42}{} statements", now.statements() - self.before.statements());
        self.before = now;
    }
}
