//! Definitions: columns, indexes and constraints as SQL.

use thing_driver_api::Dialect as _;
use thing_driver_api::schema::{
    Action, CheckSchema, ColumnSchema, ForeignKeySchema, Generated, IndexColumn, IndexPart, IndexSchema, TableSchema,
};

use super::condition;
use super::living::{self, LIVING};
use super::name::{constant, identifier, identifiers};
use super::types::Type;
use crate::dialect::MysqlDialect;

/// `CREATE TABLE` with all that belongs to it: changes of the schema can't be rolled back, so that it is all or nothing
/// only so.
pub(super) fn table(table: &TableSchema, dialect: &MysqlDialect) -> String {
    let mut parts: Vec<String> = table.columns.iter().map(|known| column(known, dialect)).collect();
    parts.extend(living::of(table).map(living::definition));
    if !table.key.is_empty() {
        parts.push(format!("PRIMARY KEY ({})", identifiers(&table.key)));
    }
    parts.extend(table.indexes.iter().map(index));
    parts.extend(table.checks.iter().map(check));
    parts.extend(table.foreign_keys.iter().map(foreign_key));
    let comment = table.comment.as_ref().map(|comment| format!(" COMMENT={}", constant(comment))).unwrap_or_default();
    format!("CREATE TABLE {} ({}){}{comment}", identifier(&table.name), parts.join(", "), dialect.table_options())
}

/// All that a column is: a change of one has to say everything again.
pub(super) fn column(column: &ColumnSchema, dialect: &MysqlDialect) -> String {
    let mut out = format!("{} {}", identifier(&column.name), declared(&column.declared, dialect));
    match &column.generated {
        Some(Generated::Stored(expression)) => out.push_str(&format!(" GENERATED ALWAYS AS ({expression}) STORED")),
        Some(Generated::Virtual(expression)) => out.push_str(&format!(" GENERATED ALWAYS AS ({expression}) VIRTUAL")),
        _ => {
            // A TIMESTAMP that may hold NULL has to say so.
            out.push_str(if column.nullable { " NULL" } else { " NOT NULL" });
        }
    }
    if column.generated == Some(Generated::Key) {
        out.push_str(" AUTO_INCREMENT");
    }
    if let Some(default) = &column.default {
        out.push_str(&format!(" DEFAULT {}", initial(default)));
    }
    if let Some(comment) = &column.comment {
        out.push_str(&format!(" COMMENT {}", constant(comment)));
    }
    out
}

/// The type with its collation, which would else be that of the table.
fn declared(declared: &str, dialect: &MysqlDialect) -> String {
    let known = Type::read(declared);
    let has_collation = known.is_text() || matches!(known.name, "enum" | "set");
    if has_collation && known.collation.is_none() {
        return format!("{declared} collate {}", dialect.collation());
    }
    declared.to_owned()
}

/// Text and bytes can have a default only as an expression in brackets; times of now only without.
fn initial(default: &str) -> String {
    let lower = default.to_ascii_lowercase();
    if lower.starts_with("current_timestamp") || lower.starts_with("null on update") {
        return default.to_owned();
    }
    match lower.find(" on update current_timestamp") {
        Some(at) => format!("({}){}", &default[..at], &default[at..]),
        None => format!("({default})"),
    }
}

pub(super) fn index(index: &IndexSchema) -> String {
    let sort = match (index.unique, index.method.as_deref()) {
        (true, _) => "UNIQUE INDEX",
        (false, Some("fulltext")) => "FULLTEXT INDEX",
        (false, Some("spatial")) => "SPATIAL INDEX",
        (false, _) => "INDEX",
    };
    let mut parts: Vec<String> = index.parts.iter().map(index_part).collect();
    if index.living {
        parts.push(identifier(LIVING));
    }
    format!("{sort} {} ({})", identifier(&index.name), parts.join(", "))
}

fn index_part(part: &IndexPart) -> String {
    let mut out = match &part.of {
        IndexColumn::Column(name) => identifier(name),
        IndexColumn::Expression(text) => text.clone(),
    };
    if let Some(prefix) = part.prefix {
        out.push_str(&format!("({prefix})"));
    }
    out.push_str(if part.descending { " DESC" } else { "" });
    out
}

pub(super) fn check(check: &CheckSchema) -> String {
    format!("CONSTRAINT {} CHECK ({})", identifier(&check.name), condition::written(&check.condition))
}

pub(super) fn foreign_key(key: &ForeignKeySchema) -> String {
    let mut out = format!(
        "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({})",
        identifier(&key.name),
        identifiers(&key.columns),
        identifier(&key.table),
        identifiers(&key.references)
    );
    for (event, action) in [("DELETE", key.on_delete), ("UPDATE", key.on_update)] {
        if action != Action::NoAction {
            out.push_str(&format!(" ON {event} {}", action.sql()));
        }
    }
    out
}
