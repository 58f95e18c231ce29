// Made by `thing generate`; do not edit.

use jiff::Timestamp;
use thing::Model;

use super::{Likes, Post, Profile};

/// A row of the table `users`.
#[derive(Model, Clone, Debug)]
#[thing(table = "users")]
#[thing(check(name = "users_check", "role IN ('reader', 'writer')"))]
#[thing(cascades(Likes::B, Post::AUTHOR_ID, Profile::USER_ID))]
#[thing(nulls(Post::EDITOR_ID))]
#[thing(has_many(author_posts: Post, Post::AUTHOR_ID))]
#[thing(has_many(editor_posts: Post, Post::EDITOR_ID))]
#[thing(has_one(profile: Profile, Profile::USER_ID))]
#[thing(many_to_many(posts: Post, Likes::B, Likes::A))]
pub struct User {
    pub id: i64,
    #[thing(unique = "users_email_key")]
    pub email: String,
    pub name: Option<String>,
    #[thing(default = "reader")]
    pub role: String,
    #[thing(created)]
    pub created_at: Timestamp,
}
