use thing::{Embed, Model};

#[derive(Clone, Embed)]
#[thing(table = "bases")]
struct Base {
    id: u64,
}

#[derive(Clone, Embed)]
struct Outer {
    #[thing(embed)]
    inner: Base,
}

#[derive(Clone, Model)]
struct User {
    #[thing(embed)]
    base: Base,
    #[thing(embed, index)]
    other: Base,
    #[thing(prefix = "x", given)]
    name: String,
}

#[derive(Clone, Model)]
struct TwoKeys {
    #[thing(embed, key)]
    base: Base,
    #[thing(embed, key, assigned)]
    other: Base,
}

fn main() {}
