//! Changes: what others write to the tables, told so that caches forget it.
//!
//! ```text
//! psql, a job, another program ─▶ table ─▶ trigger ─▶ thing_changes ──▶ feed ─▶ told ─▶ asked for the next: deleted
//!                                   └───▶ write-ahead log ─▶ slot ────▶ feed ─▶ told ─▶ asked for the next: advanced
//! ```
//!
//! A change is told when every read that begins then sees it: a row of `thing_changes` becomes visible together with the
//! rows it is about, and a transaction of the log is told when it is in a new snapshot.

mod triggers;
mod recorded;
mod slot;
mod image;
mod place;

use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::{ChangeFeed, ObserverFeed, Result, Table};

use crate::config::ChangeSource;
use crate::connection::Connection;
use crate::error::{Effect, Failure};
use crate::executor::{Database, PostgresExecutor};

/// Makes the triggers leave out what a session writes.
pub(crate) const NOT_RECORDED: &str = "SET thing.writer = 'on'";

/// How long the server may take to answer a feed. Then its connection counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn record(executor: &PostgresExecutor, tables: &[&Table]) -> Result<()> {
    match &executor.database.config.changes_from {
        ChangeSource::Triggers => triggers::create(executor, tables).await,
        ChangeSource::LogicalSlot { name } => slot::create(executor, name, tables).await,
    }
}

pub(crate) async fn forget(executor: &PostgresExecutor, tables: &[&Table]) -> Result<()> {
    match &executor.database.config.changes_from {
        ChangeSource::Triggers => triggers::drop(executor, tables).await,
        ChangeSource::LogicalSlot { name } => slot::drop(executor, name, tables).await,
    }
}

pub(crate) async fn follow(database: &Arc<Database>, tables: &[Arc<Table>]) -> Result<Box<dyn ChangeFeed>> {
    let connection = database.pool.open().await?;
    match &database.config.changes_from {
        ChangeSource::Triggers => {
            let observer = recorded::RecordedObserver::open(database, connection, tables).await?;
            Ok(Box::new(ObserverFeed::new(observer)))
        }
        ChangeSource::LogicalSlot { name } => {
            let observer = slot::SlotObserver::open(database, connection, name, tables).await?;
            Ok(Box::new(ObserverFeed::new(observer)))
        }
    }
}

/// Waits for the answer of the server, but not for ever: a connection may be cut without a sign.
async fn patiently<T>(work: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(answer) => answer.map_err(|error| Failure::sent(error).into_error(None, Effect::None)),
        Err(_) => Err(Failure::Silence.into_error(None, Effect::None)),
    }
}

/// Runs statements without values.
async fn control(connection: &Connection, text: &str) -> Result<()> {
    patiently(connection.client().batch_execute(text)).await
}
