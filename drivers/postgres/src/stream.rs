//! Streams: large results, page by page.

use std::sync::Arc;

use futures_util::{StreamExt, pin_mut};
use thing_driver_api::{Page, PageStream, Result, Value, async_trait};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::connection::Prepared;
use crate::error::{self, Effect, Failure};
use crate::executor::Database;
use crate::plan::Plan;
use crate::pool::Lease;
use crate::row::{self, PostgresRow};
use crate::statistics::count;
use crate::values::Input;

/// The most rows of a page.
const ROWS: i32 = 1000;
/// Beyond these bytes a page is handed over before it is full.
const BYTES: usize = 1 << 20;

/// A read in a transaction of its own, one page ahead of who takes them.
#[derive(Debug)]
pub(crate) struct PostgresStream {
    pages: mpsc::Receiver<Result<Page>>,
    reader: AbortHandle,
}

impl PostgresStream {
    pub(crate) async fn start(database: Arc<Database>, plan: Arc<Plan>, values: &[Value<'_>]) -> Result<Self> {
        let mut lease = database.pool.lease().await?;
        lease.soil();
        let prepared = match database.in_time(lease.prepare(&plan, &plan.whole(Input::Values(values)))).await {
            Ok(prepared) => prepared,
            Err(failure) => {
                if failure.leaves_connection_clean() {
                    lease.clean();
                }
                return Err(failure.into_error(Some(&plan), Effect::None));
            }
        };
        count(&database.counters.exclusive_reads);
        let values = values.iter().map(|value| value.clone().into_owned()).collect();
        let (sender, pages) = mpsc::channel(1);
        let reading = Reading { database, plan, values, prepared, pages: sender };
        let reader = tokio::spawn(reading.run(lease)).abort_handle();
        Ok(Self { pages, reader })
    }
}

#[async_trait]
impl PageStream for PostgresStream {
    async fn next(&mut self) -> Result<Option<Page>> {
        self.pages.recv().await.transpose()
    }
}

impl Drop for PostgresStream {
    fn drop(&mut self) {
        // The lease of the reader cleans its connection.
        self.reader.abort();
    }
}

/// The task that reads.
struct Reading {
    database: Arc<Database>,
    plan: Arc<Plan>,
    values: Vec<Value<'static>>,
    prepared: Arc<Prepared>,
    pages: mpsc::Sender<Result<Page>>,
}

impl Reading {
    async fn run(self, mut lease: Lease) {
        if let Err(failure) = self.read(&mut lease).await {
            let lost = failure.is_lost();
            // Who asked may have gone.
            let _ = self.pages.send(Err(failure.into_error(Some(&self.plan), Effect::None))).await;
            if lost {
                return;
            }
        }
        // The client library sent a ROLLBACK before; the answer to this one comes behind all others.
        if self.database.in_time(lease.control("ROLLBACK")).await.is_ok() {
            lease.clean();
        }
    }

    async fn read(&self, lease: &mut Lease) -> Result<(), Failure> {
        let Some(connection) = lease.connection_mut() else { return Ok(()) };
        let client = &mut **connection.client_wrapper();
        let transaction =
            tokio_postgres::Client::build_transaction(client).read_only(true).start().await.map_err(Failure::sent)?;
        let parameters = self.plan.whole(Input::Values(&self.values)).parameters;
        let bound = transaction.bind_raw(&self.prepared.statement, parameters);
        let portal = self.database.in_time(async { bound.await.map_err(Failure::sent) }).await?;
        let names = || self.prepared.statement.columns().iter().map(|column| column.name().to_owned()).collect();
        let empty = || match self.plan.raw {
            true => Page::with_names(names()),
            false => Page::new(self.prepared.codecs.len()),
        };
        loop {
            let answer = transaction.query_portal_raw(&portal, ROWS);
            let answer = self.database.in_time(async { answer.await.map_err(Failure::sent) }).await?;
            pin_mut!(answer);
            let mut page = empty();
            let mut rows = 0;
            while let Some(row) = answer.next().await {
                let row = row.map_err(Failure::sent)?;
                rows += 1;
                row::fill(&mut page, &PostgresRow::new(&row, &self.prepared.codecs), &self.plan.types)?;
                if page.size() > BYTES && !self.hand_over(std::mem::replace(&mut page, empty())).await {
                    return Err(error::nobody_reads().into());
                }
            }
            if !page.is_empty() && !self.hand_over(page).await {
                return Err(error::nobody_reads().into());
            }
            if rows < ROWS {
                break;
            }
        }
        Ok(())
    }

    /// False when nobody takes pages any more.
    async fn hand_over(&self, page: Page) -> bool {
        self.pages.send(Ok(page)).await.is_ok()
    }
}
