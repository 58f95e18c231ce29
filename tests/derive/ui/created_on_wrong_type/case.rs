use thing::Model;

#[derive(Clone, Model)]
struct User {
    id: u64,
    #[thing(created)]
    created_at: String,
    #[thing(updated)]
    updated_at: Option<std::time::SystemTime>,
}

fn main() {}
