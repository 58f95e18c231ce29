// Made by `thing generate`; do not edit.

use thing::Model;

use super::{Order, Product};

/// A row of the table `order_lines`.
#[derive(Model, Clone, Debug)]
#[thing(table = "order_lines")]
#[thing(key(order_id, position))]
#[thing(check(name = "count", "`count` between 1 and 1000"))]
#[thing(belongs_to(order: Order, ORDER_ID))]
#[thing(belongs_to(product: Product, SKU))]
pub struct OrderLine {
    #[thing(foreign_key(Order, name = "line_of_order", on_delete = "cascade"))]
    pub order_id: i64,
    pub position: i16,
    #[thing(foreign_key(Product, name = "product_of_line"))]
    pub sku: String,
    #[thing(default = 1)]
    pub count: i32,
}
