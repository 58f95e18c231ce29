use thing::Model;

#[derive(Clone, Model)]
struct User {
    #[thing(key, ignore)]
    id: u64,
    name: String,
}

fn main() {}
