// Made by `thing generate`; do not edit.

use thing::Model;

use super::User;

/// A row of the table `profiles`.
#[derive(Model, Clone, Debug)]
#[thing(table = "profiles")]
#[thing(belongs_to(user: User, USER_ID))]
pub struct Profile {
    pub id: i64,
    #[thing(default = "")]
    pub bio: String,
    #[thing(unique = "profiles_user_id_key")]
    #[thing(foreign_key(User, name = "profiles_user_id_fkey", on_delete = "cascade"))]
    pub user_id: i64,
}
