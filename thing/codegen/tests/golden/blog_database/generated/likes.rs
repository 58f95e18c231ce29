// Made by `thing generate`; do not edit.

use thing::Model;

use super::{Post, User};

/// Links [`Post`] and [`User`].
#[derive(Model, Clone, Debug)]
#[thing(table = "_likes")]
#[thing(key(a, b))]
#[thing(belongs_to(post: Post, A))]
#[thing(belongs_to(user: User, B))]
pub struct Likes {
    #[thing(column = "A")]
    #[thing(foreign_key(Post, name = "_likes_A_fkey", on_delete = "cascade", on_update = "cascade"))]
    pub a: i64,
    #[thing(column = "B")]
    #[thing(index)]
    #[thing(foreign_key(User, name = "_likes_B_fkey", on_delete = "cascade", on_update = "cascade"))]
    pub b: i64,
}
