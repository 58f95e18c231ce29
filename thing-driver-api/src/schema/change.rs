//! What is to become of a table.

use super::{SchemaSession, Step, TableSchema};
use crate::{Error, Result};

/// All that is to change about one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableChange {
    /// The table as it is; `None` where it is to be made.
    pub before: Option<TableSchema>,
    /// The table as it is to be; `None` where it is to go.
    pub after: Option<TableSchema>,
    /// What differs, in an order in which it can be done.
    pub changes: Vec<Change>,
}

/// One difference. What goes is named as in [`TableChange::before`], what comes as in [`TableChange::after`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// The table is made, with its indexes, foreign keys and checks.
    CreateTable,
    /// The table goes with all its rows.
    DropTable,
    /// The table gets its new name.
    RenameTable,
    /// This column is added.
    AddColumn(String),
    /// This column goes with all its values.
    DropColumn(String),
    /// A column gets another name.
    RenameColumn {
        /// The name that it has.
        from: String,
        /// The name that it gets.
        to: String,
    },
    /// This column, by its new name, gets another type, nullability, default, expression or comment.
    AlterColumn(String),
    /// The primary key becomes another.
    ChangeKey,
    /// This index is made.
    CreateIndex(String),
    /// This index goes.
    DropIndex(String),
    /// This foreign key is added.
    AddForeignKey(String),
    /// This foreign key goes.
    DropForeignKey(String),
    /// This check is added.
    AddCheck(String),
    /// This check goes.
    DropCheck(String),
    /// The comment of the table becomes another.
    ChangeComment,
}

impl TableChange {
    /// A table that is made.
    pub fn create(after: TableSchema) -> Self {
        Self { before: None, after: Some(after), changes: vec![Change::CreateTable] }
    }

    /// A table that goes.
    pub fn drop(before: TableSchema) -> Self {
        Self { before: Some(before), after: None, changes: vec![Change::DropTable] }
    }

    /// A table that changes.
    pub fn alter(before: TableSchema, after: TableSchema, changes: Vec<Change>) -> Self {
        Self { before: Some(before), after: Some(after), changes }
    }

    /// The table as it is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) where the change makes it.
    pub fn existing(&self) -> Result<&TableSchema> {
        self.before.as_ref().ok_or_else(|| incomplete("the table as it is"))
    }

    /// The table as it is to be.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) where the change drops it.
    pub fn wanted(&self) -> Result<&TableSchema> {
        self.after.as_ref().ok_or_else(|| incomplete("the table as it is to be"))
    }

    /// The name that the table has, or gets where it is made.
    pub fn name(&self) -> &str {
        self.before.as_ref().or(self.after.as_ref()).map_or("", |table| &table.name)
    }
}

fn incomplete(what: &str) -> Error {
    Error::invalid_input(format!("the change lacks {what}; say what it is to be before and after"))
}

/// Makes a change, in one transaction where the database can.
pub(super) async fn make(steps: Vec<Step>, mut session: Box<dyn SchemaSession>) -> Result<()> {
    let transactional = session.is_transactional();
    if transactional {
        session.begin().await?;
    }
    for text in steps.iter().flat_map(|step| &step.sql) {
        session.execute(text).await?;
    }
    if transactional { session.commit().await } else { Ok(()) }
}
