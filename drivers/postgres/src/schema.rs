//! The schema: what tables there are, and how to add one.

use thing_driver_api::{
    ExistingColumn, ExistingIndex, ExistingTable, Index, Result, Schema, Table, ValueType, async_trait, sql,
};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::changes;
use crate::connection::Connection;
use crate::dialect::PostgresDialect;
use crate::error::{self, Effect, Failure};
use crate::executor::PostgresExecutor;

/// The bytes of a name that the server keeps; it cuts off the rest.
pub(crate) const LONGEST_NAME: usize = 63;

/// What is said about an index whose own name was too long, before that name.
const FULL_NAME: &str = "thing: ";

#[async_trait]
impl Schema for PostgresExecutor {
    async fn describe(&self, table: &str) -> Result<Option<ExistingTable>> {
        let mut lease = self.database.pool.lease().await?;
        lease.soil();
        let bytewise = self.database.config.bytewise_text;
        let described = self.database.in_time(describe(&lease, table, bytewise)).await;
        if described.as_ref().err().is_none_or(Failure::leaves_connection_clean) {
            lease.clean();
        }
        described.map_err(|failure| failure.into_error(None, Effect::None))
    }

    async fn create_table(&self, table: &Table) -> Result<()> {
        check_name("table", table.name())?;
        for column in table.columns() {
            check_name("column", &column.name)?;
        }
        let mut texts = vec![sql::create_table(table, &PostgresDialect)?];
        table.indexes().iter().for_each(|index| texts.extend(create_index(table, index)));
        self.change(&texts).await
    }

    async fn create_index(&self, table: &Table, index: &Index) -> Result<()> {
        self.change(&create_index(table, index)).await
    }

    async fn record_changes(&self, tables: &[&Table]) -> Result<()> {
        changes::record(self, tables).await
    }

    async fn forget_changes(&self, tables: &[&Table]) -> Result<()> {
        changes::forget(self, tables).await
    }
}

impl PostgresExecutor {
    /// Runs statements as one transaction, which may take as long as it takes.
    pub(crate) async fn change(&self, texts: &[String]) -> Result<()> {
        let mut lease = self.database.pool.lease().await?;
        lease.soil();
        let text = format!("BEGIN; SET LOCAL statement_timeout = 0; {}; COMMIT", texts.join("; "));
        let outcome = lease.control(&text).await;
        let idle = match &outcome {
            Ok(()) => true,
            // The failed transaction is still open.
            Err(failure) => failure.leaves_connection_clean() && lease.control("ROLLBACK").await.is_ok(),
        };
        if idle {
            lease.clean();
        }
        outcome.map_err(|failure| failure.into_error(None, Effect::Open))
    }
}

fn check_name(what: &str, name: &str) -> Result<()> {
    if name.len() > LONGEST_NAME {
        return Err(error::long_name(what, name));
    }
    Ok(())
}

/// The statements that create an index. One whose name is too long is called otherwise, and its name is kept as its
/// comment.
fn create_index(table: &Table, index: &Index) -> Vec<String> {
    let Some(short) = short_name(&index.name) else {
        return vec![sql::create_index(table, index, &PostgresDialect)];
    };
    let mut renamed = index.clone();
    renamed.name = short.clone().into();
    let mut comment = String::from("COMMENT ON INDEX ");
    thing_driver_api::quote(&short, '"', &mut comment);
    comment.push_str(" IS ");
    let full = format!("{FULL_NAME}{}", index.name).replace('\\', "\\\\");
    comment.push('E');
    thing_driver_api::quote(&full, '\'', &mut comment);
    vec![sql::create_index(table, &renamed, &PostgresDialect), comment]
}

/// The name that stands for one that is too long: its beginning and a digest of the whole (FNV-1a), the same in every
/// program.
fn short_name(name: &str) -> Option<String> {
    if name.len() <= LONGEST_NAME {
        return None;
    }
    let digest = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut end = LONGEST_NAME - 17;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    Some(format!("{}_{digest:016x}", &name[..end]))
}

const COLUMNS: &str = "\
    SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull OR t.typnotnull, \
      a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL, \
      pg_catalog.array_position(i.indkey::int2[], a.attnum)::int8, \
      CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END, t.typtype = 'e', \
      coalesce(l.collisdeterministic, true), \
      CASE WHEN l.collname = 'default' THEN (SELECT d.datcollate FROM pg_catalog.pg_database d \
        WHERE d.datname = pg_catalog.current_database())::text ELSE l.collname::text END \
    FROM pg_catalog.pg_attribute a \
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
    LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation \
    LEFT JOIN pg_catalog.pg_index i ON i.indrelid = a.attrelid AND i.indisprimary \
    WHERE a.attrelid = pg_catalog.to_regclass(pg_catalog.quote_ident($1::text)) AND a.attnum > 0 AND NOT a.attisdropped \
    ORDER BY a.attnum";

/// Indexes over plain columns of the whole table. Others, partial or over expressions, can't stand for a declared one.
const INDEXES: &str = "\
    SELECT c.relname::text, i.indisunique, a.attname::text, pg_catalog.obj_description(c.oid, 'pg_class') \
    FROM pg_catalog.pg_index i \
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
    CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place) \
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number \
    WHERE i.indrelid = pg_catalog.to_regclass(pg_catalog.quote_ident($1::text)) AND NOT i.indisprimary \
      AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts \
    ORDER BY c.oid, k.place";

