//! Sessions: connections that change schemas.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Result, RowSink};

/// A connection of its own for changes of the schema, without limits of time. The core calls it from one task at a time.
///
/// Dropping it MUST roll back what is open and end the lock, also when the drop happens in the middle of a call.
#[async_trait]
pub trait SchemaSession: Send + fmt::Debug {
    /// True when changes of the schema are part of a transaction, and can be rolled back with it.
    fn is_transactional(&self) -> bool;

    /// Sees to it that this session alone changes the schema of this database, among all that ask for the lock, until it
    /// ends: waits for others, at most `patience`. Outside of transactions.
    ///
    /// A database without such locks, whose transactions exclude one another, does nothing here but wait as long in
    /// [`begin`](SchemaSession::begin) from then on: the caller MUST look again, in each transaction, what is left to do.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) when others had the lock all the time.
    async fn lock(&mut self, patience: Duration) -> Result<()>;

    /// Begins a transaction that writes; an error while there is one. Where foreign keys are in the way of changes that
    /// rebuild tables, they are looked at when it is committed.
    async fn begin(&mut self) -> Result<()>;

    /// Runs one or several statements, separated by semicolons, in the transaction if there is one. Where changes of the
    /// schema can't be rolled back, one at a time is given.
    ///
    /// # Errors
    ///
    /// They name the statement and have what the database says of it, without what it quotes of rows. A transaction in
    /// which a statement failed is to be rolled back.
    async fn execute(&mut self, sql: &str) -> Result<()>;

    /// Runs a read, in the transaction if there is one.
    async fn fetch(&mut self, sql: &str, rows: &mut dyn RowSink) -> Result<()>;

    /// Commits.
    ///
    /// # Errors
    ///
    /// An error that is not [`Error::may_have_executed`](crate::Error::may_have_executed) means that the transaction had
    /// no effect, as far as it could be rolled back.
    async fn commit(&mut self) -> Result<()>;

    /// Rolls back.
    async fn rollback(&mut self) -> Result<()>;

    /// Takes back what statements have set for the rest of the session, as far as the database can do so and the lock
    /// stays. Called between migrations, outside of transactions. Does nothing by default: then what one sets holds for
    /// those behind it.
    async fn reset(&mut self) -> Result<()> {
        Ok(())
    }
}
