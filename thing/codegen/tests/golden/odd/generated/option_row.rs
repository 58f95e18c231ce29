// Made by `thing generate`; do not edit.

use thing::Model;

use super::Type;

/// Is called as a type of Rust, `*/ "` and all.
#[derive(Model, Clone, Debug)]
#[thing(table = "Option")]
#[thing(comment = "Is called as a type of Rust, `*/ \"` and all.")]
#[thing(belongs_to(r#type: Type, TYPE_ID))]
pub struct OptionRow {
    #[thing(assigned)]
    pub id: i16,
    #[thing(column = "fooBar")]
    pub foo_bar: Option<String>,
    #[thing(column = "foo_bar")]
    pub foo_bar_2: Option<String>,
    pub r#fn: Option<i32>,
    #[thing(column = "typeId")]
    #[thing(foreign_key(Type, name = "Option_typeId_fkey", on_delete = "restrict", on_update = "cascade"))]
    pub type_id: String,
}
