// Made by `thing generate`; do not edit.

use jiff::Timestamp;
use thing::Model;
use uuid::Uuid;

use super::{Customer, OrderLine, OrderStatus};

/// A row of the table `orders`.
#[derive(Model, Clone, Debug)]
#[thing(table = "orders")]
#[thing(index(name = "orders_of_customer", columns(customer_id, placed_at desc)))]
#[thing(cascades(OrderLine::ORDER_ID))]
#[thing(belongs_to(customer: Customer, CUSTOMER_ID))]
#[thing(has_many(order_lines: OrderLine, OrderLine::ORDER_ID))]
pub struct Order {
    pub id: i64,
    #[thing(foreign_key(Customer, name = "ordered_by"))]
    pub customer_id: Uuid,
    #[thing(default = OrderStatus::New)]
    pub status: OrderStatus,
    #[thing(column = "orderedVia")]
    pub ordered_via: Option<String>,
    #[thing(default = "")]
    pub note: String,
    pub placed_at: Timestamp,
}
