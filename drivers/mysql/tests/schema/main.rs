//! The schema: tables of others, what models want, and how one becomes the other.

#![allow(clippy::unwrap_used)] // Helpers are not `#[test]` functions, but fail tests all the same.

#[path = "../support/mod.rs"]
mod support;

mod changes;
mod described;
mod effects;
mod existing;
mod foreign_keys;
mod key;
mod wanted;
