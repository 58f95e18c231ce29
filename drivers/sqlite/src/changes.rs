//! Changes: that other connections wrote, told so that caches forget what they hold.
//!
//! ```text
//! sqlite3, another process ─▶ commit ─▶ PRAGMA data_version of the writer is another ─▶ feed ─▶ everything may differ
//! ```
//!
//! The number changes for commits of other connections only. All that this executor writes goes through its one writer,
//! so that its own commits are not seen; its readers write nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thing_driver_api::{ChangeFeed, Error, ErrorKind, Observed, Result, async_trait};
use tokio::sync::Notify;

use crate::connection::Connection;
use crate::executor::Database;

/// What others wrote, as far as it was looked for.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    /// How often it was found that others wrote.
    writes: AtomicU64,
    feeds: AtomicU64,
    found: Notify,
}

impl Outside {
    /// Looks whether others wrote since the last look at this connection, which is the writer's.
    pub(crate) fn look(&self, writer: &Connection) {
        if self.feeds.load(Ordering::Relaxed) == 0 {
            return;
        }
        let version = writer
            .raw
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut asked| asked.query_row([], |row| row.get(0)));
        // Otherwise the file is locked for a moment; the next look tells.
        if let Ok(version) = version
            && writer.data_version.replace(Some(version)) != Some(version)
        {
            self.writes.fetch_add(1, Ordering::Relaxed);
            self.found.notify_waiters();
        }
    }
}

/// Looks at the version again and again.
#[derive(Debug)]
pub(crate) struct SqliteFeed {
    database: Arc<Database>,
    /// The writes that were told; `None` at first, when nobody knows what was written before.
    told: Option<u64>,
}

/// Refuses a database that nobody else can write.
pub(crate) fn check(database: &Database) -> Result<()> {
    if database.config.in_memory() {
        return Err(Error::unsupported(
            "a database in memory belongs to its executor alone; there are no others to follow",
        ));
    }
    Ok(())
}

impl SqliteFeed {
    pub(crate) async fn open(database: Arc<Database>) -> Result<Self> {
        let feed = Self { database, told: None };
        feed.database.outside.feeds.fetch_add(1, Ordering::Relaxed);
        feed.look().await?;
        Ok(feed)
    }

    /// Looks, when it is the feed's turn with the writer.
    async fn look(&self) -> Result<()> {
        let writer = self.database.writer.pool.acquire().await?;
        self.database.outside.look(&writer);
        Ok(())
    }
}

#[async_trait]
impl ChangeFeed for SqliteFeed {
    async fn next(&mut self) -> Result<Observed> {
        let database = self.database.clone();
        let outside = &database.outside;
        loop {
            let found = outside.found.notified();
            let writes = outside.writes.load(Ordering::Relaxed);
            if self.told != Some(writes) {
                self.told = Some(writes);
                return Ok(Observed::Everything);
            }
            let look = async {
                tokio::time::sleep(database.config.changes_interval).await;
                self.look().await
            };
            tokio::select! {
                // A transaction that keeps the writer looks when it begins.
                () = found => {}
                looked = look => match looked {
                    Err(error) if *error.kind() == ErrorKind::Busy => {}
                    looked => looked?,
                },
            }
        }
    }
}

impl Drop for SqliteFeed {
    fn drop(&mut self) {
        self.database.outside.feeds.fetch_sub(1, Ordering::Relaxed);
    }
}
