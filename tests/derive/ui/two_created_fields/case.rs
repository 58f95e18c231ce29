use std::time::SystemTime;

use thing::Model;

#[derive(Clone, Model)]
struct User {
    id: u64,
    #[thing(created)]
    created_at: SystemTime,
    #[thing(created)]
    joined_at: SystemTime,
}

#[derive(Clone, Model)]
struct Book {
    id: u64,
    #[thing(updated, default = SystemTime::UNIX_EPOCH)]
    updated_at: SystemTime,
}

#[derive(Clone, Model)]
struct Page {
    id: u64,
    #[thing(created, updated)]
    changed_at: SystemTime,
}

fn main() {}
