// Made by `thing generate`; do not edit.

use jiff::Timestamp;
use thing::Model;

use super::{Likes, Post, Profile, Role};

/// Whoever writes or reads.
/// An address belongs to one of them.
#[derive(Model, Clone, Debug)]
#[thing(table = "User")]
#[thing(cascades(Likes::B, Post::AUTHOR_ID, Profile::USER_ID))]
#[thing(has_many(posts: Post, Post::AUTHOR_ID))]
#[thing(has_one(profile: Profile, Profile::USER_ID))]
#[thing(many_to_many(likes: Post, Likes::B, Likes::A))]
pub struct User {
    pub id: i32,
    /// In lower case.
    #[thing(unique = "User_email_key")]
    pub email: String,
    pub name: Option<String>,
    #[thing(default = Role::User)]
    pub role: Role,
    #[thing(column = "createdAt", created)]
    pub created_at: Timestamp,
    #[thing(column = "updatedAt", updated)]
    pub updated_at: Timestamp,
}
