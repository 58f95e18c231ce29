//! The schema: what tables there are, and how to add one.

use rusqlite::params;
use thing_driver_api::{
    ExistingColumn, ExistingIndex, ExistingTable, Index, Result, Schema, Table, ValueType, async_trait, sql,
};

use crate::changes;
use crate::connection::Connection;
use crate::dialect::SqliteDialect;
use crate::error;
use crate::executor::SqliteExecutor;
use crate::statement;
use crate::worker::Seat;

#[async_trait]
impl Schema for SqliteExecutor {
    async fn describe(&self, table: &str) -> Result<Option<ExistingTable>> {
        let table = table.to_owned();
        let busy_timeout = self.database.config.busy_timeout;
        let seat = self.database.seat().await?;
        let (_, described) =
            seat.run(false, move |raw, _| Connection::waiting(raw, busy_timeout, || describe(raw, &table))).await?;
        described.map_err(|e| error::translate(e, None))
    }

    async fn create_table(&self, table: &Table) -> Result<()> {
        let mut texts = vec![sql::create_table(table, &SqliteDialect)?];
        texts.extend(table.indexes().iter().map(|index| sql::create_index(table, index, &SqliteDialect)));
        self.change(texts).await
    }

    async fn create_index(&self, table: &Table, index: &Index) -> Result<()> {
        self.change(vec![sql::create_index(table, index, &SqliteDialect)]).await
    }

    /// SQLite counts the commits of others by itself.
    async fn record_changes(&self, _: &[&Table]) -> Result<()> {
        changes::check(&self.database)
    }

    async fn forget_changes(&self, _: &[&Table]) -> Result<()> {
        changes::check(&self.database)
    }
}

impl SqliteExecutor {
    /// Runs statements as one transaction.
    async fn change(&self, texts: Vec<String>) -> Result<()> {
        let busy_timeout = self.database.config.busy_timeout;
        let seat = Seat::Connection(self.database.writer.pool.acquire().await?);
        let (_, changed) =
            seat.run(false, move |raw, _| Connection::waiting(raw, busy_timeout, || change(raw, &texts))).await?;
        changed
    }
}

fn change(raw: &rusqlite::Connection, texts: &[String]) -> Result<()> {
    statement::control(raw, "BEGIN IMMEDIATE")?;
    for text in texts {
        // After an error the pool rolls back.
        raw.execute_batch(text).map_err(|e| error::translate(e, Some(text)))?;
    }
    statement::commit(raw)
}

fn describe(raw: &rusqlite::Connection, table: &str) -> rusqlite::Result<Option<ExistingTable>> {
    // One state for all the questions.
    let _reading = raw.unchecked_transaction()?;
    let mut key = Vec::new();
    let mut columns = Vec::new();
    let mut listed =
        raw.prepare("SELECT name, type, \"notnull\", dflt_value IS NOT NULL, pk, hidden FROM pragma_table_xinfo(?1)")?;
    let mut rows = listed.query([table])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let declared: String = row.get(1)?;
        let place_in_key: i64 = row.get(4)?;
        let generated = row.get::<_, i64>(5)? >= 2;
        let mut column = ExistingColumn::new(name.clone(), declared.clone(), holds(&declared));
        column.nullable = !row.get::<_, bool>(2)?;
        column.has_default = row.get::<_, bool>(3)? || generated;
        if place_in_key > 0 {
            key.push((place_in_key, columns.len(), name));
        }
        columns.push(column);
    }
    if columns.is_empty() {
        return Ok(None);
    }
    key.sort();
    // A single INTEGER PRIMARY KEY is the row's own address: never NULL, and made by SQLite where it is left out.
    if let [(_, column, _)] = key.as_slice()
        && columns[*column].declared.eq_ignore_ascii_case("INTEGER")
    {
        columns[*column].nullable = false;
        columns[*column].has_default = true;
    }
    let mut existing = ExistingTable::default();
    existing.columns = columns;
    existing.key = key.into_iter().map(|(_, _, name)| name).collect();
    existing.indexes = indexes(raw, table)?;
    Ok(Some(existing))
}

/// The indexes over plain columns of the whole table. Others, partial or over expressions, can't stand for a declared
/// one.
fn indexes(raw: &rusqlite::Connection, table: &str) -> rusqlite::Result<Vec<ExistingIndex>> {
    let mut listed = raw.prepare(
        "SELECT name, \"unique\" FROM pragma_index_list(?1) WHERE origin <> 'pk' AND partial = 0 ORDER BY seq",
    )?;
    let found: Vec<(String, bool)> =
        listed.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let mut indexes = Vec::with_capacity(found.len());
    for (name, unique) in found {
        let mut listed = raw.prepare("SELECT name FROM pragma_index_info(?1) ORDER BY seqno")?;
        let columns: Option<Vec<String>> =
            listed.query_map(params![name], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        if let Some(columns) = columns {
            indexes.push(ExistingIndex::new(name, columns, unique));
        }
    }
    Ok(indexes)
}

/// The types that come back from a column as they were stored, by SQLite's rules of affinity
/// (<https://www.sqlite.org/datatype3.html>, section 3.1).
fn holds(declared: &str) -> Vec<ValueType> {
    const INTEGERS: [ValueType; 7] = [
        ValueType::Bool,
        ValueType::I16,
        ValueType::I32,
        ValueType::I64,
        ValueType::Timestamp,
        ValueType::Date,
        ValueType::Time,
    ];
    const FLOATS: [ValueType; 2] = [ValueType::F32, ValueType::F64];
    const TEXTS: [ValueType; 2] = [ValueType::Text, ValueType::Json];
    const BLOBS: [ValueType; 2] = [ValueType::Bytes, ValueType::Uuid];
    let declared = declared.to_ascii_uppercase();
    let says = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    // Blobs are stored as they are under every affinity, but a program that declares another type means another type.
    if declared == "DECIMAL_TEXT" {
        // Compared by the collation `decimal`.
        vec![ValueType::Decimal]
    } else if says(&["INT"]) {
        INTEGERS.to_vec()
    } else if says(&["CHAR", "CLOB", "TEXT"]) {
        TEXTS.to_vec()
    } else if declared.is_empty() {
        // Nothing is converted.
        [&INTEGERS[..], &FLOATS, &TEXTS, &BLOBS].concat()
    } else if says(&["BLOB"]) {
        BLOBS.to_vec()
    } else if says(&["REAL", "FLOA", "DOUB"]) {
        FLOATS.to_vec()
    } else {
        // NUMERIC: integers stay as they are; a float without fraction becomes an integer and is read as a float.
        [&INTEGERS[..], &FLOATS].concat()
    }
}
