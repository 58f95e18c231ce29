//! A bookshop: models whose tables the command line looks after.
//!
//! ```sh
//! cd examples/bookshop
//! cargo run --bin manage -- doctor
//! ```

use thing::{Model, Secret};

/// Somebody who writes books.
#[derive(Model, Clone, Debug)]
#[thing(has_many(books: Book, Book::AUTHOR_ID))]
pub struct Author {
    /// Made by the database.
    pub id: i64,
    /// As it stands on the cover.
    #[thing(unique)]
    pub name: String,
    /// The bank account.
    pub account: Option<Secret<String>>,
}

/// A book for sale.
#[derive(Model, Clone, Debug)]
#[thing(belongs_to(author: Author, AUTHOR_ID))]
pub struct Book {
    /// Made by the database.
    pub id: i64,
    /// Who wrote it.
    #[thing(index)]
    pub author_id: i64,
    /// As it stands on the cover.
    pub title: String,
    /// In cents.
    pub price: i64,
}
