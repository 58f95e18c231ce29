//! Rows become objects and objects become rows.

use std::time::{Duration, SystemTime};

use thing::{ColumnType, Error, ErrorKind, Model};
use thing_driver_api::Value;
use uuid::Uuid;

use crate::{page, round_trip};

#[derive(Clone, Copy, Debug, PartialEq, ColumnType)]
enum Status {
    Active,
}

#[derive(Clone, Debug, PartialEq, Model)]
struct User {
    id: u64,
    name: String,
    #[thing(column = "state")]
    status: Status,
    age: Option<i32>,
    photo: Vec<u8>,
    token: Uuid,
    #[thing(ignore)]
    cached: Vec<&'static str>,
    score: f64,
    #[thing(created)]
    created_at: SystemTime,
    #[thing(updated)]
    updated_at: SystemTime,
}

fn user() -> User {
    User {
        id: 7,
        name: "Alice".into(),
        status: Status::Active,
        age: None,
        photo: vec![1, 2, 3],
        token: Uuid::from_u128(5),
        cached: vec!["kept in memory"],
        score: 0.5,
        created_at: SystemTime::UNIX_EPOCH,
        updated_at: SystemTime::UNIX_EPOCH,
    }
}

#[test]
fn a_row_comes_back_as_it_was_written() {
    let user = user();
    let expected = User { cached: Vec::new(), ..user.clone() };
    assert_eq!(round_trip(&user), expected);
}

#[test]
fn an_ignored_field_is_no_column() {
    assert_eq!(User::table().column_index("cached"), None);
    assert_eq!((User::TOKEN.index(), User::SCORE.index()), (5, 6));
}

#[test]
fn values_are_those_of_the_columns() {
    let user = user();
    assert_eq!(user.value(0).ok(), Some(Value::I64(7)));
    assert_eq!(user.value(2).ok(), Some(Value::Text("active".into())));
    assert_eq!(user.value(3).ok(), Some(Value::Null));
    assert_eq!(user.value(6).ok(), Some(Value::F64(0.5)));
}

#[test]
fn a_column_that_does_not_exist_is_an_error() {
    let error = user().value(9).expect_err("no column 9");
    assert_eq!(error.kind(), &ErrorKind::InvalidInput);
}

#[test]
fn a_value_that_cannot_be_stored_names_its_column() {
    let mut user = user();
    user.score = f64::NAN;
    let error = user.value(6).expect_err("NaN");
    assert_eq!(column_of(&error), Some("score"));
}

#[test]
fn a_null_where_none_is_allowed_names_its_column() {
    let page = page(&[Value::I64(1), Value::Null]);
    let error = User::from_row(&page.row(0).expect("a row")).expect_err("NULL");
    assert_eq!(column_of(&error), Some("name"));
    assert!(error.to_string().contains("declare the field as Option"), "{error}");
}

#[test]
fn a_renamed_column_is_named_in_errors() {
    let page = page(&[Value::I64(1), Value::Text("x".into()), Value::Text("gone".into())]);
    let error = User::from_row(&page.row(0).expect("a row")).expect_err("no such status");
    assert_eq!(column_of(&error), Some("state"));
}

fn column_of(error: &Error) -> Option<&str> {
    match error.kind() {
        ErrorKind::InvalidData { column } => column.as_deref(),
        _ => None,
    }
}

#[test]
fn touch_sets_created_once_and_updated_always() {
    let mut user = user();
    assert!(user.touch(3_000_000, true));
    let third = SystemTime::UNIX_EPOCH + Duration::from_secs(3);
    assert_eq!((user.created_at, user.updated_at), (third, third));
    assert!(user.touch(4_000_000, false));
    let fourth = SystemTime::UNIX_EPOCH + Duration::from_secs(4);
    assert_eq!((user.created_at, user.updated_at), (third, fourth));
}

#[derive(Clone, Model)]
struct OnlyCreated {
    id: u64,
    #[thing(created)]
    at: jiff::Timestamp,
}

#[derive(Clone, Model)]
struct Plain {
    id: u64,
}

#[test]
fn touch_says_whether_there_is_an_updated_field() {
    let mut only_created = OnlyCreated { id: 1, at: jiff::Timestamp::UNIX_EPOCH };
    assert!(!only_created.touch(1_000_000, true));
    assert_eq!(only_created.at.as_second(), 1);
    assert!(!Plain { id: 1 }.touch(1, true));
}

#[test]
fn heap_size_counts_what_the_fields_hold() {
    let user = user();
    assert_eq!(user.heap_size(), user.name.capacity() + user.photo.capacity());
    assert_eq!(Plain { id: 1 }.heap_size(), 0);
}
