//! Describing: what the catalogues say of a table, as one schema.

use futures_util::future::try_join5;
use thing_driver_api::ValueType;
use thing_driver_api::schema::{
    Action, CheckSchema, ColumnSchema, ForeignKeySchema, Generated, IndexPart, IndexSchema, TableSchema,
    without_brackets,
};
use tokio_postgres::Row;
use tokio_postgres::types::Type as Native;

use super::remark::Remark;
use super::types::{Type, holds};
use super::{catalog, default, mark};
use crate::connection::Connection;
use crate::error::Failure;

type Read<T> = Result<T, tokio_postgres::Error>;

pub(super) async fn tables(connection: &Connection) -> Result<Vec<String>, Failure> {
    let rows = connection.client().query_typed(catalog::TABLES, &[]).await.map_err(Failure::sent)?;
    rows.iter().map(|row| row.try_get(0)).collect::<Read<_>>().map_err(Failure::sent)
}

pub(super) async fn current_schema(connection: &Connection) -> Result<Option<String>, Failure> {
    let rows = connection.client().query_typed(catalog::CURRENT_SCHEMA, &[]).await.map_err(Failure::sent)?;
    rows.first().map_or(Ok(None), |row| row.try_get(0)).map_err(Failure::sent)
}

/// Describes a table, in a transaction that has begun with [`catalog::BEGIN`].
pub(super) async fn table(connection: &Connection, name: &str, bytewise: bool) -> Result<Option<TableSchema>, Failure> {
    let ask = |text| query(connection, text, name);
    // They are sent together.
    let (comments, columns, indexes, foreign_keys, checks) = try_join5(
        ask(catalog::TABLE),
        ask(catalog::COLUMNS),
        ask(catalog::INDEXES),
        ask(catalog::FOREIGN_KEYS),
        ask(catalog::CHECKS),
    )
    .await?;
    let read = || -> Read<Option<TableSchema>> {
        let Some(comment) = comments.first() else { return Ok(None) };
        let mut table = TableSchema::new(name);
        table.comment = comment.try_get(0)?;
        let mut key: Vec<(i64, String)> = Vec::new();
        for row in &columns {
            let column = column(row, bytewise)?;
            key.extend(row.try_get::<_, Option<i64>>(6)?.map(|place| (place, column.name.clone())));
            table.columns.push(column);
        }
        key.sort();
        table.key = key.into_iter().map(|(_, name)| name).collect();
        table.indexes = read_indexes(&indexes, &table.columns)?;
        table.foreign_keys = foreign_keys.iter().map(foreign_key).collect::<Read<_>>()?;
        table.checks = checks.iter().map(|row| check(row, &table.columns)).collect::<Read<_>>()?;
        sort(&mut table);
        Ok(Some(table))
    };
    read().map_err(Failure::sent)
}

/// Brings what has no order of its own into that of the names.
pub(super) fn sort(table: &mut TableSchema) {
    table.indexes.sort_by(|a, b| a.name.cmp(&b.name));
    table.foreign_keys.sort_by(|a, b| a.name.cmp(&b.name));
    table.checks.sort_by(|a, b| a.name.cmp(&b.name));
}

async fn query(connection: &Connection, text: &str, table: &str) -> Result<Vec<Row>, Failure> {
    connection.client().query_typed(text, &[(&table, Native::TEXT)]).await.map_err(Failure::sent)
}

