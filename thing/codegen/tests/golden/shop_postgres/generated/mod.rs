// Made by `thing generate`; do not edit.

//! The models of the database.
//!
//! Crates that they need: `jiff`, `rust_decimal`, `serde_json`, `uuid`.
//!
//! Features of `thing` that they need: `decimal`, `jiff`, `json`, `uuid`.

// Formatting leaves these files alone.
#![cfg_attr(rustfmt, rustfmt::skip)]
// Not every program uses every model.
#![allow(dead_code, missing_docs, unreachable_pub, unused_imports)]

mod category;
mod customer;
mod enums;
mod old_invoice;
mod order;
mod order_line;
mod order_line_mark;
mod order_line_note;
mod product;
mod product_tag;
mod tag;

pub use category::{Category, NewCategory};
pub use customer::{Customer, NewCustomer};
pub use enums::OrderStatus;
pub use old_invoice::{NewOldInvoice, OldInvoice};
pub use order::{NewOrder, Order};
pub use order_line::{NewOrderLine, OrderLine};
pub use order_line_mark::{NewOrderLineMark, OrderLineMark};
pub use order_line_note::{NewOrderLineNote, OrderLineNote};
pub use product::{NewProduct, Product};
pub use product_tag::{NewProductTag, ProductTag};
pub use tag::{NewTag, Tag};
