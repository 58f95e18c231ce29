//! One table: columns, keys, indexes, and rows.

use serde::Serialize;
use serde_json::Value;
use thing::driver::schema::{
    CheckSchema, ColumnSchema, ForeignKeySchema, Generated, IndexColumn, IndexPart, IndexSchema, TableSchema,
};

use super::{Count, count, describe, size};
use crate::context::Context;
use crate::database::{Access, Database, TableSize};
use crate::failure::{Failure, Result};
use crate::output::{FAINT, Page, STRONG, plain};
use crate::report::{self, Report};
use crate::rows::{Cell, Rows};

/// A table, as it is told.
#[derive(Debug, Serialize)]
pub(crate) struct TableReport {
    name: String,
    rows: Count,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    columns: Vec<ColumnReport>,
    key: Vec<String>,
    indexes: Vec<IndexReport>,
    foreign_keys: Vec<ForeignKeyReport>,
    checks: Vec<CheckReport>,
    /// The rows that were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip)]
    shown: Option<Rows>,
}

#[derive(Debug, Serialize)]
struct ColumnReport {
    name: String,
    #[serde(rename = "type")]
    declared: String,
    nullable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    /// How the database makes the values: `key`, `stored` or `virtual`.
    #[serde(skip_serializing_if = "Option::is_none")]
    generated: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

#[derive(Debug, Serialize)]
struct IndexReport {
    name: String,
    parts: Vec<PartReport>,
    unique: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
struct PartReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expression: Option<String>,
    descending: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<u32>,
}

#[derive(Debug, Serialize)]
struct ForeignKeyReport {
    name: String,
    columns: Vec<String>,
    table: String,
    references: Vec<String>,
    on_delete: &'static str,
    on_update: &'static str,
}

#[derive(Debug, Serialize)]
struct CheckReport {
    name: String,
    condition: String,
}

/// One table, with so many of its rows.
pub(crate) async fn table(context: &Context<'_>, name: &str, rows: Option<u32>) -> Result<TableReport> {
    let database = context.database(Access::Read).await?;
    let Some(schema) = describe(&database, name).await? else {
        return Err(Failure::new(format!("there is no table `{name}`; `inspect` lists those that there are")));
    };
    let known = database.vendor.sizes(database.executor()).await.unwrap_or_default();
    let size = known.into_iter().find(|size| size.name.eq_ignore_ascii_case(name));
    let size = size.unwrap_or(TableSize { name: name.to_owned(), estimate: None, bytes: None });
    let mut report = TableReport::new(&database, &schema, &size).await?;
    if let Some(limit) = rows {
        let mut found = first_rows(&database, &size.name, &schema, limit).await?;
        hide_secrets(context, &size.name, &mut found);
        report.data = Some(found.json());
        report.shown = Some(found);
    }
    Ok(report)
}

async fn first_rows(database: &Database, name: &str, schema: &TableSchema, limit: u32) -> Result<Rows> {
    let quoted = |names: &[String]| -> Result<String> {
        Ok(names.iter().map(|name| database.quoted(name)).collect::<Result<Vec<_>>>()?.join(", "))
    };
    let table = database.quoted(name)?;
    let columns: Vec<String> = schema.columns.iter().map(|column| column.name.clone()).collect();
    let order = if schema.key.is_empty() { String::new() } else { format!(" ORDER BY {}", quoted(&schema.key)?) };
    let select = |texts: &[usize]| -> Result<String> {
        let value = |(at, name): (usize, &String)| {
            let name = database.quoted(name)?;
            Ok(if texts.contains(&at) { database.vendor.text_of(&name) } else { name })
        };
        let values = columns.iter().enumerate().map(value).collect::<Result<Vec<_>>>()?.join(", ");
        Ok(format!("SELECT {values} FROM {table}{order} LIMIT {limit}"))
    };
    let mut rows = Rows::read(database.executor(), &select(&[])?, &[]).await?;
    let unread = rows.unread();
    if !unread.is_empty() {
        rows = Rows::read(database.executor(), &select(&unread)?, &[]).await?;
    }
    rows.names = columns;
    Ok(rows)
}

/// What a model calls a secret is shown to nobody.
fn hide_secrets(context: &Context<'_>, name: &str, rows: &mut Rows) {
    let model = context.models().tables.iter().find(|table| table.name().eq_ignore_ascii_case(name));
    let Some(model) = model else { return };
    for column in model.columns().iter().filter(|column| column.secret) {
        let Some(at) = rows.column(&column.name) else { continue };
        for cell in rows.rows.iter_mut().filter_map(|row| row.get_mut(at)) {
            *cell = Cell::Known(thing::driver::Value::Text("***".into()));
        }
    }
}

impl TableReport {
    pub(super) async fn new(database: &Database, schema: &TableSchema, size: &TableSize) -> Result<Self> {
        Ok(Self {
            name: size.name.clone(),
            rows: count(database, size).await?,
            bytes: size.bytes,
            comment: schema.comment.clone(),
            columns: schema.columns.iter().map(ColumnReport::new).collect(),
            key: schema.key.clone(),
            indexes: schema.indexes.iter().map(IndexReport::new).collect(),
            foreign_keys: schema.foreign_keys.iter().map(ForeignKeyReport::new).collect(),
            checks: schema.checks.iter().map(CheckReport::new).collect(),
            data: None,
            shown: None,
        })
    }

    /// Its row in the list of tables.
    pub(super) fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.rows.text(),
            size(self.bytes),
            self.columns.len().to_string(),
            self.key.join(", "),
            self.indexes.len().to_string(),
            self.foreign_keys.len().to_string(),
        ]
    }
}

