//! The struct for new objects leaves out what the database and the clock fill in.

use std::time::SystemTime;

use thing::{ColumnType, Model};
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Model)]
struct User {
    id: u64,
    name: String,
    #[thing(default = 18)]
    age: i32,
    #[thing(default = "active")]
    status: String,
    nick: Option<String>,
    #[thing(default = Some(1))]
    level: Option<i32>,
    #[thing(ignore)]
    cached: u8,
    #[thing(created)]
    created_at: SystemTime,
    #[thing(updated)]
    updated_at: jiff::Timestamp,
}

fn alice() -> User {
    User {
        id: 0,
        name: "Alice".into(),
        age: 18,
        status: "active".into(),
        nick: None,
        level: Some(1),
        cached: 0,
        created_at: SystemTime::UNIX_EPOCH,
        updated_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn none_stands_for_the_default() {
    let new = NewUser { name: "Alice".into(), age: None, status: None, nick: None, level: None };
    assert_eq!(User::from(new), alice());
}

#[test]
fn a_given_value_replaces_the_default() {
    let new = NewUser {
        name: "Alice".into(),
        age: Some(40),
        status: Some("away".into()),
        nick: Some("Al".into()),
        level: Some(None),
    };
    let expected = User { age: 40, status: "away".into(), nick: Some("Al".into()), level: None, ..alice() };
    assert_eq!(User::from(new), expected);
}

#[test]
fn the_rest_can_be_left_to_default() {
    let new = NewUser { name: "Alice".into(), ..NewUser::default() };
    assert_eq!(User::from(new.clone()), alice());
    assert_eq!(format!("{new:?}"), r#"NewUser { name: "Alice", age: None, status: None, nick: None, level: None }"#);
}

/// Neither `Debug` nor `Default`.
#[derive(Clone, PartialEq, ColumnType)]
enum Colour {
    Red,
}

#[derive(Clone, PartialEq, Model)]
struct Car {
    #[thing(key)]
    plate: String,
    colour: Colour,
}

#[test]
fn fields_need_neither_debug_nor_default() {
    let car = Car::from(NewCar { plate: "B-1".into(), colour: Colour::Red });
    assert!(car.plate == "B-1" && car.colour == Colour::Red);
}

#[derive(Clone, Debug, PartialEq, Model)]
struct Session {
    #[thing(assigned, default = Uuid::from_u128(9))]
    id: Uuid,
}

#[test]
fn an_assigned_key_is_given_and_may_have_a_default() {
    assert_eq!(Session::from(NewSession { id: None }).id, Uuid::from_u128(9));
    assert_eq!(Session::from(NewSession { id: Some(Uuid::nil()) }).id, Uuid::nil());
}

fn new_code() -> String {
    "generated".into()
}

#[derive(Clone, Model)]
struct Coupon {
    id: u64,
    #[thing(default = new_code())]
    code: String,
}

#[test]
fn a_default_may_call_a_function_of_any_name() {
    assert_eq!(Coupon::from(NewCoupon::default()).code, "generated");
}

#[derive(Clone, Debug, PartialEq, Model)]
#[thing(new = "Draft")]
struct Post {
    id: u64,
    title: String,
}

/// The model's own constructor takes the name that the macro would.
struct NewComment;

#[derive(Clone, Debug, PartialEq, Model)]
#[thing(no_new)]
struct Comment {
    id: u64,
}

#[derive(Clone, Debug, PartialEq, Model)]
struct Counter {
    id: u64,
}

#[test]
fn the_struct_can_be_renamed_or_left_out() {
    assert_eq!(Post::from(Draft { title: "x".into() }).title, "x");
    let NewComment = NewComment;
    assert_eq!(Comment { id: 1 }.key(), 1);
}

#[test]
fn a_model_of_nothing_but_its_key_has_an_empty_one() {
    assert_eq!(Counter::from(NewCounter {}), Counter { id: 0 });
}
