//! Statements: tables and indexes as SQLite is told of them.

use thing_driver_api::Dialect as _;
use thing_driver_api::schema::{
    Action, ColumnSchema, ForeignKeySchema, Generated, IndexColumn, IndexSchema, TableSchema,
};

use super::definition::AUTOINCREMENT;
use super::tokens::tokens;
use crate::dialect::SqliteDialect;

pub(super) fn identifier(name: &str) -> String {
    let mut out = String::new();
    SqliteDialect.identifier(name, &mut out);
    out
}

pub(super) fn identifiers(names: &[String]) -> String {
    names.iter().map(|name| identifier(name)).collect::<Vec<_>>().join(", ")
}

/// The statement that creates the table, under this name.
pub(super) fn create_table(table: &TableSchema, name: &str) -> String {
    let counts = table.options.iter().any(|option| option == AUTOINCREMENT);
    let mut parts: Vec<String> = Vec::new();
    for declared in &table.columns {
        let counted = counts && declared.generated == Some(Generated::Key);
        parts.push(if counted {
            format!("{} INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL", identifier(&declared.name))
        } else {
            column(declared)
        });
    }
    if !counts && !table.key.is_empty() {
        parts.push(format!("PRIMARY KEY ({})", identifiers(&table.key)));
    }
    let constraints = table.indexes.iter().filter(|index| index.constraint);
    parts.extend(constraints.map(|index| format!("UNIQUE ({})", index_parts(index))));
    parts.extend(table.foreign_keys.iter().map(foreign_key));
    let checks = table.checks.iter().map(|check| format!("{}CHECK ({})", named(&check.name), check.condition));
    parts.extend(checks);
    let options: Vec<&str> = table.options.iter().map(|option| &**option).filter(|o| *o != AUTOINCREMENT).collect();
    let behind = if options.is_empty() { String::new() } else { format!(" {}", options.join(", ")) };
    format!("CREATE TABLE {} ({}){behind}", identifier(name), parts.join(", "))
}

/// A column as it stands in CREATE TABLE and ADD COLUMN.
pub(super) fn column(column: &ColumnSchema) -> String {
    let mut out = identifier(&column.name);
    if !column.declared.is_empty() {
        out.push(' ');
        out.push_str(&column.declared);
    }
    if !column.nullable {
        out.push_str(" NOT NULL");
    }
    if let Some(default) = &column.default {
        let expression = if is_constant(default) { default.clone() } else { format!("({default})") };
        out.push_str(&format!(" DEFAULT {expression}"));
    }
    match &column.generated {
        Some(Generated::Stored(expression)) => out.push_str(&format!(" GENERATED ALWAYS AS ({expression}) STORED")),
        Some(Generated::Virtual(expression)) => out.push_str(&format!(" GENERATED ALWAYS AS ({expression}) VIRTUAL")),
        _ => {}
    }
    out
}

/// Whether the expression is a number, a text or a blob, which may stand without parentheses.
pub(super) fn is_constant(expression: &str) -> bool {
    let all = tokens(expression);
    let value = match all.as_slice() {
        [sign, value] if matches!(sign.text, "+" | "-") => value,
        [value] => value,
        _ => return false,
    };
    let blob = (value.text.starts_with('x') || value.text.starts_with('X')) && value.text.ends_with('\'');
    blob || value.text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '\''))
}

fn foreign_key(key: &ForeignKeySchema) -> String {
    let mut out = format!(
        "{}FOREIGN KEY ({}) REFERENCES {}",
        named(&key.name),
        identifiers(&key.columns),
        identifier(&key.table)
    );
    if key.references.iter().all(|name| !name.is_empty()) {
        out.push_str(&format!(" ({})", identifiers(&key.references)));
    }
    for (event, action) in [("DELETE", key.on_delete), ("UPDATE", key.on_update)] {
        let does = match action {
            Action::Restrict => "RESTRICT",
            Action::Cascade => "CASCADE",
            Action::SetNull => "SET NULL",
            Action::SetDefault => "SET DEFAULT",
            _ => continue,
        };
        out.push_str(&format!(" ON {event} {does}"));
    }
    out
}

fn named(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("CONSTRAINT {} ", identifier(name)) }
}

pub(super) fn create_index(table: &str, index: &IndexSchema) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let mut out =
        format!("CREATE {unique}INDEX {} ON {} ({})", identifier(&index.name), identifier(table), index_parts(index));
    if let Some(condition) = &index.condition {
        out.push_str(&format!(" WHERE {condition}"));
    }
    out
}

fn index_parts(index: &IndexSchema) -> String {
    let parts = index.parts.iter().map(|part| {
        let of = match &part.of {
            IndexColumn::Column(name) => identifier(name),
            IndexColumn::Expression(text) => text.clone(),
        };
        if part.descending { format!("{of} DESC") } else { of }
    });
    parts.collect::<Vec<_>>().join(", ")
}
