//! Describing: what `information_schema` says of a table, as one schema.

use mysql_async::Row;
use thing_driver_api::schema::{
    Action, CheckSchema, ColumnSchema, ForeignKeySchema, Generated, IndexPart, IndexSchema, TableSchema,
};
use thing_driver_api::{Result, ValueType};

use super::living::{self, LIVING};
use super::types::{self, Type};
use super::{catalog, cell, condition, default, name};
use crate::dialect::{Flavour, MysqlDialect};
use crate::executor::MysqlExecutor;

pub(super) async fn tables(executor: &MysqlExecutor) -> Result<Vec<String>> {
    let rows = executor.show(catalog::TABLES.to_owned()).await?.unwrap_or_default();
    let mut names: Vec<String> = rows.iter().map(|row| said(row, "name")).collect();
    names.sort();
    Ok(names)
}

pub(super) async fn current_schema(executor: &MysqlExecutor) -> Result<Option<String>> {
    let rows = executor.show(catalog::CURRENT_SCHEMA.to_owned()).await?.unwrap_or_default();
    Ok(rows.first().and_then(|row| cell(row, "name")))
}

pub(super) async fn table(executor: &MysqlExecutor, name: &str) -> Result<Option<TableSchema>> {
    let dialect = &executor.database.dialect;
    let flavour = dialect.flavour();
    let ask = async |text: String| Ok::<_, thing_driver_api::Error>(executor.show(text).await?.unwrap_or_default());
    let tables = ask(catalog::table(name)).await?;
    let Some(known) = tables.first() else { return Ok(None) };
    let mut table = TableSchema::new(name);
    // A view says of itself that it is one.
    table.comment = Some(said(known, "comment")).filter(|text| !text.is_empty() && said(known, "sort") == "BASE TABLE");
    let columns = ask(catalog::columns(name)).await?;
    let checks = ask(catalog::checks(name, flavour)).await?;
    let exact_text = executor.database.pool.connector.config.exact_text;
    let mut mark = None;
    for row in &columns {
        if said(row, "name").eq_ignore_ascii_case(LIVING) {
            mark = living::shown(&said(row, "expression"));
        } else {
            let is_json = checks.iter().any(|check| is_check_of_json(check, &said(row, "name")));
            table.columns.push(column(row, dialect, is_json, exact_text));
        }
    }
    read_indexes(&ask(catalog::indexes(name, flavour)).await?, mark.as_deref(), &mut table);
    read_foreign_keys(&ask(catalog::foreign_keys(name)).await?, &mut table);
    for row in &checks {
        let declared = condition::declared(&unescaped(said(row, "shown"), flavour), &table.columns);
        let is_of_json = table.columns.iter().any(|column| is_check_of_json(row, &column.name));
        if !is_of_json {
            table.checks.push(CheckSchema::new(said(row, "name"), declared));
        }
    }
    sort(&mut table);
    Ok(Some(table))
}

/// Brings what has no order of its own into that of the names.
pub(super) fn sort(table: &mut TableSchema) {
    table.indexes.sort_by(|a, b| a.name.cmp(&b.name));
    table.foreign_keys.sort_by(|a, b| a.name.cmp(&b.name));
    table.checks.sort_by(|a, b| a.name.cmp(&b.name));
}

fn said(row: &Row, name: &str) -> String {
    cell(row, name).unwrap_or_default()
}

/// MySQL shows expressions with their quotes escaped.
fn unescaped(shown: String, flavour: Flavour) -> String {
    if flavour == Flavour::MySql { shown.replace("\\'", "'") } else { shown }
}

/// Whether the server made this check for a column of JSON, which MariaDB keeps as text.
fn is_check_of_json(check: &Row, column: &str) -> bool {
    let clause = format!("json_valid({})", name::identifier(column));
    said(check, "name").eq_ignore_ascii_case(column) && said(check, "shown").eq_ignore_ascii_case(&clause)
}

fn column(row: &Row, dialect: &MysqlDialect, is_json: bool, exact_text: bool) -> ColumnSchema {
    let (column_type, extra) = (said(row, "declared"), said(row, "extra").to_ascii_lowercase());
    let collation = cell(row, "collation");
    let is_json = is_json && column_type.eq_ignore_ascii_case("longtext");
    let declared = match is_json {
        true => "json".to_owned(),
        false => types::shown(&column_type, collation.as_deref(), dialect),
    };
    let mut held = types::holds(&declared);
    if exact_text && collation.is_some_and(|collation| !types::is_exact(&collation)) {
        held.retain(|held| *held != ValueType::Text);
    }
    let mut column = ColumnSchema::new(said(row, "name"), declared, held);
    column.allowed = types::allowed(&column_type);
    column.nullable = said(row, "nullable").eq_ignore_ascii_case("YES");
    column.comment = Some(said(row, "comment")).filter(|comment| !comment.is_empty());
    let expression = unescaped(said(row, "expression"), dialect.flavour());
    column.generated = if extra.contains("auto_increment") {
        Some(Generated::Key)
    } else if extra.contains("virtual generated") {
        Some(Generated::Virtual(expression))
    } else if extra.contains("stored generated") || extra.contains("persistent") {
        Some(Generated::Stored(expression))
    } else {
        None
    };
    if column.generated.is_none() {
        column.default = initial(row, &extra, &Type::read(&column.declared), dialect.flavour());
    }
    column
}

