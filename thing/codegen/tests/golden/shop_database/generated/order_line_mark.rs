// Made by `thing generate`; do not edit.

use thing::Model;

/// A row of the table `order_line_marks`.
#[derive(Model, Clone, Debug)]
#[thing(table = "order_line_marks")]
pub struct OrderLineMark {
    pub id: i64,
    pub order_id: i64,
    pub position: i64,
}
