//! What the derive macros write, without a database.

#![allow(clippy::expect_used, reason = "to the lint, what tests share is no test")]

mod table;
mod row;
mod new;
mod embed;
mod column_type;
mod hygiene;
pub mod strict;
mod mistakes;

use thing::Model;
use thing_driver_api::{Page, Row, Value};

/// The row that holds these values.
fn page(values: &[Value<'_>]) -> Page {
    let mut page = Page::new(values.len());
    for value in values {
        page.push(value);
    }
    page
}

/// Writes an object's columns into a row and reads it back.
fn round_trip<M: Model>(object: &M) -> M {
    let columns = M::table().columns().len();
    let values: Vec<Value<'_>> = (0..columns).map(|column| object.value(column).expect("a value")).collect();
    let page = page(&values);
    let row = page.row(0).expect("a row");
    assert_eq!(row.len(), columns);
    M::from_row(&row).expect("an object")
}
