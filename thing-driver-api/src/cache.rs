//! Caches: remember what a database said, and forget it in time.
//!
//! ```text
//! read    peek/load ── hit ─────────────────────────────────────────────▶ answer
//!                   └─ miss ─▶ lease ─▶ read the database ─▶ store ─────▶ answer
//! write   quarantine ─▶ COMMIT ─▶ release (awaited) ─▶ return to the caller
//! others  void
//! near    invalidations ─▶ a cache in front of this one, in each process
//! ```
//!
//! # Tags and entries
//!
//! An **entry** is what a reader gets: a row, the keys of a list, a count, or the knowledge that a row is absent. A
//! **tag** is what a writer touches: a row, or one aspect of a set of rows ([`Tag`]). Every entry depends on tags. A tag
//! has a *stamp*, a value that never occurs twice, or is *quarantined* by the tokens of the writers at work. All tags of
//! an entry are of the entry's own table. Besides the tags that it names every entry depends on [`Tag::table`] of its
//! table.
//!
//! The rules that make the cache right, whatever runs in between and however late a command arrives:
//!
//! 1. An entry is a hit only while each of its tags carries the stamp that it had **before** the database was read for
//!    the entry, and none is quarantined. So a slow fill does no harm: it never validates.
//! 2. A writer quarantines every tag it touches **before** its commit becomes possible and releases them after it, and
//!    returns to its caller only then. While a tag is quarantined, readers go to the database and store nothing.
//! 3. A release removes its own token only; the last one gives the tag a new stamp. If the token is gone (lapsed,
//!    evicted), the release voids the tag.
//! 4. A quarantine that is never released lapses into an absent stamp, which no stored entry carries.
//! 5. A void gives a new stamp, but leaves a quarantine alone: removing another writer's mark would let a reader store
//!    what that writer is about to change.
//!
//! These are the I/Q leases of Ghandeharizadeh, Yap, Nguyen and Middleware (2014), with stamps in entries as in
//! validated caches.

mod change;
mod decodable;
mod entry;
mod invalidation;
mod tag;

pub use change::{Change, Outcome, RowImage};
pub use decodable::Decodable;
pub use entry::{
    Behind, CacheValue, EntryKey, Found, Lease, LeaseId, LeaseRequest, Leased, NewEntry, Payload, Peek, Wanted,
};
pub use invalidation::{Gate, Invalidation, InvalidationStream};
pub use tag::{Scope, Stamp, Tag, Token, digest};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Result, TableId};

/// A cache that many tasks, and perhaps many processes, share.
///
/// The core holds one client for each `Db`. A failure of the cache MUST come back as an error, never as a wrong answer:
/// the core then reads from the database, or refuses to write. Every command MUST be harmless when it runs late or
/// twice.
#[async_trait]
pub trait CacheClient: Send + Sync + fmt::Debug + 'static {
    /// Says which [scopes](crate::Table::scopes_digest) of the table this program touches, and asks whether every program
    /// that lately wrote to the table touches the same. Called before each query and does not wait.
    ///
    /// Where a program of another version, with other indexes, shares the cache, `false` MUST come before an entry that
    /// depends on a scope can be stored under a lease, and entries that were stored before MUST be lost before the other
    /// program's first commit: its writes don't touch all that they depend on. The core then has lists depend on the whole
    /// table, which every write touches. A writer says which it is by touching [`Tag::writer`].
    ///
    /// The default is for a cache that one program has for itself.
    fn declare(&self, table: TableId, scopes: u64) -> bool {
        let _ = (table, scopes);
        true
    }

    /// Looks for an entry in this process's memory, without waiting. Called before every read of an object, and on the
    /// fastest path: a client without memory of its own keeps the default, which is "ask with `load`".
    ///
    /// A hit here MUST satisfy rule 1 at some moment during the call. Anything else ([`Found::Behind`], quarantined) is
    /// [`Peek::Unknown`].
    fn peek(&self, key: &EntryKey) -> Peek {
        let _ = key;
        Peek::Unknown
    }

    /// Looks for entries, in one round trip; answers in the order of `wanted`.
    ///
    /// An entry that can't be decoded, or was written by an incompatible version, is [`Found::Miss`].
    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>>;

    /// Asks for leave to fill, before the database is read; answers in the order of `requests`. Notes the stamps of the
    /// tags, making those that are absent.
    ///
    /// [`Leased::Held`] MUST be given only while the earlier lease could still be stored: a caller joins that fill, and
    /// if a write had ended in between it would get an answer older than its own call.
    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>>;

    /// Stores what was read under the lease, and ends it. An entry whose tags moved since is dropped, which is not an
    /// error: returns how many were kept.
    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize>;

    /// Stores under several leases at once, as [`CacheClient::store`] under each; returns how many entries were kept.
    ///
    /// The default does one after the other. A client whose server is a round trip away overrides it: the core stores
    /// the rows of a batch this way.
    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        let mut kept = 0;
        for (lease, entries) in fills {
            kept += self.store(&lease, entries).await?;
        }
        Ok(kept)
    }

    /// Ends a lease without storing: the read failed, or its caller went away. Does not wait; called from `Drop`. A
    /// client that can't tell its server without waiting lets the lease time out.
    fn abandon(&self, lease: &Lease);

    /// Says that the entry is unaffected by the changes it was behind: it is stamped as of [`Behind::as_of`]. Returns
    /// whether that still holds. The answer is allowed to be `false` always, at the price of a miss.
    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool>;

    /// Marks the tags as being written by `token`, in one round trip, for at most `duration`; it MUST return only when
    /// readers of every process can see the marks. Repeated with the same token it prolongs them.
    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()>;

    /// Ends the quarantine by `token` and tells what the write did; see [`Outcome`] for what may be kept.
    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()>;

    /// Gives the tags new stamps, so that what depends on them is forgotten. Quarantined tags are left to their writers.
    async fn void(&self, tags: &[Tag]) -> Result<()>;

    /// Forgets everything about a table, running fills included; quarantines stay. As [`CacheClient::void`] of
    /// [`Tag::table`], and its changes are forgotten too.
    async fn void_table(&self, table: TableId) -> Result<()>;

    /// Waits until no cache in front of this one, in whatever process, answers by what it held before the quarantines
    /// that this client was told of: each has heard of them, or its [`Gate`] has closed. Between a quarantine and its
    /// commit this makes what such caches serve linearizable.
    ///
    /// The default is for a cache that has none in front of it.
    async fn settle(&self) -> Result<()> {
        Ok(())
    }

    /// What other clients invalidate from now on, for a cache in front of this one, which serves for at most `bound`
    /// what it was not told to be alive; `None` where nobody else can invalidate.
    async fn invalidations(&self, bound: Duration) -> Result<Option<Box<dyn InvalidationStream>>> {
        let _ = bound;
        Ok(None)
    }

    /// Counters since the start.
    fn statistics(&self) -> CacheStatistics;
}

