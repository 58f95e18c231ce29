//! `migrate snapshot`: what the migrations lead to, written down after one that was written by hand.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;
use thing::driver::schema::{Change, TableSchema};
use thing::migration::{self, SNAPSHOT, State};

use crate::context::Context;
use crate::database::Access;
use crate::failure::{Failure, Result};
use crate::output::{GOOD, Page};
use crate::report::{self, Report};

/// What was written down.
#[derive(Debug, Serialize)]
pub(crate) struct Snapshot {
    file: PathBuf,
    tables: Vec<String>,
}

/// The tables of the models that are in a database on which all migrations were run. One that differs from its model
/// differs from what either could say of it.
pub(crate) async fn snapshot(context: &Context<'_>) -> Result<Snapshot> {
    let models = context.declared()?;
    let migrations = super::migrations(context)?;
    let database = context.database(Access::Plan).await?;
    let is_run = |state: &State| matches!(state, State::Applied { .. } | State::Edited { .. } | State::Missing { .. });
    if !super::statuses(&database, &migrations).await?.iter().all(|status| is_run(&status.state)) {
        return Err(Failure::new("the database does not have all migrations; run `migrate up` first"));
    }
    let schema = database.db.schema_of(models);
    let plan = schema.plan().await?;
    let (missing, differing): (Vec<_>, Vec<_>) =
        plan.changes().iter().partition(|change| change.changes.contains(&Change::CreateTable));
    let differing = differing.iter().map(|change| change.name());
    let refused = plan.refused().iter().map(|refusal| refusal.table.as_str());
    let mut differing: Vec<&str> = differing.chain(refused).collect();
    differing.sort_unstable();
    differing.dedup();
    if !differing.is_empty() {
        return Err(Failure::new(format!(
            "the migrations lead to other tables than the models declare: {}; `diff` shows how they differ",
            differing.join(", ")
        )));
    }
    let is_there = |table: &TableSchema| !missing.iter().any(|change| change.name().eq_ignore_ascii_case(&table.name));
    let tables: Vec<TableSchema> = schema.wanted()?.into_iter().map(|wanted| wanted.schema).filter(is_there).collect();
    let folder = super::folder(context);
    let snapshot = migration::Snapshot::new(database.dialect()?, tables);
    snapshot.write(&folder)?;
    Ok(Snapshot { file: folder.join(SNAPSHOT), tables: snapshot.tables.into_iter().map(|table| table.name).collect() })
}

impl Report for Snapshot {
    fn write(&self, page: &mut Page) {
        page.line(format_args!("{GOOD}written{GOOD:#}  {}", self.file.display()));
        let tables = if self.tables.is_empty() { "no tables".to_owned() } else { self.tables.join(", ") };
        page.line(format_args!("  the migrations lead to {tables}"));
    }

    fn json(&self) -> Result<Value> {
        report::json(self)
    }
}
