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
    #[thing(belongs_to(Author))]
    author: u64,
}

fn main() {}
