//! Invalidation: quarantine before the commit becomes possible, release after it.

use std::fmt;
use std::sync::Arc;

use thing_driver_api::{Change, Error, Outcome, Result, Tag, Token};

use super::{Cache, QUARANTINE};
use crate::statistics::Counters;

/// The tags of one write, closed to readers until [`Quarantine::release`].
///
/// Dropped without a release (its writer was cancelled), nothing is known of the write, and the quarantine is left to
/// lapse: readers go to the database until then.
pub(crate) struct Quarantine<'a> {
    cache: &'a Cache,
    counters: &'a Counters,
    tags: Vec<Tag>,
    token: Token,
}

impl<'a> Quarantine<'a> {
    /// Closes the tags. When the cache can't be reached nothing has been written, and nothing may be.
    pub(crate) async fn close(cache: &'a Cache, counters: &'a Counters, mut tags: Vec<Tag>) -> Result<Self> {
        tags.sort_unstable();
        tags.dedup();
        let token = Token::random();
        cache.client().quarantine(&tags, token, QUARANTINE).await.map_err(|error| {
            counters.cache_error();
            Error::cache("the write was refused because the cache could not be told of it").with_source(error)
        })?;
        Ok(Self { cache, counters, tags, token })
    }

    /// Opens the tags after a committed write.
    pub(crate) async fn release(self, changes: Vec<Arc<Change>>) {
        self.end(Outcome::Changed(changes)).await;
    }

    /// Opens the tags after a committed write of which not all changes are known.
    pub(crate) async fn release_unlisted(self) {
        self.end(Outcome::Unlisted).await;
    }

    /// Opens the tags after a write that certainly had no effect; after any other failure leaves them to lapse.
    pub(crate) async fn fail(self, error: &Error) {
        if !error.may_have_executed() {
            self.end(Outcome::Nothing).await;
        }
    }

    /// Opens the tags after a write that matched no row.
    pub(crate) async fn untouched(self) {
        self.end(Outcome::Nothing).await;
    }

    /// A release that fails is no failure of the write: what it did not open lapses.
    async fn end(self, outcome: Outcome) {
        if self.cache.client().release(&self.tags, self.token, outcome).await.is_err() {
            self.counters.cache_error();
        }
    }
}

impl fmt::Debug for Quarantine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quarantine").field("tags", &self.tags.len()).finish_non_exhaustive()
    }
}