fn column(row: &Row, bytewise: bool) -> Read<ColumnSchema> {
    let mut declared: String = row.try_get(1)?;
    let shown: Option<String> = row.try_get(3)?;
    let is_identity: bool = row.try_get(4)?;
    let generated: String = row.try_get(5)?;
    let base: Option<String> = row.try_get(7)?;
    let allowed: Option<Vec<String>> = row.try_get(8)?;
    let deterministic: bool = row.try_get(9)?;
    let effective: Option<String> = row.try_get(10)?;
    if let Some(own) = row.try_get::<_, Option<String>>(11)? {
        declared = format!("{declared} collate {own}");
    }
    let mut held = if allowed.is_some() { vec![ValueType::Text] } else { holds(base.as_deref().unwrap_or(&declared)) };
    let ordered = effective.as_deref().is_none_or(orders_by_bytes) && allowed.is_none();
    if !deterministic || bytewise && !ordered {
        held.retain(|held| *held != ValueType::Text);
    }
    let mut column = ColumnSchema::new(row.try_get::<_, String>(0)?, declared, held);
    column.allowed = allowed.unwrap_or_default();
    column.nullable = !row.try_get::<_, bool>(2)?;
    column.comment = row.try_get(12)?;
    column.generated = match (generated.as_str(), shown) {
        ("s", Some(expression)) => Some(Generated::Stored(without_brackets(&expression).to_owned())),
        ("v", Some(expression)) => Some(Generated::Virtual(without_brackets(&expression).to_owned())),
        (_, shown) => {
            let counts = is_identity || shown.as_ref().is_some_and(|words| words.starts_with("nextval("));
            let words = shown.filter(|_| !counts);
            column.default = words.and_then(|words| default::shown(&words, &Type::read(&column.declared)));
            counts.then_some(Generated::Key)
        }
    };
    Ok(column)
}

/// The rows come index by index, and in each in the order of its parts.
fn read_indexes(rows: &[Row], columns: &[ColumnSchema]) -> Read<Vec<IndexSchema>> {
    let mut indexes: Vec<IndexSchema> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for row in rows {
        let shown: String = row.try_get(0)?;
        let mut part = match row.try_get::<_, Option<String>>(6)? {
            Some(column) => IndexPart::column(column),
            None => IndexPart::expression(expression(row.try_get(7)?)),
        };
        part.descending = row.try_get::<_, Option<bool>>(8)?.unwrap_or_default();
        if names.last() == Some(&shown)
            && let Some(index) = indexes.last_mut()
        {
            index.parts.push(part);
            continue;
        }
        names.push(shown.clone());
        indexes.push(index(row, shown, part, columns)?);
    }
    Ok(indexes)
}

/// An expression in the brackets that it needs, and in no more.
fn expression(shown: String) -> String {
    if shown.starts_with("((") { format!("({})", without_brackets(&shown)) } else { shown }
}

fn index(row: &Row, shown: String, part: IndexPart, columns: &[ColumnSchema]) -> Read<IndexSchema> {
    let remark = Remark::read(row.try_get::<_, Option<&str>>(2)?);
    let predicate: Option<String> = row.try_get(3)?;
    let method: String = row.try_get(4)?;
    let mut index = IndexSchema::new(remark.full_name(shown), vec![part], row.try_get(1)?);
    index.condition = predicate.map(|words| mark::shown(&words).unwrap_or_else(|| remark.declared(&words, columns)));
    index.living = mark::is_of_living(index.unique, index.condition.as_deref());
    index.method = (method != "btree").then_some(method);
    index.constraint = row.try_get(5)?;
    Ok(index)
}

fn foreign_key(row: &Row) -> Read<ForeignKeySchema> {
    let remark = Remark::read(row.try_get::<_, Option<&str>>(1)?);
    let name = remark.full_name(row.try_get(0)?);
    let mut key = ForeignKeySchema::new(name, row.try_get(3)?, row.try_get::<_, String>(2)?, row.try_get(4)?);
    key.on_delete = action(row.try_get(5)?);
    key.on_update = action(row.try_get(6)?);
    Ok(key)
}

fn action(letter: &str) -> Action {
    match letter {
        "r" => Action::Restrict,
        "c" => Action::Cascade,
        "n" => Action::SetNull,
        "d" => Action::SetDefault,
        _ => Action::NoAction,
    }
}

fn check(row: &Row, columns: &[ColumnSchema]) -> Read<CheckSchema> {
    let remark = Remark::read(row.try_get::<_, Option<&str>>(1)?);
    let words: String = row.try_get(2)?;
    Ok(CheckSchema::new(remark.full_name(row.try_get(0)?), remark.declared(&words, columns)))
}

fn orders_by_bytes(collation: &str) -> bool {
    // Code points and their UTF-8 have the same order.
    ["C", "POSIX", "ucs_basic", "C.UTF-8", "C.utf8"].iter().any(|bytewise| collation.eq_ignore_ascii_case(bytewise))
}
