// Made by `thing generate`; do not edit.

use thing::Model;

use super::{Product, Tag};

/// A row of the table `product_tags`.
#[derive(Model, Clone, Debug)]
#[thing(table = "product_tags")]
#[thing(key(product_sku, tag_id))]
#[thing(belongs_to(product: Product, PRODUCT_SKU))]
#[thing(belongs_to(tag: Tag, TAG_ID))]
pub struct ProductTag {
    #[thing(foreign_key(Product, name = "tagged_product", on_delete = "cascade", on_update = "cascade"))]
    pub product_sku: String,
    #[thing(foreign_key(Tag, name = "tag_of_product", on_delete = "cascade"))]
    pub tag_id: i64,
}
