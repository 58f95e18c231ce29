//! What is wanted: the table of a model as it will be described.

use thing_driver_api::schema::{
    CheckSchema, ColumnSchema, ForeignKeySchema, Generated, IndexPart, IndexSchema, TableSchema,
};
use thing_driver_api::{Dialect as _, Index, Result, Table, ValueType};

use super::default;
use super::definition::{AUTOINCREMENT, is_of_living};
use super::described::{holds, mark_address};
use super::render::identifier;
use super::tokens::normal;
use crate::dialect::SqliteDialect;

/// The table of a model. SQLite keeps no comments.
pub(super) fn wanted(table: &Table) -> Result<TableSchema> {
    let mut wanted = TableSchema::new(table.name());
    for at in 0..table.columns().len() {
        wanted.columns.push(column(table, at)?);
    }
    wanted.key = names(table, table.key());
    if let (true, [key]) = (table.has_generated_key(), table.key()) {
        wanted.options.push(AUTOINCREMENT.to_owned());
        wanted.columns[*key].declared = "INTEGER".to_owned();
        wanted.columns[*key].default = None;
        wanted.columns[*key].generated = Some(Generated::Key);
    }
    mark_address(&mut wanted);
    wanted.indexes = table.indexes().iter().map(|declared| index(table, declared)).collect();
    wanted.indexes.sort_by(|a, b| a.name.cmp(&b.name));
    let foreign_keys = table.foreign_keys().iter().map(|declared| {
        let references = declared.references.iter().map(|name| name.to_string()).collect();
        let columns = names(table, &declared.columns);
        let mut key = ForeignKeySchema::new(declared.name.clone(), columns, declared.table.clone(), references);
        (key.on_delete, key.on_update) = (declared.on_delete, declared.on_update);
        key
    });
    wanted.foreign_keys = foreign_keys.collect();
    wanted.foreign_keys.sort_by(|a, b| a.name.cmp(&b.name));
    let checks = table.checks().iter();
    wanted.checks = checks.map(|check| CheckSchema::new(check.name.clone(), normal(&check.condition))).collect();
    wanted.checks.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(wanted)
}

fn names(table: &Table, columns: &[usize]) -> Vec<String> {
    columns.iter().map(|&column| table.column(column).name.to_string()).collect()
}

fn column(table: &Table, at: usize) -> Result<ColumnSchema> {
    let declared = table.column(at);
    let column_type = column_type(declared.value_type);
    let mut column = ColumnSchema::new(declared.name.clone(), column_type, holds(column_type));
    column.nullable = declared.nullable;
    if let Some(value) = declared.default.as_ref().filter(|value| !value.is_null()) {
        let mut literal = String::new();
        SqliteDialect.literal(value, &mut literal)?;
        column.default = default::shown(&literal, &column.declared);
    }
    Ok(column)
}

/// The type of a column of a model.
fn column_type(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Bool => "BOOLEAN",
        ValueType::I16 | ValueType::I32 | ValueType::I64 => "INTEGER",
        ValueType::F32 => "FLOAT",
        ValueType::F64 => "DOUBLE",
        ValueType::Text => "TEXT",
        ValueType::Bytes => "BLOB",
        ValueType::Uuid => "UUID_BLOB",
        ValueType::Timestamp => "TIMESTAMP",
        ValueType::Date => "DATE",
        ValueType::Time => "TIME",
        ValueType::Json | ValueType::List(_) => "JSON_TEXT",
        ValueType::Decimal => "DECIMAL_TEXT COLLATE decimal",
        // Of all declarations this one converts nothing.
        _ => "BLOB",
    }
}

fn index(table: &Table, declared: &Index) -> IndexSchema {
    let parts = declared.columns.iter().map(|&column| {
        let mut part = IndexPart::column(table.column(column).name.clone());
        part.descending = declared.descending.contains(column);
        part
    });
    let mut index = IndexSchema::new(declared.name.clone(), parts.collect(), declared.unique);
    let living = table.deleted().filter(|_| table.is_partial(declared)).map(|deleted| {
        let column = table.column(deleted);
        let name = identifier(&column.name);
        if column.nullable { format!("{name} IS NULL") } else { format!("NOT {name}") }
    });
    index.condition = match (declared.condition.as_deref().map(normal), living) {
        (Some(condition), Some(living)) => Some(format!("({condition}) AND {living}")),
        (condition, living) => condition.or(living),
    };
    index.living = index.unique && index.condition.as_deref().is_some_and(is_of_living);
    index
}
