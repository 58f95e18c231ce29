// Made by `thing generate`; do not edit.

//! The models of the database.
//!
//! Crates that they need: `jiff`.
//!
//! Features of `thing` that they need: `jiff`.

// Formatting leaves these files alone.
#![cfg_attr(rustfmt, rustfmt::skip)]
// Not every program uses every model.
#![allow(dead_code, missing_docs, unreachable_pub, unused_imports)]

mod enums;
mod enums_model;
mod new_user;
mod option_row;
mod type_model;
mod user_row;
mod user_row2;
mod vec_row;
mod vec_row_row;

pub use enums::ResultKind;
pub use enums_model::{Enums, NewEnums};
pub use new_user::{NewNewUser, NewUser};
pub use option_row::{NewOptionRow, OptionRow};
pub use type_model::{NewType, Type};
pub use user_row::{NewUserRow, UserRow};
pub use user_row2::{NewUserRow2, UserRow2};
pub use vec_row::{NewVecRow, VecRow};
pub use vec_row_row::{NewVecRowRow, VecRowRow};
