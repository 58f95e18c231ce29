use thing::{Embed, Model};

#[derive(Clone, Model)]
enum Status {
    Active,
}

#[derive(Clone, Model)]
struct Pair(u64, String);

#[derive(Clone, Model)]
struct Unit;

#[derive(Clone, Model)]
struct Empty {}

#[derive(Clone, Model)]
struct OnlyIgnored {
    #[thing(ignore)]
    id: u64,
}

#[derive(Clone, Model)]
struct Generic<T> {
    id: u64,
    value: T,
}

#[derive(Clone, Embed)]
struct Borrowed<'a> {
    name: &'a str,
}

#[derive(Clone, Copy, Embed)]
union Bits {
    id: u64,
}

fn main() {}
