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
    nick: Option<String>,
}

fn main() {
    let _ = User::AGE.gt("x");
    let _ = User::NICK.eq(5);
    let _ = User::BASE.id.eq("x");
}
