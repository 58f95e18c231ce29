// Made by `thing generate`; do not edit.

use thing::Model;

use super::{Product, Tag};

/// Links [`Product`] and [`Tag`].
#[derive(Model, Clone, Debug)]
#[thing(table = "_ProductToTag")]
#[thing(key(a, b))]
#[thing(belongs_to(product: Product, A))]
#[thing(belongs_to(tag: Tag, B))]
pub struct ProductToTag {
    #[thing(column = "A")]
    #[thing(foreign_key(Product, name = "_ProductToTag_A_fkey", on_delete = "cascade", on_update = "cascade"))]
    pub a: String,
    #[thing(column = "B")]
    #[thing(index)]
    #[thing(foreign_key(Tag, name = "_ProductToTag_B_fkey", on_delete = "cascade", on_update = "cascade"))]
    pub b: i32,
}
