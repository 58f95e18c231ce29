// Made by `thing generate`; do not edit.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;
use thing::{Json, Model};
use uuid::Uuid;

use super::Order;

/// A row of the table `customers`.
#[derive(Model, Clone, Debug)]
#[thing(table = "customers")]
#[thing(nulls(Customer::INVITER_ID))]
#[thing(belongs_to(inviter: Customer, INVITER_ID))]
#[thing(has_many(inviter_customers: Customer, Customer::INVITER_ID))]
#[thing(has_many(orders: Order, Order::CUSTOMER_ID))]
pub struct Customer {
    pub id: Uuid,
    #[thing(unique = "one_customer_an_address")]
    pub email: String,
    pub born: Option<Date>,
    #[thing(default = Json(serde_json::json!({})))]
    pub settings: Json<Value>,
    pub photo: Option<Vec<u8>>,
    pub created_at: Timestamp,
    #[thing(deleted)]
    pub deleted_at: Option<Timestamp>,
    #[thing(foreign_key(Customer, name = "invitations", on_delete = "set_null", on_update = "cascade"))]
    pub inviter_id: Option<Uuid>,
}
