// Made by `thing generate`; do not edit.

use thing::Model;

use super::{Order, OrderLine};

/// A row of the table `order_line_notes`.
#[derive(Model, Clone, Debug)]
#[thing(table = "order_line_notes")]
#[thing(foreign_key(OrderLine, columns(order_id, position), name = "order_line_notes_order_id_position_fkey", on_delete = "restrict", on_update = "cascade"))]
#[thing(belongs_to(order: Order, ORDER_ID))]
pub struct OrderLineNote {
    pub id: i32,
    #[thing(foreign_key(Order, name = "note_of_order", on_delete = "restrict", on_update = "cascade"))]
    pub order_id: i64,
    pub position: i32,
    pub text: String,
}
