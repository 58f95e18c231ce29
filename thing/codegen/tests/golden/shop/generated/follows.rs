// Made by `thing generate`; do not edit.

use thing::Model;
use uuid::Uuid;

use super::Customer;

/// Links [`Customer`] and [`Customer`].
#[derive(Model, Clone, Debug)]
#[thing(table = "_follows")]
#[thing(key(a, b))]
#[thing(belongs_to(a_customer: Customer, A))]
#[thing(belongs_to(b_customer: Customer, B))]
pub struct Follows {
    #[thing(column = "A")]
    #[thing(foreign_key(Customer, name = "_follows_A_fkey", on_delete = "cascade", on_update = "cascade"))]
    pub a: Uuid,
    #[thing(column = "B")]
    #[thing(index)]
    #[thing(foreign_key(Customer, name = "_follows_B_fkey", on_delete = "cascade", on_update = "cascade"))]
    pub b: Uuid,
}
