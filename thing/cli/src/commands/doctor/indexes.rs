//! Indexes: whether relations and named queries find their rows by one.

use super::tables::is_led_by;
use crate::context::Context;
use crate::database::{Database, Diagnosis, Severity};
use crate::failure::Result;

pub(super) async fn examine(context: &Context<'_>, database: &Database, diagnosis: &mut Diagnosis) -> Result<()> {
    let Some(schema) = database.executor().schema() else { return Ok(()) };
    for lookup in &context.models().lookups {
        let column = &lookup.table.column(lookup.column).name;
        let Some(table) = schema.describe(lookup.table.name()).await? else { continue };
        if table.column(column).is_some() && !is_led_by(&table, column) {
            diagnosis.finding(
                Severity::Warning,
                "missing_index",
                format!(
                    "`{}` looks for rows of `{}` by `{column}`, with which no index begins: each time all rows are read",
                    lookup.relation,
                    lookup.table.name()
                ),
                "add `#[thing(index)]` to the field, and run `sync`",
            );
        }
    }
    for query in context.queries() {
        let plan = query.plan(&database.db)?;
        let Some(table) = schema.describe(plan.table()).await? else { continue };
        let columns = plan.filters_by();
        if !columns.is_empty() && !columns.iter().any(|column| is_led_by(&table, column)) {
            let named: Vec<String> = columns.iter().map(|column| format!("`{column}`")).collect();
            diagnosis.finding(
                Severity::Warning,
                "missing_index",
                format!(
                    "query `{}` filters `{}` by {}, with which no index begins: all rows are read",
                    query.name,
                    plan.table(),
                    named.join(" and ")
                ),
                "add `#[thing(index)]` to a field that leaves few rows, and run `sync`",
            );
        }
    }
    Ok(())
}
