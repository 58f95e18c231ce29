// Made by `thing generate`; do not edit.

use thing::Model;

use super::{Product, ProductTag};

/// A row of the table `tags`.
#[derive(Model, Clone, Debug)]
#[thing(table = "tags")]
#[thing(cascades(ProductTag::TAG_ID))]
#[thing(has_many(product_tags: ProductTag, ProductTag::TAG_ID))]
#[thing(many_to_many(products: Product, ProductTag::TAG_ID, ProductTag::PRODUCT_SKU))]
pub struct Tag {
    pub id: i32,
    #[thing(unique = "tags_name_key")]
    pub name: String,
}
