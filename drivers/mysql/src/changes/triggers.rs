//! Triggers: they write what others do to a table into `thing_changes`.
//!
//! They run with the rights of who created them: those who write need none on `thing_changes`. Their names hold a digest
//! of what they do, so that those of another version of the model are exchanged, and are there all the while.

use thing_driver_api::{Column, Dialect, Result, Table, ValueType, quote};

use super::image::LONGEST;
use super::patiently;
use crate::dialect::MysqlDialect;
use crate::error::{self, About};
use crate::executor::MysqlExecutor;
use crate::pool::Purpose;
use crate::schema::cell;

/// The table that holds what has not been told.
pub(super) const CHANGES: &str = "thing_changes";
/// What the names of all triggers begin with.
const PREFIX: &str = "thing_changes_";
/// Somebody else created the trigger a moment ago.
const TRIGGER_EXISTS: u16 = 1359;
/// The server distrusts triggers of ordinary users.
const NEEDS_SUPER: u16 = 1419;

/// The letter at the end of a trigger's name, and what it is about.
const EVENTS: [(char, &str); 3] = [('i', "INSERT"), ('u', "UPDATE"), ('d', "DELETE")];

pub(super) async fn create(executor: &MysqlExecutor, tables: &[&Table]) -> Result<()> {
    executor.database.server.passes_over_locks()?;
    let changes = format!(
        "CREATE TABLE IF NOT EXISTS {CHANGES} (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, \
         relation VARCHAR(64) NOT NULL, row_before LONGTEXT, row_after LONGTEXT, same LONGTEXT, \
         at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)) \
         ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
    );
    run(executor, changes).await?;
    for table in tables {
        let wanted = wanted(executor, table).await?;
        let existing = existing(executor, table).await?;
        let missing: Vec<_> = wanted.iter().filter(|(name, _)| !existing.contains(name)).collect();
        for (_, text) in &missing {
            run(executor, text.clone()).await?;
        }
        for name in existing.iter().filter(|name| !wanted.iter().any(|(wanted, _)| wanted == *name)) {
            run(executor, format!("DROP TRIGGER IF EXISTS {}", identifier(name))).await?;
        }
        if !missing.is_empty() {
            // What was written before nobody recorded.
            run(executor, format!("INSERT INTO {CHANGES} (relation) VALUES ({})", text(table.name()))).await?;
        }
    }
    Ok(())
}

pub(super) async fn drop(executor: &MysqlExecutor, tables: &[&Table]) -> Result<()> {
    for table in tables {
        for name in existing(executor, table).await? {
            run(executor, format!("DROP TRIGGER IF EXISTS {}", identifier(&name))).await?;
        }
        if executor.show(format!("SHOW COLUMNS FROM {CHANGES}")).await?.is_some() {
            delete_recorded(executor, table).await?;
        }
    }
    Ok(())
}

/// Deletes what was recorded, but for what a feed holds at the moment, which it deletes itself.
async fn delete_recorded(executor: &MysqlExecutor, table: &Table) -> Result<()> {
    const ROWS: usize = 1000;
    let mut connection = executor.database.pool.connector.connect().await?;
    let found =
        format!("SELECT id FROM {CHANGES} WHERE relation = {} LIMIT {ROWS} FOR UPDATE SKIP LOCKED", text(table.name()));
    patiently(connection.control("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")).await?;
    loop {
        patiently(connection.control("START TRANSACTION")).await?;
        let rows = patiently(connection.query(&found)).await?;
        let ids: Vec<String> = rows.iter().filter_map(|row| cell(row, "id")).collect();
        if !ids.is_empty() {
            patiently(connection.control(&format!("DELETE FROM {CHANGES} WHERE id IN ({})", ids.join(", ")))).await?;
        }
        patiently(connection.control("COMMIT")).await?;
        if ids.len() < ROWS {
            return Ok(());
        }
    }
}

/// Whether there is a trigger for each event, of whatever version of the model.
pub(super) async fn is_recorded(executor: &MysqlExecutor, table: &Table) -> Result<bool> {
    let existing = existing(executor, table).await?;
    Ok(EVENTS.iter().all(|(event, _)| existing.iter().any(|name| name.ends_with(*event))))
}

/// The names of the triggers that the table has from here.
async fn existing(executor: &MysqlExecutor, table: &Table) -> Result<Vec<String>> {
    let listed = format!(
        "SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() \
         AND EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = {} AND LEFT(TRIGGER_NAME, {}) = '{PREFIX}'",
        text(table.name()),
        PREFIX.len()
    );
    let rows = executor.show(listed).await?.unwrap_or_default();
    Ok(rows.iter().filter_map(|row| cell(row, "name")).collect())
}

async fn run(executor: &MysqlExecutor, text: String) -> Result<()> {
    let mut lease = executor.database.pool.acquire(Purpose::Once).await?;
    match lease.control(text, None).await {
        Err(failure) if failure.code() == Some(TRIGGER_EXISTS) => Ok(()),
        Err(failure) if failure.code() == Some(NEEDS_SUPER) => {
            let said = "the server has a binary log and lets administrators alone create triggers; \
                        set log_bin_trust_function_creators = 1, or call record_changes as one";
            Err(error::not_recordable(said.to_owned()))
        }
        result => result.map_err(|failure| failure.explain(About { commits: true, ..About::default() })),
    }
}

