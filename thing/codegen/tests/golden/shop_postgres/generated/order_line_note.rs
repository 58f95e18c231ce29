// Made by `thing generate`; do not edit.

use thing::Model;

use super::OrderLine;

/// A row of the table `order_line_notes`.
#[derive(Model, Clone, Debug)]
#[thing(table = "order_line_notes")]
#[thing(foreign_key(OrderLine, columns(order_id, position), name = "of_line"))]
pub struct OrderLineNote {
    pub id: i64,
    pub order_id: i64,
    pub position: i16,
    pub text: String,
}
