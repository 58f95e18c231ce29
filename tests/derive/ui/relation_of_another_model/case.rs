use thing::{Db, Loaded, Model};

#[derive(Clone, Model)]
#[thing(has_many(books: Book, Book::AUTHOR_ID))]
struct Author {
    id: u64,
}

#[derive(Clone, Model)]
#[thing(belongs_to(author: Author, AUTHOR_ID), many_to_many(tags: Tag, BookTag::BOOK_ID, BookTag::TAG_ID))]
struct Book {
    id: u64,
    author_id: u64,
}

#[derive(Clone, Model)]
struct Tag {
    id: u64,
}

#[derive(Clone, Model)]
#[thing(key(book_id, tag_id))]
struct BookTag {
    book_id: u64,
    tag_id: u64,
}

fn work(db: &Db, author: &Loaded<Author>, book: &mut Loaded<Book>) {
    let _ = db.things::<Book>().with(Author::BOOKS);
    let _ = author.related(Book::AUTHOR);
    let _ = Author::BOOKS.with(Author::BOOKS);
    let _ = Author::BOOKS.filter(Author::ID.eq(1u64));
    let _ = Book::AUTHOR.limit(1);
    drop(book.attach(db, Book::TAGS, author));
}

fn main() {}
