use thing::{Embed, Model};

#[derive(Clone, Embed)]
struct Address {
    street: String,
}

#[derive(Clone, Model)]
struct User {
    id: u64,
    #[thing(embed)]
    address: Address,
}

fn main() {}
