// Made by `thing generate`; do not edit.

use thing::Model;

/// A row of the table `Enums`.
#[derive(Model, Clone, Debug)]
#[thing(table = "Enums")]
#[thing(unique(name = "Enums_super_mod_key", columns(super_, r#mod desc)))]
pub struct Enums {
    #[thing(key, assigned)]
    pub r#mod: i32,
    #[thing(column = "super", index = "Enums_super_idx")]
    pub super_: String,
}
