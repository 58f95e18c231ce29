//! The feed of what triggers recorded: rows are taken from `thing_changes`, told, and deleted.
//!
//! Rows are taken by being there, never by their numbers: a transaction that commits late has smaller numbers than others
//! that were told. Several feeds share the rows; those that one holds are passed over by the others. A feed that ends in
//! between gives them back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::{Change, Observations, Observer, Result, Table, async_trait};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

use super::place::{Place, within};
use super::triggers::{self, CHANGES};
use super::{control, image, patiently};
use crate::connection::Connection;
use crate::error;
use crate::executor::Database;

/// Takes rows of `thing_changes`, in one or several schemas.
#[derive(Debug)]
pub(super) struct RecordedObserver {
    connection: Connection,
    interval: Duration,
    tables: HashMap<String, Arc<Table>>,
    sources: Vec<Source>,
    /// What is told, or about to be: the transaction that holds its rows is open.
    taken: Option<Taken>,
}

/// One table of changes.
struct Source {
    /// The names of the tables whose changes are looked for.
    relations: Vec<String>,
    look: Statement,
    take: Statement,
    delete: Statement,
}

#[derive(Debug)]
struct Taken {
    source: usize,
    rows: Vec<i64>,
}

/// The most rows to be taken at once.
const ROWS: usize = 500;

/// A process that is gone without a sign keeps its rows for so long from being told by others, in milliseconds.
const ABANDONED: u32 = 10_000;

impl RecordedObserver {
    pub(super) async fn open(database: &Database, connection: Connection, tables: &[Arc<Table>]) -> Result<Self> {
        // To delete a row twice does no harm, so that no commit waits for the disk.
        let session = format!(
            "SET synchronous_commit = off; SET idle_in_transaction_session_timeout = {ABANDONED}; \
             SET default_transaction_isolation = 'read committed'"
        );
        control(&connection, &session).await?;
        let mut schemas: Vec<(String, Vec<String>)> = Vec::new();
        for table in tables {
            let place = Place::of(&connection, table).await?;
            if !triggers::is_recorded(&connection, &place).await? {
                return Err(error::not_recorded(&place.name));
            }
            match schemas.iter_mut().find(|(schema, _)| *schema == place.schema) {
                Some((_, relations)) => relations.push(place.name),
                None => schemas.push((place.schema, vec![place.name])),
            }
        }
        let mut sources = Vec::with_capacity(schemas.len());
        for (schema, relations) in schemas {
            sources.push(Source::prepare(&connection, &schema, relations).await?);
        }
        Ok(Self {
            connection,
            interval: database.config.changes_interval,
            tables: tables.iter().map(|table| (table.name().to_owned(), table.clone())).collect(),
            sources,
            taken: None,
        })
    }

    /// Deletes what was told.
    async fn confirm(&mut self) -> Result<()> {
        let Some(taken) = &self.taken else { return Ok(()) };
        let delete = &self.sources[taken.source].delete;
        patiently(self.connection.client().execute(delete, &[&taken.rows])).await?;
        control(&self.connection, "COMMIT").await?;
        self.taken = None;
        Ok(())
    }

    /// Takes rows that are there, if there are any.
    async fn take(&mut self) -> Result<Option<Observations>> {
        for at in 0..self.sources.len() {
            let source = &self.sources[at];
            let relations: [&(dyn ToSql + Sync); 1] = [&source.relations];
            let found = patiently(self.connection.client().query_one(&source.look, &relations)).await?;
            if !found.get::<_, bool>(0) {
                continue;
            }
            control(&self.connection, "BEGIN").await?;
            let rows = patiently(self.connection.client().query(&source.take, &relations)).await?;
            if rows.is_empty() {
                // Another feed holds them.
                control(&self.connection, "COMMIT").await?;
                continue;
            }
            self.taken = Some(Taken { source: at, rows: rows.iter().map(|row| row.get(0)).collect() });
            return Ok(Some(self.read(&rows)));
        }
        Ok(None)
    }

    fn read(&self, rows: &[Row]) -> Observations {
        let mut found = Observations::default();
        for row in rows {
            if let Some(table) = self.tables.get(row.get::<_, &str>(1)) {
                found.add(table, changes(table, row));
            }
        }
        found
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

impl Source {
    async fn prepare(connection: &Connection, schema: &str, relations: Vec<String>) -> Result<Self> {
        let changes = within(schema, CHANGES);
        let ours = "relation = ANY ($1::text[])";
        let prepare = async |text: String| patiently(connection.client().prepare(&text)).await;
        Ok(Self {
            relations,
            look: prepare(format!("SELECT EXISTS (SELECT FROM {changes} WHERE {ours})")).await?,
            take: prepare(format!(
                "SELECT id, relation, before::text, after::text, same::text FROM {changes} WHERE {ours} \
                 ORDER BY id LIMIT {ROWS} FOR UPDATE SKIP LOCKED"
            ))
            .await?,
            delete: prepare(format!("DELETE FROM {changes} WHERE id = ANY ($1::int8[])")).await?,
        })
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("relations", &self.relations).finish_non_exhaustive()
    }
}

/// What a row of `thing_changes` says; `None` where it is not known which row changed.
fn changes(table: &Table, row: &Row) -> Option<Vec<Change>> {
    type Texts = HashMap<String, Option<String>>;
    let read = |column: usize| -> Option<Option<Texts>> {
        row.get::<_, Option<&str>>(column).map(serde_json::from_str).transpose().ok()
    };
    let (before, after) = (read(2)?, read(3)?);
    let same: Vec<String> = serde_json::from_str(row.get::<_, Option<&str>>(4).unwrap_or("[]")).ok()?;
    let (before, after) = (before.as_ref().map(lent), after.as_ref().map(lent));
    image::changes(table, before.as_ref(), after.as_ref(), |name| same.iter().any(|column| column == name))
}

fn lent(texts: &HashMap<String, Option<String>>) -> image::Texts<'_> {
    texts.iter().map(|(name, text)| (name.as_str(), text.as_deref())).collect()
}
