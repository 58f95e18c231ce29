// Made by `thing generate`; do not edit.

use thing::Model;

/// A row of the table `Users`.
#[derive(Model, Clone, Debug)]
#[thing(table = "Users")]
pub struct UserRow {
    pub id: i32,
}
