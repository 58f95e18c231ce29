// Made by `thing generate`; do not edit.

use thing::Model;

use super::Type;

/// A row of the table `VecRow`.
#[derive(Model, Clone, Debug)]
#[thing(table = "VecRow")]
#[thing(belongs_to(r#type: Type, TYPE_))]
pub struct VecRowRow {
    pub id: i32,
    #[thing(foreign_key(Type, name = "VecRow_type__fkey", on_delete = "restrict", on_update = "cascade"))]
    pub type_: String,
}
