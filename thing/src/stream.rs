//! Streams: results that need not fit the memory, one object at a time.

use std::fmt;
use std::marker::PhantomData;

use thing_driver_api::{Capability, Error, Page, PageStream, Result, Statement};

use crate::raw::Columns;
use crate::session::Handle;
use crate::{Loaded, Model};

/// The objects of a query or a raw statement, one by one. Read page by page; dropping it stops the read. Streams pass
/// by the cache.
pub struct ObjectStream<M> {
    pages: Box<dyn PageStream>,
    page: Page,
    next: usize,
    columns: Option<Columns>,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> ObjectStream<M> {
    pub(crate) async fn open(session: Handle<'_>, statement: &Statement<'_>) -> Result<Self> {
        let Handle::Db(db) = session else {
            return Err(Error::unsupported("a transaction does not stream; stream outside, or fetch slices"));
        };
        if !db.executor().capabilities().has(Capability::Streaming) {
            return Err(Error::unsupported("this driver does not stream; fetch slices"));
        }
        db.counters().read();
        let pages = db.executor().stream(statement).await?;
        Ok(Self { pages, page: Page::default(), next: 0, columns: None, model: PhantomData })
    }

    /// The next object; `None` at the end.
    ///
    /// # Errors
    ///
    /// Failures of the database, data that does not fit the model.
    pub async fn next(&mut self) -> Result<Option<Loaded<M>>> {
        while self.next >= self.page.len() {
            match self.pages.next().await? {
                Some(page) => self.page = page,
                None => return Ok(None),
            }
            self.next = 0;
        }
        let Some(row) = self.page.row(self.next) else {
            return Ok(None);
        };
        self.next += 1;
        let model = if self.page.names().is_empty() {
            M::from_row(&row).map_err(|error| error.context(M::NAME))?
        } else {
            let columns = match self.columns.take() {
                Some(columns) => columns,
                None => Columns::find::<M>(&self.page.names().iter().map(String::as_str).collect::<Vec<_>>())?,
            };
            self.columns.insert(columns).read(&row)?
        };
        Ok(Some(Loaded::of(model)))
    }
}

impl<M: Model> fmt::Debug for ObjectStream<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStream").field("model", &M::NAME).finish_non_exhaustive()
    }
}
