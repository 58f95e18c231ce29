//! The connection of rusqlite itself, for what Thing has no words for.

use thing_driver_api::Result;

use crate::error;
use crate::executor::SqliteExecutor;
use crate::worker::Seat;

impl SqliteExecutor {
    /// Runs work with the connection of rusqlite that writes, on a thread that may block: backups, virtual tables, functions.
    /// Other writes wait for it. A transaction that the work leaves open is rolled back; what it sets on the connection
    /// stays. If the future is dropped the work runs on to its end.
    ///
    /// No cache learns of what it writes, unless the program follows the changes of others; say `Db::invalidate` afterwards.
    ///
    /// # Errors
    ///
    /// What the work returns, as this driver says it.
    pub async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let seat = Seat::Connection(self.database.writer.pool.acquire().await?);
        let work = move |raw: &rusqlite::Connection| {
            let done = work(raw);
            if !raw.is_autocommit() {
                // Whoever writes next begins a transaction of its own.
                raw.execute_batch("ROLLBACK")?;
            }
            done
        };
        let (_, done) = seat.run(false, move |raw, _| work(raw)).await?;
        done.map_err(|failure| error::translate(failure, None))
    }
}
