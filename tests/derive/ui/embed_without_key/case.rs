use thing::{Embed, Model};

#[derive(Clone, Embed)]
struct Flags {
    #[thing(default)]
    deleted: bool,
}

#[derive(Clone, Model)]
struct User {
    #[thing(embed)]
    flags: Flags,
    name: String,
}

fn main() {}