/// The triggers that the table should have: their names, and the statements that create them.
async fn wanted(executor: &MysqlExecutor, table: &Table) -> Result<Vec<(String, String)>> {
    let name = identifier(table.name());
    let Some(columns) = executor.show(format!("SHOW FULL COLUMNS FROM {name}")).await? else {
        return Err(error::not_recordable(format!("there is no table `{}`; run sync first", table.name())));
    };
    let mut recorded = Vec::with_capacity(table.columns().len());
    for column in table.columns() {
        let found = columns.iter().find(|row| cell(row, "Field").is_some_and(|f| f.eq_ignore_ascii_case(&column.name)));
        let Some(declared) = found.and_then(|row| cell(row, "Type")) else {
            let said = format!("the table `{}` has no column `{}`; run sync first", table.name(), column.name);
            return Err(error::not_recordable(said));
        };
        recorded.push((column, declared.to_ascii_lowercase()));
    }
    Ok(EVENTS
        .iter()
        .map(|(letter, event)| {
            let body = body(table, event, &recorded);
            let trigger = format!("{PREFIX}{:016x}_{letter}", digest(&format!("{}: {body}", table.name())));
            let text = format!("CREATE TRIGGER {} AFTER {event} ON {name} FOR EACH ROW {body}", identifier(&trigger));
            (trigger, text)
        })
        .collect())
}

fn body(table: &Table, event: &str, columns: &[(&Column, String)]) -> String {
    let object = |of: &dyn Fn(&Column, &str) -> String| {
        let fields: Vec<String> = columns
            .iter()
            .map(|(column, declared)| format!("{}, {}", text(&column.name), of(column, declared)))
            .collect();
        format!("JSON_OBJECT({})", fields.join(", "))
    };
    let image = |side: &str| {
        object(&|column, declared| {
            recorded(column.value_type, declared, &format!("{side}.{}", identifier(&column.name)))
        })
    };
    let same = || {
        object(&|column, declared| {
            let name = identifier(&column.name);
            format!("IF({}, 1, 0)", stays(declared, &format!("OLD.{name}"), &format!("NEW.{name}")))
        })
    };
    let (before, after, same) = match event {
        "INSERT" => ("NULL".to_owned(), image("NEW"), "NULL".to_owned()),
        "DELETE" => (image("OLD"), "NULL".to_owned(), "NULL".to_owned()),
        _ => (image("OLD"), image("NEW"), same()),
    };
    format!(
        "IF @thing_writer IS NULL THEN INSERT INTO {CHANGES} (relation, row_before, row_after, same) \
         VALUES ({}, {before}, {after}, {same}); END IF",
        text(table.name())
    )
}

/// The expression whose value is recorded: NULL for NULL, `=` and a text, or nothing where no text is exact.
fn recorded(value_type: ValueType, declared: &str, value: &str) -> String {
    let kind = declared.split(['(', ' ']).next().unwrap_or_default();
    match (value_type, kind) {
        // A bit is a number only when it is calculated with.
        (ValueType::Bool | ValueType::I16 | ValueType::I32 | ValueType::I64, _) => format!("CONCAT('=', {value} + 0)"),
        (ValueType::Text, "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext") => {
            format!("IF(CHAR_LENGTH({value}) > {LONGEST}, '', CONCAT('=', CONVERT({value} USING utf8mb4)))")
        }
        (
            ValueType::Bytes | ValueType::Uuid,
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob",
        ) => format!("IF(LENGTH({value}) > {LONGEST}, '', CONCAT('=', HEX({value})))"),
        // What a `timestamp` shows depends on the time zone of who writes.
        (ValueType::Timestamp, "datetime")
        | (ValueType::Date, "date")
        | (ValueType::Time, "time")
        | (ValueType::Decimal, "decimal") => format!("CONCAT('=', {value})"),
        // Floats have no exact text here, and JSON has many.
        _ => format!("IF({value} IS NULL, NULL, '')"),
    }
}

/// The expression that says whether a value is what it was. Text that only compares as equal is not.
fn stays(declared: &str, old: &str, new: &str) -> String {
    let exact = ["char", "text", "json", "enum", "set"].iter().any(|kind| declared.contains(kind));
    if exact { format!("CAST({old} AS BINARY) <=> CAST({new} AS BINARY)") } else { format!("{old} <=> {new}") }
}

fn identifier(name: &str) -> String {
    let mut quoted = String::new();
    MysqlDialect::new(crate::Flavour::MariaDb).identifier(name, &mut quoted);
    quoted
}

/// A text as it stands in a statement of a session of the driver, where a backslash escapes.
pub(super) fn text(text: &str) -> String {
    let mut quoted = String::new();
    quote(&text.replace('\\', "\\\\"), '\'', &mut quoted);
    quoted
}

/// The same in every program (FNV-1a).
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
