//! The fills that run in this process, and what they noted before their reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thing_driver_api::{EntryKey, LeaseId, TableId, Tag};

use crate::RedisCache;
use crate::cell::Stamp;
use crate::entry::Dependencies;
use crate::name::Shard;

/// What was noted for a lease.
#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) table: TableId,
    /// The [identity](crate::link::Link::identity) of the link on which the stamps mean something.
    pub(crate) identity: u64,
    pub(crate) leave: Leave,
    /// From before the database was read.
    pub(crate) began: Instant,
    /// When the lease ends by itself.
    pub(crate) deadline: Instant,
    /// The lease under which other processes are made to wait for it.
    pub(crate) claim: Mutex<Option<LeaseId>>,
}

/// What may be stored.
#[derive(Debug)]
pub(crate) enum Leave {
    /// This entry, with some of these tags.
    Entry { key: EntryKey, dependencies: Dependencies },
    /// Rows of the table, while the cell of their shard has this stamp; `None` where it was marked.
    Rows { generation: Stamp, shards: Vec<Option<Stamp>> },
    /// The entry that is there with this header, with all of these tags instead of its own.
    Renewal { key: EntryKey, header: Box<[u8]>, dependencies: Dependencies },
}

impl Noted {
    /// The stamp that a tag had before the read.
    pub(crate) fn stamp(&self, tag: Tag) -> Option<Stamp> {
        match &self.leave {
            Leave::Entry { dependencies, .. } | Leave::Renewal { dependencies, .. } => {
                dependencies.tags.iter().find(|(of, _)| *of == tag).map(|(_, stamp)| *stamp)
            }
            Leave::Rows { .. } => None,
        }
    }

    /// The stamp that the cell of a shard had before the read of rows.
    pub(crate) fn shard(&self, shard: Shard) -> Option<Stamp> {
        match &self.leave {
            Leave::Rows { shards, .. } => shards.get(usize::from(shard.0)).copied().flatten(),
            _ => None,
        }
    }