/// Shared clients are clients; every method is forwarded.
#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<C: CacheClient + ?Sized> CacheClient for Arc<C> {
    fn declare(&self, table: TableId, scopes: u64) -> bool {
        (**self).declare(table, scopes)
    }

    fn peek(&self, key: &EntryKey) -> Peek {
        (**self).peek(key)
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        (**self).load(wanted).await
    }

    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        (**self).lease(requests).await
    }

    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        (**self).store(lease, entries).await
    }

    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        (**self).store_many(fills).await
    }

    fn abandon(&self, lease: &Lease) {
        (**self).abandon(lease);
    }

    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        (**self).restamp(key, behind).await
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        (**self).quarantine(tags, token, duration).await
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        (**self).release(tags, token, outcome).await
    }

    async fn void(&self, tags: &[Tag]) -> Result<()> {
        (**self).void(tags).await
    }

    async fn void_table(&self, table: TableId) -> Result<()> {
        (**self).void_table(table).await
    }

    async fn settle(&self) -> Result<()> {
        (**self).settle().await
    }

    async fn invalidations(&self, bound: Duration) -> Result<Option<Box<dyn InvalidationStream>>> {
        (**self).invalidations(bound).await
    }

    fn statistics(&self) -> CacheStatistics {
        (**self).statistics()
    }
}

/// Counters of a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStatistics {
    /// Entries found valid, known-absent rows included.
    pub hits: u64,
    /// Those among the hits that were found in this process, by a cache in front of a shared one.
    pub near_hits: u64,
    /// Entries not found at all.
    pub misses_cold: u64,
    /// Entries found past their time to live.
    pub misses_expired: u64,
    /// Entries found with a tag that moved, those among them that proved unaffected.
    pub misses_stale: u64,
    /// Reads that found a tag quarantined.
    pub misses_quarantined: u64,
    /// Reads that passed by the memory of this process because it was not known to be up to date.
    pub misses_suspect: u64,
    /// Entries that were behind and proved unaffected.
    pub restamped: u64,
    /// Entries stored.
    pub stored: u64,
    /// Entries dropped on arrival because a tag moved during the read.
    pub refused: u64,
    /// Invalidations heard from other clients.
    pub heard: u64,
    /// Fills that found another fill of the same entry running.
    pub held: u64,
    /// Quarantine commands.
    pub quarantines: u64,
    /// Release commands.
    pub releases: u64,
    /// Quarantines that lapsed without a release.
    pub lapsed: u64,
    /// Entries removed for want of room.
    pub evicted: u64,
    /// Entries held now.
    pub entries: u64,
    /// Bytes held now, as the entries weigh themselves.
    pub bytes: u64,
}

impl CacheStatistics {
    /// All reads that the cache answered: hits, and entries that proved unaffected by what they were behind.
    pub fn answered(&self) -> u64 {
        self.hits + self.restamped
    }

    /// All reads that the cache did not answer.
    pub fn misses(&self) -> u64 {
        let looked = self.misses_cold + self.misses_expired + self.misses_stale + self.misses_quarantined;
        looked.saturating_sub(self.restamped)
    }
}