impl ColumnReport {
    fn new(column: &ColumnSchema) -> Self {
        let (generated, expression) = match &column.generated {
            Some(Generated::Key) => (Some("key"), None),
            Some(Generated::Stored(expression)) => (Some("stored"), Some(expression.clone())),
            Some(Generated::Virtual(expression)) => (Some("virtual"), Some(expression.clone())),
            _ => (None, None),
        };
        Self {
            name: column.name.clone(),
            declared: column.declared.clone(),
            nullable: column.nullable,
            default: column.default.clone(),
            generated,
            expression,
            comment: column.comment.clone(),
        }
    }

    fn cells(&self) -> Vec<String> {
        let null = if self.nullable { "" } else { "NOT NULL" };
        let made = match (self.generated, &self.default) {
            (Some("key"), _) => "generated".to_owned(),
            (Some(how), _) => format!("{how} {}", self.expression.as_deref().unwrap_or_default()),
            (None, Some(default)) => format!("default {default}"),
            (None, None) => String::new(),
        };
        let comment = self.comment.as_deref().map(plain).unwrap_or_default();
        vec![self.name.clone(), self.declared.clone(), null.to_owned(), made, comment]
    }
}

impl IndexReport {
    fn new(index: &IndexSchema) -> Self {
        Self {
            name: index.name.clone(),
            parts: index.parts.iter().map(PartReport::new).collect(),
            unique: index.unique,
            condition: index.condition.clone(),
            method: index.method.clone(),
        }
    }

    fn cells(&self) -> Vec<String> {
        let parts: Vec<String> = self.parts.iter().map(PartReport::text).collect();
        let unique = if self.unique { "unique" } else { "" };
        let condition = self.condition.as_ref().map(|condition| format!("where {condition}"));
        let more = [self.method.clone(), condition].into_iter().flatten().collect::<Vec<_>>().join(" ");
        vec![self.name.clone(), parts.join(", "), unique.to_owned(), more]
    }
}

impl PartReport {
    fn new(part: &IndexPart) -> Self {
        let (column, expression) = match &part.of {
            IndexColumn::Column(name) => (Some(name.clone()), None),
            IndexColumn::Expression(text) => (None, Some(text.clone())),
        };
        Self { column, expression, descending: part.descending, prefix: part.prefix }
    }

    fn text(&self) -> String {
        let mut text = self.column.clone().or_else(|| self.expression.clone()).unwrap_or_default();
        if let Some(prefix) = self.prefix {
            text.push_str(&format!("({prefix})"));
        }
        if self.descending {
            text.push_str(" desc");
        }
        text
    }
}

impl ForeignKeyReport {
    fn new(key: &ForeignKeySchema) -> Self {
        Self {
            name: key.name.clone(),
            columns: key.columns.clone(),
            table: key.table.clone(),
            references: key.references.clone(),
            on_delete: key.on_delete.sql(),
            on_update: key.on_update.sql(),
        }
    }

    fn cells(&self) -> Vec<String> {
        let to = format!("{} ({})", self.table, self.references.join(", "));
        vec![self.name.clone(), self.columns.join(", "), to, self.on_delete.to_owned(), self.on_update.to_owned()]
    }
}

impl CheckReport {
    fn new(check: &CheckSchema) -> Self {
        Self { name: check.name.clone(), condition: check.condition.clone() }
    }
}

impl Report for TableReport {
    fn write(&self, page: &mut Page) {
        let rows = if self.rows.exact && self.rows.count == 1 { "row" } else { "rows" };
        let bytes = self.bytes.map_or_else(String::new, |_| format!(", {}", size(self.bytes)));
        page.line(format_args!("{STRONG}{}{STRONG:#}  {} {rows}{bytes}", self.name, self.rows.text()));
        if let Some(comment) = &self.comment {
            page.line(format_args!("{FAINT}{}{FAINT:#}", plain(comment)));
        }
        page.line("");
        let cells: Vec<_> = self.columns.iter().map(ColumnReport::cells).collect();
        page.table(&["column", "type", "null", "value", "comment"], &cells);
        if !self.key.is_empty() {
            page.line("");
            page.line(format_args!("{FAINT}key{FAINT:#}  {}", self.key.join(", ")));
        }
        if !self.indexes.is_empty() {
            page.line("");
            let cells: Vec<_> = self.indexes.iter().map(IndexReport::cells).collect();
            page.table(&["index", "columns", "", ""], &cells);
        }
        if !self.foreign_keys.is_empty() {
            page.line("");
            let cells: Vec<_> = self.foreign_keys.iter().map(ForeignKeyReport::cells).collect();
            page.table(&["foreign key", "columns", "refers to", "on delete", "on update"], &cells);
        }
        if !self.checks.is_empty() {
            page.line("");
            let cells: Vec<_> = self.checks.iter().map(|c| vec![c.name.clone(), plain(&c.condition)]).collect();
            page.table(&["check", "condition"], &cells);
        }
        if let Some(rows) = &self.shown {
            page.line("");
            let names: Vec<&str> = rows.names.iter().map(String::as_str).collect();
            let cells: Vec<Vec<String>> =
                rows.texts().into_iter().map(|row| row.iter().map(|cell| short(&plain(cell))).collect()).collect();
            page.table(&names, &cells);
        }
    }

    fn json(&self) -> Result<Value> {
        report::json(self)
    }
}

/// The beginning of a long text.
fn short(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST - 1).chain(['…']).collect()
}
