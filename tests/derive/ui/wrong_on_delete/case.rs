use thing::Model;

#[derive(Clone, Model)]
#[thing(has_many(books: Book, Book::AUTHOR_ID, on_delete = "vanish"))]
#[thing(many_to_many(tags: Tag, AuthorTag::AUTHOR_ID, AuthorTag::TAG_ID, on_delete = "set_null"))]
struct Author {
    id: u64,
}

#[derive(Clone, Model)]
#[thing(belongs_to(author: Author, AUTHOR_ID, on_delete = "cascade"))]
struct Book {
    id: u64,
    author_id: u64,
}

#[derive(Clone, Model)]
#[thing(keep)]
struct Tag {
    id: u64,
}

#[derive(Clone, Model)]
#[thing(key(author_id, tag_id))]
struct AuthorTag {
    author_id: u64,
    tag_id: u64,
}

fn main() {}
