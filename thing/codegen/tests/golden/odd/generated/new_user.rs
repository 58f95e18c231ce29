// Made by `thing generate`; do not edit.

use thing::Model;

/// A row of the table `NewUser`.
#[derive(Model, Clone, Debug)]
#[thing(table = "NewUser")]
pub struct NewUser {
    pub id: i32,
}
