//! The feed of what triggers recorded: rows are taken from `thing_changes`, told, and deleted.
//!
//! Rows are taken by being there, never by their numbers: a transaction that commits late has smaller numbers than others
//! that were told. Several feeds share the rows; those that one holds are passed over by the others. A feed that ends in
//! between gives them back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mysql_async::{Row, from_value_opt};
use thing_driver_api::{Change, Observations, Observer, Result, Table, async_trait};

use super::triggers::{self, CHANGES, text};
use super::{image, patiently};
use crate::connection::Connection;
use crate::error;
use crate::executor::{Database, MysqlExecutor};

/// Takes rows of `thing_changes`.
#[derive(Debug)]
pub(super) struct RecordedObserver {
    connection: Connection,
    interval: Duration,
    tables: HashMap<String, Arc<Table>>,
    /// Which rows are ours, as it stands behind WHERE.
    ours: String,
    /// What is told, or about to be: the transaction that holds these rows is open.
    taken: Vec<u64>,
}

/// The most rows to be taken at once.
const ROWS: usize = 500;

/// A process that is gone without a sign keeps its rows for so long from being told by others.
const ABANDONED: Duration = Duration::from_secs(10);

impl RecordedObserver {
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
            taken: Vec::new(),
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
    async fn take(&mut self) -> Result<Option<Observations>> {
        if self.tables.is_empty() {
            return Ok(None);
        }
        let ours = &self.ours;
        let look = format!("SELECT id FROM {CHANGES} WHERE {ours} LIMIT 1");
        if patiently(self.connection.query(&look)).await?.is_empty() {
            return Ok(None);
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
            return Ok(None);
        }
        self.taken = rows.iter().filter_map(|row| cell::<u64>(row, 0)).collect();
        let mut found = Observations::default();
        for row in &rows {
            if let Some(table) = cell::<String>(row, 1).and_then(|name| self.tables.get(&name)) {
                found.add(table, changes(table, row));
            }
        }
        Ok(Some(found))
    }
}

#[async_trait]
impl Observer for RecordedObserver {
    async fn observe(&mut self) -> Result<Observations> {
        self.confirm().await?;
        match self.take().await? {
            Some(found) => Ok(found),
            None => {
                tokio::time::sleep(self.interval).await;
                Ok(Observations::default())
            }
        }
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
