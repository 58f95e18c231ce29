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

mod category;
mod category_post;
mod likes;
mod post;
mod profile;
mod user;

pub use category::{Category, NewCategory};
pub use category_post::{CategoryPost, NewCategoryPost};
pub use likes::{Likes, NewLikes};
pub use post::{NewPost, Post};
pub use profile::{NewProfile, Profile};
pub use user::{NewUser, User};
