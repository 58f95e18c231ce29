use thing::{Embed, Model};

#[derive(Clone, Model)]
struct Book {
    id: u64,
}

#[derive(Clone)]
struct Colour;

#[derive(Clone, Model)]
struct User {
    id: u64,
    books: Vec<Book>,
    size: usize,
    colour: Option<Colour>,
}

#[derive(Clone, Embed)]
struct Base {
    id: u64,
    colour: Colour,
}

fn main() {}
