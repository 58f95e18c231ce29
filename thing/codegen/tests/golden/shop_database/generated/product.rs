// Made by `thing generate`; do not edit.

use jiff::civil::Time;
use rust_decimal::Decimal;
use thing::Model;

use super::{Category, OrderLine};

/// A row of the table `products`.
#[derive(Model, Clone, Debug)]
#[thing(table = "products")]
#[thing(index(name = "by_category", columns(category_id, price desc)))]
#[thing(check(name = "products_check", "price >= '0'"))]
#[thing(belongs_to(category: Category, CATEGORY_ID))]
#[thing(has_many(order_lines: OrderLine, OrderLine::SKU))]
pub struct Product {
    #[thing(key)]
    pub sku: String,
    pub name: String,
    #[thing(default = Decimal::new(99, 1))]
    pub price: Decimal,
    pub weight: Option<f64>,
    #[thing(default = 0)]
    pub stock: i64,
    pub opens: Option<Time>,
    #[thing(unique = "products_code_key")]
    pub code: Option<String>,
    #[thing(default = true)]
    pub shown: bool,
    #[thing(foreign_key(Category, name = "products_category_id_fkey", on_delete = "set_null"))]
    pub category_id: Option<i64>,
    pub replaced_by: Option<String>,
}
