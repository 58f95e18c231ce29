//! What an author gives to the suite: a way to get an empty database.

use std::sync::Arc;

use async_trait::async_trait;
use thing_driver_api::{Executor, Table};

/// Gives the suite its databases.
///
/// Every `async fn() -> E` whose result is an [`Executor`] is a setup. Implement the trait where a database must be
/// dropped afterwards, or where the driver makes no tables ([`Setup::create_table`]).
#[async_trait]
pub trait Setup: Send + Sync {
    /// Connects to a database that holds none of the tables of a former call: a new file, a new schema, a new
    /// database. Called at least once for each case; cases run at the same time.
    async fn executor(&self) -> Arc<dyn Executor>;

    /// Connects once more to the database of an executor, as a program whose writes the executor's
    /// [feed of changes](thing_driver_api::Executor::changes) reports: a second process, say, or one that writes without
    /// Thing. To be implemented for a driver that states
    /// [`Capability::ChangeFeed`](thing_driver_api::Capability::ChangeFeed).
    async fn outsider(&self, executor: &Arc<dyn Executor>) -> Option<Arc<dyn Executor>> {
        let _ = executor;
        None
    }

    /// Called once for each executor after its case, whether it passed or not. The default drops it.
    async fn clean_up(&self, executor: Arc<dyn Executor>) {
        drop(executor);
    }

    /// Makes a table that a case needs. The default asks the executor's
    /// [`Schema`](thing_driver_api::Schema); a driver without one makes the table here in its own way.
    async fn create_table(&self, executor: &dyn Executor, table: &Table) {
        let schema = executor.schema().expect("the driver has no `schema()`: make tables in `Setup::create_table`");
        schema.create_table(table).await.expect("the table is created");
    }
}

#[async_trait]
impl<F, Connecting, E> Setup for F
where
    F: Fn() -> Connecting + Send + Sync,
    Connecting: Future<Output = E> + Send,
    E: Executor,
{
    async fn executor(&self) -> Arc<dyn Executor> {
        Arc::new(self().await)
    }
}
