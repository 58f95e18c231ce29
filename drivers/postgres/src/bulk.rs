//! Bulk: many rows of one insert by COPY, with the keys that the database makes for them.
//!
//! ```text
//! BEGIN; LOCK TABLE ─┬─▶ is it a plain table? which key was the last? ─▶ COPY ─▶ which is it now? ─▶ COMMIT
//!                    └─ triggers, rules, policies, a key made otherwise: one INSERT for each row, pipelined
//! ```
//!
//! COPY does not say which keys it made. It takes them from the sequence of the table, in the order of the rows. Between
//! the last key before and the last key after it there are just as many as rows, if nobody else took any meanwhile;
//! otherwise the keys of the rows that are new there are read.

mod keys;

use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::SinkExt;
use thing_driver_api::{Dialect, Error, Operation, Statement, Table, Value, Written};

use crate::array;
use crate::connection::{Connection, pipelined};
use crate::dialect::PostgresDialect;
use crate::error::Failure;
use crate::plan::{Plan, Text};
use crate::values::{Codec, Input, put_sized_as};

/// Fewer rows of the same insert are not worth the round trips of COPY.
const LEAST: usize = 128;
/// The bytes of one message.
const MESSAGE: usize = 16 << 10;

/// How rows of an insert are copied.
#[derive(Debug)]
pub(crate) struct Copy {
    /// `COPY ... FROM STDIN`.
    text: Text,
    /// Locks the table against changes of its definition.
    lock: String,
    /// The quoted name of the table.
    table: String,
    /// The name of the key where the database makes it, and the statement that reads the keys of new rows.
    key: Option<(String, Text)>,
}

impl Copy {
    pub(crate) fn of(table: &Table, columns: &[usize], makes_key: bool) -> Option<Self> {
        if columns.is_empty() {
            return None;
        }
        let quoted = |name: &str| {
            let mut quoted = String::new();
            PostgresDialect.identifier(name, &mut quoted);
            quoted
        };
        let name = quoted(table.name());
        let columns: Vec<String> = columns.iter().map(|&column| quoted(&table.column(column).name)).collect();
        let key = makes_key.then(|| {
            let key = &table.column(table.key()[0]).name;
            (key.to_string(), keys::of_new_rows(&name, &quoted(key)))
        });
        Some(Self {
            text: Text::new(&format!("COPY {name} ({}) FROM STDIN (FORMAT binary)", columns.join(", "))),
            lock: format!("LOCK TABLE {name} IN ROW EXCLUSIVE MODE"),
            table: name,
            key,
        })
    }
}

/// Where statements are enough inserts of one shape to be copied: ranges in order.
pub(crate) fn runs(statements: &[Statement<'_>]) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut start = 0;
    for run in statements.chunk_by(|a, b| Arc::ptr_eq(a.shape, b.shape)) {
        let end = start + run.len();
        if run.len() >= LEAST && matches!(run[0].shape.operation(), Operation::Insert { .. }) {
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

/// Adds the rows of these statements, which are inserts of one shape, in the transaction that is open, or that is begun
/// here.
pub(crate) async fn copy(
    connection: &Connection,
    plan: &Plan,
    copy: &Copy,
    begin: bool,
    statements: &[Statement<'_>],
) -> Result<Vec<Written>, Obstacle> {
    let insert = connection.prepare(plan, &plan.whole(Input::Values(&[]))).await?;
    let types = insert.statement.params();
    if types.iter().any(|declared| Codec::of(declared) == Codec::Other) {
        return Err(Obstacle::NotPlain);
    }
    let is_array: Vec<bool> = types.iter().map(|declared| array::element(declared).is_some()).collect();
    let in_text = |(value, is_array): (&Value<'_>, &bool)| *is_array && matches!(value, Value::Text(_));
    if is_array.contains(&true) && statements.iter().any(|one| one.values.iter().zip(&is_array).any(in_text)) {
        // COPY takes the binary form of all or of none.
        return Err(Obstacle::NotPlain);
    }
    let into = connection.prepare_text(&copy.text).await.map_err(Failure::unsent)?;
    let lock = format!("{}{}", if begin { "BEGIN; " } else { "" }, copy.lock);
    let lock = async { connection.control(&lock).await.map_err(Obstacle::Failed) };
    let key = copy.key.as_ref().map(|(key, _)| key.as_str());
    let before = pipelined(lock, keys::before(connection, &copy.table, key)).await?;
    let sink = connection.client().copy_in::<_, Bytes>(&into.statement).await.map_err(Failure::sent)?;
    let mut sink = pin!(sink);
    let mut message = BytesMut::with_capacity(MESSAGE + MESSAGE / 4);
    // The signature, no flags, no header extension.
    message.put_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    for (at, statement) in statements.iter().enumerate() {
        message.put_i16(types.len() as i16);
        for (column, (value, declared)) in statement.values.iter().zip(types).enumerate() {
            if let Err(refused) = put_sized_as(value, declared, &mut message) {
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
    let finish = async {
        let copied = sink.finish().await.map_err(Failure::sent)?;
        if copied == statements.len() as u64 { Ok(()) } else { Err(Obstacle::NotPlain) }
    };
    match (before, &copy.key) {
        (Some(before), Some((_, of_new_rows))) => {
            let last = pipelined(finish, keys::last(connection, &before)).await?;
            let keys = keys::between(connection, &before, last, of_new_rows, statements.len()).await?;
            Ok(keys.into_iter().map(|key| Written::new(1).generated(key)).collect())
        }
        _ => {
            finish.await?;
            Ok(vec![Written::new(1); statements.len()])
        }
    }
}
