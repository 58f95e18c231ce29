//! The guard: lets caches know what a migration changes, around the moment when it takes effect.

use std::pin::Pin;

use thing_driver_api::{Error, ErrorKind, Executor, Result, async_trait};

use crate::migration::Body;
use crate::{Direction, Migration, Syntax};

/// What makes the rows of some tables differ: a commit, or a statement in no transaction.
pub type Work<'w> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'w>>;

/// Stands around all that changes rows.
#[async_trait]
pub trait Guard: Send + Sync {
    /// Does the work between closing what caches hold of the tables and opening it again. Where they can't be told, the
    /// work MUST NOT be done. An error of the work means that it changed nothing, unless it
    /// [may have been executed](Error::may_have_executed).
    async fn around(&self, tables: &[String], work: Work<'_>) -> Result<()>;
}

/// The tables whose rows a migration may change: those that it names itself; else, of the tables of the database, those
/// whose name occurs in it, and all when triggers or foreign keys may go on from there.
pub(crate) async fn changed_tables(
    executor: &dyn Executor,
    migration: &Migration,
    direction: Direction,
    syntax: Syntax,
) -> Result<Vec<String>> {
    let (words, changes_rows) = match (&migration.body, migration.script(direction)) {
        (Body::Code(code), _) => match code.changes() {
            Some(tables) => return Ok(tables),
            None => (Vec::new(), true),
        },
        (_, Some(script)) => match script.changes() {
            Some(tables) => return Ok(tables.to_vec()),
            None => script.words(syntax),
        },
        (_, None) => return Ok(Vec::new()),
    };
    let listed = match executor.schema() {
        Some(schema) => schema.tables().await,
        None => Err(Error::unsupported("this driver has no schema")),
    };
    match listed {
        Ok(tables) if changes_rows => Ok(tables),
        Ok(mut tables) => {
            tables.retain(|table| words.iter().any(|word| word.eq_ignore_ascii_case(table)));
            Ok(tables)
        }
        Err(error) if *error.kind() == ErrorKind::Unsupported => Err(Error::unsupported(format!(
            "this driver lists no tables, so it is not known what `{}` changes; say so by the line \
             `-- thing: changes <tables>`, or by `RustMigration::changes`",
            migration.title()
        ))
        .with_source(error)),
        Err(error) => Err(error),
    }
}
