// Made by `thing generate`; do not edit.

use thing::Model;

use super::{Order, Product};

/// A row of the table `order_lines`.
#[derive(Model, Clone, Debug)]
#[thing(table = "order_lines")]
#[thing(key(order_id, position))]
#[thing(belongs_to(order: Order, ORDER_ID))]
#[thing(belongs_to(product: Product, SKU))]
pub struct OrderLine {
    #[thing(foreign_key(Order, name = "order_lines_order_id_fkey", on_delete = "cascade", on_update = "cascade"))]
    pub order_id: i64,
    pub position: i32,
    #[thing(foreign_key(Product, name = "order_lines_sku_fkey", on_delete = "restrict", on_update = "cascade"))]
    pub sku: String,
    #[thing(default = 1)]
    pub count: i32,
}
