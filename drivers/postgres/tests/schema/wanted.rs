//! What a model wants, in what PostgreSQL has of its own.

use thing_conformance::schema::{created, described};
use thing_driver_api::{Check, Column, ForeignKey, Table, TableBuilder, Value, ValueType};

use crate::support::Place;

fn base(name: &'static str) -> TableBuilder {
    Table::builder(name).column(Column::new("id", ValueType::I64)).key([0])
}

#[tokio::test(flavor = "multi_thread")]
async fn defaults_beyond_what_databases_share() {
    let place = Place::with(|config| config.setting("timezone", "America/New_York")).await;
    let defaults = [
        (ValueType::F32, Value::F64(f64::INFINITY)),
        (ValueType::F64, Value::F64(f64::NEG_INFINITY)),
        (ValueType::Date, Value::Date(-719_162)),
        (ValueType::Timestamp, Value::Timestamp(1_700_000_000_123_450)),
    ];
    let mut table = base("t");
    for (value_type, value) in defaults {
        table = table.column(Column::new(format!("{value_type:?}"), value_type).nullable(true).default_value(value));
    }
    created(&place.executor, table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_of_some_rows_and_with_long_names() {
    let place = Place::new().await;
    let table = base("t")
        .column(Column::new("a", ValueType::I32))
        .column(Column::new("B", ValueType::Text).nullable(true))
        .column(Column::new("order", ValueType::Timestamp).nullable(true))
        .index(Some("some"), [3], false)
        .last_index(|index| index.condition("a between 1 and 9 and \"B\" in ('x', 'y')"))
        .index(Some("a name of an index that has many more bytes than PostgreSQL would ever keep"), [1], false)
        .index(Some("a name of an index that has many more bytes than PostgreSQL would ever keep, too"), [1], true)
        .last_index(|index| index.condition(" \"order\" IS  NOT NULL "));
    created(&place.executor, table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_some_living_rows_is_told_from_one_of_all() {
    let place = Place::new().await;
    let table = base("t")
        .column(Column::new("gone", ValueType::Timestamp).nullable(true))
        .column(Column::new("a", ValueType::I32))
        .deleted(1)
        .index(Some("sole"), [2], true)
        .index(Some("some"), [2], true)
        .last_index(|index| index.condition("a > 1 or a < -1"));
    created(&place.executor, table).await;
    let indexes = described(&place.executor, "t").await.indexes;
    assert_eq!(indexes.iter().map(|index| index.living).collect::<Vec<_>>(), [true, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_with_long_names() {
    let place = Place::new().await;
    created(&place.executor, base("parents")).await;
    let long = "a name of a constraint that has many more bytes than PostgreSQL would ever keep";
    let table = base("children")
        .column(Column::new("parent", ValueType::I64))
        .foreign_key(ForeignKey::new(long, vec![1], "parents", vec!["id".into()]))
        .check(Check::new(format!("{long} too"), "id <> parent AND 'it''s \\ ' <> ''"));
    created(&place.executor, table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_is_told_as_it_is_when_a_column_was_renamed() {
    let place = Place::new().await;
    let table =
        base("t").column(Column::new("age", ValueType::I32)).check(Check::new("grown", "age between 18 and 150"));
    created(&place.executor, table).await;
    place.run("ALTER TABLE t RENAME age TO years").await;
    assert_eq!(described(&place.executor, "t").await.checks[0].condition, "(years >= 18) AND (years <= 150)");
}
