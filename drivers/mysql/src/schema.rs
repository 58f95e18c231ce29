//! The schema: what tables there are, how they differ from what is wanted, and what makes them so.
//!
//! ```text
//! information_schema ─▶ describe ─┐                 ┌─▶ plan ─▶ clauses, way ─▶ steps
//!                                 ├─ TableSchema ───┘
//! model              ─▶ wanted ───┘   names, types, defaults, conditions and marks have one form on both sides
//! ```

mod catalog;
mod condition;
mod default;
mod definition;
mod describe;
mod length;
mod living;
mod name;
mod plan;
mod types;
mod wanted;

use mysql_async::Row;
use thing_driver_api::schema::{Change, SchemaSession, Step, TableChange, TableSchema};
use thing_driver_api::{Error, Index, Result, Schema, Table, async_trait};

use crate::changes;
use crate::error::About;
use crate::executor::MysqlExecutor;
use crate::pool::Purpose;
use crate::session::MysqlSession;

#[async_trait]
impl Schema for MysqlExecutor {
    async fn tables(&self) -> Result<Vec<String>> {
        describe::tables(self).await
    }

    async fn current_schema(&self) -> Result<Option<String>> {
        describe::current_schema(self).await
    }

    async fn describe(&self, table: &str) -> Result<Option<TableSchema>> {
        describe::table(self, table).await
    }

    fn wanted(&self, table: &Table) -> Result<TableSchema> {
        wanted::table(table, &self.database.dialect)
    }

    fn plan(&self, change: &TableChange) -> Result<Vec<Step>> {
        plan::steps(change, &self.database.dialect)
    }

    async fn session(&self) -> Result<Box<dyn SchemaSession>> {
        Ok(Box::new(MysqlSession::open(self).await?))
    }

    async fn create_table(&self, table: &Table) -> Result<()> {
        self.make(&TableChange::create(self.wanted(table)?)).await
    }

    async fn create_index(&self, table: &Table, index: &Index) -> Result<()> {
        let Some(before) = self.describe(table.name()).await? else {
            let name = table.name();
            return Err(Error::new(
                thing_driver_api::ErrorKind::Schema,
                format!("table `{name}` does not exist; create it"),
            ));
        };
        let mut after = before.clone();
        after.indexes.push(wanted::index(table, index)?);
        self.make(&TableChange::alter(before, after, vec![Change::CreateIndex(index.name.to_string())])).await
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

    /// Makes a change, however long it takes.
    async fn make(&self, change: &TableChange) -> Result<()> {
        let about = About { table: None, text: None, commits: true };
        for text in self.plan(change)?.into_iter().flat_map(|step| step.sql) {
            let mut lease = self.database.pool.acquire(Purpose::Once).await?;
            let text = self.database.without_limit(text);
            lease.control(text, None).await.map_err(|failure| failure.explain(about))?;
        }
        Ok(())
    }
}

pub(crate) fn cell(row: &Row, name: &str) -> Option<String> {
    row.get_opt::<Option<String>, _>(name).and_then(|cell| cell.ok().flatten())
}
