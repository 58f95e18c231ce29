//! Tables as they are, whatever the models say: keys, and indexes for foreign keys.

use thing::driver::schema::{IndexColumn, TableSchema};

use crate::cli::Models;
use crate::database::{Database, Diagnosis, Severity};
use crate::failure::Result;

pub(super) async fn examine(database: &Database, models: &Models, diagnosis: &mut Diagnosis) -> Result<()> {
    let Some(schema) = database.executor().schema() else { return Ok(()) };
    let names: Vec<String> = match database.vendor.sizes(database.executor()).await {
        Ok(sizes) => sizes.into_iter().map(|size| size.name).collect(),
        // Of a database whose tables can't be listed those of the models are known.
        Err(_) => models.tables.iter().map(|table| table.name().to_owned()).collect(),
    };
    for name in names {
        let Some(table) = schema.describe(&name).await? else { continue };
        if table.key.is_empty() {
            diagnosis.finding(
                Severity::Note,
                "key",
                format!("`{name}` has no primary key, so that no model can be made for it"),
                "add one",
            );
        }
        for key in &table.foreign_keys {
            let Some(first) = key.columns.first().filter(|first| !is_led_by(&table, first)) else { continue };
            diagnosis.finding(
                Severity::Warning,
                "foreign_key_index",
                format!(
                    "no index of `{name}` begins with `{first}`: each delete in `{}` reads all rows of it",
                    key.table
                ),
                format!("add an index over `{first}`: `#[thing(index)]` on the field"),
            );
        }
    }
    Ok(())
}

/// Whether an index, or the key, finds rows by this column.
pub(super) fn is_led_by(table: &TableSchema, column: &str) -> bool {
    let is = |name: &str| name.eq_ignore_ascii_case(column);
    let leads = |index: &thing::driver::schema::IndexSchema| {
        index.condition.is_none()
            && index.parts.first().is_some_and(|part| matches!(&part.of, IndexColumn::Column(name) if is(name)))
    };
    table.key.first().is_some_and(|name| is(name)) || table.indexes.iter().any(leads)
}
