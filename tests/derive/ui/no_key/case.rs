use thing::Model;

#[derive(Clone, Model)]
struct User {
    name: String,
}

fn main() {}
