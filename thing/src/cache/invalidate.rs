//! Invalidation: quarantine before the commit becomes possible, release after it.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Instant;

use thing_driver_api::{Change, Error, Outcome, Result, Tag, Token};

use super::touched::Tags;
use super::{Cache, QUARANTINE, RENEWAL};
use crate::debt::NewDebt;
use crate::statistics::Counters;
use crate::{Coherence, Db, trace};

/// A write whose tags are closed, or that owes this to the cache.
#[derive(Debug)]
pub(crate) enum Announced<'a> {
    Closed(Quarantine<'a>),
    Owing(NewDebt),
}

/// The tags of one write, closed to readers until [`Quarantine::release`].
///
/// Dropped without a release (its writer was cancelled), nothing is known of the write, and the quarantine is left to
/// lapse: readers go to the database until then.
pub(crate) struct Quarantine<'a> {
    cache: &'a Cache,
    counters: &'a Counters,
    tags: Vec<Tag>,
    token: Token,
    /// For a strict write, when the near caches of other processes were last known to be closed.
    settled: Option<Settled>,
}

struct Settled {
    at: Instant,
    /// Whether the tags were closed once more after that: if they had lapsed, somebody may have looked in between.
    renewed: AtomicBool,
}

impl<'a> Quarantine<'a> {
    /// Closes the tags, for a strict write in the memory of other processes too. When the cache can't be reached nothing
    /// has been written, and nothing may be but as a debt, where debts are allowed.
    pub(crate) async fn close(db: &'a Db, cache: &'a Cache, tags: Tags, coherence: Coherence) -> Result<Announced<'a>> {
        tags.declare(cache.client());
        let tables = tags.of_tables();
        let (counters, tags, token) = (db.counters(), tags.into_vec(), Token::random());
        let mut quarantine = Self { cache, counters, tags, token, settled: None };
        let Err(error) = quarantine.announce(coherence).await else {
            return Ok(Announced::Closed(quarantine));
        };
        quarantine.counters.cache_error();
        match db.debts() {
            Some(_) => Ok(Announced::Owing(NewDebt::of(db, &tables))),
            None => {
                Err(Error::cache("the write was refused because the cache could not be told of it").with_source(error))
            }
        }
    }

    async fn announce(&mut self, coherence: Coherence) -> Result<()> {
        let quarantine = self.cache.client().quarantine(&self.tags, self.token, QUARANTINE);
        if let Err(error) = trace::span("quarantine", self.tags.len(), quarantine).await {
            self.take_back();
            return Err(error);
        }
        if coherence != Coherence::Strict {
            return Ok(());
        }
        let at = Instant::now();
        if let Err(error) = self.renewing(trace::span("settle", 0, self.cache.client().settle())).await {
            self.end(Outcome::Nothing).await;
            return Err(error);
        }
        self.settled = Some(Settled { at, renewed: AtomicBool::new(false) });
        Ok(())
    }

    /// Opens in a task of its own what a failed command may have closed all the same.
    fn take_back(&self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (client, tags, token) = (self.cache.client.clone(), self.tags.clone(), self.token);
        // What this does not open lapses.
        runtime.spawn(async move { client.release(&tags, token, Outcome::Nothing).await });
    }

    /// Runs what may commit the write, and keeps the tags closed for as long as it takes: a quarantine that lapsed before
    /// the commit would let readers store what the write is about to change.
    ///
    /// A renewal that has begun is awaited. One that came behind the release would close the tags once more.
    pub(crate) async fn during<F: Future>(&self, work: F) -> F::Output {
        self.renewing(trace::span("commit", 0, work)).await
    }

    async fn renewing<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        let clock = &self.cache.ticks;
        loop {
            if let Some(output) = clock.while_patient(work.as_mut(), || true).await {
                return output;
            }
            let mut done = None;
            let mut renewal = pin!(self.cache.client().quarantine(&self.tags, self.token, QUARANTINE));
            let renewed = poll_fn(|context| {
                if done.is_none()
                    && let Poll::Ready(output) = work.as_mut().poll(context)
                {
                    done = Some(output);
                }
                renewal.as_mut().poll(context)
            });
            if renewed.await.is_err() {
                self.counters.cache_error();
            }
            if let Some(settled) = &self.settled {
                settled.renewed.store(true, Ordering::Relaxed);
            }
            if let Some(output) = done {
                return output;
            }
        }
    }

    /// Opens the tags after a committed write.
    pub(crate) async fn release(self, changes: Vec<Arc<Change>>) {
        self.end(Outcome::Changed(changes)).await;
        self.settle_again().await;
    }

    /// Opens the tags after a committed write of which not all changes are known.
    pub(crate) async fn release_unlisted(self) {
        self.end(Outcome::Unlisted).await;
        self.settle_again().await;
    }

    /// A strict write that took so long that its tags may have been open in between has a near cache perhaps serve what
    /// it filled then, until it hears of the release.
    async fn settle_again(&self) {
        let Some(settled) = &self.settled else { return };
        let in_doubt = settled.renewed.load(Ordering::Relaxed) || settled.at.elapsed() > RENEWAL;
        if in_doubt && trace::span("settle", 0, self.cache.client().settle()).await.is_err() {
            self.counters.cache_error();
        }
    }

    /// Opens the tags after a write that certainly had no effect. After any other failure the database may still be at
    /// it, so the tags are kept closed for as long as if the write began now, and left to lapse.
    pub(crate) async fn fail(self, error: &Error) {
        if !error.may_have_executed() {
            self.end(Outcome::Nothing).await;
        } else if self.cache.client().quarantine(&self.tags, self.token, QUARANTINE).await.is_err() {
            self.counters.cache_error();
        }
    }

    /// Opens the tags after a write that matched no row.
    pub(crate) async fn untouched(self) {
        self.end(Outcome::Nothing).await;
    }

    /// A release that fails is no failure of the write: what it did not open lapses.
    async fn end(&self, outcome: Outcome) {
        let release = self.cache.client().release(&self.tags, self.token, outcome);
        if trace::span("release", self.tags.len(), release).await.is_err() {
            self.counters.cache_error();
        }
    }
}

impl fmt::Debug for Quarantine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quarantine").field("tags", &self.tags.len()).finish_non_exhaustive()
    }
}