/// The default, with what the column becomes when another one changes.
fn initial(row: &Row, extra: &str, declared: &Type<'_>, flavour: Flavour) -> Option<String> {
    let words = match (cell(row, "initial"), flavour) {
        // MariaDB says NULL where it is the default.
        (words, Flavour::MariaDb) => words.filter(|words| !words.eq_ignore_ascii_case("NULL")),
        // MySQL says the text of a constant without quotation marks.
        (Some(words), Flavour::MySql) if extra.contains("default_generated") => {
            let words = words.replace("\\'", "'");
            Some(words.strip_prefix("_utf8mb4").map_or(words.clone(), str::to_owned))
        }
        (Some(words), Flavour::MySql) => Some(if declared.width().is_some() { words } else { name::constant(&words) }),
        (None, Flavour::MySql) => None,
    };
    let default = words.map(|words| default::shown(&words, declared));
    match extra.find("on update ") {
        Some(at) => Some(format!("{} {}", default.as_deref().unwrap_or("NULL"), &extra[at..])),
        None => default,
    }
}

/// Key and indexes, index by index and part by part.
fn read_indexes(rows: &[Row], mark: Option<&str>, table: &mut TableSchema) {
    for row in rows {
        let name = said(row, "name");
        let mut part = match (cell(row, "part"), cell(row, "expression")) {
            (None, Some(expression)) => IndexPart::expression(format!("({expression})")),
            (column, _) => IndexPart::column(column.unwrap_or_default()),
        };
        part.descending = cell(row, "direction").as_deref() == Some("D");
        part.prefix = cell(row, "prefix").and_then(|prefix| prefix.parse().ok());
        if name == "PRIMARY" {
            table.key.extend(part.of.column().map(str::to_owned));
        } else if let Some(index) = table.indexes.last_mut().filter(|index| index.name == name) {
            index.parts.push(part);
        } else {
            let mut index = IndexSchema::new(name, vec![part], cell(row, "repeats").as_deref() == Some("0"));
            let method = said(row, "method").to_ascii_lowercase();
            index.method = (method != "btree").then_some(method);
            table.indexes.push(index);
        }
    }
    for index in &mut table.indexes {
        let last = index.parts.last().and_then(|part| part.of.column());
        if last.is_some_and(|column| column.eq_ignore_ascii_case(LIVING)) {
            index.parts.pop();
            index.living = true;
            index.condition = mark.map(str::to_owned);
        }
        if index.method.as_deref() == Some("fulltext") || index.method.as_deref() == Some("spatial") {
            // They are over all of a column, whatever prefix the server says.
            index.parts.iter_mut().for_each(|part| part.prefix = None);
        }
    }
}

/// Foreign keys, column by column. The index that the server makes for one, where there is no other, is not listed.
fn read_foreign_keys(rows: &[Row], table: &mut TableSchema) {
    for row in rows {
        let name = said(row, "name");
        let (column, referred) = (said(row, "part"), said(row, "referred"));
        if let Some(key) = table.foreign_keys.last_mut().filter(|key| key.name == name) {
            key.columns.push(column);
            key.references.push(referred);
            continue;
        }
        let mut key = ForeignKeySchema::new(name, vec![column], said(row, "target"), vec![referred]);
        key.on_delete = action(&said(row, "deleting"));
        key.on_update = action(&said(row, "updating"));
        table.foreign_keys.push(key);
    }
    leave_out_made(table);
}

/// Leaves out the indexes that the server makes for foreign keys: whether somebody asked for them, too, it does not say.
pub(super) fn leave_out_made(table: &mut TableSchema) {
    let keys = &table.foreign_keys;
    let made = |index: &IndexSchema| {
        let columns = index.columns().unwrap_or_default();
        !index.unique && keys.iter().any(|key| key.name == index.name && key.columns == columns)
    };
    table.indexes.retain(|index| !made(index));
}

/// InnoDB knows one way to refuse, which has two names.
fn action(words: &str) -> Action {
    match words {
        "CASCADE" => Action::Cascade,
        "SET NULL" => Action::SetNull,
        "SET DEFAULT" => Action::SetDefault,
        _ => Action::NoAction,
    }
}
