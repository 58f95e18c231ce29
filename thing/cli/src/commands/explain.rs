//! `explain`: the SQL of a query, and how the database runs it.

use serde::Serialize;
use serde_json::Value as Json;
use thing::driver::{Capability, Executor, Shape, Statement, TransactionOptions, Value};

use crate::arguments::Explain;
use crate::context::Context;
use crate::database::{Access, Database, Explained, How};
use crate::failure::{Failure, Result};
use crate::output::{CAREFUL, FAINT, Page, plain};
use crate::report::{self, Report};
use crate::rows::Rows;

/// A statement with its plan.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    /// The name of the query, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    sql: String,
    /// The plan, in the form that the database gives it.
    plan: Json,
    /// The tables of which all rows are read.
    scans: Vec<String>,
    #[serde(skip)]
    lines: Vec<String>,
    /// What the cached list depends on, where it is a list of the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    depends_on: Option<Vec<String>>,
}

/// The queries that the program names.
#[derive(Debug, Serialize)]
pub(crate) struct Queries {
    queries: Vec<Listed>,
}

#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    table: String,
    sql: String,
}

/// A statement that was given.
pub(crate) async fn statement(context: &Context<'_>, asked: &Explain) -> Result<Explanation> {
    let database = context.database(Access::Read).await?;
    let sql = asked.sql.as_deref().unwrap_or_default().trim().trim_end_matches(';').to_owned();
    let values: Vec<Value<'static>> = asked.bind.iter().map(|text| value(text)).collect();
    explain(context, &database, sql, &values, asked).await
}

/// A query of the program.
pub(crate) async fn query(context: &Context<'_>, name: &str, asked: &Explain) -> Result<Explanation> {
    let Some(query) = context.queries().iter().find(|query| query.name == name) else {
        let known: Vec<&str> = context.queries().iter().map(|query| query.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Failure::usage(format!(
            "the program names no query `{name}`, by `Cli::query`; there are: {known}"
        )));
    };
    let database = context.database(Access::Read).await?;
    let plan = query.plan(&database.db)?;
    let sql = plan.sql().ok_or_else(|| Failure::new("this database has no SQL"))?.to_owned();
    let mut explanation = explain(context, &database, sql, plan.values(), asked).await?;
    explanation.query = Some(name.to_owned());
    explanation.depends_on = Some(plan.depends_on().to_vec());
    Ok(explanation)
}

/// All queries of the program.
pub(crate) async fn list(context: &Context<'_>) -> Result<Queries> {
    let database = context.database(Access::Read).await?;
    let mut queries = Vec::new();
    for query in context.queries() {
        let plan = query.plan(&database.db)?;
        let (table, sql) = (plan.table().to_owned(), plan.sql().unwrap_or_default().to_owned());
        queries.push(Listed { name: query.name.clone(), table, sql });
    }
    Ok(Queries { queries })
}

async fn explain(
    context: &Context<'_>,
    database: &Database,
    sql: String,
    values: &[Value<'_>],
    asked: &Explain,
) -> Result<Explanation> {
    let how = How { json: context.json(), analyze: asked.analyze };
    let server = database.vendor.server(database.executor()).await?;
    let text = database.vendor.explain(&sql, how, &server)?;
    let rows = if asked.analyze {
        read_only(database.executor(), &text, values).await?
    } else {
        Rows::read(database.executor(), &text, values).await?
    };
    let Explained { lines, plan, scans } = database.vendor.explained(&rows, how)?;
    Ok(Explanation { query: None, sql, plan, scans, lines, depends_on: None })
}

/// Runs it where it can't write.
async fn read_only(executor: &dyn Executor, sql: &str, values: &[Value<'_>]) -> Result<Rows> {
    if !executor.capabilities().has(Capability::Transactions) {
        return Err(Failure::new(
            "this database has no transactions, so nothing would keep the statement from writing",
        ));
    }
    let mut rows = Rows::default();
    let mut transaction = executor.begin(&TransactionOptions::default().read_only(true)).await?;
    transaction.fetch(&Statement::new(&Shape::raw(sql), values), &mut rows).await?;
    transaction.rollback().await?;
    Ok(rows)
}

/// The value that an argument means.
fn value(text: &str) -> Value<'static> {
    match text {
        "null" | "NULL" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => match (text.parse(), text.parse::<f64>()) {
            (Ok(integer), _) => Value::I64(integer),
            (_, Ok(float)) if float.is_finite() => Value::F64(float),
            _ => Value::Text(text.to_owned().into()),
        },
    }
}

impl Report for Explanation {
    fn write(&self, page: &mut Page) {
        page.line(&self.sql);
        page.line("");
        self.lines.iter().for_each(|line| page.line(format_args!("  {}", plain(line))));
        for table in &self.scans {
            page.line("");
            page.line(format_args!(
                "{CAREFUL}all rows of {table} are read{CAREFUL:#}; an index on what it is filtered by may help"
            ));
        }
        if let Some(columns) = &self.depends_on {
            page.line("");
            let columns = if columns.is_empty() { "no column".to_owned() } else { columns.join(", ") };
            page.line(format_args!("{FAINT}the cached list depends on{FAINT:#} {columns}"));
        }
    }

    fn json(&self) -> Result<Json> {
        report::json(self)
    }
}

impl Report for Queries {
    fn write(&self, page: &mut Page) {
        if self.queries.is_empty() {
            page.line("the program names no queries; it does so by `Cli::query`");
            return;
        }
        let cells: Vec<_> =
            self.queries.iter().map(|query| vec![query.name.clone(), query.table.clone(), query.sql.clone()]).collect();
        page.table(&["query", "table", "sql"], &cells);
    }

    fn json(&self) -> Result<Json> {
        report::json(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_values() {
        assert_eq!(value("-7"), Value::I64(-7));
        assert_eq!(value("1.5"), Value::F64(1.5));
        assert_eq!(value("true"), Value::Bool(true));
        assert_eq!(value("NULL"), Value::Null);
        assert_eq!(value("nan"), Value::Text("nan".into()));
        assert_eq!(value("007a"), Value::Text("007a".into()));
    }
}
