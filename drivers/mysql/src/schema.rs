//! The schema: what tables there are, and how to add one.

use mysql_async::Row;
use thing_driver_api::{
    Dialect, Error, ExistingColumn, ExistingIndex, ExistingTable, Index, Result, Schema, Table, ValueType, async_trait,
    quote, sql,
};

use crate::changes;
use crate::dialect::{self, MysqlDialect};
use crate::error::{self, About};
use crate::executor::MysqlExecutor;
use crate::pool::Purpose;

/// The most characters of a name.
const LONGEST_NAME: usize = 64;

#[async_trait]
impl Schema for MysqlExecutor {
    async fn describe(&self, table: &str) -> Result<Option<ExistingTable>> {
        let mut name = String::new();
        self.database.dialect.identifier(table, &mut name);
        let Some(columns) = self.show(format!("SHOW FULL COLUMNS FROM {name}")).await? else {
            return Ok(None);
        };
        let Some(indexes) = self.show(format!("SHOW INDEX FROM {name}")).await? else {
            return Ok(None);
        };
        let mut existing = ExistingTable::default();
        let exact_text = self.database.pool.connector.config.exact_text;
        existing.columns = columns.iter().map(|row| column(row, exact_text)).collect();
        (existing.key, existing.indexes) = keys(&indexes);
        Ok(Some(existing))
    }

    async fn create_table(&self, table: &Table) -> Result<()> {
        check_name("table", table.name())?;
        table.columns().iter().try_for_each(|column| check_name("column", &column.name))?;
        table.indexes().iter().try_for_each(|index| check_name("index", &index.name))?;
        let text = with_indexes(table, &self.database.dialect)?;
        self.change(text).await
    }

    async fn create_index(&self, table: &Table, index: &Index) -> Result<()> {
        check_name("index", &index.name)?;
        let dialect = &self.database.dialect;
        let mut name = String::new();
        dialect.identifier(table.name(), &mut name);
        let columns = self.show(format!("SHOW FULL COLUMNS FROM {name}")).await?.unwrap_or_default();
        let mut text = format!("ALTER TABLE {name} ");
        for &column in &index.columns {
            let wanted = &table.column(column).name;
            let existing = columns.iter().find(|row| is_named(row, wanted));
            if let Some(bounded) = existing.map(|row| bounded(row, index.columns.len())).transpose()?.flatten() {
                text.push_str("MODIFY ");
                dialect.identifier(wanted, &mut text);
                text.push(' ');
                text.push_str(&bounded);
                text.push_str(", ");
            }
        }
        text.push_str("ADD");
        push_index(table, index, dialect, &mut text);
        self.change(text).await
    }

    async fn record_changes(&self, tables: &[&Table]) -> Result<()> {
        changes::record(self, tables).await
    }

    async fn forget_changes(&self, tables: &[&Table]) -> Result<()> {
        changes::forget(self, tables).await
    }
}

impl MysqlExecutor {
    /// The rows of a SHOW and its like; `None` when there is no such table.
    pub(crate) async fn show(&self, text: String) -> Result<Option<Vec<Row>>> {
        const NO_SUCH_TABLE: u16 = 1146;
        let mut lease = self.database.pool.acquire(Purpose::Once).await?;
        let connection = lease.connection().map_err(|failure| failure.explain(About::default()))?;
        match connection.query(&text).await {
            Ok(rows) => Ok(Some(rows)),
            Err(failure) if failure.code() == Some(NO_SUCH_TABLE) => Ok(None),
            Err(failure) => Err(failure.explain(About::default())),
        }
    }

    /// Changes the schema, however long it takes.
    async fn change(&self, text: String) -> Result<()> {
        let mut lease = self.database.pool.acquire(Purpose::Once).await?;
        let about = About { table: None, text: None, commits: true };
        let text = self.database.without_limit(text);
        lease.control(text, None).await.map_err(|failure| failure.explain(about))
    }
}

fn check_name(sort: &str, name: &str) -> Result<()> {
    if name.chars().count() > LONGEST_NAME { Err(error::name_too_long(sort, name)) } else { Ok(()) }
}

/// One statement for the table and its indexes: changes of the schema can't be rolled back, so that it is all or nothing
/// only so.
fn with_indexes(table: &Table, dialect: &MysqlDialect) -> Result<String> {
    let mut text = sql::create_table(table, dialect)?;
    let options = dialect.table_options();
    text.truncate(text.len() - options.len() - ")".len());
    for index in table.indexes() {
        text.push(',');
        push_index(table, index, dialect, &mut text);
    }
    text.push(')');
    text.push_str(options);
    Ok(text)
}

fn push_index(table: &Table, index: &Index, dialect: &MysqlDialect, out: &mut String) {
    out.push_str(if index.unique { " UNIQUE INDEX " } else { " INDEX " });
    dialect.identifier(&index.name, out);
    out.push_str(" (");
    for (at, &column) in index.columns.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        dialect.identifier(&table.column(column).name, out);
    }
    out.push(')');
}

