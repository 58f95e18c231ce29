// Made by `thing generate`; do not edit.

use thing::Model;

use super::{Product, ProductToTag};

/// A row of the table `tags`.
#[derive(Model, Clone, Debug)]
#[thing(table = "tags")]
#[thing(cascades(ProductToTag::B))]
#[thing(many_to_many(products: Product, ProductToTag::B, ProductToTag::A))]
pub struct Tag {
    pub id: i32,
    #[thing(unique = "tags_label_key")]
    pub label: String,
}