    pub(crate) fn claim(&self) -> Option<LeaseId> {
        *self.claim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves it to the caller to end the claim, if it has not ended.
    pub(crate) fn take_claim(&self) -> Option<LeaseId> {
        self.claim.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn generation(&self) -> Stamp {
        match &self.leave {
            Leave::Entry { dependencies, .. } | Leave::Renewal { dependencies, .. } => dependencies.generation,
            Leave::Rows { generation, .. } => *generation,
        }
    }
}

/// The leases of this client.
#[derive(Debug, Default)]
pub(crate) struct Fills(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    noted: HashMap<LeaseId, Arc<Noted>>,
    /// The latest fill of each entry.
    running: HashMap<EntryKey, LeaseId>,
    sweep_at: usize,
    /// Entries that are to be read again although they are valid, each by whom this was decided, and until when.
    again: HashMap<EntryKey, Instant>,
}

/// How long it may take from the decision to read an entry again to the request for its lease.
const AGAIN: Duration = Duration::from_secs(2);
/// The most such entries. Those beyond are served.
const MAX_AGAIN: usize = 1024;

impl Fills {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a fill, unless one is running that noted the same for the same entry: then no write has ended since it
    /// began, so a caller that joins it gets nothing older than its own call. Returns the lease of that one.
    pub(crate) fn begin(&self, id: LeaseId, noted: Noted) -> Option<LeaseId> {
        let mut state = self.state();
        let now = Instant::now();
        state.sweep(now);
        if let Leave::Entry { key, dependencies } = &noted.leave {
            if let Some(running) = state.running(key, noted.identity, dependencies, now) {
                return Some(running);
            }
            state.running.insert(key.clone(), id);
        }
        state.noted.insert(id, Arc::new(noted));
        None
    }

    /// The fill of an entry that is running and noted the same.
    pub(crate) fn running(&self, key: &EntryKey, identity: u64, dependencies: &Dependencies) -> Option<LeaseId> {
        self.state().running(key, identity, dependencies, Instant::now())
    }

    /// Says that the next lease of an entry is for reading it again; false where too many are.
    pub(crate) fn read_again(&self, key: &EntryKey) -> bool {
        let (mut state, now) = (self.state(), Instant::now());
        if state.again.len() >= MAX_AGAIN {
            state.again.retain(|_, until| now < *until);
        }
        let has_room = state.again.len() < MAX_AGAIN;
        if has_room {
            state.again.insert(key.clone(), now + AGAIN);
        }
        has_room
    }

    /// Whether an entry is to be read again by who asks for its lease now.
    pub(crate) fn is_to_be_read_again(&self, key: &EntryKey) -> bool {
        let mut state = self.state();
        !state.again.is_empty() && state.again.remove(key).is_some_and(|until| Instant::now() < until)
    }

    /// What was noted for a lease that has not ended.
    pub(crate) fn get(&self, id: LeaseId) -> Option<Arc<Noted>> {
        self.state().noted.get(&id).filter(|noted| Instant::now() < noted.deadline).cloned()
    }

    pub(crate) fn end(&self, id: LeaseId) -> Option<Arc<Noted>> {
        let mut state = self.state();
        let ended = state.noted.remove(&id);
        if let Some(Leave::Entry { key, .. }) = ended.as_ref().map(|noted| &noted.leave)
            && state.running.get(key) == Some(&id)
        {
            state.running.remove(key);
        }
        ended
    }
}

impl State {
    fn running(&self, key: &EntryKey, identity: u64, dependencies: &Dependencies, now: Instant) -> Option<LeaseId> {
        let running = *self.running.get(key)?;
        let noted = self.noted.get(&running).filter(|noted| now < noted.deadline && noted.identity == identity)?;
        let same = matches!(&noted.leave, Leave::Entry { dependencies: theirs, .. } if theirs == dependencies);
        same.then_some(running)
    }

    /// Forgets leases that nobody ended, now and then.
    fn sweep(&mut self, now: Instant) {
        if self.noted.len() < self.sweep_at {
            return;
        }
        self.noted.retain(|_, noted| now < noted.deadline);
        self.running.retain(|_, id| self.noted.contains_key(id));
        self.sweep_at = 2 * self.noted.len() + 64;
    }
}

/// Ends leases when it is dropped, however a store ends.
#[derive(Debug)]
pub(crate) struct Ending<'a> {
    pub(crate) cache: &'a RedisCache,
    pub(crate) ids: Vec<LeaseId>,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.ids.iter().for_each(|id| self.cache.end(*id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(stamp: u8, soon: Duration) -> Noted {
        let key = EntryKey::Query { table: TableId(1), question: [1].into() };
        let dependencies = Dependencies { generation: [0; 16], tags: vec![(Tag(1), [stamp; 16])] };
        let leave = Leave::Entry { key, dependencies };
        let (began, claim) = (Instant::now(), Mutex::default());
        Noted { table: TableId(1), identity: 1, leave, began, deadline: began + soon, claim }
    }

    const SOON: Duration = Duration::from_secs(60);

    #[test]
    fn a_fill_holds_others_while_its_stamps_are_those_of_now() {
        let fills = Fills::default();
        let [a, b, c, d] = [1, 2, 3, 4].map(LeaseId);
        assert_eq!(fills.begin(a, noted(1, SOON)), None);
        assert_eq!(fills.begin(b, noted(1, SOON)), Some(a));
        assert_eq!(fills.begin(c, noted(2, SOON)), None);
        fills.end(a);
        assert_eq!(fills.begin(d, noted(2, SOON)), Some(c));
        fills.end(c);
        assert!(fills.get(c).is_none());
        assert_eq!(fills.begin(d, noted(2, SOON)), None);
    }

    #[test]
    fn leases_end_by_themselves_and_are_forgotten() {
        let fills = Fills::default();
        for n in 0..1000 {
            assert_eq!(fills.begin(LeaseId(n), noted(1, Duration::ZERO)), None);
            assert!(fills.get(LeaseId(n)).is_none());
        }
        assert!(fills.state().noted.len() <= 65);
    }
}
