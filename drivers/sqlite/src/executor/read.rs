//! Reads: on the caller's thread when they are short, else on a worker.

use thing_driver_api::{Result, RowSink};

use super::Database;
use crate::connection::Connection;
use crate::error::Failure;
use crate::pool::Lease;
use crate::runtime::{self, Weight};
use crate::statement::Query;
use crate::statistics::count;
use crate::worker::{Course, Moved, Seat};

impl Database {
    pub(crate) async fn read(&self, query: Query<'_>, rows: &mut dyn RowSink) -> Result<()> {
        if query.is_short() && runtime::may_run_here() {
            runtime::take_turns(Weight::Read).await;
            let reader = self.reader().await?;
            match query.run_here(&reader.raw, &reader.watch, rows) {
                Ok(()) => {
                    count(&self.counters.inline_reads);
                    return Ok(());
                }
                Err(Failure::Elsewhere(_)) => {
                    count(&self.counters.interrupted_reads);
                    query.was_long();
                    rows.restart();
                }
                Err(Failure::Writes) => {}
                Err(Failure::Error(error)) => return Err(error),
            }
        }
        // The way to another thread has much state. Apart, it leaves the future of the short way small.
        Box::pin(self.read_elsewhere(query, rows)).await
    }

    async fn read_elsewhere(&self, query: Query<'_>, rows: &mut dyn RowSink) -> Result<()> {
        let seat = self.seat().await?;
        let moved = Moved::start(seat, query.to_owned(), self.course()).await?;
        count(&self.counters.worker_reads);
        match moved.deliver(query.plan.raw, rows).await.1 {
            // A raw statement that writes, and gives rows.
            Err(Failure::Writes) => self.write_queued(query.to_owned(), rows).await.map(|_| ()),
            outcome => outcome.map_err(Into::into),
        }
    }

    /// How reads run on a worker, their rows replayed on this side.
    pub(crate) fn course(&self) -> Course {
        Course { busy_timeout: self.config.busy_timeout, ahead: 2, keep_seat: false }
    }

    /// A connection for reads on the caller's thread.
    pub(crate) async fn reader(&self) -> Result<Lease<Connection>> {
        match self.readers.idle() {
            Some(reader) => Ok(reader),
            None => Box::pin(self.readers.acquire()).await,
        }
    }

    /// A connection for a read that may take long.
    pub(crate) async fn seat(&self) -> Result<Seat> {
        Ok(match &self.workers {
            Some(workers) => Seat::Worker(workers.acquire().await?),
            None => Seat::Connection(self.readers.acquire().await?),
        })
    }
}
