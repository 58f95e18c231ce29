// Made by `thing generate`; do not edit.

use rust_decimal::Decimal;
use thing::Model;

use super::{Category, OrderLine, ProductSize, ProductTag, Tag};

/// A row of the table `products`.
#[derive(Model, Clone, Debug)]
#[thing(table = "products")]
#[thing(index(name = "by_category", columns(category_id, rating desc)))]
#[thing(check(name = "price_is_no_debt", "`price` >= 0"))]
#[thing(cascades(ProductTag::PRODUCT_SKU))]
#[thing(belongs_to(category: Category, CATEGORY_ID))]
#[thing(has_many(order_lines: OrderLine, OrderLine::SKU))]
#[thing(has_many(product_tags: ProductTag, ProductTag::PRODUCT_SKU))]
#[thing(many_to_many(tags: Tag, ProductTag::PRODUCT_SKU, ProductTag::TAG_ID))]
pub struct Product {
    #[thing(key)]
    pub sku: String,
    pub name: String,
    #[thing(default = Decimal::new(99, 1))]
    pub price: Decimal,
    pub weight: Option<f32>,
    #[thing(default = 2.5)]
    pub rating: f64,
    #[thing(default = 0)]
    pub stock: i64,
    #[thing(default = 0)]
    pub sold: i64,
    pub shelf: Option<i32>,
    #[thing(default = -1)]
    pub level: i16,
    #[thing(default = 3)]
    pub depth: i32,
    #[thing(unique = "code")]
    pub code: Option<String>,
    #[thing(default = ProductSize::Small)]
    pub size: ProductSize,
    #[thing(default = "it's a thing")]
    pub r#type: String,
    pub summary: Option<String>,
    pub description: Option<String>,
    pub manual: Option<String>,
    pub history: Option<String>,
    #[thing(foreign_key(Category, name = "by_category_of_products", on_delete = "set_null"))]
    pub category_id: Option<i32>,
    pub replaced_by: Option<String>,
}
