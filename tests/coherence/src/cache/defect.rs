//! Caches that leave out one step of the protocol each: the checker must find what goes wrong.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use thing::driver::{
    Behind, CacheClient, CacheStatistics, Change, EntryKey, Found, InvalidationStream, Lease, LeaseId, LeaseRequest,
    Leased, NewEntry, Outcome, Payload, Peek, Result, RowImage, TableId, Tag, Token, Wanted,
};

macro_rules! defects {
    ($($(#[$about:meta])* $variant:ident = $name:literal,)*) => {
        /// A step of the protocol that is left out, or done wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Defect { $($(#[$about])* $variant,)* }

        impl Defect {
            /// All.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

defects! {
    /// Writers mark nothing; they release as if they had.
    NoQuarantine = "no-quarantine",
    /// Writers mark only when they have committed.
    LateQuarantine = "late-quarantine",
    /// Writers void the tags before they commit, and do nothing afterwards.
    VoidInstead = "void-instead-of-quarantine",
    /// Writers take their marks away before they commit.
    ReleaseBeforeCommit = "release-before-commit",
    /// Writers return before their release has arrived.
    ReleaseNotAwaited = "release-not-awaited",
    /// Releases say that nothing happened, so that the tags keep their stamps.
    ReleaseNothing = "release-nothing",
    /// Releases tell the row after the write as the row before it, so that readers judge the lists it left unaffected.
    ImageOfAfter = "image-of-after",
    /// Writers mark and release the first of their tags only.
    FirstTagOnly = "first-tag-only",
    /// A fill is stored under the stamps of its end instead of those of its beginning.
    LateStamps = "late-stamps",
    /// What this process stored last is served, whatever the tags say.
    HitsUnchecked = "hits-unchecked",
    /// Entries that are behind are served as if nothing had changed.
    ChangesForgotten = "changes-forgotten",
    /// Callers are sent to wait for a fill that a write has ended.
    JoinsEndedFills = "joins-ended-fills",
    /// A write that could not mark its tags goes on.
    FailsOpen = "fails-open",
}

impl Defect {
    /// The defect with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|defect| defect.name() == name)
    }

    /// Options under which it shows soon, beside those of all defects.
    pub fn options(self) -> &'static [&'static str] {
        match self {
            Self::JoinsEndedFills => &["--items", "16", "--groups", "2", "--tasks", "16", "--pauses", "500"],
            Self::FailsOpen => &["--faults", "link-refuse,link-black-hole", "--gap", "100"],
            Self::ReleaseNotAwaited => &["--faults", "redis-flush", "--gap", "200"],
            _ => &[],
        }
    }

    /// How many times as long as others it is to be run.
    pub fn patience(self) -> u32 {
        match self {
            Self::FailsOpen => 4,
            Self::JoinsEndedFills => 2,
            _ => 1,
        }
    }

    /// A cache with this defect.
    pub fn wrap(self, inner: Arc<dyn CacheClient>) -> Arc<dyn CacheClient> {
        Arc::new(Broken { inner, defect: self, last: Mutex::default(), running: Mutex::default() })
    }
}

/// How late a release is that nobody awaits.
const LATE: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct Broken {
    inner: Arc<dyn CacheClient>,
    defect: Defect,
    last: Mutex<HashMap<EntryKey, Payload>>,
    running: Mutex<HashMap<EntryKey, LeaseId>>,
}

impl Broken {
    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn tags<'a>(&self, tags: &'a [Tag]) -> &'a [Tag] {
        if self.is(Defect::FirstTagOnly) { &tags[..tags.len().min(1)] } else { tags }
    }

    fn ended(&self, lease: &Lease) {
        if let Some(key) = &lease.key {
            locked(&self.running).remove(key);
        }
    }
}

fn without_before(outcome: Outcome) -> Outcome {
    let Outcome::Changed(changes) = outcome else { return outcome };
    let blind = |change: Arc<Change>| match change.after {
        RowImage::Absent => change,
        _ => {
            let mut blind = Change::clone(&change);
            blind.before = change.after.clone();
            Arc::new(blind)
        }
    };
    Outcome::Changed(changes.into_iter().map(blind).collect())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheClient for Broken {
    fn declare(&self, table: TableId, scopes: u64) -> bool {
        self.inner.declare(table, scopes)
    }

    fn peek(&self, key: &EntryKey) -> Peek {
        if self.is(Defect::HitsUnchecked) {
            return locked(&self.last).get(key).cloned().map_or(Peek::Unknown, Peek::Hit);
        }
        self.inner.peek(key)
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        let mut found = self.inner.load(wanted).await?;
        if self.is(Defect::ChangesForgotten) {
            for found in &mut found {
                if let Found::Behind(behind) = found {
                    behind.changes.clear();
                }
            }
        }
        Ok(found)
    }

    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        let mut leased = self.inner.lease(requests).await?;
        if self.is(Defect::JoinsEndedFills) {
            let mut running = locked(&self.running);
            for (request, leased) in requests.iter().zip(&mut leased) {
                let (LeaseRequest::Entry { key, .. }, Leased::Granted(lease)) = (request, &*leased) else { continue };
                let first = *running.entry((*key).clone()).or_insert(lease.id);
                if first != lease.id {
                    self.inner.abandon(lease);
                    *leased = Leased::Held(first);
                }
            }
        }
        Ok(leased)
    }

    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        if self.is(Defect::HitsUnchecked) {
            let stored = entries.iter().map(|entry| (entry.key.clone(), entry.payload.clone()));
            locked(&self.last).extend(stored);
        }
        self.ended(lease);
        if !self.is(Defect::LateStamps) {
            return self.inner.store(lease, entries).await;
        }
        self.inner.abandon(lease);
        let mut kept = 0;
        for entry in entries {
            let request = LeaseRequest::Entry { key: &entry.key, tags: &entry.tags };
            if let Some(Leased::Granted(lease)) = self.inner.lease(&[request]).await?.pop() {
                kept += self.inner.store(&lease, vec![entry]).await?;
            }
        }
        Ok(kept)
    }

    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        let mut kept = 0;
        for (lease, entries) in fills {
            kept += self.store(&lease, entries).await?;
        }
        Ok(kept)
    }

    fn abandon(&self, lease: &Lease) {
        self.ended(lease);
        self.inner.abandon(lease);
    }

    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        self.inner.restamp(key, behind).await
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        let tags = self.tags(tags);
        match self.defect {
            Defect::NoQuarantine | Defect::LateQuarantine => Ok(()),
            Defect::VoidInstead => self.inner.void(tags).await,
            Defect::ReleaseBeforeCommit => {
                self.inner.quarantine(tags, token, duration).await?;
                self.inner.release(tags, token, Outcome::Unlisted).await
            }
            Defect::FailsOpen => {
                let _ = self.inner.quarantine(tags, token, duration).await;
                Ok(())
            }
            _ => self.inner.quarantine(tags, token, duration).await,
        }
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        let tags = self.tags(tags);
        match self.defect {
            Defect::ReleaseBeforeCommit | Defect::VoidInstead => Ok(()),
            Defect::ReleaseNothing => self.inner.release(tags, token, Outcome::Nothing).await,
            Defect::ImageOfAfter => self.inner.release(tags, token, without_before(outcome)).await,
            Defect::LateQuarantine => {
                self.inner.quarantine(tags, token, Duration::from_secs(10)).await?;
                self.inner.release(tags, token, outcome).await
            }
            Defect::ReleaseNotAwaited => {
                let (inner, tags) = (self.inner.clone(), tags.to_vec());
                tokio::spawn(async move {
                    tokio::time::sleep(LATE).await;
                    inner.release(&tags, token, outcome).await
                });
                Ok(())
            }
            _ => self.inner.release(tags, token, outcome).await,
        }
    }

    async fn void(&self, tags: &[Tag]) -> Result<()> {
        self.inner.void(tags).await
    }

    async fn void_table(&self, table: TableId) -> Result<()> {
        self.inner.void_table(table).await
    }

    async fn settle(&self) -> Result<()> {
        self.inner.settle().await
    }

    async fn invalidations(&self, bound: Duration) -> Result<Option<Box<dyn InvalidationStream>>> {
        self.inner.invalidations(bound).await
    }

    fn statistics(&self) -> CacheStatistics {
        self.inner.statistics()
    }
}
