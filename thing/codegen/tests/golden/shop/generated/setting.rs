// Made by `thing generate`; do not edit.

use thing::Model;

/// Has no primary key.
#[derive(Model, Clone, Debug)]
#[thing(table = "settings")]
#[thing(comment = "Has no primary key.")]
pub struct Setting {
    #[thing(key)]
    pub name: String,
    pub value: String,
}
