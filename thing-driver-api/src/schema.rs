//! Schemas: what tables the database has, and how to add one.

use std::fmt;

use async_trait::async_trait;

use crate::{Error, Index, Result, Table, ValueType};

/// Reads and changes the schema of a database. The core calls it when it is asked to change the schema.
#[async_trait]
pub trait Schema: Send + Sync + fmt::Debug {
    /// Describes the table of this name; `None` when there is none.
    async fn describe(&self, table: &str) -> Result<Option<ExistingTable>>;

    /// Creates the table with its key and all its indexes, all or nothing where the database can.
    ///
    /// # Errors
    ///
    /// When a table of the name exists by now, an error; the core then looks again.
    async fn create_table(&self, table: &Table) -> Result<()>;

    /// Creates one index of an existing table.
    async fn create_index(&self, table: &Table, index: &Index) -> Result<()>;

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

/// A table as the database has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExistingTable {
    /// The columns.
    pub columns: Vec<ExistingColumn>,
    /// The names of the primary key's columns, in order.
    pub key: Vec<String>,
    /// The indexes, without those that the database made for the key.
    pub indexes: Vec<ExistingIndex>,
}

/// A column as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExistingColumn {
    /// The name.
    pub name: String,
    /// The declared type, in the database's words.
    pub declared: String,
    /// The types of a model that the column can hold exactly.
    pub holds: Vec<ValueType>,
    /// True when it may hold NULL.
    pub nullable: bool,
    /// True when the database fills it in where an insert leaves it out: a default, a generated value.
    pub has_default: bool,
}

impl ExistingColumn {
    /// A column that can't hold NULL and has no default.
    pub fn new(name: impl Into<String>, declared: impl Into<String>, holds: Vec<ValueType>) -> Self {
        Self { name: name.into(), declared: declared.into(), holds, nullable: false, has_default: false }
    }
}

/// An index as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExistingIndex {
    /// The name.
    pub name: String,
    /// The names of its columns, in order.
    pub columns: Vec<String>,
    /// True when no two rows may agree in all the columns.
    pub unique: bool,
}

impl ExistingIndex {
    /// An index.
    pub fn new(name: impl Into<String>, columns: Vec<String>, unique: bool) -> Self {
        Self { name: name.into(), columns, unique }
    }
}
