// Made by `thing generate`; do not edit.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde_json::Value;
use thing::{Json, List, Model};
use uuid::Uuid;

use super::Order;

/// Who buys here.
#[derive(Model, Clone, Debug)]
#[thing(table = "customers")]
#[thing(comment = "Who buys here.")]
#[thing(check(name = "born_before_they_came", "(born IS NULL) OR (born <= member_since)"))]
#[thing(check(name = "email_has_an_at", "email ~~ '%@%'::text"))]
#[thing(nulls(Customer::INVITER_ID))]
#[thing(belongs_to(inviter: Customer, INVITER_ID))]
#[thing(has_many(inviter_customers: Customer, Customer::INVITER_ID))]
#[thing(has_many(orders: Order, Order::CUSTOMER_ID))]
pub struct Customer {
    #[thing(default = Uuid::new_v4())]
    pub id: Uuid,
    #[thing(unique = "one_customer_an_address")]
    pub email: String,
    pub name: String,
    /// Two letters of ISO 639.
    #[thing(default = "en", comment = "Two letters of ISO 639.")]
    pub language: String,
    pub born: Option<Date>,
    pub wakes_at: Option<Time>,
    #[thing(default = List::default())]
    pub tags: List<String>,
    pub sizes: List<i32>,
    pub wishes: Option<List<Uuid>>,
    #[thing(default = Json(serde_json::json!({})))]
    pub settings: Json<Value>,
    pub photo: Option<Vec<u8>>,
    #[thing(default = true)]
    pub newsletter: bool,
    pub member_since: Date,
    #[thing(created)]
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
    #[thing(deleted)]
    pub deleted_at: Option<Timestamp>,
    #[thing(foreign_key(Customer, name = "invitations", on_delete = "set_null", on_update = "cascade"))]
    pub inviter_id: Option<Uuid>,
}
