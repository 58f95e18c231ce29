//! A public module in which names of the prelude are taken and every lint is an error.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications)]

use thing::{ColumnType, Embed, Hooks, Model, Validate, Violations};

macro_rules! shadow {
    ($($name:ident),*) => {$(
        /// Hides a name of the prelude.
        #[derive(::core::fmt::Debug)]
        pub struct $name;
    )*};
}

shadow!(Result, Option, Box, Vec, String, Into, From, Clone, Default, ToString);

/// Hides the crates.
pub mod core {}
/// Hides the crates.
pub mod std {}

/// A key.
#[derive(::core::clone::Clone, ::core::fmt::Debug, PartialEq, Eq, Hash, ColumnType)]
pub struct Id(u64);

/// A state.
#[derive(::core::clone::Clone, ::core::fmt::Debug, ColumnType)]
pub enum State {
    /// On.
    On,
}

/// Common fields.
#[derive(::core::clone::Clone, ::core::fmt::Debug, Embed)]
pub struct Base {
    /// The key.
    pub id: Id,
    #[thing(created)]
    created_at: ::std::time::SystemTime,
}

/// A model.
#[derive(::core::clone::Clone, ::core::fmt::Debug, Model)]
#[thing(hooks, validate)]
pub struct User {
    #[thing(embed)]
    base: Base,
    /// The name.
    pub name: ::std::string::String,
    /// The age.
    #[thing(default = 18)]
    pub age: i32,
    /// The state.
    pub state: ::core::option::Option<State>,
    #[thing(updated)]
    updated_at: ::std::time::SystemTime,
    /// Not stored.
    #[thing(ignore)]
    pub cached: u8,
}

impl Hooks for User {}

impl Validate for User {
    fn validate(&self, _: &mut Violations) {}
}
