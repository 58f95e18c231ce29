use thing::Model;

#[derive(Clone, Model)]
struct User {
    #[thing(default = 7)]
    id: u64,
    #[thing(assigned)]
    code: String,
}

#[derive(Clone, Model)]
struct Event {
    #[thing(key, created)]
    at: std::time::SystemTime,
}

fn main() {}
