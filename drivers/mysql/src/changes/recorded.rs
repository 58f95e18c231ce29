//! The feed of what triggers recorded: rows are taken from `thing_changes`, told, and deleted.
//!
//! Rows are taken by being there, never by their numbers: a transaction that commits late has smaller numbers than others
//! that were told. Several feeds share the rows; those that one holds are passed over by the others. A feed that ends in
//! between gives them back.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use mysql_async::{Row, from_value_opt};
use thing_driver_api::{Change, ChangeFeed, Observed, Result, Table, async_trait};

use super::told::Told;
use super::triggers::{self, CHANGES, text};
use super::{image, patiently};
use crate::connection::Connection;
use crate::error;
use crate::executor::{Database, MysqlExecutor};

/// Takes rows of `thing_changes`.
#[derive(Debug)]
pub(super) struct RecordedFeed {
    connection: Connection,
    interval: Duration,
    tables: HashMap<String, Arc<Table>>,
    /// Which rows are ours, as it stands behind WHERE.
    ours: String,
    /// What is still to be told.
    told: VecDeque<Observed>,
    /// What is told, or about to be: the transaction that holds these rows is open.
    taken: Vec<u64>,
    /// An operation was begun. Still so at the next, it was abandoned.
    busy: bool,
}

/// The most rows to be taken at once.
const ROWS: usize = 500;

/// A process that is gone without a sign keeps its rows for so long from being told by others.
const ABANDONED: Duration = Duration::from_secs(10);

impl RecordedFeed {
    pub(super) async fn open(database: &Arc<Database>, tables: &[Arc<Table>]) -> Result<Self> {
        database.server.passes_over_locks()?;
        let executor = MysqlExecutor { database: database.clone() };
        for table in tables {
            if !triggers::is_recorded(&executor, table).await? {
                return Err(error::not_recorded(table.name()));
            }
        }
        let interval = database.pool.connector.config.changes_interval;
        let mut connection = database.pool.connector.connect().await?;
        // Without gaps being locked: those who record new rows must not wait.
        let session = format!(
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; SET SESSION wait_timeout = {}",
            ABANDONED.max(interval * 3).as_secs()
        );
        patiently(connection.control(&session)).await?;
        let names: Vec<String> = tables.iter().map(|table| text(table.name())).collect();
        Ok(Self {
            connection,
            interval,
            tables: tables.iter().map(|table| (table.name().to_owned(), table.clone())).collect(),
            ours: format!("relation IN ({})", names.join(", ")),
            told: VecDeque::new(),
            taken: Vec::new(),
            busy: false,
        })
    }

    /// Deletes what was told.
    async fn confirm(&mut self) -> Result<()> {
        if self.taken.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = self.taken.iter().map(u64::to_string).collect();
        patiently(self.connection.control(&format!("DELETE FROM {CHANGES} WHERE id IN ({})", ids.join(", ")))).await?;
        patiently(self.connection.control("COMMIT")).await?;
        self.taken.clear();
        Ok(())
    }

    /// Takes rows that are there, if there are any.
    async fn take(&mut self) -> Result<bool> {
        if self.tables.is_empty() {
            return Ok(false);
        }
        let ours = &self.ours;
        let look = format!("SELECT id FROM {CHANGES} WHERE {ours} LIMIT 1");
        if patiently(self.connection.query(&look)).await?.is_empty() {
            return Ok(false);
        }
        patiently(self.connection.control("START TRANSACTION")).await?;
        let take = format!(
            "SELECT id, relation, row_before, row_after, same FROM {CHANGES} WHERE {ours} \
             ORDER BY id LIMIT {ROWS} FOR UPDATE SKIP LOCKED"
        );
        let rows = patiently(self.connection.query(&take)).await?;
        if rows.is_empty() {
            // Another feed holds them.
            patiently(self.connection.control("COMMIT")).await?;
            return Ok(false);
        }
        self.taken = rows.iter().filter_map(|row| cell::<u64>(row, 0)).collect();
        let mut told = Told::default();
        for row in &rows {
            if let Some(table) = cell::<String>(row, 1).and_then(|name| self.tables.get(&name)) {
                told.add(table, changes(table, row));
            }
        }
        self.told = told.into_observed();
        Ok(true)
    }

    async fn find(&mut self) -> Result<Observed> {
        loop {
            if let Some(observed) = self.told.pop_front() {
                return Ok(observed);
            }
            self.confirm().await?;
            if !self.take().await? {
                tokio::time::sleep(self.interval).await;
            }
        }
    }
}

#[async_trait]
impl ChangeFeed for RecordedFeed {
    async fn next(&mut self) -> Result<Observed> {
        if std::mem::replace(&mut self.busy, true) {
            return Err(error::abandoned_feed());
        }
        let observed = self.find().await?;
        self.busy = false;
        Ok(observed)
    }
}

fn cell<T: mysql_async::prelude::FromValue>(row: &Row, at: usize) -> Option<T> {
    from_value_opt(row.as_ref(at)?.clone()).ok()
}

/// What a row of `thing_changes` says; `None` where it is not known which row changed.
fn changes(table: &Table, row: &Row) -> Option<Vec<Change>> {
    let read = |at: usize| -> Option<Option<image::Texts>> {
        cell::<Option<String>>(row, at)?.map(|text| serde_json::from_str(&text)).transpose().ok()
    };
    let (before, after) = (read(2)?, read(3)?);
    let same: HashMap<String, u8> = match cell::<Option<String>>(row, 4)? {
        Some(text) => serde_json::from_str(&text).ok()?,
        None => HashMap::new(),
    };
    image::changes(table, before.as_ref(), after.as_ref(), |name| same.get(name) == Some(&1))
}
