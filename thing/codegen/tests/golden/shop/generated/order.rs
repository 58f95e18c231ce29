// Made by `thing generate`; do not edit.

use jiff::Timestamp;
use thing::Model;
use uuid::Uuid;

use super::{Customer, OrderLine, OrderLineNote, OrderStatus};

/// A row of the table `orders`.
#[derive(Model, Clone, Debug)]
#[thing(table = "orders")]
#[thing(cascades(OrderLine::ORDER_ID))]
#[thing(belongs_to(customer: Customer, CUSTOMER_ID))]
#[thing(has_many(lines: OrderLine, OrderLine::ORDER_ID))]
#[thing(has_many(notes: OrderLineNote, OrderLineNote::ORDER_ID))]
pub struct Order {
    pub id: i64,
    #[thing(default = OrderStatus::New)]
    pub status: OrderStatus,
    #[thing(index = "orders_customer_id_idx")]
    #[thing(foreign_key(Customer, name = "orders_customer_id_fkey", on_delete = "restrict", on_update = "cascade"))]
    pub customer_id: Uuid,
    #[thing(created)]
    pub placed_at: Timestamp,
}
