//! The project's commands: `thing doctor`, or `cargo run --bin manage -- doctor`.

use std::process::ExitCode;

use thing_cli::Cli;
use thing_example_bookshop::{Author, Book};

fn main() -> ExitCode {
    Cli::new()
        .models::<(Author, Book)>()
        .query("books of an author", |db| db.things::<Book>().filter(Book::AUTHOR_ID.eq(1)).plan())
        .query("cheap books", |db| db.things::<Book>().filter(Book::PRICE.lt(500)).plan())
        .run()
}
