//! Bulk: many rows of one insert by COPY, with the keys that the database makes for them.
//!
//! ```text
//! BEGIN; LOCK TABLE ─┬─▶ is it a plain table? ─▶ n keys from its sequence ─▶ COPY ... (FORMAT binary) ─▶ COMMIT
//!                    └─ triggers, rules, policies, a key made otherwise: one INSERT for each row, pipelined
//! ```
//!
//! COPY does not say which keys it made, so they are taken from the sequence before, as its default would.

use std::ops::Range;
use std::pin::pin;
use std::sync::LazyLock;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::SinkExt;
use thing_driver_api::{Dialect, Error, Statement, Table, Value, Written};
use tokio_postgres::types::{FromSql, Type};

use crate::connection::Connection;
use crate::dialect::PostgresDialect;
use crate::error::Failure;
use crate::plan::{Plan, Text};
use crate::values::{Codec, Input, put_sized};

/// Fewer rows of the same insert are not worth the round trips of COPY.
const LEAST: usize = 128;
/// The bytes of one message.
const MESSAGE: usize = 64 << 10;

/// How rows of an insert are copied.
#[derive(Debug)]
pub(crate) struct Copy {
    /// `COPY ... FROM STDIN`, a made key last.
    text: Text,
    /// Locks the table against changes of its definition.
    lock: String,
    /// The quoted name of the table.
    table: String,
    /// The name of the key, where the database makes it.
    key: Option<String>,
}

impl Copy {
    pub(crate) fn of(table: &Table, columns: &[usize], makes_key: bool) -> Option<Self> {
        if columns.is_empty() {
            return None;
        }
        let mut quoted = String::new();
        PostgresDialect.identifier(table.name(), &mut quoted);
        let key = makes_key.then(|| table.key()[0]);
        let mut text = format!("COPY {quoted} (");
        for (at, column) in columns.iter().copied().chain(key).enumerate() {
            if at > 0 {
                text.push_str(", ");
            }
            PostgresDialect.identifier(&table.column(column).name, &mut text);
        }
        text.push_str(") FROM STDIN (FORMAT binary)");
        Some(Self {
            text: Text::new(&text),
            lock: format!("LOCK TABLE {quoted} IN ROW EXCLUSIVE MODE"),
            key: key.map(|key| table.column(key).name.to_string()),
            table: quoted,
        })
    }

    /// What begins the work: it can go out with BEGIN.
    pub(crate) fn lock(&self) -> &str {
        &self.lock
    }
}

