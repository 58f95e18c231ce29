//! What the tests share: the fixture of the kit, and a database in a folder that ends with the test.

#![allow(dead_code, unused_imports)] // Each test binary uses a part.

use std::path::PathBuf;

use tempfile::TempDir;
pub(crate) use thing_conformance::users::{Rows, Users, by_id, poll_times, query, raw, raw_with, select, users};
use thing_driver_sqlite::SqliteConfig;

/// A database file in a folder of its own.
pub(crate) struct Folder {
    folder: TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn config(&self) -> SqliteConfig {
        SqliteConfig::file(self.path("test.db"))
    }

    /// A connection beside the driver.
    pub(crate) fn other(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("test.db")).unwrap()
    }
}
