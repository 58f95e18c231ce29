use thing::{ColumnType, Model};

#[derive(Clone, Debug, PartialEq, Eq, Hash, ColumnType)]
struct AuthorId(u64);

#[derive(Clone, Model)]
#[thing(has_many(books: Book, Book::AUTHOR), has_many(drafts: Book, Draft::AUTHOR_ID))]
struct Author {
    id: AuthorId,
}

#[derive(Clone, Model)]
#[thing(belongs_to(writer: Author, AUTHOR))]
struct Book {
    id: u64,
    author: u64,
}

#[derive(Clone, Model)]
#[thing(key(author_id, number), has_many(books: Book, Book::AUTHOR))]
struct Draft {
    author_id: AuthorId,
    number: u64,
}

fn main() {}
