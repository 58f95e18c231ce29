// Made by `thing generate`; do not edit.

use rust_decimal::Decimal;
use serde_json::Value;
use thing::{Json, Model};

use super::{Category, OrderLine, ProductTag, Tag};

/// A row of the table `products`.
#[derive(Model, Clone, Debug)]
#[thing(table = "products")]
#[thing(index(name = "by_category", columns(category_id, rating desc)))]
#[thing(index(name = "in_stock", columns(name), where = "stock > 0"))]
#[thing(check(name = "ranked_or_sold_out", "(stock = 0) OR (rank IS NOT NULL)"))]
#[thing(cascades(ProductTag::PRODUCT_SKU))]
#[thing(belongs_to(category: Category, CATEGORY_ID))]
#[thing(has_many(order_lines: OrderLine, OrderLine::SKU))]
#[thing(has_many(product_tags: ProductTag, ProductTag::PRODUCT_SKU))]
#[thing(many_to_many(tags: Tag, ProductTag::PRODUCT_SKU, ProductTag::TAG_ID))]
pub struct Product {
    #[thing(key)]
    pub sku: String,
    pub name: String,
    #[thing(default = Decimal::new(99, 1), check = "price >= (0)::numeric")]
    pub price: Decimal,
    pub weight: Option<f32>,
    #[thing(default = 2.5)]
    pub rating: f64,
    #[thing(default = 0)]
    pub stock: i32,
    #[thing(default = 0)]
    pub sold: i64,
    #[thing(default = Some(-1))]
    pub rank: Option<i16>,
    #[thing(unique = "products_code_key")]
    pub code: Option<String>,
    #[thing(default = "it's a thing")]
    pub r#type: String,
    pub details: Option<Json<Value>>,
    #[thing(foreign_key(Category, name = "products_category_id_fkey", on_delete = "set_null"))]
    pub category_id: Option<i32>,
    pub replaced_by: Option<String>,
}
