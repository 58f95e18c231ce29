//! Keys that COPY takes from a sequence.

use std::sync::LazyLock;

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::Obstacle;
use crate::connection::Connection;
use crate::error::Failure;
use crate::plan::Text;

/// The sequence of a table as it was before its rows.
pub(super) struct Before {
    sequence: u32,
    increment: i64,
    /// The last key that was taken from it, as far as is known.
    key: i64,
}

/// Says whether COPY does the same to a table as INSERT: an ordinary table without rules, row policies, and triggers that
/// change rows, whose key (if `$2` names one that the database makes) is an identity column or has its own ascending
/// sequence as default. The last column is the last key of the sequence; of one that was not used yet what would be
/// before its first.
static PLAIN: LazyLock<Text> = LazyLock::new(|| {
    Text::new(
        "SELECT plain, sequence::oid, increment, coalesce(pg_catalog.pg_sequence_last_value(sequence), first - increment) \
         FROM (SELECT c.relkind = 'r' AND NOT c.relhasrules AND NOT c.relrowsecurity \
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal \
               AND t.tgenabled <> 'D' AND t.tgtype & 4 <> 0 AND t.tgtype & 66 <> 0) \
             AND ($2::text IS NULL OR coalesce(q.seqincrement > 0 AND NOT q.seqcycle \
               AND (a.attidentity <> '' OR pg_catalog.pg_get_expr(d.adbin, d.adrelid) \
                 = 'nextval(' || pg_catalog.quote_literal(s.sequence::text) || '::regclass)'), false)) AS plain, \
           s.sequence, q.seqincrement AS increment, q.seqstart AS first \
         FROM pg_catalog.pg_class c \
         LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = $2::text AND NOT a.attisdropped \
         LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
         LEFT JOIN LATERAL (SELECT pg_catalog.pg_get_serial_sequence($1::text, a.attname::text)::regclass AS sequence) s \
           ON a.attname IS NOT NULL \
         LEFT JOIN pg_catalog.pg_sequence q ON q.seqrelid = s.sequence \
         WHERE c.oid = pg_catalog.to_regclass($1::text)) AS found",
    )
});

static LAST: LazyLock<Text> = LazyLock::new(|| Text::new("SELECT currval($1::oid::regclass)"));

/// The statement that reads the keys of rows that this transaction added, in a range.
pub(super) fn of_new_rows(table: &str, key: &str) -> Text {
    Text::new(&format!(
        "SELECT {key}::int8 FROM {table} WHERE {key} > $1::int8 AND {key} <= $2::int8 \
         AND xmin = pg_catalog.pg_current_xact_id()::xid ORDER BY {key}"
    ))
}

/// Looks at a table and its sequence; `None` where rows bring their keys.
pub(super) async fn before(
    connection: &Connection,
    table: &str,
    key: Option<&str>,
) -> Result<Option<Before>, Obstacle> {
    let row = one(connection, &PLAIN, &[&table, &key]).await?;
    let get = || -> Result<_, tokio_postgres::Error> {
        let plain: Option<bool> = row.try_get(0)?;
        let (sequence, increment, key): (Option<u32>, Option<i64>, Option<i64>) =
            (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        Ok((plain, sequence, increment, key))
    };
    match (get().map_err(Failure::sent)?, key) {
        ((Some(true), ..), None) => Ok(None),
        ((Some(true), Some(sequence), Some(increment), Some(key)), Some(_)) => {
            Ok(Some(Before { sequence, increment, key }))
        }
        _ => Err(Obstacle::NotPlain),
    }
}

/// The last key that this session took from the sequence.
pub(super) async fn last(connection: &Connection, before: &Before) -> Result<i64, Obstacle> {
    let row = one(connection, &LAST, &[&before.sequence]).await?;
    Ok(row.try_get(0).map_err(Failure::sent)?)
}

/// The keys of so many rows that were added since, in the order in which they were added.
pub(super) async fn between(
    connection: &Connection,
    before: &Before,
    last: i64,
    of_new_rows: &Text,
    count: usize,
) -> Result<Vec<i64>, Obstacle> {
    let in_between = i64::try_from(count).ok().and_then(|count| count.checked_mul(before.increment));
    if in_between.and_then(|in_between| before.key.checked_add(in_between)) == Some(last) {
        return Ok((1..=count as i64).map(|n| before.key + n * before.increment).collect());
    }
    let prepared = connection.prepare_text(of_new_rows).await.map_err(Failure::unsent)?;
    let rows = connection.client().query(&prepared.statement, &[&before.key, &last]).await.map_err(Failure::sent)?;
    let keys: Result<Vec<i64>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    let keys = keys.map_err(Failure::sent)?;
    if keys.len() == count { Ok(keys) } else { Err(Obstacle::NotPlain) }
}

async fn one(connection: &Connection, text: &Text, parameters: &[&(dyn ToSql + Sync)]) -> Result<Row, Obstacle> {
    let prepared = connection.prepare_text(text).await.map_err(Failure::unsent)?;
    let row = connection.client().query_opt(&prepared.statement, parameters).await.map_err(Failure::sent)?;
    row.ok_or(Obstacle::NotPlain)
}
