//! Caches that leave out one step of the protocol each: the explorer must find what goes wrong.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use thing::driver::{
    Behind, CacheClient, CacheStatistics, EntryKey, Found, InvalidationStream, Lease, LeaseId, LeaseRequest, Leased,
    NewEntry, Outcome, Payload, Peek, Result, TableId, Tag, Token, Wanted,
};

use crate::explorer::Task;
use crate::interleavings::{Scenario, Script, lister, reader, saver};
use crate::stage::{Setup, Stage};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    None,
    /// Writers mark nothing.
    NoQuarantine,
    /// Writers take their marks away before they commit.
    ReleaseBeforeCommit,
    /// The tags are opened and keep their stamps.
    NoNewStamps,
    /// A fill is stored under the stamps of its end instead of those of its beginning.
    StoreWithNewLease,
    /// What was stored last is served, whatever the tags say.
    HitsUnchecked,
    /// Entries behind are served as if nothing had changed.
    ChangesForgotten,
    /// Callers are sent to wait for a fill that a write has ended.
    JoinsEndedFills,
}

#[derive(Debug)]
struct Broken {
    inner: Arc<dyn CacheClient>,
    defect: Defect,
    last: Mutex<HashMap<EntryKey, Payload>>,
    running: Mutex<HashMap<EntryKey, LeaseId>>,
}

impl Broken {
    fn wrap(inner: Arc<dyn CacheClient>, defect: Defect) -> Arc<dyn CacheClient> {
        Arc::new(Self { inner, defect, last: Mutex::default(), running: Mutex::default() })
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheClient for Broken {
    fn declare(&self, table: TableId, scopes: u64) -> bool {
        self.inner.declare(table, scopes)
    }

    fn peek(&self, key: &EntryKey) -> Peek {
        if self.is(Defect::HitsUnchecked) {
            return self.last.lock().unwrap().get(key).cloned().map_or(Peek::Unknown, Peek::Hit);
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
            let mut running = self.running.lock().unwrap();
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
            self.last.lock().unwrap().extend(stored);
        }
        if let Some(key) = &lease.key {
            self.running.lock().unwrap().remove(key);
        }
        if !self.is(Defect::StoreWithNewLease) {
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
        if let Some(key) = &lease.key {
            self.running.lock().unwrap().remove(key);
        }
        self.inner.abandon(lease);
    }

    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        self.inner.restamp(key, behind).await
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        match self.defect {
            Defect::NoQuarantine => Ok(()),
            Defect::ReleaseBeforeCommit => {
                self.inner.quarantine(tags, token, duration).await?;
                self.inner.release(tags, token, Outcome::Unlisted).await
            }
            _ => self.inner.quarantine(tags, token, duration).await,
        }
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        match self.defect {
            Defect::ReleaseBeforeCommit => Ok(()),
            Defect::NoNewStamps => self.inner.release(tags, token, Outcome::Nothing).await,
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

fn violation(defect: Defect, warm: bool, script: Script) -> Option<String> {
    let setup = Setup { wrap: Arc::new(move |cache| Broken::wrap(cache, defect)), ..Setup::default() };
    let report = Scenario { setup, warm, ..Scenario::default() }.explore(script);
    println!("{defect:?}: {} schedules", report.schedules);
    report.violation.map(|(wrong, _)| wrong)
}

fn save_against_read(stage: &Stage) -> Vec<Task> {
    vec![reader(stage, 1), saver(stage, 1, |item| item.count = 11)]
}

fn move_against_list(stage: &Stage) -> Vec<Task> {
    vec![lister(stage, 1), saver(stage, 1, |item| item.shelf = 2)]
}

/// The defect is found; without it nothing is.
macro_rules! found {
    ($name:ident, $defect:ident, $script:ident, warm: $warm:literal) => {
        #[test]
        fn $name() {
            assert!(violation(Defect::$defect, $warm, $script).is_some(), "the explorer overlooked it");
            assert_eq!(violation(Defect::None, $warm, $script), None);
        }
    };
}

found!(a_missing_quarantine_is_found, NoQuarantine, save_against_read, warm: true);
found!(a_missing_quarantine_is_found_in_lists, NoQuarantine, move_against_list, warm: true);
found!(a_release_before_the_commit_is_found, ReleaseBeforeCommit, save_against_read, warm: false);
found!(a_release_before_the_commit_is_found_in_lists, ReleaseBeforeCommit, move_against_list, warm: false);
found!(a_release_without_new_stamps_is_found, NoNewStamps, move_against_list, warm: true);
found!(a_store_with_a_new_lease_is_found, StoreWithNewLease, save_against_read, warm: false);
found!(a_store_with_a_new_lease_is_found_in_lists, StoreWithNewLease, move_against_list, warm: false);
found!(unchecked_hits_are_found, HitsUnchecked, save_against_read, warm: true);
found!(forgotten_changes_are_found, ChangesForgotten, move_against_list, warm: true);
found!(joining_an_ended_fill_is_found, JoinsEndedFills, save_against_read, warm: false);
