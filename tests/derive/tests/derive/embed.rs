//! Embeds: groups of columns that several models share.

use std::time::{Duration, SystemTime};

use thing::{ColumnType, Embed, Model};
use thing_driver_api::{Value, ValueType};
use uuid::Uuid;

use crate::round_trip;

#[derive(Clone, Debug, PartialEq, Eq, Hash, ColumnType)]
struct Id(u64);

#[derive(Clone, Debug, PartialEq, Embed)]
#[thing(index(deleted, created_at))]
struct Base {
    id: Id,
    #[thing(created)]
    created_at: SystemTime,
    #[thing(updated)]
    updated_at: SystemTime,
    #[thing(default = false, index)]
    deleted: bool,
    #[thing(ignore)]
    cached: u8,
    note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Model)]
struct User {
    #[thing(unique)]
    name: String,
    #[thing(embed)]
    base: Base,
    #[thing(index)]
    age: i32,
}

fn user() -> User {
    User {
        name: "Alice".into(),
        base: Base {
            id: Id(7),
            created_at: SystemTime::UNIX_EPOCH,
            updated_at: SystemTime::UNIX_EPOCH,
            deleted: true,
            cached: 0,
            note: Some("hi".into()),
        },
        age: 40,
    }
}

#[test]
fn columns_stand_in_place_of_the_embed() {
    let names: Vec<_> = User::table().columns().iter().map(|c| c.name.as_ref()).collect();
    assert_eq!(names, ["name", "id", "created_at", "updated_at", "deleted", "note", "age"]);
    let nullable: Vec<bool> = User::table().columns().iter().map(|c| c.nullable).collect();
    assert_eq!(nullable, [false, false, false, false, false, true, false]);
    assert_eq!(User::table().columns()[4].default, Some(Value::Bool(false)));
}

#[test]
fn typed_columns_are_reached_through_the_embed() {
    assert_eq!(User::NAME.index(), 0);
    assert_eq!(User::BASE.id.index(), 1);
    assert_eq!(User::BASE.note.index(), 5);
    assert_eq!(User::AGE.index(), 6);
    assert_eq!(format!("{:?}", User::BASE.created_at), "users.created_at");
    let _ = User::BASE.id.eq(Id(3)) & User::BASE.note.eq("hi") & User::AGE.gt(18);
}

#[test]
fn the_only_embed_holds_the_key() {
    assert_eq!(User::table().key(), [1]);
    assert!(User::table().has_generated_key());
    let mut user = user();
    user.set_generated_key(9).expect("fits");
    assert_eq!((user.key(), &user.base.id), (Id(9), &Id(9)));
}

#[test]
fn indexes_of_the_embed_are_indexes_of_the_table() {
    let indexes: Vec<_> = User::table().indexes().iter().map(|i| (i.name.as_ref(), i.columns.as_slice())).collect();
    let expected: [(&str, &[usize]); 4] = [
        ("users_deleted_index", &[4]),
        ("users_deleted_created_at_index", &[4, 2]),
        ("users_name_unique", &[0]),
        ("users_age_index", &[6]),
    ];
    assert_eq!(indexes, expected);
}

#[test]
fn a_row_with_an_embed_comes_back() {
    assert_eq!(round_trip(&user()), user());
    assert_eq!(user().value(6).ok(), Some(Value::I64(40)));
    assert!(user().value(7).is_err());
}

#[test]
fn touch_reaches_the_embed() {
    let mut user = user();
    assert!(user.touch(2_000_000, false));
    assert_eq!(user.base.created_at, SystemTime::UNIX_EPOCH);
    assert_eq!(user.base.updated_at, SystemTime::UNIX_EPOCH + Duration::from_secs(2));
}

#[test]
fn heap_size_counts_the_embed() {
    let user = user();
    let note = user.base.note.as_ref().map_or(0, String::capacity);
    assert_eq!(user.heap_size(), user.name.capacity() + note);
}

#[test]
fn a_new_object_leaves_the_embed_out() {
    let new = NewUser { name: "Alice".into(), age: 40 };
    let expected = User { base: Base { id: Id(0), deleted: false, note: None, ..user().base }, ..user() };
    assert_eq!(User::from(new), expected);
}

#[derive(Clone, Debug, Default, PartialEq, Embed)]
#[thing(index(name = "by_city", columns(city)))]
struct Address {
    street: String,
    city: String,
}

#[derive(Clone, Debug, PartialEq, Model)]
struct Order {
    #[thing(embed, key)]
    base: Base,
    #[thing(embed, given, prefix = "billing_")]
    billing: Address,
    total: i64,
    #[thing(embed, given, prefix = "shipping_")]
    shipping: Address,
    paid: bool,
}

#[test]
fn one_embed_can_be_used_twice_with_a_prefix() {
    let names: Vec<_> = Order::table().columns()[5..].iter().map(|c| c.name.as_ref()).collect();
    let expected = ["billing_street", "billing_city", "total", "shipping_street", "shipping_city", "paid"];
    assert_eq!(names, expected);
    let indexes: Vec<_> =
        Order::table().indexes()[2..].iter().map(|i| (i.name.as_ref(), i.columns.as_slice())).collect();
    assert_eq!(indexes, [("billing_by_city", &[6][..]), ("shipping_by_city", &[9][..])]);
    assert_eq!((Order::BILLING.city.index(), Order::TOTAL.index(), Order::SHIPPING.city.index()), (6, 7, 9));
    assert_eq!(format!("{:?}", Order::SHIPPING.street), "orders.shipping_street");
}

#[test]
fn a_given_embed_is_part_of_a_new_object() {
    let address = |street: &str| Address { street: street.into(), city: "Paris".into() };
    let order = Order::from(NewOrder { billing: address("a"), total: 5, shipping: address("b"), paid: false });
    assert_eq!((&*order.billing.street, &*order.shipping.street), ("a", "b"));
    assert_eq!(round_trip(&order), order);
    assert_eq!(order.key(), Id(0));
}

#[derive(Clone, Debug, PartialEq, Embed)]
struct Assigned {
    #[thing(key)]
    code: Uuid,
    /// What the code stands for.
    #[thing(column = "label")]
    name: String,
}

#[derive(Clone, Debug, PartialEq, Model)]
struct Tag {
    #[thing(embed, given)]
    assigned: Assigned,
}

#[test]
fn an_embed_can_hold_an_assigned_key() {
    assert!(!Tag::table().has_generated_key());
    assert_eq!(Tag::table().columns()[0].value_type, ValueType::Uuid);
    assert_eq!(Tag::table().columns()[1].name, "label");
    let mut tag = Tag { assigned: Assigned { code: Uuid::nil(), name: String::new() } };
    assert_eq!(tag.key(), Uuid::nil());
    assert!(tag.set_generated_key(1).is_err());
}

#[derive(Clone, Debug, PartialEq, Model)]
struct Own {
    #[thing(key)]
    number: u64,
    #[thing(embed, given)]
    address: Address,
}

#[test]
fn a_field_of_the_model_comes_before_the_embed_as_key() {
    assert_eq!(Own::table().key(), [0]);
    let own = Own { number: 1, address: Address::default() };
    assert_eq!(own.key(), 1);
}