async fn describe(connection: &Connection, table: &str, bytewise: bool) -> Result<Option<ExistingTable>, Failure> {
    let columns = query(connection, COLUMNS, table).await?;
    if columns.is_empty() {
        return Ok(None);
    }
    let mut existing = ExistingTable::default();
    let mut key: Vec<(i64, String)> = Vec::new();
    for row in &columns {
        let (column, place) = column(row, bytewise).map_err(Failure::sent)?;
        key.extend(place.map(|place| (place, column.name.clone())));
        existing.columns.push(column);
    }
    key.sort();
    existing.key = key.into_iter().map(|(_, name)| name).collect();
    for row in query(connection, INDEXES, table).await? {
        let (name, unique, column) = index(&row).map_err(Failure::sent)?;
        match existing.indexes.last_mut() {
            Some(last) if last.name == name => last.columns.push(column),
            _ => existing.indexes.push(ExistingIndex::new(name, vec![column], unique)),
        }
    }
    Ok(Some(existing))
}

async fn query(connection: &Connection, text: &str, table: &str) -> Result<Vec<Row>, Failure> {
    let parameters: [&(dyn ToSql + Sync); 1] = [&table];
    connection.client().query(text, &parameters).await.map_err(Failure::sent)
}

/// A column, and its place in the key.
fn column(row: &Row, bytewise: bool) -> Result<(ExistingColumn, Option<i64>), tokio_postgres::Error> {
    let declared: String = row.try_get(1)?;
    let base: Option<String> = row.try_get(5)?;
    let is_enum: bool = row.try_get(6)?;
    let deterministic: bool = row.try_get(7)?;
    let collation: Option<String> = row.try_get(8)?;
    let mut holds = if is_enum { vec![ValueType::Text] } else { holds(base.as_deref().unwrap_or(&declared)) };
    let ordered = collation.as_deref().is_none_or(orders_by_bytes) && !is_enum;
    if !deterministic || bytewise && !ordered {
        holds.retain(|held| *held != ValueType::Text);
    }
    let mut column = ExistingColumn::new(row.try_get::<_, String>(0)?, declared, holds);
    column.nullable = !row.try_get::<_, bool>(2)?;
    column.has_default = row.try_get(3)?;
    Ok((column, row.try_get(4)?))
}

fn index(row: &Row) -> Result<(String, bool, String), tokio_postgres::Error> {
    let name: String = row.try_get(0)?;
    let comment: Option<String> = row.try_get(3)?;
    let full = comment.as_deref().and_then(|comment| comment.strip_prefix(FULL_NAME));
    let name = match full {
        Some(full) if short_name(full).is_some_and(|short| short == name) => full.to_owned(),
        _ => name,
    };
    Ok((name, row.try_get(1)?, row.try_get(2)?))
}

fn orders_by_bytes(collation: &str) -> bool {
    // Code points and their UTF-8 have the same order.
    ["C", "POSIX", "ucs_basic", "C.UTF-8", "C.utf8"].iter().any(|bytewise| collation.eq_ignore_ascii_case(bytewise))
}

/// The types that come back from a column as they were stored, or whose storing is refused.
fn holds(declared: &str) -> Vec<ValueType> {
    let (name, modifier) = declared.split_once('(').unwrap_or((declared, ""));
    let whole = modifier.is_empty();
    match name.trim_end() {
        "boolean" => vec![ValueType::Bool],
        "smallint" => vec![ValueType::I16],
        "integer" => vec![ValueType::I16, ValueType::I32],
        "bigint" => vec![ValueType::I16, ValueType::I32, ValueType::I64],
        "real" => vec![ValueType::F32],
        "double precision" => vec![ValueType::F32, ValueType::F64],
        "text" => vec![ValueType::Text, ValueType::Json],
        "character varying" if whole => vec![ValueType::Text, ValueType::Json],
        // What is too long is refused.
        "character varying" => vec![ValueType::Text],
        "bytea" => vec![ValueType::Bytes],
        "uuid" => vec![ValueType::Uuid],
        "timestamp with time zone" | "timestamp without time zone" => vec![ValueType::Timestamp],
        "date" => vec![ValueType::Date],
        "time without time zone" => vec![ValueType::Time],
        "json" | "jsonb" => vec![ValueType::Json],
        "numeric" if whole || holds_decimals(modifier) => vec![ValueType::Decimal],
        _ => Vec::new(),
    }
}

/// Whether `numeric(precision, scale)` rounds no decimal.
fn holds_decimals(modifier: &str) -> bool {
    let numbers = || modifier.trim_end_matches(')').split(',').map(|number| number.trim().parse::<i32>().ok());
    match (numbers().next().flatten(), numbers().nth(1).flatten()) {
        (Some(precision), Some(scale)) => scale >= 30 && precision - scale >= 35,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_to_what_the_server_keeps() {
        let name = "é".repeat(50);
        let short = short_name(&name).expect("the name is too long");
        assert!(short.len() <= LONGEST_NAME && short.len() > LONGEST_NAME - 3, "{short}");
        assert_ne!(Some(short), short_name(&"é".repeat(51)));
        assert_eq!(short_name(&"a".repeat(63)), None);
    }

    #[test]
    fn decimals_need_their_whole_range() {
        assert_eq!(holds("numeric"), [ValueType::Decimal]);
        assert_eq!(holds("numeric(65,30)"), [ValueType::Decimal]);
        assert!(holds("numeric(10,2)").is_empty());
        assert!(holds("timestamp(3) with time zone").is_empty());
    }
}
