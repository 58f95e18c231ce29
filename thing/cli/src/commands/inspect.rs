//! `inspect`: tables, their rows, and caches.

mod cache;
mod table;

use serde::Serialize;
use serde_json::Value;
use thing::driver::schema::TableSchema;

pub(crate) use cache::{CacheReport, cache};
use table::TableReport;
pub(crate) use table::table;

use crate::context::Context;
use crate::database::{Access, Database, Server, TableSize};
use crate::failure::{Failure, Result};
use crate::output::{FAINT, Page, bytes};
use crate::report::{self, Report};
use crate::rows::Rows;

/// All tables.
#[derive(Debug, Serialize)]
pub(crate) struct Tables {
    #[serde(flatten)]
    server: Server,
    url: String,
    tables: Vec<TableReport>,
}

/// How many rows a table has.
#[derive(Clone, Copy, Debug, Serialize)]
struct Count {
    count: u64,
    /// False for what the database believes, or where there are more than it says.
    exact: bool,
}

/// The most rows that are counted; of larger tables the database's own estimate is shown.
const COUNTED: u64 = 10_000;

pub(crate) async fn all(context: &Context<'_>) -> Result<Tables> {
    let database = context.database(Access::Read).await?;
    let server = database.vendor.server(database.executor()).await?;
    let mut tables = Vec::new();
    for size in database.vendor.sizes(database.executor()).await? {
        // A table may have gone since it was listed.
        if let Some(schema) = describe(&database, &size.name).await? {
            tables.push(TableReport::new(&database, &schema, &size).await?);
        }
    }
    Ok(Tables { server, url: database.address.to_string(), tables })
}

async fn describe(database: &Database, table: &str) -> Result<Option<TableSchema>> {
    let schema = database.executor().schema().ok_or_else(|| Failure::new("this driver describes no tables"))?;
    Ok(schema.describe(table).await?)
}

async fn count(database: &Database, size: &TableSize) -> Result<Count> {
    let table = database.quoted(&size.name)?;
    let some = format!("SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {}) AS counted", COUNTED + 1);
    let counted = Rows::read(database.executor(), &some, &[]).await?;
    let counted = counted.rows.first().and_then(|row| row.first()?.integer()).unwrap_or(0).unsigned_abs();
    if counted <= COUNTED {
        return Ok(Count { count: counted, exact: true });
    }
    Ok(Count { count: size.estimate.unwrap_or(counted).max(counted), exact: false })
}

impl Count {
    fn text(self) -> String {
        if self.exact { self.count.to_string() } else { format!("~{}", self.count) }
    }
}

impl Report for Tables {
    fn write(&self, page: &mut Page) {
        let Server { product, version, .. } = &self.server;
        page.line(format_args!("{product} {version}  {FAINT}{}{FAINT:#}", self.url));
        if self.tables.is_empty() {
            page.line("no tables");
            return;
        }
        page.line("");
        let rows: Vec<Vec<String>> = self.tables.iter().map(TableReport::cells).collect();
        page.table(&["table", "rows", "size", "columns", "key", "indexes", "foreign keys"], &rows);
    }

    fn json(&self) -> Result<Value> {
        report::json(self)
    }
}

fn size(count: Option<u64>) -> String {
    count.map_or_else(String::new, bytes)
}
