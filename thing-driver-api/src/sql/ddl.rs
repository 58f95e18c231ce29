//! `CREATE TABLE` and `CREATE INDEX`.

use crate::{Dialect, Index, Result, Table};

/// The statement that creates the table with its primary key; indexes are statements of their own.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for a default that has no literal in this dialect.
pub fn create_table(table: &Table, dialect: &dyn Dialect) -> Result<String> {
    let mut out = String::from("CREATE TABLE ");
    dialect.identifier(table.name(), &mut out);
    out.push_str(" (");
    for (at, column) in table.columns().iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        dialect.identifier(&column.name, &mut out);
        out.push(' ');
        if table.has_generated_key() && table.key() == [at] {
            out.push_str(dialect.generated_key(column.value_type));
            continue;
        }
        out.push_str(&dialect.column_type(table, at));
        if !column.nullable {
            out.push_str(" NOT NULL");
        }
        if let Some(default) = &column.default {
            out.push_str(" DEFAULT ");
            dialect.literal(default, &mut out)?;
        }
    }
    if !table.has_generated_key() {
        out.push_str(", PRIMARY KEY (");
        names(table, table.key(), dialect, &mut out);
        out.push(')');
    }
    out.push(')');
    out.push_str(dialect.table_options());
    Ok(out)
}

/// The statement that creates one index of the table.
pub fn create_index(table: &Table, index: &Index, dialect: &dyn Dialect) -> String {
    let mut out = String::from(if index.unique { "CREATE UNIQUE INDEX " } else { "CREATE INDEX " });
    dialect.identifier(&index.name, &mut out);
    out.push_str(" ON ");
    dialect.identifier(table.name(), &mut out);
    out.push_str(" (");
    names(table, &index.columns, dialect, &mut out);
    out.push(')');
    out
}

fn names(table: &Table, columns: &[usize], dialect: &dyn Dialect, out: &mut String) {
    for (at, &column) in columns.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        dialect.identifier(&table.column(column).name, out);
    }
}
