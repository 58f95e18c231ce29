// Made by `thing generate`; do not edit.

use thing::Model;

use super::{CategoryPost, Post};

/// A row of the table `categories`.
#[derive(Model, Clone, Debug)]
#[thing(table = "categories")]
#[thing(index(name = "categories_name", columns(name desc)))]
#[thing(cascades(CategoryPost::CATEGORY_ID))]
#[thing(belongs_to(parent: Category, PARENT_ID))]
#[thing(has_many(parent_categories: Category, Category::PARENT_ID))]
#[thing(has_many(category_posts: CategoryPost, CategoryPost::CATEGORY_ID))]
#[thing(many_to_many(posts: Post, CategoryPost::CATEGORY_ID, CategoryPost::POST_ID))]
pub struct Category {
    pub id: i64,
    pub name: String,
    #[thing(foreign_key(Category, name = "categories_parent_id_fkey", on_delete = "restrict"))]
    pub parent_id: Option<i64>,
}
