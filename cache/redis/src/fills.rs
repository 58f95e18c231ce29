//! The fills that run in this process, and what they noted before their reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use thing_driver_api::{EntryKey, LeaseId, TableId, Tag};

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
    /// When the lease ends by itself.
    pub(crate) deadline: Instant,
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
}

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
            if let Some(&running) = state.running.get(key)
                && let Some(other) = state.noted.get(&running)
                && now < other.deadline
                && other.identity == noted.identity
                && matches!(&other.leave, Leave::Entry { dependencies: theirs, .. } if theirs == dependencies)
            {
                return Some(running);
            }
            state.running.insert(key.clone(), id);
        }
        state.noted.insert(id, Arc::new(noted));
        None
    }

    /// What was noted for a lease that has not ended.
    pub(crate) fn get(&self, id: LeaseId) -> Option<Arc<Noted>> {
        self.state().noted.get(&id).filter(|noted| Instant::now() < noted.deadline).cloned()
    }

    pub(crate) fn end(&self, id: LeaseId) {
        let mut state = self.state();
        let ended = state.noted.remove(&id);
        if let Some(Leave::Entry { key, .. }) = ended.as_ref().map(|noted| &noted.leave)
            && state.running.get(key) == Some(&id)
        {
            state.running.remove(key);
        }
    }
}

impl State {
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
    pub(crate) fills: &'a Fills,
    pub(crate) ids: Vec<LeaseId>,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.ids.iter().for_each(|id| self.fills.end(*id));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn noted(stamp: u8, soon: Duration) -> Noted {
        let key = EntryKey::Query { table: TableId(1), question: [1].into() };
        let dependencies = Dependencies { generation: [0; 16], tags: vec![(Tag(1), [stamp; 16])] };
        let leave = Leave::Entry { key, dependencies };
        Noted { table: TableId(1), identity: 1, leave, deadline: Instant::now() + soon }
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
