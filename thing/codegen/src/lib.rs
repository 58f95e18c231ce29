//! Models from databases and from Prisma schemas, as Rust and as Prisma schemas.
//!
//! ```text
//! Prisma schema ─ parse ─▶ syntax ─ resolve ─▶ model ─▶ Rust files ─▶ disk
//!                                              ▲   └──▶ Prisma schema
//!              database (Vec<TableSchema>) ────┘
//! ```
//!
//! ```
//! use thing_codegen::{Options, from_prisma};
//!
//! let schema = "model User {\n  id    Int    @id @default(autoincrement())\n  email String @unique\n}\n";
//! let (model, notes) = from_prisma(schema).unwrap();
//! assert!(notes.is_empty());
//! let (files, notes) = model.to_rust(&Options::default());
//! assert!(notes.is_empty());
//! let user = files.iter().find(|file| file.path == "generated/user.rs").unwrap();
//! assert!(user.text.contains("pub struct User {\n    pub id: i32,\n"));
//! ```
//!
//! The same input gives the same bytes, whatever the order of its tables. What can't be said is left out, and a [`Note`]
//! tells of it.

mod note;
mod diagnostic;
mod prisma;
mod database;
mod model;
mod names;
mod rust;
mod files;

pub use database::{from_database, from_tables};
pub use diagnostic::Diagnostic;
pub use files::{File, HEADER, Written, compare_files, write_files};
pub use model::{
    Check, Column, DefaultValue, End, Enum, Index, IndexPart, Key, Link, Model, Native, Relation, Table, Type, Variant,
};
pub use note::Note;
pub use prisma::from_prisma;
pub use rust::Options;
