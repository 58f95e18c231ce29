use thing::Model;

#[derive(Clone, Model)]
struct User {
    id: u64,
    #[thing(ignore, index, column = "cached")]
    cache: String,
}

fn main() {}
