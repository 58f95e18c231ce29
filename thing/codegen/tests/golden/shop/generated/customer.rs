// Made by `thing generate`; do not edit.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;
use thing::{Json, Model};
use uuid::Uuid;

use super::{Follows, Order};

/// A row of the table `customers`.
#[derive(Model, Clone, Debug)]
#[thing(table = "customers")]
#[thing(cascades(Follows::A, Follows::B))]
#[thing(nulls(Customer::INVITER_ID))]
#[thing(belongs_to(invited_by: Customer, INVITER_ID))]
#[thing(has_many(invited: Customer, Customer::INVITER_ID))]
#[thing(has_many(orders: Order, Order::CUSTOMER_ID))]
#[thing(many_to_many(followers: Customer, Follows::A, Follows::B))]
#[thing(many_to_many(following: Customer, Follows::B, Follows::A))]
pub struct Customer {
    #[thing(default = Uuid::new_v4())]
    pub id: Uuid,
    #[thing(unique = "one_customer_an_address")]
    pub email: String,
    pub born: Option<Date>,
    #[thing(default = Json(serde_json::json!({})))]
    pub settings: Json<Value>,
    pub photo: Option<Vec<u8>>,
    #[thing(created)]
    pub created_at: Timestamp,
    #[thing(updated)]
    pub updated_at: Timestamp,
    #[thing(foreign_key(Customer, name = "customers_inviter_id_fkey", on_delete = "set_null", on_update = "cascade"))]
    pub inviter_id: Option<Uuid>,
}
