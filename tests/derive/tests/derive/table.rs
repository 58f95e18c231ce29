//! Table metadata says what the struct declares.

use std::time::SystemTime;

use thing::{ColumnType, Embed, Model};
use thing_driver_api::schema::Action;
use thing_driver_api::{Table, Value, ValueType};
use uuid::Uuid;

#[derive(Clone, Model)]
struct Category {
    id: u64,
    name: String,
}

#[derive(Clone, Model)]
#[thing(table = "people")]
struct Person {
    id: i32,
    #[thing(column = "full_name")]
    name: String,
}

#[derive(Clone, Model)]
struct Everything {
    id: i64,
    flag: bool,
    tiny: i8,
    small: u8,
    short: i16,
    medium: u16,
    int: i32,
    wide: u32,
    long: u64,
    single: f32,
    double: f64,
    text: String,
    bytes: Vec<u8>,
    at: SystemTime,
    stamp: jiff::Timestamp,
    date: jiff::civil::Date,
    time: jiff::civil::Time,
    uuid: Uuid,
    json: thing::Json<Vec<i32>>,
    nullable: Option<f64>,
}

fn column_names(table: &Table) -> Vec<&str> {
    table.columns().iter().map(|column| column.name.as_ref()).collect()
}

#[test]
fn the_table_is_the_plural_of_the_struct() {
    assert_eq!(Category::table().name(), "categories");
    assert_eq!(Category::NAME.index(), 1);
    assert_eq!(<Category as Model>::NAME, "Category");
}

#[test]
fn names_of_table_and_columns_can_be_chosen() {
    assert_eq!(Person::table().name(), "people");
    assert_eq!(column_names(Person::table()), ["id", "full_name"]);
    assert_eq!(format!("{:?}", Person::NAME), "people.full_name");
}

#[test]
fn columns_have_the_types_of_the_fields() {
    let expected = [
        ("id", ValueType::I64),
        ("flag", ValueType::Bool),
        ("tiny", ValueType::I16),
        ("small", ValueType::I16),
        ("short", ValueType::I16),
        ("medium", ValueType::I32),
        ("int", ValueType::I32),
        ("wide", ValueType::I64),
        ("long", ValueType::I64),
        ("single", ValueType::F32),
        ("double", ValueType::F64),
        ("text", ValueType::Text),
        ("bytes", ValueType::Bytes),
        ("at", ValueType::Timestamp),
        ("stamp", ValueType::Timestamp),
        ("date", ValueType::Date),
        ("time", ValueType::Time),
        ("uuid", ValueType::Uuid),
        ("json", ValueType::Json),
        ("nullable", ValueType::F64),
    ];
    let columns: Vec<_> = Everything::table().columns().iter().map(|c| (c.name.as_ref(), c.value_type)).collect();
    assert_eq!(columns, expected);
}

type Maybe = Option<i32>;

#[derive(Clone, Model)]
struct Nullable {
    id: u64,
    plain: Option<String>,
    aliased: Maybe,
    never: i32,
}

#[test]
fn an_option_is_nullable_also_behind_an_alias() {
    let nullable: Vec<bool> = Nullable::table().columns().iter().map(|c| c.nullable).collect();
    assert_eq!(nullable, [false, true, true, false]);
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, ColumnType)]
struct OrderId(u64);

#[derive(Clone, Model)]
struct Order {
    note: String,
    id: OrderId,
}

#[derive(Clone, Model)]
struct Assigned {
    #[thing(assigned)]
    id: u64,
}

#[derive(Clone, Model)]
struct Token {
    #[thing(key)]
    code: String,
    id: u64,
}

#[derive(Clone, Model)]
struct Event {
    id: Uuid,
}

#[derive(Clone, Model)]
#[thing(key(order_id, line))]
struct OrderLine {
    line: u32,
    order_id: OrderId,
    amount: i32,
}

