use thing::{Embed, Model};

#[derive(Clone, Embed)]
struct Base {
    id: u64,
}

#[derive(Clone, Model)]
struct User {
    #[thing(embed)]
    base: Base,
    age: i32,
}

fn main() {
    let _ = User::AGEE.gt(18);
    let _ = User::BASE.idd.eq(1u64);
}
