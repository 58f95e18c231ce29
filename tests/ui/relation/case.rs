use thing::Model;

#[derive(Clone, Model)]
struct Author {
    id: u64,
    #[thing(has_many)]
    books: Vec<Book>,
}

#[derive(Clone, Model)]
struct Book {
    id: u64,
    #[thing(belongs_to)]
    author: u64,
    #[thing(relation(Author))]
    editor: u64,
}

fn main() {}
