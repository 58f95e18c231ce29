//! What a model wants, in what these servers have of their own.

use thing_conformance::schema::{created, described};
use thing_driver_api::{Check, Column, ErrorKind, Schema, Table, TableBuilder, ValueType};

use crate::support::{Fresh, raw};

fn base(name: &'static str) -> TableBuilder {
    Table::builder(name).column(Column::new("id", ValueType::I64)).key([0])
}

#[tokio::test]
async fn an_index_of_some_rows_is_refused() {
    let fresh = Fresh::new().await;
    let table =
        base("t").index(Some("some"), [0], false).last_index(|index| index.condition("id > 1")).build().unwrap();
    let error = fresh.executor.wanted(&table).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("generated column"), "{error}");
}

#[tokio::test]
async fn checks_keep_letter_case_and_backslashes() {
    let fresh = Fresh::new().await;
    let table = base("t")
        .column(Column::new("x", ValueType::I32))
        .column(Column::new("Y", ValueType::Text))
        .check(Check::new("x is sane", " x BETWEEN 1 AND 9 or y in ('a', 'b') "))
        .check(Check::new("odd 'name'", "x <> id AND 'it''s \\\\ ' <> 'thing: '"));
    created(&fresh.executor, table).await;
}

#[tokio::test]
async fn a_condition_is_told_as_it_is_when_a_column_was_renamed() {
    let fresh = Fresh::new().await;
    let table =
        base("t").column(Column::new("age", ValueType::I32)).check(Check::new("grown", "age between 18 and 150"));
    created(&fresh.executor, table).await;
    raw(&fresh.executor, "ALTER TABLE t RENAME COLUMN age TO years").await.unwrap();
    assert_eq!(described(&fresh.executor, "t").await.checks[0].condition, "`years` between 18 and 150");
}
