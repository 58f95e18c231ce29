//! A cache that records what passes through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use thing_driver_api::{
    Behind, CacheClient, CacheStatistics, EntryKey, Error, Found, InvalidationStream, Lease, LeaseRequest, Leased,
    NewEntry, Outcome, Peek, Result, TableId, Tag, Token, Wanted,
};

use super::points::Points;
use super::{Command, Gate, Matcher, When};

/// Forwards every command to another cache, and records, fails or holds it; see the [module](super).
///
/// [`peek`](CacheClient::peek) and [`abandon`](CacheClient::abandon) do not wait and can't fail: they are recorded, but
/// faults and gates pass them by. [`RecordingCache::refuse_peek`] makes every peek ask for a load instead.
#[derive(Debug)]
pub struct RecordingCache {
    inner: Arc<dyn CacheClient>,
    points: Points<Command>,
    peek_refused: AtomicBool,
}

impl RecordingCache {
    /// A wrapper around the cache.
    pub fn new(inner: Arc<dyn CacheClient>) -> Arc<Self> {
        Arc::new(Self { inner, points: Points::default(), peek_refused: AtomicBool::new(false) })
    }

    /// The wrapped cache, for looking into it without leaving a trace.
    pub fn inner(&self) -> &Arc<dyn CacheClient> {
        &self.inner
    }

    /// Everything that arrived since the start or the last [`reset`](Self::reset), oldest first.
    pub fn log(&self) -> Vec<Command> {
        self.points.log()
    }

    /// Forgets the log. Faults and gates stay.
    pub fn reset(&self) {
        self.points.reset();
    }

    /// How many commands of the log match.
    pub fn count(&self, matcher: &Matcher<Command>) -> usize {
        self.points.count(matcher)
    }

    /// Makes the next command that matches fail, once: without effect ([`When::Before`]), or with its effect and a lost
    /// answer ([`When::After`]). The caller gets the error as it is. A command that fails by itself leaves the fault for
    /// the next.
    pub fn fail_next(&self, matcher: Matcher<Command>, error: Error, when: When) {
        self.points.fail(matcher, error, when, false);
    }

    /// As [`fail_next`](Self::fail_next), for every command that matches until [`clear_faults`](Self::clear_faults):
    /// with [`Matcher::any`] and [`When::Before`], a cache that can't be reached.
    pub fn fail_all(&self, matcher: Matcher<Command>, error: Error, when: When) {
        self.points.fail(matcher, error, when, true);
    }

    /// Takes back all faults.
    pub fn clear_faults(&self) {
        self.points.clear_faults();
    }

    /// How many faults are waiting for a command.
    pub fn pending_faults(&self) -> usize {
        self.points.pending_faults()
    }

    /// Holds the next command that matches, before it runs or after it ran but before it returns.
    pub fn gate(&self, matcher: Matcher<Command>, when: When) -> Gate {
        self.points.gate(matcher, when)
    }

    /// Says whether every peek finds nothing, as in a cache without memory of its own.
    pub fn refuse_peek(&self, refuse: bool) {
        self.peek_refused.store(refuse, Ordering::SeqCst);
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl CacheClient for RecordingCache {
    fn declare(&self, table: TableId, scopes: u64) -> bool {
        self.inner.declare(table, scopes)
    }

    fn peek(&self, key: &EntryKey) -> Peek {
        let found = if self.peek_refused.load(Ordering::SeqCst) { Peek::Unknown } else { self.inner.peek(key) };
        self.points.record(Command::Peek { key: key.clone(), hit: matches!(found, Peek::Hit(_)) });
        found
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        let command = Command::Load { keys: wanted.iter().map(|wanted| wanted.key.clone()).collect() };
        self.points.before(&command).await?;
        let answer = self.inner.load(wanted).await;
        self.points.after(&command, answer, |lost| lost).await
    }

    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        let command = lease(requests);
        self.points.before(&command).await?;
        let answer = self.inner.lease(requests).await;
        self.points.after(&command, answer, |lost| lost).await
    }

    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        let command = store([(lease, entries.as_slice())]);
        self.points.before(&command).await?;
        let answer = self.inner.store(lease, entries).await;
        self.points.after(&command, answer, |lost| lost).await
    }

    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        let command = store(fills.iter().map(|(lease, entries)| (lease, entries.as_slice())));
        self.points.before(&command).await?;
        let answer = self.inner.store_many(fills).await;
        self.points.after(&command, answer, |lost| lost).await
    }

    fn abandon(&self, lease: &Lease) {
        self.points.record(Command::Abandon { lease: lease.id, key: lease.key.clone() });
        self.inner.abandon(lease);
    }

    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        let command = Command::Restamp { key: key.clone() };
        self.points.before(&command).await?;
        let answer = self.inner.restamp(key, behind).await;
        self.points.after(&command, answer, |lost| lost).await
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        let command = Command::Quarantine { tags: tags.to_vec(), token, duration };
        self.points.before(&command).await?;
        let answer = self.inner.quarantine(tags, token, duration).await;
        self.points.after(&command, answer, |lost| lost).await
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        let command = Command::Release { tags: tags.to_vec(), token, outcome: outcome.clone() };
        self.points.before(&command).await?;
        let answer = self.inner.release(tags, token, outcome).await;
        self.points.after(&command, answer, |lost| lost).await
    }

    async fn void(&self, tags: &[Tag]) -> Result<()> {
        let command = Command::Void { tags: tags.to_vec() };
        self.points.before(&command).await?;
        let answer = self.inner.void(tags).await;
        self.points.after(&command, answer, |lost| lost).await
    }

    async fn void_table(&self, table: TableId) -> Result<()> {
        let command = Command::VoidTable { table };
        self.points.before(&command).await?;
        let answer = self.inner.void_table(table).await;
        self.points.after(&command, answer, |lost| lost).await
    }

    async fn settle(&self) -> Result<()> {
        let command = Command::Settle;
        self.points.before(&command).await?;
        let answer = self.inner.settle().await;
        self.points.after(&command, answer, |lost| lost).await
    }

    async fn invalidations(&self, bound: Duration) -> Result<Option<Box<dyn InvalidationStream>>> {
        let command = Command::Invalidations;
        self.points.before(&command).await?;
        let answer = self.inner.invalidations(bound).await;
        self.points.after(&command, answer, |lost| lost).await
    }

    fn statistics(&self) -> CacheStatistics {
        self.inner.statistics()
    }
}

fn lease(requests: &[LeaseRequest<'_>]) -> Command {
    let (mut keys, mut rows, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for request in requests {
        match request {
            LeaseRequest::Entry { key, tags } => {
                keys.push((*key).clone());
                all.extend_from_slice(tags);
            }
            LeaseRequest::Rows { table } => rows.push(*table),
        }
    }
    Command::Lease { keys, rows, tags: all }
}

fn store<'a>(fills: impl IntoIterator<Item = (&'a Lease, &'a [NewEntry])>) -> Command {
    let (mut leases, mut keys, mut tags) = (Vec::new(), Vec::new(), Vec::new());
    for (lease, entries) in fills {
        leases.push(lease.id);
        keys.extend(entries.iter().map(|entry| entry.key.clone()));
        tags.extend(entries.iter().flat_map(|entry| entry.tags.clone()));
    }
    Command::Store { leases, keys, tags }
}