#[derive(Clone, Model)]
#[thing(key(number))]
struct Invoice {
    number: u64,
}

#[test]
fn integer_keys_are_generated() {
    assert_eq!((Category::table().key(), Category::table().has_generated_key()), (&[0][..], true));
    assert_eq!((Order::table().key(), Order::table().has_generated_key()), (&[1][..], true));
    assert_eq!((Invoice::table().key(), Invoice::table().has_generated_key()), (&[0][..], true));
}

#[test]
fn other_keys_are_assigned() {
    assert_eq!((Assigned::table().key(), Assigned::table().has_generated_key()), (&[0][..], false));
    assert_eq!((Token::table().key(), Token::table().has_generated_key()), (&[0][..], false));
    assert_eq!((Event::table().key(), Event::table().has_generated_key()), (&[0][..], false));
}

#[test]
fn a_composite_key_keeps_its_order() {
    assert_eq!((OrderLine::table().key(), OrderLine::table().has_generated_key()), (&[1, 0][..], false));
    let line = OrderLine { line: 2, order_id: OrderId(7), amount: 1 };
    assert_eq!(line.key(), (OrderId(7), 2));
}

#[test]
fn a_generated_key_is_put_in() {
    let mut order = Order { note: String::new(), id: OrderId(0) };
    order.set_generated_key(9).expect("fits");
    assert_eq!(order.key(), OrderId(9));
    assert!(order.set_generated_key(-1).is_err());
}

#[test]
fn an_assigned_key_refuses_a_generated_one() {
    let mut assigned = Assigned { id: 3 };
    let error = assigned.set_generated_key(9).expect_err("assigned");
    assert!(error.to_string().contains("`Assigned`"), "{error}");
    assert_eq!(assigned.id, 3);
}

#[derive(Clone, Model)]
#[thing(index(city, age), unique(name = "by_mail", columns(mail, city)))]
#[thing(index(name = "by_age", columns(age)))]
struct Customer {
    id: u64,
    #[thing(index)]
    city: String,
    #[thing(unique)]
    mail: String,
    #[thing(index = "by_name", index = "by_contact")]
    last_name: String,
    age: i32,
    #[thing(index = "by_name", unique = "by_phone")]
    first_name: String,
    #[thing(unique = "by_phone", index = "by_contact")]
    phone: String,
}

#[test]
fn indexes_have_their_names_and_the_declared_order() {
    let indexes: Vec<_> = Customer::table()
        .indexes()
        .iter()
        .map(|index| (index.name.as_ref(), index.columns.as_slice(), index.unique))
        .collect();
    let expected: [(&str, &[usize], bool); 8] = [
        ("customers_city_index", &[1], false),
        ("customers_mail_unique", &[2], true),
        ("by_name", &[3, 5], false),
        ("by_contact", &[3, 6], false),
        ("by_phone", &[5, 6], true),
        ("customers_city_age_index", &[1, 4], false),
        ("by_mail", &[2, 1], true),
        ("by_age", &[4], false),
    ];
    assert_eq!(indexes, expected);
}

#[derive(Clone, Model)]
struct Settings {
    id: u64,
    #[thing(default = 18)]
    age: i32,
    #[thing(default = "active")]
    status: String,
    #[thing(default)]
    count: u64,
    #[thing(default = Some(1.5))]
    ratio: Option<f64>,
    #[thing(default = b"ab")]
    bytes: Vec<u8>,
    plain: String,
}

#[test]
fn defaults_are_in_the_table() {
    let defaults: Vec<_> = Settings::table().columns().iter().map(|c| c.default.clone()).collect();
    assert_eq!(
        defaults,
        [
            None,
            Some(Value::I64(18)),
            Some(Value::Text("active".into())),
            Some(Value::I64(0)),
            Some(Value::F64(1.5)),
            Some(Value::Bytes(b"ab"[..].into())),
            None,
        ]
    );
}

