use thing::Model;

#[derive(Clone, Model)]
#[thing(has_many(books), has_one(best: Book), has_many)]
#[thing(many_to_many(tags: Tag, Book::ID), many_to_many(labels: Tag, BOOK_ID, TAG_ID))]
struct Author {
    id: u64,
}

#[derive(Clone, Model)]
#[thing(belongs_to(author: Author, AUTHOR), has_many(pages: Page, Page::BOOK_ID), has_one(pages: Page, Page::BOOK_ID))]
struct Book {
    id: u64,
    author: u64,
}

fn main() {}
