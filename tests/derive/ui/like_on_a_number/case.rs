use thing::Model;

#[derive(Clone, Model)]
struct User {
    id: u64,
    age: i32,
}

fn main() {
    let _ = User::AGE.like("1%");
}
