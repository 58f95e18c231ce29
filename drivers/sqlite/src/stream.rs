//! Streams: large results, page by page.

use thing_driver_api::{Error, Page, PageStream, Result, async_trait};

use crate::executor::Database;
use crate::statement::Query;
use crate::worker::{Course, Moved};

/// A read on a worker, which waits while nobody takes its pages.
#[derive(Debug)]
pub(crate) struct SqliteStream {
    /// `None` behind the end.
    read: Option<Moved>,
}

impl SqliteStream {
    pub(crate) async fn start(database: &Database, query: Query<'_>) -> Result<Self> {
        let seat = database.seat().await?;
        let course = Course { ahead: database.pages_ahead(), ..database.course() };
        let read = Moved::start(seat, query.to_owned(), course).await?;
        Ok(Self { read: Some(read) })
    }
}

#[async_trait]
impl PageStream for SqliteStream {
    async fn next(&mut self) -> Result<Option<Page>> {
        let Some(read) = &mut self.read else {
            return Ok(None);
        };
        while let Some(page) = read.pages.recv().await {
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
        let Some(read) = self.read.take() else {
            return Ok(None);
        };
        let (_, outcome) = read.end().await?;
        outcome.map_err(Error::from)?;
        Ok(None)
    }
}
