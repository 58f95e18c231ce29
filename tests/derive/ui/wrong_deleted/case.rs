use std::time::SystemTime;

use thing::Model;

#[derive(Clone, Model)]
struct User {
    id: u64,
    #[thing(deleted)]
    deleted: String,
}

#[derive(Clone, Model)]
struct Book {
    id: u64,
    #[thing(deleted)]
    deleted: bool,
    #[thing(deleted, default = true)]
    gone: bool,
}

#[derive(Clone, Model)]
struct Page {
    #[thing(deleted)]
    id: u64,
    #[thing(updated, deleted)]
    updated_at: SystemTime,
}

#[derive(Clone, Model)]
struct Note {
    id: u64,
    #[thing(deleted)]
    deleted_at: SystemTime,
}

fn main() {}