#[derive(Clone, Model)]
struct Session {
    #[thing(assigned, default = Uuid::new_v4())]
    id: Uuid,
}

#[test]
fn the_default_of_a_key_is_not_in_the_table() {
    assert_eq!(Session::table().columns()[0].default, None);
}

#[test]
fn the_table_is_made_once() {
    assert!(std::ptr::eq(Category::table(), Category::table()));
}

#[derive(Clone, Embed)]
struct Stay {
    #[thing(was = "begin", comment = "the first night")]
    first: i32,
    last: i32,
}

#[derive(Clone, Model)]
#[thing(table = "stays", was = "visits", was = "nights", comment = "who slept where")]
#[thing(index(name = "latest", columns(room, guest desc), where = "room > 0"))]
#[thing(check(name = "in_order", "stay_first < stay_last"))]
#[thing(foreign_key(Pair, columns(room, guest), name = "of_pair", on_update = "cascade"))]
struct Visit {
    #[thing(embed, given, prefix = "stay_")]
    stay: Stay,
    #[thing(assigned)]
    id: i64,
    #[thing(was = "chamber", check = "room < 100")]
    room: i32,
    #[thing(foreign_key(Visit, on_delete = "set_null"))]
    before: Option<i64>,
    #[thing(column = "who", foreign_key(others::Guest, name = "visits_of", on_delete = "restrict"))]
    guest: i32,
}

mod others {
    use super::{Embed, Model};

    #[derive(Clone, Embed)]
    pub(crate) struct Number {
        #[thing(assigned, column = "no")]
        pub(crate) id: i32,
    }

    /// Refers back: its table and that of visits are made in a circle.
    #[derive(Clone, Model)]
    pub(crate) struct Guest {
        #[thing(embed, given, prefix = "guest_")]
        pub(crate) number: Number,
        #[thing(foreign_key(super::Visit))]
        pub(crate) last_visit: Option<i64>,
    }
}

#[derive(Clone, Model)]
#[thing(key(room, guest))]
struct Pair {
    room: i32,
    guest: i32,
}

#[test]
fn names_and_comments_are_in_the_table() {
    let table = Visit::table();
    assert_eq!(
        (table.comment(), table.former_names()),
        (Some("who slept where"), &["visits".into(), "nights".into()][..])
    );
    let first = &table.columns()[0];
    assert_eq!((&*first.name, &*first.former_names[0]), ("stay_first", "stay_begin"));
    assert_eq!(first.comment.as_deref(), Some("the first night"));
    assert_eq!(table.columns()[3].former_names, ["chamber"]);
}

#[test]
fn constraints_are_in_the_table() {
    let table = Visit::table();
    let index = &table.indexes()[0];
    assert_eq!(
        (&*index.name, &index.columns[..], index.condition.as_deref()),
        ("latest", &[3, 5][..], Some("room > 0"))
    );
    assert_eq!(index.descending.iter().collect::<Vec<_>>(), [5]);
    let checks: Vec<_> = table.checks().iter().map(|check| (&*check.name, &*check.condition)).collect();
    assert_eq!(checks, [("stays_room_check", "room < 100"), ("in_order", "stay_first < stay_last")]);
    let keys: Vec<_> = table
        .foreign_keys()
        .iter()
        .map(|key| (&*key.name, &key.columns[..], &*key.table, key.references.join(" "), key.on_delete, key.on_update))
        .collect();
    let text = |text: &str| text.to_owned();
    let expected = [
        ("stays_before_foreign", &[4][..], "stays", text("id"), Action::SetNull, Action::NoAction),
        ("visits_of", &[5], "guests", text("guest_no"), Action::Restrict, Action::NoAction),
        ("of_pair", &[3, 5], "pairs", text("room guest"), Action::NoAction, Action::Cascade),
    ];
    assert_eq!(keys, expected);
    assert_eq!(others::Guest::table().foreign_keys()[0].table, "stays");
}
