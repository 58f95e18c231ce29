use std::time::SystemTime;

use thing::Model;

#[derive(Clone, Model)]
struct User {
    id: u64,
    #[thing(version)]
    version: String,
}

#[derive(Clone, Model)]
struct Book {
    id: u64,
    #[thing(version)]
    version: i64,
    #[thing(version, default = 7)]
    revision: i64,
}

#[derive(Clone, Model)]
struct Page {
    #[thing(version)]
    id: u64,
    #[thing(updated, version)]
    updated_at: SystemTime,
}

#[derive(Clone, Model)]
struct Note {
    id: u64,
    #[thing(version)]
    version: Option<i64>,
}

fn main() {}
