use std::time::SystemTime;

use thing::Model;

#[derive(Clone, Model)]
struct User {
    id: u64,
    #[thing(created)]
    created_at: SystemTime,
    #[thing(created)]
    joined_at: SystemTime,
    #[thing(updated, default = SystemTime::UNIX_EPOCH)]
    updated_at: SystemTime,
    #[thing(updated, created)]
    changed_at: SystemTime,
}

fn main() {}
