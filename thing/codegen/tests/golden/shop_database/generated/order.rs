// Made by `thing generate`; do not edit.

use jiff::Timestamp;
use thing::Model;
use uuid::Uuid;

use super::{Customer, OrderLine};

/// A row of the table `orders`.
#[derive(Model, Clone, Debug)]
#[thing(table = "orders")]
#[thing(cascades(OrderLine::ORDER_ID))]
#[thing(belongs_to(customer: Customer, CUSTOMER_ID))]
#[thing(has_many(order_lines: OrderLine, OrderLine::ORDER_ID))]
pub struct Order {
    pub id: i64,
    #[thing(foreign_key(Customer, name = "orders_customer_id_fkey", on_delete = "restrict"))]
    pub customer_id: Uuid,
    pub placed_at: Timestamp,
}
