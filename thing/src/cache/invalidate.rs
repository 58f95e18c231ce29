//! Invalidation: quarantine before the commit becomes possible, release after it.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use thing_driver_api::{Change, Error, Outcome, Result, Tag, Token};
use tokio::time::Instant;

use super::touched::Tags;
use super::{Cache, QUARANTINE, RENEWAL};
use crate::debt::NewDebt;
use crate::statistics::Counters;
use crate::{Coherence, Db, task, trace};

/// After so long without a renewal that succeeded the tags of a write may be open.
const IN_DOUBT: Duration = Duration::from_secs(20);
/// The first and the longest pause between two attempts to tell the cache what it has to know.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_secs(1)];

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
    /// When the tags were last closed.
    closed: Mutex<Instant>,
    /// For a strict write, when the near caches of other processes were last known to be closed.
    settled: Option<Settled>,
}

struct Settled {
    at: Instant,
    /// Whether the tags were closed once more after that: if they had lapsed, somebody may have looked in between.
    renewed: AtomicBool,
}

/// What the cache has to hear of a write in doubt before its caller goes on.
#[derive(Clone, Copy)]
enum Belated {
    /// That its tags were open before the commit: what was stored then is to be forgotten.
    Void,
    /// That the near caches are to be closed once more.
    Settle,
}

impl<'a> Quarantine<'a> {
    /// Closes the tags, for a strict write in the memory of other processes too. When the cache can't be reached nothing
    /// has been written, and nothing may be but as a debt, where debts are allowed.
    pub(crate) async fn close(db: &'a Db, cache: &'a Cache, tags: Tags, coherence: Coherence) -> Result<Announced<'a>> {
        tags.declare(cache.client());
        let tables = tags.of_tables();
        let (counters, tags, token) = (db.counters(), tags.into_vec(), Token::random());
        let closed = Mutex::new(Instant::now());
        let mut quarantine = Self { cache, counters, tags, token, closed, settled: None };
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
            let now = Instant::now();
            let mut renewal = pin!(self.cache.client().quarantine(&self.tags, self.token, QUARANTINE));
            let renewed = poll_fn(|context| {
                if done.is_none()
                    && let Poll::Ready(output) = work.as_mut().poll(context)
                {
                    done = Some(output);
                }
                renewal.as_mut().poll(context)
            });
            match renewed.await {
                Ok(()) => *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = now,
                Err(_) => self.counters.cache_error(),
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
        self.release_with(Outcome::Changed(changes)).await;
    }

    /// Opens the tags after a committed write of which not all changes are known.
    pub(crate) async fn release_unlisted(self) {
        self.release_with(Outcome::Unlisted).await;
    }

    async fn release_with(self, outcome: Outcome) {
        let told = self.end(outcome).await;
        if !told && self.elapsed() > IN_DOUBT {
            Box::pin(self.insist(Belated::Void)).await;
        }
        // A strict write that took so long that its tags may have been open in between has a near cache perhaps serve
        // what it filled then, until it hears of the release.
        if let Some(settled) = &self.settled
            && (settled.renewed.load(Ordering::Relaxed) || settled.at.elapsed() > RENEWAL)
        {
            Box::pin(self.insist(Belated::Settle)).await;
        }
    }

    /// How long ago the tags were last closed.
    fn elapsed(&self) -> Duration {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// Tells the cache what it has to hear, again and again for as long as a quarantine lasts.
    async fn insist(&self, what: Belated) {
        let begun = Instant::now();
        let [mut pause, longest] = PAUSES;
        loop {
            let client = self.cache.client();
            let told = match what {
                Belated::Void => trace::span("void", self.tags.len(), client.void(&self.tags)).await,
                Belated::Settle => trace::span("settle", 0, client.settle()).await,
            };
            if told.is_ok() {
                return;
            }
            self.counters.cache_error();
            if begun.elapsed() > QUARANTINE {
                return;
            }
            task::pause(pause).await;
            pause = (pause * 2).min(longest);
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

    /// Whether the cache heard of it. A release that fails is no failure of the write: what it did not open lapses.
    async fn end(&self, outcome: Outcome) -> bool {
        let release = self.cache.client().release(&self.tags, self.token, outcome);
        let told = trace::span("release", self.tags.len(), release).await.is_ok();
        if !told {
            self.counters.cache_error();
        }
        told
    }
}

impl fmt::Debug for Quarantine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quarantine").field("tags", &self.tags.len()).finish_non_exhaustive()
    }
}
