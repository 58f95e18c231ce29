// Made by `thing generate`; do not edit.

use thing::Model;

use super::User;

/// A row of the table `Profile`.
#[derive(Model, Clone, Debug)]
#[thing(table = "Profile")]
#[thing(belongs_to(user: User, USER_ID))]
pub struct Profile {
    pub id: i32,
    #[thing(default = "")]
    pub bio: String,
    #[thing(column = "userId")]
    #[thing(unique = "Profile_userId_key")]
    #[thing(foreign_key(User, name = "Profile_userId_fkey", on_delete = "cascade", on_update = "cascade"))]
    pub user_id: i32,
}
