use thing::Model;

#[derive(Clone)]
struct Session;

#[derive(Clone, Model)]
struct User {
    id: u64,
    #[thing(ignore)]
    session: Session,
}

fn main() {}
