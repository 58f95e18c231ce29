use thing::Model;

#[derive(Clone)]
struct Base {
    id: u64,
}

#[derive(Clone, Model)]
struct User {
    #[thing(embed)]
    base: Base,
    name: String,
}

fn main() {}
