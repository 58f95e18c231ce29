use thing::Model;

#[derive(Clone)]
#[derive(Model)]
#[thing(new = "New User", no_new)]
struct User {
    id: u64,
}

#[derive(Clone, Model)]
#[thing(new = "Draft", no_new)]
struct Post {
    id: u64,
}

#[derive(Clone, PartialEq, Model)]
struct Book {
    id: u64,
    title: String,
    colour: Colour,
}

#[derive(Clone, PartialEq, thing::ColumnType)]
enum Colour {
    Red,
}

fn main() {
    let _ = NewBook::default();
    let _ = NewBook { title: "x".into() };
}
