//! Newtypes and enums as columns.

use std::time::SystemTime;

use thing::{ColumnType, ErrorKind, Model, ModelKey, TextType, TimestampType};
use thing_driver_api::{Key, Value, ValueType};

use crate::{page, round_trip};

#[derive(Clone, Debug, PartialEq, Eq, Hash, ColumnType)]
struct UserId(u32);

#[derive(Clone, Debug, PartialEq, ColumnType)]
struct Email(String);

#[derive(Clone, Debug, PartialEq, ColumnType)]
struct Score(f64);

#[derive(Clone, Debug, PartialEq, ColumnType)]
struct Nickname(Option<String>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, ColumnType)]
struct Outer(UserId);

#[derive(Clone, Copy, Debug, PartialEq, ColumnType)]
struct Moment(SystemTime);

#[derive(Clone, Copy, Debug, PartialEq, ColumnType)]
enum Status {
    Active,
    OnHold,
    #[thing(rename = "gone")]
    Deleted,
    r#Type,
}

#[derive(Clone, Copy, Debug, PartialEq, ColumnType)]
#[thing(integer)]
enum Level {
    Low = -1,
    Middle = 0,
    High = 0x7fff_ffff,
}

#[derive(Clone, Debug, PartialEq, Model)]
struct User {
    id: UserId,
    email: Email,
    backup: Option<Email>,
    score: Score,
    nickname: Nickname,
    status: Status,
    previous: Option<Status>,
    outer: Outer,
    #[thing(updated)]
    at: Moment,
}

fn user() -> User {
    User {
        id: UserId(1),
        email: Email("a@b".into()),
        backup: None,
        score: Score(0.5),
        nickname: Nickname(None),
        status: Status::OnHold,
        previous: Some(Status::Deleted),
        outer: Outer(UserId(3)),
        at: Moment(SystemTime::UNIX_EPOCH),
    }
}

#[test]
fn a_newtype_is_what_it_holds() {
    let columns = User::table().columns();
    let types: Vec<_> = columns.iter().map(|c| (c.value_type, c.nullable)).collect();
    let expected = [
        (ValueType::I64, false),
        (ValueType::Text, false),
        (ValueType::Text, true),
        (ValueType::F64, false),
        (ValueType::Text, true),
        (ValueType::Text, false),
        (ValueType::Text, true),
        (ValueType::I64, false),
        (ValueType::Timestamp, false),
    ];
    assert_eq!(types, expected);
    assert_eq!(round_trip(&user()), user());
}

#[test]
fn a_newtype_over_a_key_is_a_key() {
    assert!(User::table().has_generated_key());
    assert_eq!(UserId(5).to_key().ok(), Some(Key::Int(5)));
    assert_eq!(UserId::from_generated(6).ok(), Some(UserId(6)));
    assert!(UserId::from_generated(-1).is_err());
    assert!(UserId(0).is_unset() && !UserId(1).is_unset());
    assert_eq!(Outer(UserId(5)).to_key().ok(), Some(Key::Int(5)));
}

#[test]
fn a_newtype_over_text_is_text() {
    fn is_text<T: TextType>() {}
    is_text::<Email>();
    let _ = User::EMAIL.starts_with("a") & User::EMAIL.eq(Email("a@b".into()));
}

#[test]
fn a_newtype_over_a_time_is_a_time() {
    let mut user = user();
    assert!(user.touch(0, false));
    assert_eq!(Moment::from_microseconds(0), Moment(SystemTime::UNIX_EPOCH));
}

#[test]
fn a_newtype_counts_the_memory_of_what_it_holds() {
    let email = Email("a@b".into());
    assert_eq!(email.heap_size(), email.0.capacity());
}

#[test]
fn variants_are_stored_in_snake_case_or_as_told() {
    for (status, text) in
        [(Status::Active, "active"), (Status::OnHold, "on_hold"), (Status::Deleted, "gone"), (Status::r#Type, "type")]
    {
        assert_eq!(status.to_value().ok(), Some(Value::Text(text.into())));
        let page = page(&[Value::Text(text.into())]);
        assert_eq!(Status::from_row(&page.row(0).expect("a row"), 0).ok(), Some(status));
    }
}

#[test]
fn an_unknown_text_is_an_error_that_names_the_known_ones() {
    let page = page(&[Value::Text("deleted".into())]);
    let error = Status::from_row(&page.row(0).expect("a row"), 0).expect_err("unknown");
    assert_eq!(error.kind(), &ErrorKind::InvalidData { column: None });
    let known = "the stored text is no `Status`; known are `active`, `on_hold`, `gone`, `type`";
    assert_eq!(error.to_string(), known);
}

#[test]
fn variants_are_stored_as_their_integers() {
    assert_eq!(Level::TYPE, ValueType::I32);
    for (level, number) in [(Level::Low, -1), (Level::Middle, 0), (Level::High, i64::from(i32::MAX))] {
        assert_eq!(level.to_value().ok(), Some(Value::I64(number)));
        let page = page(&[Value::I64(number)]);
        assert_eq!(Level::from_row(&page.row(0).expect("a row"), 0).ok(), Some(level));
    }
    let page = page(&[Value::I64(1)]);
    let error = Level::from_row(&page.row(0).expect("a row"), 0).expect_err("unknown");
    assert_eq!(error.to_string(), "the stored integer is no `Level`; known are -1, 0, 2147483647");
}
