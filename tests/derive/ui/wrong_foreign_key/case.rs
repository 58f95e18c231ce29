use thing::Model;

#[derive(Clone, Model)]
struct Author {
    id: i64,
    name: String,
}

#[derive(Clone, Model)]
#[thing(foreign_key(Author), check("a < b"))]
#[thing(foreign_key(Author, columns(first, second), on_delete = "cascade"))]
#[thing(index(columns(first, second down)))]
struct Book {
    id: i64,
    #[thing(foreign_key)]
    first: i64,
    #[thing(foreign_key(Author, on_delete = "set_null"))]
    second: i64,
    #[thing(foreign_key(Author, on_delete = "vanish", deferred = "no"))]
    third: i64,
    #[thing(was = 5, check = "")]
    fourth: i64,
}

#[derive(Clone, Model)]
struct Letter {
    id: i64,
    #[thing(foreign_key(Author))]
    writer: String,
}

fn main() {}