/// Where statements are enough inserts of one shape to be copied: ranges in order.
pub(crate) fn runs(statements: &[Statement<'_>]) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut start = 0;
    for run in statements.chunk_by(|a, b| std::sync::Arc::ptr_eq(a.shape, b.shape)) {
        let end = start + run.len();
        if run.len() >= LEAST && matches!(run[0].shape.operation(), thing_driver_api::Operation::Insert { .. }) {
            runs.push(start..end);
        }
        start = end;
    }
    runs
}

/// Why rows were not copied.
#[derive(Debug)]
pub(crate) enum Obstacle {
    /// The table is none to which COPY does the same as INSERT.
    NotPlain,
    /// A value of this row can't be stored.
    Row(usize, Error),
    Failed(Failure),
}

impl From<Failure> for Obstacle {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Gives `n` keys from the sequence of a table if COPY does the same to it as INSERT: an ordinary table without rules,
/// row policies and triggers that change rows, whose key is an identity column or has its own sequence as default. With
/// no key to make (`$2` is NULL) it gives no keys. NULL otherwise. The second column is the type of the key.
static PLAIN: LazyLock<Text> = LazyLock::new(|| {
    Text::new(
        "SELECT CASE WHEN plain AND $2::text IS NULL THEN '{}'::int8[] \
           WHEN plain AND made THEN (SELECT array_agg(nextval(sequence::regclass)) FROM generate_series(1, $3::int8)) END, \
           key_type \
         FROM (SELECT c.relkind = 'r' AND NOT c.relhasrules AND NOT c.relrowsecurity AND NOT EXISTS ( \
             SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal \
               AND t.tgenabled <> 'D' AND t.tgtype & 4 <> 0 AND t.tgtype & 66 <> 0) AS plain, \
           a.atttypid AS key_type, s.sequence, \
           s.sequence IS NOT NULL AND (a.attidentity <> '' OR pg_catalog.pg_get_expr(d.adbin, d.adrelid) \
             = 'nextval(' || pg_catalog.quote_literal(s.sequence::regclass::text) || '::regclass)') AS made \
         FROM pg_catalog.pg_class c \
         LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = $2::text AND NOT a.attisdropped \
         LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
         LEFT JOIN LATERAL (SELECT pg_catalog.pg_get_serial_sequence($1::text, a.attname::text) AS sequence) s ON a.attname IS NOT NULL \
         WHERE c.oid = pg_catalog.to_regclass($1::text)) AS found",
    )
});

/// Adds the rows of these statements, which are inserts of one shape, in the transaction that is open.
pub(crate) async fn copy(
    connection: &Connection,
    plan: &Plan,
    copy: &Copy,
    statements: &[Statement<'_>],
) -> Result<Vec<Written>, Obstacle> {
    let insert = connection.prepare(plan, Input::Values(&[])).await?;
    let mut codecs: Vec<Codec> = insert.statement.params().iter().map(Codec::of).collect();
    if codecs.iter().any(|codec| matches!(codec, Codec::Other | Codec::Array)) {
        return Err(Obstacle::NotPlain);
    }
    let (keys, key_codec) = keys(connection, copy, statements.len()).await?;
    codecs.extend(key_codec);
    let into = connection.prepare_text(&copy.text).await.map_err(Failure::unsent)?;
    let sink = connection.client().copy_in::<_, Bytes>(&into.statement).await.map_err(Failure::sent)?;
    let mut sink = pin!(sink);
    let mut message = BytesMut::with_capacity(MESSAGE + MESSAGE / 4);
    // The signature, no flags, no header extension.
    message.put_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    for (at, statement) in statements.iter().enumerate() {
        message.put_i16(codecs.len() as i16);
        let key = keys.get(at).map(|&key| Value::I64(key));
        for (column, (value, codec)) in statement.values.iter().chain(&key).zip(&codecs).enumerate() {
            if let Err(refused) = put_sized(value, *codec, &mut message) {
                return Err(Obstacle::Row(at, plan.about_column(column, refused)));
            }
        }
        if message.len() >= MESSAGE {
            sink.send(message.split().freeze()).await.map_err(Failure::sent)?;
            message.reserve(MESSAGE + MESSAGE / 4);
        }
    }
    message.put_i16(-1);
    sink.send(message.freeze()).await.map_err(Failure::sent)?;
    let copied = sink.finish().await.map_err(Failure::sent)?;
    if copied != statements.len() as u64 {
        return Err(Obstacle::NotPlain);
    }
    let written = |at| {
        let written = Written::new(1);
        keys.get(at).map_or(written.clone(), |&key| written.generated(key))
    };
    Ok((0..statements.len()).map(written).collect())
}

/// The keys for so many rows, and how they are written; none where the rows bring their own.
async fn keys(connection: &Connection, copy: &Copy, count: usize) -> Result<(Vec<i64>, Option<Codec>), Obstacle> {
    let plain = connection.prepare_text(&PLAIN).await.map_err(Failure::unsent)?;
    let count = count as i64;
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&copy.table, &copy.key, &count];
    let row = connection.client().query_opt(&plain.statement, &parameters).await.map_err(Failure::sent)?;
    let Some(row) = row else { return Err(Obstacle::NotPlain) };
    let Ok(Some(Integers(keys))) = row.try_get::<_, Option<Integers>>(0) else { return Err(Obstacle::NotPlain) };
    if copy.key.is_none() {
        return Ok((keys, None));
    }
    let codec = row.try_get::<_, Option<u32>>(1).ok().flatten().and_then(Type::from_oid).map(|key| Codec::of(&key));
    match codec {
        Some(Codec::I16 | Codec::I32 | Codec::I64) if keys.len() as i64 == count => Ok((keys, codec)),
        _ => Err(Obstacle::NotPlain),
    }
}

/// An array of integers of 64 bits, none of them NULL.
struct Integers(Vec<i64>);

impl<'a> FromSql<'a> for Integers {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        const HEADER: usize = 20;
        let elements = raw.get(HEADER..).unwrap_or_default().as_chunks::<12>().0;
        // Each behind its length.
        let read = |element: &[u8; 12]| {
            let (_, value) = element.split_last_chunk::<8>()?;
            Some(i64::from_be_bytes(*value))
        };
        elements.iter().map(read).collect::<Option<_>>().map(Self).ok_or_else(|| "the array is broken".into())
    }

    fn accepts(declared: &Type) -> bool {
        *declared == Type::INT8_ARRAY
    }
}
