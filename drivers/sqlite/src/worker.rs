//! Workers: threads that may be held up by a long read.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use thing_driver_api::{Error, Flow, Page, Result, Row, RowSink};
use tokio::sync::{mpsc, oneshot};

use crate::config::SqliteConfig;
use crate::connection::{Connection, Role};
use crate::error::Failure;
use crate::pool::{Lease, Pooled};
use crate::row;
use crate::runtime;
use crate::statement::OwnedQuery;
use crate::watch::{Ticket, Watch};

/// A reader connection with a thread of its own.
pub(crate) struct Worker {
    connection: tokio_rusqlite::Connection,
    watch: Arc<Watch>,
}

impl Worker {
    pub(crate) fn open(config: &SqliteConfig) -> Result<Self> {
        let Connection { raw, watch, .. } = Connection::open(config, Role::Reader)?;
        Ok(Self { connection: raw.into(), watch })
    }
}

impl Pooled for Worker {
    fn clean(&mut self) -> bool {
        self.watch.rest();
        // A panic ends the worker's thread.
        !std::thread::panicking()
    }
}

/// A connection for work that may block, and a thread to do it on.
#[derive(Debug)]
pub(crate) enum Seat {
    Worker(Lease<Worker>),
    Connection(Lease<Connection>),
}

impl Seat {
    fn watch(&self) -> &Arc<Watch> {
        match self {
            Self::Worker(worker) => &worker.watch,
            Self::Connection(connection) => &connection.watch,
        }
    }

    /// Starts work, which runs to its end even if nobody waits for it. The seat comes with the result if it is kept,
    /// else it is free before the result is known.
    pub(crate) async fn start<T: Send + 'static>(
        self,
        keep: bool,
        work: impl FnOnce(&rusqlite::Connection, &Watch) -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<(Option<Self>, T)>> {
        match self {
            Self::Connection(connection) => runtime::start(move || {
                let result = work(&connection.raw, &connection.watch);
                connection.watch.rest();
                (Self::Connection(connection).kept(keep), result)
            }),
            Self::Worker(worker) => {
                let (sender, receiver) = oneshot::channel();
                let thread = worker.connection.clone();
                let mut call = pin!(thread.call_raw(move |raw| {
                    let result = work(raw, &worker.watch);
                    worker.watch.rest();
                    if !raw.is_autocommit() {
                        // A read of many keys that was stopped between its BEGIN and its first key.
                        let _ = raw.execute_batch("ROLLBACK");
                    }
                    let _ = sender.send((Self::Worker(worker).kept(keep), result));
                }));
                // The first poll hands the work over; the answer comes through the channel.
                poll_fn(|context| {
                    let _ = call.as_mut().poll(context);
                    Poll::Ready(())
                })
                .await;
                Ok(receiver)
            }
        }
    }

    fn kept(self, keep: bool) -> Option<Self> {
        keep.then_some(self)
    }

    /// Does work and comes back with the seat if it is kept.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        keep: bool,
        work: impl FnOnce(&rusqlite::Connection, &Watch) -> T + Send + 'static,
    ) -> Result<(Option<Self>, T)> {
        self.start(keep, work).await?.await.map_err(|_| lost())
    }
}

fn lost() -> Error {
    Error::backend("the thread that ran the statement ended before it answered")
}

/// A read that runs on a worker.
#[derive(Debug)]
pub(crate) struct Moved {
    /// What was read so far.
    pub(crate) pages: mpsc::Receiver<Page>,
    outcome: oneshot::Receiver<(Option<Seat>, Result<(), Failure>)>,
    // Dropping it ends the read, also before the next row is found.
    ticket: Ticket,
}

/// How a read runs on a worker.
pub(crate) struct Course {
    /// How long it waits for a lock.
    pub(crate) busy_timeout: Duration,
    /// How many pages may wait to be taken.
    pub(crate) ahead: usize,
    /// Whether the caller needs the connection afterwards.
    pub(crate) keep_seat: bool,
}

impl Moved {
    /// Starts the read.
    pub(crate) async fn start(seat: Seat, query: OwnedQuery, course: Course) -> Result<Self> {
        let Course { busy_timeout, ahead, keep_seat } = course;
        let (sender, pages) = mpsc::channel(ahead);
        let ticket = seat.watch().issue();
        let outcome = seat
            .start(keep_seat, move |raw, watch| {
                let mut sink = PageSink { page: Page::default(), sender, named: false };
                Connection::waiting(raw, busy_timeout, || query.run(raw, watch, &mut sink)).map(|()| sink.end())
            })
            .await?;
        Ok(Self { pages, outcome, ticket })
    }

    /// Hands what is read to the sink, and comes back with the seat.
    pub(crate) async fn deliver(mut self, raw: bool, rows: &mut dyn RowSink) -> (Option<Seat>, Result<(), Failure>) {
        let mut named = !raw;
        let mut delivered = Ok(());
        while let Some(page) = self.pages.recv().await {
            if !named {
                named = true;
                let names: Vec<&str> = page.names().iter().map(String::as_str).collect();
                delivered = rows.columns(&names);
            }
            if delivered.is_ok() {
                match page.replay(rows) {
                    Ok(Flow::Continue) => continue,
                    Ok(Flow::Stop) => {}
                    Err(error) => delivered = Err(error),
                }
            }
            let seat = self.stop().await;
            return (seat, delivered.map_err(Failure::Error));
        }
        match self.end().await {
            Ok((seat, outcome)) => (seat, outcome),
            Err(error) => (None, Err(Failure::Error(error))),
        }
    }

    /// Waits for the outcome; all pages were taken.
    pub(crate) async fn end(self) -> Result<(Option<Seat>, Result<(), Failure>)> {
        self.outcome.await.map_err(|_| lost())
    }

    async fn stop(self) -> Option<Seat> {
        drop(self.pages);
        drop(self.ticket);
        self.outcome.await.ok().and_then(|(seat, _)| seat)
    }
}

/// Collects rows and sends them page by page.
struct PageSink {
    page: Page,
    sender: mpsc::Sender<Page>,
    named: bool,
}

/// A page is sent when it has so many rows,
const PAGE_ROWS: usize = 1000;
/// or so many bytes.
const PAGE_BYTES: usize = 64 << 10;

impl PageSink {
    /// Sends the last page; names go out even without rows.
    fn end(self) {
        if !self.page.is_empty() || self.named {
            // Nobody waits for it any more: nothing to do.
            let _ = self.sender.blocking_send(self.page);
        }
    }
}

impl RowSink for PageSink {
    fn columns(&mut self, names: &[&str]) -> Result<()> {
        self.page = row::named_page(names.iter().map(|&name| name.to_owned()).collect());
        self.named = true;
        Ok(())
    }

    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        if self.page.is_empty() && !self.named {
            self.page = row::page(row.len());
        }
        row::fill(&mut self.page, row)?;
        if self.page.len() < PAGE_ROWS && self.page.size() < PAGE_BYTES {
            return Ok(Flow::Continue);
        }
        let next = if self.named { row::named_page(self.page.names().to_vec()) } else { row::page(row.len()) };
        let full = std::mem::replace(&mut self.page, next);
        Ok(match self.sender.blocking_send(full) {
            Ok(()) => Flow::Continue,
            Err(_) => Flow::Stop,
        })
    }

    fn restart(&mut self) {
        self.page.clear();
    }
}
