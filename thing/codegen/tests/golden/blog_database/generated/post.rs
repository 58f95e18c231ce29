// Made by `thing generate`; do not edit.

use thing::Model;

use super::{Category, CategoryPost, Likes, User};

/// A row of the table `posts`.
#[derive(Model, Clone, Debug)]
#[thing(table = "posts")]
#[thing(index(name = "best_first", columns(author_id, stars desc)))]
#[thing(unique(name = "one_title_each", columns(author_id, title), where = "published AND stars > 1"))]
#[thing(index(name = "posts_drafts", columns(title), where = "NOT published"))]
#[thing(check(name = "stars_of_published", "NOT published OR stars BETWEEN 1 AND 5"))]
#[thing(cascades(CategoryPost::POST_ID, Likes::A))]
#[thing(belongs_to(author: User, AUTHOR_ID))]
#[thing(belongs_to(editor: User, EDITOR_ID))]
#[thing(has_many(category_posts: CategoryPost, CategoryPost::POST_ID))]
#[thing(many_to_many(categories: Category, CategoryPost::POST_ID, CategoryPost::CATEGORY_ID))]
#[thing(many_to_many(users: User, Likes::A, Likes::B))]
pub struct Post {
    pub id: i64,
    #[thing(check = "length(title) > 0")]
    pub title: String,
    pub content: Option<String>,
    #[thing(default = false)]
    pub published: bool,
    #[thing(default = 3)]
    pub stars: i64,
    #[thing(foreign_key(User, name = "posts_author_id_fkey", on_delete = "cascade", on_update = "cascade"))]
    pub author_id: i64,
    #[thing(foreign_key(User, name = "edited_by", on_delete = "set_null"))]
    pub editor_id: Option<i64>,
}
