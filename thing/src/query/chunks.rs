//! Chunks: all objects of a query, some at a time, while others write.

use std::fmt;

use thing_driver_api::{Error, Order, Result, Value};

use super::Query;
use super::keyset::following;
use crate::{Loaded, Model};

/// The objects of a query in chunks: made by [`Query::chunks`].
#[must_use = "chunks are read when they are asked for"]
pub struct Chunks<'s, M> {
    query: Query<'s, M>,
    size: u64,
    at: At,
}

/// How far the chunks have come.
enum At {
    Start,
    /// Behind the object whose key has these values.
    Behind(Vec<Value<'static>>),
    End,
}

impl<'s, M: Model> Query<'s, M> {
    /// All matching objects in chunks of at most `size`, in the order of their keys: for passing over a table that is too
    /// big for the memory, and writing to it meanwhile.
    ///
    /// Each chunk is a statement of its own, sent when it is asked for, and begins behind the last key of the one before. So
    /// an object that matches all the while comes exactly once, whatever is added, changed or removed beside it; one that
    /// begins or ceases to match meanwhile may come or not. Nothing is open between two chunks, and nothing is read ahead.
    ///
    /// Chunks are read from the database and not put into the cache, which would lose what is read often to what is read
    /// once.
    pub fn chunks(self, size: u64) -> Chunks<'s, M> {
        Chunks { query: self.uncached(), size, at: At::Start }
    }
}

impl<M: Model> Chunks<'_, M> {
    /// The next chunk; `None` at the end. After an error it can be asked for again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for chunks of no objects and for a query with an order,
    /// which changes could move its objects in; else as [`Query::all`].
    pub async fn next(&mut self) -> Result<Option<Vec<Loaded<M>>>> {
        self.check()?;
        let mut query = self.query.clone();
        match &self.at {
            At::Start => {}
            At::Behind(key) => query.filter = query.filter.and(following(M::table(), &by_key::<M>(), key, false)),
            At::End => return Ok(None),
        }
        let chunk = query.objects(None, Some(self.size)).await?;
        let Some(last) = chunk.last() else {
            self.at = At::End;
            return Ok(None);
        };
        self.at = if (chunk.len() as u64) < self.size { At::End } else { At::Behind(key_of(&**last)?) };
        Ok(Some(chunk))
    }

    fn check(&self) -> Result<()> {
        if self.size == 0 {
            return Err(Error::invalid_input(format!("{}: a chunk has 1 object at least", M::NAME)));
        }
        if !self.query.order.is_empty() {
            return Err(Error::invalid_input(format!(
                "{}: chunks come in the order of the key, which no change moves an object in; leave out `order_by`",
                M::NAME
            )));
        }
        Ok(())
    }
}

fn by_key<M: Model>() -> Vec<Order> {
    M::table().key().iter().map(|&column| Order { column, descending: false }).collect()
}

fn key_of<M: Model>(object: &M) -> Result<Vec<Value<'static>>> {
    M::table().key().iter().map(|&column| Ok(object.value(column)?.into_owned())).collect()
}

impl<M: Model> fmt::Debug for Chunks<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("query", &self.query).field("size", &self.size).finish_non_exhaustive()
    }
}
