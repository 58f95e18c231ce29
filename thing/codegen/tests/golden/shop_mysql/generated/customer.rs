// Made by `thing generate`; do not edit.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde_json::Value;
use thing::{Json, Model};
use uuid::Uuid;

use super::Order;

/// Who buys here.
#[derive(Model, Clone, Debug)]
#[thing(table = "customers")]
#[thing(comment = "Who buys here.")]
#[thing(check(name = "email", "`email` like '%@%'"))]
#[thing(nulls(Customer::INVITER_ID))]
#[thing(belongs_to(inviter: Customer, INVITER_ID))]
#[thing(has_many(inviter_customers: Customer, Customer::INVITER_ID))]
#[thing(has_many(orders: Order, Order::CUSTOMER_ID))]
pub struct Customer {
    pub id: Uuid,
    #[thing(unique = "email")]
    pub email: String,
    pub name: String,
    /// Two letters of ISO 639.
    #[thing(default = "en", comment = "Two letters of ISO 639.")]
    pub language: String,
    pub born: Option<Date>,
    pub wakes_at: Option<Time>,
    pub year_of_birth: Option<i16>,
    #[thing(default = Json(serde_json::json!({})))]
    pub settings: Json<Value>,
    pub photo: Option<Vec<u8>>,
    pub fingerprint: Option<Vec<u8>>,
    #[thing(default = true)]
    pub newsletter: bool,
    #[thing(default = false)]
    pub blocked: bool,
    pub member_since: Date,
    #[thing(created)]
    pub created_at: Timestamp,
    #[thing(updated)]
    pub changed_at: Timestamp,
    #[thing(foreign_key(Customer, name = "invitations", on_delete = "set_null", on_update = "cascade"))]
    pub inviter_id: Option<Uuid>,
}
