// Made by `thing generate`; do not edit.

use thing::Model;

use super::{Category, Post};

/// A row of the table `category_posts`.
#[derive(Model, Clone, Debug)]
#[thing(table = "category_posts")]
#[thing(key(category_id, post_id))]
#[thing(belongs_to(category: Category, CATEGORY_ID))]
#[thing(belongs_to(post: Post, POST_ID))]
pub struct CategoryPost {
    #[thing(foreign_key(Category, name = "category_posts_category_id_fkey", on_delete = "cascade"))]
    pub category_id: i64,
    #[thing(foreign_key(Post, name = "category_posts_post_id_fkey", on_delete = "cascade"))]
    pub post_id: i64,
}
