// Made by `thing generate`; do not edit.

use thing::Model;

/// A row of the table `Vec`.
#[derive(Model, Clone, Debug)]
#[thing(table = "Vec")]
pub struct VecRow {
    pub id: i32,
}
