//! Changes: what others write to the tables, told so that caches forget it.
//!
//! ```text
//! mariadb, a job, another program ─▶ table ─▶ trigger ─▶ thing_changes ─▶ feed ─▶ told ─▶ asked for the next: deleted
//!                                      └────▶ binary log ───────────────▶ feed ─▶ told
//! ```
//!
//! A change is told when every read that begins then sees it: a row of `thing_changes` becomes visible together with the
//! rows it is about; what the binary log says is held back until it is visible.

mod triggers;
mod recorded;
mod binlog;
mod image;

use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::{ChangeFeed, ObserverFeed, Result, Table};

use crate::config::ChangeSource;
use crate::error::{About, Failure};
use crate::executor::{Database, MysqlExecutor};

/// What a session sets, so that the triggers leave out what it writes.
pub(crate) const NOT_RECORDED: &str = "@thing_writer = 1";

/// How long the server may take to answer a feed. Then its connection counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn record(executor: &MysqlExecutor, tables: &[&Table]) -> Result<()> {
    match executor.database.pool.connector.config.changes_from {
        ChangeSource::Triggers => triggers::create(executor, tables).await,
        ChangeSource::Binlog => binlog::create(executor, tables).await,
    }
}

pub(crate) async fn forget(executor: &MysqlExecutor, tables: &[&Table]) -> Result<()> {
    match executor.database.pool.connector.config.changes_from {
        ChangeSource::Triggers => triggers::drop(executor, tables).await,
        // The server keeps its log for its own purposes.
        ChangeSource::Binlog => Ok(()),
    }
}

pub(crate) async fn follow(database: &Arc<Database>, tables: &[Arc<Table>]) -> Result<Box<dyn ChangeFeed>> {
    match database.pool.connector.config.changes_from {
        ChangeSource::Triggers => {
            let observer = recorded::RecordedObserver::open(database, tables).await?;
            Ok(Box::new(ObserverFeed::new(observer)))
        }
        ChangeSource::Binlog => {
            let observer = binlog::BinlogObserver::open(database, tables).await?;
            Ok(Box::new(ObserverFeed::new(observer)))
        }
    }
}

/// Waits for the answer of the server, but not for ever: a connection may be cut without a sign.
async fn patiently<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T> {
    let answer = tokio::time::timeout(PATIENCE, work).await.unwrap_or(Err(Failure::TimedOut(PATIENCE)));
    answer.map_err(|failure| failure.explain(About::default()))
}
