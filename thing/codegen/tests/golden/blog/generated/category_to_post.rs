// Made by `thing generate`; do not edit.

use thing::Model;

use super::{Category, Post};

/// Links [`Category`] and [`Post`].
#[derive(Model, Clone, Debug)]
#[thing(table = "_CategoryToPost")]
#[thing(key(a, b))]
#[thing(belongs_to(category: Category, A))]
#[thing(belongs_to(post: Post, B))]
pub struct CategoryToPost {
    #[thing(column = "A")]
    #[thing(foreign_key(Category, name = "_CategoryToPost_A_fkey", on_delete = "cascade", on_update = "cascade"))]
    pub a: i32,
    #[thing(column = "B")]
    #[thing(index)]
    #[thing(foreign_key(Post, name = "_CategoryToPost_B_fkey", on_delete = "cascade", on_update = "cascade"))]
    pub b: i32,
}