/// The definition that makes a column of unbounded length fit an index; `None` for another column. The server refuses the
/// change when a value is longer.
fn bounded(row: &Row, columns: usize) -> Result<Option<String>> {
    let said = |name| cell(row, name).unwrap_or_default();
    let declared = said("Type").to_ascii_lowercase();
    let length = dialect::bounded_length(columns);
    let mut definition = match (declared.as_str(), cell(row, "Collation")) {
        ("tinytext" | "text" | "mediumtext" | "longtext", Some(collation)) => {
            format!("VARCHAR({length}) COLLATE {collation}")
        }
        ("tinyblob" | "blob" | "mediumblob" | "longblob", _) => format!("VARBINARY({length})"),
        _ => return Ok(None),
    };
    if cell(row, "Default").is_some() {
        let name = said("Field");
        return Err(Error::unsupported(format!(
            "column `{name}` is {declared}, which can't be indexed; change it to VARCHAR({length}) first"
        )));
    }
    if said("Null").eq_ignore_ascii_case("NO") {
        definition.push_str(" NOT NULL");
    }
    let comment = said("Comment");
    if !comment.is_empty() {
        definition.push_str(" COMMENT ");
        // In the session's sql_mode a backslash escapes.
        quote(&comment.replace('\\', "\\\\"), '\'', &mut definition);
    }
    Ok(Some(definition))
}

fn is_named(row: &Row, name: &str) -> bool {
    cell(row, "Field").is_some_and(|field| field.eq_ignore_ascii_case(name))
}

pub(crate) fn cell(row: &Row, name: &str) -> Option<String> {
    row.get_opt::<Option<String>, _>(name).and_then(|cell| cell.ok().flatten())
}

fn column(row: &Row, exact_text: bool) -> ExistingColumn {
    let said = |name| cell(row, name).unwrap_or_default();
    let (declared, collation, extra) = (said("Type"), cell(row, "Collation"), said("Extra").to_ascii_lowercase());
    let mut holds = holds(&declared.to_ascii_lowercase());
    let mut shown = declared;
    if let Some(collation) = collation {
        if exact_text && !is_exact(&collation) {
            holds.retain(|held| *held != ValueType::Text);
        }
        shown = format!("{shown} collate {collation}");
    }
    let mut column = ExistingColumn::new(said("Field"), shown, holds);
    column.nullable = said("Null").eq_ignore_ascii_case("YES");
    let filled = ["auto_increment", "default_generated", "generated", "persistent"];
    column.has_default = cell(row, "Default").is_some() || filled.iter().any(|word| extra.contains(word));
    column
}

/// Whether text of this collation equals the same text only, spaces at its end included.
fn is_exact(collation: &str) -> bool {
    collation.ends_with("_nopad_bin") || collation == "utf8mb4_0900_bin" || collation == "binary"
}

/// Key and indexes. Indexes over expressions, or over the beginning of a column, can't stand for a declared one.
fn keys(rows: &[Row]) -> (Vec<String>, Vec<ExistingIndex>) {
    let mut key = Vec::new();
    let mut indexes: Vec<ExistingIndex> = Vec::new();
    let mut partial = Vec::new();
    // The rows come index by index, and in each in the order of its columns.
    for row in rows {
        let name = cell(row, "Key_name").unwrap_or_default();
        let column = cell(row, "Column_name");
        if cell(row, "Sub_part").is_some() || column.is_none() {
            partial.push(name.clone());
        }
        let column = column.unwrap_or_default();
        if name == "PRIMARY" {
            key.push(column);
        } else if let Some(index) = indexes.last_mut().filter(|index| index.name == name) {
            index.columns.push(column);
        } else {
            let unique = cell(row, "Non_unique").as_deref() == Some("0");
            indexes.push(ExistingIndex::new(name, vec![column], unique));
        }
    }
    indexes.retain(|index| !partial.contains(&index.name));
    (key, indexes)
}

/// The types of which the column holds nothing else, and from which it takes nothing but what it keeps exactly: what does
/// not fit is refused in a strict session. So `char` is missing, which drops spaces, and `datetime`, which drops
/// microseconds.
fn holds(declared: &str) -> Vec<ValueType> {
    const SMALL: [ValueType; 3] = [ValueType::I16, ValueType::I32, ValueType::I64];
    let unsigned = declared.contains("unsigned");
    let name = declared.split(['(', ' ']).next().unwrap_or_default();
    let sizes: Vec<u32> = declared
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(sizes, _)| sizes.split(',').filter_map(|size| size.trim().parse().ok()).collect())
        .unwrap_or_default();
    match (name, sizes.as_slice()) {
        ("tinyint", [1]) => [&[ValueType::Bool][..], &SMALL].concat(),
        ("tinyint" | "year", _) => SMALL.to_vec(),
        ("smallint", _) if !unsigned => SMALL.to_vec(),
        ("smallint" | "mediumint", _) => SMALL[1..].to_vec(),
        ("int" | "integer", _) if !unsigned => SMALL[1..].to_vec(),
        ("int" | "integer" | "bigint", _) => SMALL[2..].to_vec(),
        ("bit", [1]) => vec![ValueType::Bool],
        ("float", []) => vec![ValueType::F32],
        ("double" | "real", []) => vec![ValueType::F32, ValueType::F64],
        ("decimal", [digits, scale]) if *scale >= 30 && digits - scale >= 35 => vec![ValueType::Decimal],
        ("varchar" | "tinytext" | "text" | "mediumtext" | "longtext", _) => vec![ValueType::Text, ValueType::Json],
        ("json", _) => vec![ValueType::Json],
        ("varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob", _) => vec![ValueType::Bytes, ValueType::Uuid],
        ("binary", [16]) => vec![ValueType::Uuid],
        ("datetime" | "timestamp", [6]) => vec![ValueType::Timestamp],
        ("date", _) => vec![ValueType::Date],
        ("time", [6]) => vec![ValueType::Time],
        _ => Vec::new(),
    }
}
