//! Versioned migrations: files of SQL, and code, that change a database step by step and are run once.
//!
//! ```text
//! folder, or embedded files ─▶ Migrations ─┐
//!                                          ├─ compared ─▶ what is to be run ─▶ session, under a lock ─▶ thing_migrations
//! thing_migrations ─▶ what was run ────────┘
//! ```
//!
//! ```no_run
//! # async fn run(executor: &dyn thing_driver_api::Executor) -> thing_driver_api::Result<()> {
//! use thing_migrate::{Migrations, Migrator};
//!
//! let migrations = Migrations::folder("migrations")?;
//! let migrator = Migrator::new(executor, &migrations);
//! for status in migrator.status().await? {
//!     println!("{} {} {}", status.version, status.name, status.state);
//! }
//! migrator.up().await?;
//! # Ok(())
//! # }
//! ```
//!
//! A database that can roll back changes of the schema runs each migration in one transaction, together with the row that
//! says so in the table `thing_migrations`. Others run it statement by statement, and the row says how far it came: see
//! [`Unfinished`].
//!
//! The crate `thing` runs migrations with the cache informed (`Db::migrator`, with the feature `migrate`).

mod version;
mod script;
mod migration;
mod source;
mod history;
mod status;
mod runner;
mod migrator;
mod progress;
mod guard;
mod generate;
mod snapshot;

pub use generate::{Generated, generate};
pub use guard::{Guard, Work};
pub use migration::{Direction, Migration, Migrations, RustMigration};
pub use migrator::{Goal, Migrator, Planned, Resolution};
pub use progress::{Event, Progress};
pub use script::{Piece, Script, SqlStatement, Syntax, pieces};
pub use snapshot::{SNAPSHOT, Snapshot};
pub use status::{State, Status, Unfinished};
pub use version::Version;

/// The table in which a database keeps what was run.
pub const TABLE: &str = "thing_migrations";

/// The migrations of a folder, embedded in the program: `thing_migrate::embed!("migrations")`. The path is relative to the
/// package's `Cargo.toml`. Gives a [`Result`](thing_driver_api::Result) of [`Migrations`].
///
/// A file that changes has the program compiled again. For a file that comes or goes, Cargo must be told to look at the
/// folder, by this line in `build.rs`: `println!("cargo::rerun-if-changed=migrations");`.
#[macro_export]
macro_rules! embed {
    ($folder:literal) => {
        $crate::Migrations::embedded($crate::__private::sql_files!($folder))
    };
}

#[doc(hidden)]
pub mod __private {
    pub use thing_derive::sql_files;
}
