// Made by `thing generate`; do not edit.

use thing::Model;

/// A row of the table `user`.
#[derive(Model, Clone, Debug)]
#[thing(table = "user")]
pub struct UserRow2 {
    pub id: i32,
}
