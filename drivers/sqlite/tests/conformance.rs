//! The conformance suite, on a database in memory and on one in a file.

#![allow(clippy::expect_used, reason = "tests report by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use thing_conformance::driver::Setup;
use thing_driver_api::{Executor, async_trait};
use thing_driver_sqlite::SqliteExecutor;

mod in_memory {
    use super::SqliteExecutor;

    async fn empty_database() -> SqliteExecutor {
        SqliteExecutor::memory().await.expect("a database in memory")
    }

    thing_conformance::driver_suite!(empty_database);
}

mod in_a_file {
    use super::Files;

    thing_conformance::driver_suite!(Files::default());
}

/// Files in a directory that goes away with the test.
struct Files {
    directory: tempfile::TempDir,
    opened: AtomicUsize,
}

impl Default for Files {
    fn default() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory for databases"), opened: Default::default() }
    }
}

#[async_trait]
impl Setup for Files {
    async fn executor(&self) -> Arc<dyn Executor> {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let path = self.directory.path().join(format!("{number}.db"));
        Arc::new(SqliteExecutor::open(path).await.expect("a database in a file"))
    }
}
