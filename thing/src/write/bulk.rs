//! Bulk writes: as many objects as come, chunk by chunk.

use std::fmt;

use thing_driver_api::Result;

use super::upsert::Upsert;
use super::{UniqueKey, is_observed, item};
use crate::query::ColumnList;
use crate::validation::check;
use crate::{Model, Things};

/// The objects of a chunk, unless another number is set.
const CHUNK: usize = 1000;

/// Writes many objects, chunk by chunk: each chunk all or none, and only one of them in memory. Made by
/// [`Things::insert_many`] and [`Things::upsert_many`].
///
/// ```text
/// let mut bulk = db.things::<Event>().insert_many().chunk_size(5000).on_progress(|done| println!("{done}"));
/// bulk.write(events).await?;                             // an iterator
/// while let Some(event) = source.next().await? {         // or one by one, from wherever they come
///     bulk.push(event).await?;
/// }
/// let written = bulk.finish().await?;
/// ```
///
/// After an error [`Bulk::written`] tells how many objects were written; the message names the item that failed, counted
/// from 0 over all chunks.
#[must_use = "what is pushed is written when a chunk is full, and by `finish`"]
pub struct Bulk<'s, M> {
    things: Things<'s, M>,
    /// `None` inserts.
    upsert: Option<Upsert>,
    chunk: Vec<M>,
    chunk_size: usize,
    progress: Option<Box<dyn FnMut(u64) + Send + 's>>,
    written: u64,
}

impl<'s, M: Model> Things<'s, M> {
    /// Adds many objects, chunk by chunk. Their keys are not given back; [`Things::create_many`] does that, and is all or
    /// nothing. In a transaction each chunk takes a savepoint.
    pub fn insert_many(self) -> Bulk<'s, M> {
        Bulk::new(self, None)
    }

    /// As [`Things::upsert`] of many objects, chunk by chunk. With each chunk the cache forgets all of the model, where the
    /// database finds by itself the objects that are there; else each is upserted by itself.
    pub fn upsert_many<K: UniqueKey<M>, L: ColumnList<M>>(self, on: K, update: L) -> Bulk<'s, M> {
        Bulk::new(self, Some(Upsert { on: on.columns(), update: update.columns() }))
    }
}

impl<'s, M: Model> Bulk<'s, M> {
    fn new(things: Things<'s, M>, upsert: Option<Upsert>) -> Self {
        Self { things, upsert, chunk: Vec::new(), chunk_size: CHUNK, progress: None, written: 0 }
    }

    /// So many objects are written together, one at least; 1000 unless set.
    pub fn chunk_size(mut self, objects: usize) -> Self {
        self.chunk_size = objects.max(1);
        self
    }

    /// Called with the number of objects written so far, after each chunk.
    pub fn on_progress(mut self, progress: impl FnMut(u64) + Send + 's) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Takes these objects, and writes the chunks that they fill.
    ///
    /// # Errors
    ///
    /// As [`Bulk::push`].
    pub async fn write<T: Into<M>>(&mut self, objects: impl IntoIterator<Item = T, IntoIter: Send>) -> Result<()> {
        for object in objects {
            self.push(object.into()).await?;
        }
        Ok(())
    }

    /// Takes an object, and writes the chunk that it fills.
    ///
    /// # Errors
    ///
    /// As [`Things::create_many`] and [`Things::upsert`], for the whole chunk, of which nothing is written then, and nothing
    /// kept; what was written before stays.
    pub async fn push(&mut self, object: impl Into<M>) -> Result<()> {
        self.chunk.push(object.into());
        if self.chunk.len() >= self.chunk_size { self.flush().await } else { Ok(()) }
    }

    /// The number of objects written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes what is left, and gives the number of all objects written.
    ///
    /// # Errors
    ///
    /// As [`Bulk::push`].
    pub async fn finish(mut self) -> Result<u64> {
        if !self.chunk.is_empty() {
            self.flush().await?;
        }
        Ok(self.written)
    }

    async fn flush(&mut self) -> Result<()> {
        let mut chunk = std::mem::take(&mut self.chunk);
        let now = self.things.session().db().now();
        chunk.iter_mut().for_each(|object| _ = object.touch(now, true));
        let objects = chunk.len() as u64;
        let written = write_chunk(self.things, self.upsert.as_ref(), self.written, chunk).await;
        written.map_err(|error| match self.written {
            0 => error,
            written => error.context(format!("after {written} objects were written")),
        })?;
        self.written += objects;
        if let Some(progress) = &mut self.progress {
            progress(self.written);
        }
        Ok(())
    }
}

impl<M: Model> fmt::Debug for Bulk<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulk")
            .field("model", &M::NAME)
            .field("upsert", &self.upsert)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

/// Writes the objects behind the first `written`.
async fn write_chunk<M: Model>(
    things: Things<'_, M>,
    upsert: Option<&Upsert>,
    written: u64,
    chunk: Vec<M>,
) -> Result<()> {
    let first = usize::try_from(written).unwrap_or(usize::MAX);
    if let Some(upsert) = upsert {
        upsert.check::<M>()?;
        if !is_observed::<M>(things.session()) {
            for (index, object) in chunk.iter().enumerate() {
                check(object).map_err(|error| item::<M>(error, first + index))?;
            }
        }
        return upsert.many(things, &chunk, first).await;
    }
    things.create_chunk(chunk, first).await.map(drop)
}
