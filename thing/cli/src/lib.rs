//! The command line of the Thing ORM.
//!
//! The program `thing` looks at a database: its tables, the plans of queries, what is wrong with it. An application adds its
//! models by a program of its own, a few lines, which has all commands:
//!
//! ```no_run
//! // src/bin/manage.rs
//! use std::process::ExitCode;
//!
//! use thing::Model;
//! use thing_cli::Cli;
//!
//! #[derive(Model, Clone, Debug)]
//! struct User {
//!     id: i64,
//!     #[thing(index)]
//!     age: i32,
//! }
//!
//! fn main() -> ExitCode {
//!     Cli::new()
//!         .models::<User>()
//!         .query("adults", |db| db.things::<User>().filter(User::AGE.ge(18)).plan())
//!         .run()
//! }
//! ```
//!
//! Where a command needs models, the program `thing` runs the project's own program with the same arguments.
//!
//! ```text
//! arguments ─▶ project (thing.toml) ─▶ [delegate ─▶ cargo run --bin manage]
//!     └─▶ address ─▶ database ─▶ command ─▶ report ─▶ text or JSON ─▶ exit code
//! ```
//!
//! # Exit codes
//!
//! | Code | Means |
//! |---|---|
//! | 0 | done, and nothing to report |
//! | 1 | it failed; the message says why |
//! | 2 | the arguments or `thing.toml` are wrong |
//! | 3 | it was done, and found something to do: differences, problems |
//!
//! # Features
//!
//! `sqlite`, `postgres` and `mysql` bring the drivers, `redis` the cache; all are on by default. A database that none of them
//! reaches is added by [`Cli::driver`].

mod cli;
mod context;
mod arguments;
mod project;
mod delegate;
mod address;
mod database;
mod rows;
mod commands;
mod report;
mod output;
mod failure;

pub use cli::Cli;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/command.md")]
mod guide {}
