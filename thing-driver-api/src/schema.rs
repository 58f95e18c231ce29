//! Schemas: what the database has, what models want, and how one becomes the other.
//!
//! ```text
//! Table ── wanted ──▶ TableSchema ──┐
//!                                   ├─ compared by the core ─▶ TableChange ── plan ──▶ Step ── session ──▶ database
//! database ─ describe ▶ TableSchema ┘
//! ```
//!
//! Both sides are in the words of one database. What a driver [wants](Schema::wanted) for a table MUST be what it
//! [describes](Schema::describe) once the table is made, so that a comparison finds nothing.

mod change;
mod described;
mod expression;
mod session;
mod step;
mod words;

use std::fmt;

use async_trait::async_trait;

pub use change::{Change, TableChange};
pub use described::{
    Action, CheckSchema, ColumnSchema, ForeignKeySchema, Generated, IndexColumn, IndexPart, IndexSchema, TableSchema,
};
pub use expression::{still_declares, without_brackets};
pub use session::SchemaSession;
pub use step::{Effect, Step};

use crate::{Error, Index, Result, Table};

/// Reads and changes the schema of a database. The core calls it when it is asked to change the schema.
#[async_trait]
pub trait Schema: Send + Sync + fmt::Debug {
    /// The names of the tables, in alphabetical order: those of the schema where a table is made when nothing else is
    /// said. Views and the tables of the database itself are left out.
    async fn tables(&self) -> Result<Vec<String>> {
        Err(Error::unsupported("this driver lists no tables"))
    }

    /// The name of the schema, or database, in which a table is made when nothing else is said. Statements name a table in
    /// it whatever a session has set. `None` where names of tables take none before them.
    async fn current_schema(&self) -> Result<Option<String>> {
        Ok(None)
    }

    /// Describes the table of this name; `None` when there is none.
    async fn describe(&self, table: &str) -> Result<Option<TableSchema>>;

    /// As [`Schema::describe`], in the transaction of the session before anything is changed in it. A driver whose session
    /// is in the way of [`Schema::describe`] MUST ask through the session, or the two wait for each other.
    async fn describe_in(&self, session: &mut dyn SchemaSession, table: &str) -> Result<Option<TableSchema>> {
        let _ = session;
        self.describe(table).await
    }

    /// What [`Schema::describe`] gives for the table of a model once it is made, in the words of this database. Asks
    /// nobody.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for what this database has not: an index of some rows
    /// only, for example. [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for names that it would cut.
    fn wanted(&self, table: &Table) -> Result<TableSchema> {
        let _ = table;
        Err(Error::unsupported("this driver does not say how it describes the table of a model"))
    }

    /// The steps that make the changes of one table, in their order. Asks nobody.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) naming the change that this database can't make and
    /// what to do instead.
    fn plan(&self, change: &TableChange) -> Result<Vec<Step>> {
        let _ = change;
        Err(Error::unsupported("this driver plans no changes of the schema"))
    }

    /// A connection of its own for changes of the schema.
    async fn session(&self) -> Result<Box<dyn SchemaSession>> {
        Err(Error::unsupported("this driver has no sessions for changes of the schema"))
    }

    /// Creates the table with its key and all its indexes, all or nothing where the database can.
    ///
    /// # Errors
    ///
    /// When a table of the name exists by now, an error.
    async fn create_table(&self, table: &Table) -> Result<()> {
        let change = TableChange::create(self.wanted(table)?);
        change::make(self.plan(&change)?, self.session().await?).await
    }

    /// Creates one index of an existing table.
    async fn create_index(&self, table: &Table, index: &Index) -> Result<()> {
        let after = self.wanted(&table.with_index(index))?;
        let mut before = after.clone();
        before.indexes.clear();
        let change = TableChange::alter(before, after, vec![Change::CreateIndex(index.name.to_string())]);
        change::make(self.plan(&change)?, self.session().await?).await
    }

    /// Has the database record changes that others make to these existing tables, for
    /// [`Executor::changes`](crate::Executor::changes): with triggers that write a table, for example. What is there
    /// already stays.
    async fn record_changes(&self, tables: &[&Table]) -> Result<()> {
        let _ = tables;
        Err(Error::unsupported("this driver records no changes made by others"))
    }

    /// Undoes [`Schema::record_changes`] for these tables.
    async fn forget_changes(&self, tables: &[&Table]) -> Result<()> {
        let _ = tables;
        Err(Error::unsupported("this driver records no changes made by others"))
    }
}
