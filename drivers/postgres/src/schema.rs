//! The schema: what tables there are, how they differ from what is wanted, and what makes them so.
//!
//! ```text
//! catalogues ─▶ describe ─┐                 ┌─▶ plan ─▶ definition, conversion ─▶ steps
//!                         ├─ TableSchema ───┘
//! model      ─▶ wanted ───┘   names, types, defaults, marks and remarks have one form on both sides
//! ```

mod catalog;
mod default;
mod definition;
mod describe;
mod mark;
mod name;
mod plan;
mod remark;
mod types;
mod wanted;

use thing_driver_api::schema::{Change, SchemaSession, Step, TableChange, TableSchema};
use thing_driver_api::{Index, Result, Schema, Table, async_trait};

use crate::changes;
use crate::connection::Connection;
use crate::error::{Effect, Failure};
use crate::executor::PostgresExecutor;
use crate::session::PostgresSession;
pub(crate) use name::LONGEST_NAME;

#[async_trait]
impl Schema for PostgresExecutor {
    async fn tables(&self) -> Result<Vec<String>> {
        self.look(async |connection| describe::tables(connection).await).await
    }

    async fn current_schema(&self) -> Result<Option<String>> {
        self.look(async |connection| describe::current_schema(connection).await).await
    }

    async fn describe(&self, table: &str) -> Result<Option<TableSchema>> {
        let bytewise = self.database.config.bytewise_text;
        self.look(async |connection| describe::table(connection, table, bytewise).await).await
    }

    fn wanted(&self, table: &Table) -> Result<TableSchema> {
        wanted::table(table)
    }

    fn plan(&self, change: &TableChange) -> Result<Vec<Step>> {
        plan::steps(change)
    }

    async fn session(&self) -> Result<Box<dyn SchemaSession>> {
        Ok(Box::new(PostgresSession::open(self).await?))
    }

    async fn create_table(&self, table: &Table) -> Result<()> {
        self.make(&TableChange::create(self.wanted(table)?)).await
    }

    async fn create_index(&self, table: &Table, index: &Index) -> Result<()> {
        let mut before = self.wanted(table)?;
        before.indexes.retain(|known| known.name != index.name);
        let mut after = before.clone();
        after.indexes.push(wanted::index(table, index));
        self.make(&TableChange::alter(before, after, vec![Change::CreateIndex(index.name.to_string())])).await
    }

    async fn record_changes(&self, tables: &[&Table]) -> Result<()> {
        changes::record(self, tables).await
    }

    async fn forget_changes(&self, tables: &[&Table]) -> Result<()> {
        changes::forget(self, tables).await
    }
}

impl PostgresExecutor {
    /// Looks at one state of the catalogues.
    async fn look<T>(&self, work: impl AsyncFnOnce(&Connection) -> Result<T, Failure>) -> Result<T> {
        let mut lease = self.database.pool.lease().await?;
        lease.soil();
        let looking = async {
            lease.control(catalog::BEGIN).await?;
            let seen = work(&lease).await?;
            lease.control("COMMIT").await?;
            Ok(seen)
        };
        let seen = self.database.in_time(looking).await;
        let idle = match &seen {
            Ok(_) => true,
            Err(failure) => failure.leaves_connection_clean() && lease.control("ROLLBACK").await.is_ok(),
        };
        if idle {
            lease.clean();
        }
        seen.map_err(|failure| failure.into_error(None, Effect::None))
    }

    /// Makes a change as one transaction.
    async fn make(&self, change: &TableChange) -> Result<()> {
        let texts: Vec<String> = self.plan(change)?.into_iter().flat_map(|step| step.sql).collect();
        self.change(&texts).await
    }

    /// Runs statements as one transaction, which may take as long as it takes.
    pub(crate) async fn change(&self, texts: &[String]) -> Result<()> {
        let mut lease = self.database.pool.lease().await?;
        lease.soil();
        let text = format!("BEGIN; SET LOCAL statement_timeout = 0; {}; COMMIT", texts.join("; "));
        let outcome = lease.control(&text).await;
        let idle = match &outcome {
            Ok(()) => true,
            // The failed transaction is still open.
            Err(failure) => failure.leaves_connection_clean() && lease.control("ROLLBACK").await.is_ok(),
        };
        if idle {
            lease.clean();
        }
        outcome.map_err(|failure| failure.into_error(None, Effect::Open))
    }
}
