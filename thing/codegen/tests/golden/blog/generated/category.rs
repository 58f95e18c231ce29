// Made by `thing generate`; do not edit.

use thing::Model;

use super::{CategoryToPost, Post};

/// A row of the table `Category`.
#[derive(Model, Clone, Debug)]
#[thing(table = "Category")]
#[thing(cascades(CategoryToPost::A))]
#[thing(many_to_many(posts: Post, CategoryToPost::A, CategoryToPost::B))]
pub struct Category {
    pub id: i32,
    #[thing(unique = "Category_name_key")]
    pub name: String,
}
