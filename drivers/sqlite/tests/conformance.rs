//! The conformance suite, on a database in memory and on one in a file.

#![allow(clippy::expect_used, reason = "tests report by panicking")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thing_conformance::driver::Setup;
use thing_driver_api::{Executor, async_trait};
use thing_driver_sqlite::{SqliteConfig, SqliteExecutor};
use tokio::sync::Mutex;

mod in_memory {
    use super::SqliteExecutor;

    async fn empty_database() -> SqliteExecutor {
        SqliteExecutor::memory().await.expect("a database in memory")
    }

    thing_conformance::driver_suite!(empty_database, without: [ChangeFeed, SkipLocked]);
}

mod in_a_file {
    use super::Files;

    thing_conformance::driver_suite!(Files::default(), without: [SkipLocked]);
}

/// Files in a directory that goes away with the test, each with the executor on it.
struct Files {
    directory: tempfile::TempDir,
    opened: Mutex<Vec<Arc<dyn Executor>>>,
}

impl Default for Files {
    fn default() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory for databases"), opened: Mutex::default() }
    }
}

impl Files {
    fn path(&self, number: usize) -> PathBuf {
        self.directory.path().join(format!("{number}.db"))
    }
}

#[async_trait]
impl Setup for Files {
    async fn executor(&self) -> Arc<dyn Executor> {
        let mut opened = self.opened.lock().await;
        let executor = connect(SqliteConfig::file(self.path(opened.len()))).await;
        opened.push(executor.clone());
        executor
    }

    async fn outsider(&self, executor: &Arc<dyn Executor>) -> Option<Arc<dyn Executor>> {
        let number = self.opened.lock().await.iter().position(|other| Arc::ptr_eq(other, executor))?;
        Some(connect(SqliteConfig::file(self.path(number)).busy_timeout(Duration::from_millis(200))).await)
    }
}

async fn connect(config: SqliteConfig) -> Arc<dyn Executor> {
    Arc::new(SqliteExecutor::connect(config).await.expect("a database in a file"))
}
