// Made by `thing generate`; do not edit.

use thing::Model;

use super::{Category, CategoryToPost, Likes, User};

/// A row of the table `posts`.
#[derive(Model, Clone, Debug)]
#[thing(table = "posts")]
#[thing(index(name = "posts_authorId_published_idx", columns(author_id, published)))]
#[thing(cascades(CategoryToPost::B, Likes::A))]
#[thing(belongs_to(author: User, AUTHOR_ID))]
#[thing(many_to_many(categories: Category, CategoryToPost::B, CategoryToPost::A))]
#[thing(many_to_many(liked_by: User, Likes::A, Likes::B))]
pub struct Post {
    pub id: i32,
    pub title: String,
    pub content: Option<String>,
    #[thing(default = false)]
    pub published: bool,
    #[thing(default = "article")]
    pub r#type: String,
    #[thing(column = "authorId")]
    #[thing(foreign_key(User, name = "posts_authorId_fkey", on_delete = "cascade", on_update = "cascade"))]
    pub author_id: i32,
}
