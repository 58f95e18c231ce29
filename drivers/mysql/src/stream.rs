//! Streams: large results, page by page.

use std::sync::Arc;

use thing_driver_api::{Page, PageStream, Result, Value, async_trait};

use crate::error::Failure;
use crate::executor::{Database, MysqlExecutor};
use crate::plan::Plan;
use crate::pool::{Lease, Purpose};
use crate::row::{self, MysqlRow};
use crate::values;

/// The most rows of a page.
const ROWS: usize = 1000;
/// A page ends behind the row that makes it larger than this.
const BYTES: usize = 256 << 10;

/// A read whose rows wait on the wire while nobody takes its pages.
#[derive(Debug)]
pub(crate) struct MysqlStream {
    executor: MysqlExecutor,
    plan: Arc<Plan>,
    /// `None` behind the end.
    lease: Option<Lease>,
}

impl MysqlStream {
    pub(crate) async fn start(database: &Arc<Database>, plan: Arc<Plan>, given: &[Value<'_>]) -> Result<Self> {
        let executor = MysqlExecutor { database: database.clone() };
        let bound = if plan.raw() { values::bind_all(given)? } else { values::bind_slots(&plan.binds, given)? };
        values::check_size(&bound, database.server.max_packet)?;
        let purpose = if plan.raw() { Purpose::Once } else { Purpose::Repeatable };
        let mut lease = database.pool.acquire(purpose).await?;
        let mut begun = lease.execute(&plan.text, bound.clone(), None).await;
        if begun.as_ref().is_err_and(|failure| !plan.raw() && lease.reused && failure.lost()) {
            drop(lease);
            database.pool.doubt();
            lease = database.pool.acquire(purpose).await?;
            begun = lease.execute(&plan.text, bound, None).await;
        }
        begun.map_err(|failure| database.failed(failure, &plan, true))?;
        Ok(Self { executor, plan, lease: Some(lease) })
    }

    async fn page(&mut self) -> Result<Page> {
        let raw = self.plan.raw();
        let mut page = Page::new(self.plan.types.len());
        let Some(lease) = &mut self.lease else {
            return Ok(page);
        };
        let failed = |failure: Failure| self.executor.database.failed(failure, &self.plan, true);
        let connection = lease.connection().map_err(failed)?;
        if raw {
            page = connection.empty_page();
        }
        while page.len() < ROWS && page.size() < BYTES {
            let Some(row) = connection.next_row().await.map_err(failed)? else {
                // The connection is free before the last page is looked at.
                self.lease = None;
                break;
            };
            let row = MysqlRow::new(&row);
            if raw {
                row::fill_raw(&mut page, &row)?;
            } else {
                row::fill(&mut page, &row, &self.plan.types)?;
            }
        }
        Ok(page)
    }
}

#[async_trait]
impl PageStream for MysqlStream {
    async fn next(&mut self) -> Result<Option<Page>> {
        match self.page().await {
            Ok(page) => Ok(Some(page).filter(|page| !page.is_empty())),
            Err(error) => {
                self.lease = None;
                Err(error)
            }
        }
    }
}
