//! Models and their objects.

use std::time::SystemTime;

use thing::Model;

#[derive(Model, Clone, Debug, PartialEq)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) name: String,
    #[thing(unique)]
    pub(crate) email: String,
    #[thing(index)]
    pub(crate) age: i32,
    pub(crate) score: f64,
    pub(crate) active: bool,
    pub(crate) bio: Option<String>,
    #[thing(created)]
    pub(crate) created_at: SystemTime,
    #[thing(updated)]
    pub(crate) updated_at: SystemTime,
}

/// A post of a user; `user_id` leads an index, so that a user's posts are a scope of their own.
#[derive(Model, Clone, Debug, PartialEq)]
pub(crate) struct Post {
    pub(crate) id: i64,
    #[thing(index)]
    pub(crate) user_id: i64,
    pub(crate) title: String,
    pub(crate) stars: i32,
}

pub(crate) fn user(n: i64) -> User {
    User {
        id: 0,
        name: format!("User {n}"),
        email: format!("user{n}@example.com"),
        age: 18 + i32::try_from(n % 50).unwrap(),
        score: n as f64 / 2.0,
        active: n % 2 == 0,
        bio: (n % 3 == 0).then(|| format!("bio {n}")),
        created_at: SystemTime::UNIX_EPOCH,
        updated_at: SystemTime::UNIX_EPOCH,
    }
}

pub(crate) fn post(user_id: i64, n: i32) -> Post {
    Post { id: 0, user_id, title: format!("Post {n} of {user_id}"), stars: n }
}
