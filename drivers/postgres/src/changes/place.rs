//! Places: in which schema a table is.

use thing_driver_api::{Result, Table, quote};

use super::patiently;
use crate::connection::Connection;
use crate::error;

/// A table with its schema, as the search path of the connection finds it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) schema: String,
    pub(super) name: String,
}

const PLACE: &str = "\
    SELECT n.nspname::text, c.relkind IN ('r', 'p') FROM pg_catalog.pg_class c \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.oid = pg_catalog.to_regclass(pg_catalog.quote_ident($1::text))";

impl Place {
    pub(super) async fn of(connection: &Connection, table: &Table) -> Result<Self> {
        let missing = || error::not_recordable(format!("there is no table `{}`; run sync first", table.name()));
        Self::find(connection, table).await?.ok_or_else(missing)
    }

    /// As [`Place::of`]; `None` where there is no such table.
    pub(super) async fn find(connection: &Connection, table: &Table) -> Result<Option<Self>> {
        let name = table.name();
        let Some(row) = patiently(connection.client().query_opt(PLACE, &[&name])).await? else {
            return Ok(None);
        };
        if !row.get::<_, bool>(1) {
            let said = format!("`{name}` is no table but a view or the like; changes of tables alone are recorded");
            return Err(error::not_recordable(said));
        }
        Ok(Some(Self { schema: row.get(0), name: name.to_owned() }))
    }

    /// The name as it stands in a statement.
    pub(super) fn quoted(&self) -> String {
        within(&self.schema, &self.name)
    }
}

/// The name of something in a schema, as it stands in a statement.
pub(super) fn within(schema: &str, name: &str) -> String {
    let mut quoted = identifier(schema);
    quoted.push('.');
    quote(name, '"', &mut quoted);
    quoted
}

pub(super) fn identifier(name: &str) -> String {
    let mut quoted = String::new();
    quote(name, '"', &mut quoted);
    quoted
}

/// A text as it stands in a statement.
pub(super) fn text(text: &str) -> String {
    let mut quoted = String::from("E");
    quote(&text.replace('\\', "\\\\"), '\'', &mut quoted);
    quoted
}
