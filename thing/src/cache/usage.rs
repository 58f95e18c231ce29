//! Usage: how the cached answers of one query fare, and why they are not used more.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use thing_driver_api::Tag;

use crate::trace;

/// What became of the calls of one query, whatever their values.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    hits: AtomicU64,
    unaffected: AtomicU64,
    misses: [AtomicU64; MISSES],
    waited: AtomicU64,
    refused: AtomicU64,
    /// The last entries that were stored, by which a miss of what was there is told from one of what never was.
    stored: Mutex<VecDeque<Tag>>,
}

/// Why the cache did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missed {
    /// Nothing was stored for these values, as far as is remembered.
    Cold,
    /// It was stored, and is gone or can't be judged: expired, evicted, more changes than the log holds.
    Lost,
    /// A change concerned it.
    Changed,
    /// A writer was at work.
    Open,
    /// It was there and could not be used: another version of the program wrote it, or an object of the list is gone.
    Unusable,
    /// It has more keys than are remembered.
    TooLong,
    /// The cache failed.
    Failed,
}

const MISSES: usize = 7;
/// How many stored entries are remembered for each query.
const STORED: usize = 32;

impl Usage {
    pub(crate) fn hit(&self) {
        add(&self.hits);
    }

    /// A hit of an entry that changes had passed by.
    pub(crate) fn unaffected(&self) {
        add(&self.unaffected);
        self.hit();
    }

    pub(crate) fn missed(&self, missed: Missed) {
        trace::miss(missed);
        add(&self.misses[missed as usize]);
    }

    /// A miss of which the cache said no more.
    pub(crate) fn missing(&self, entry: Tag) {
        let known = self.stored.lock().unwrap_or_else(PoisonError::into_inner).contains(&entry);
        self.missed(if known { Missed::Lost } else { Missed::Cold });
    }

    /// What counted as a hit was of no use.
    pub(crate) fn unusable(&self) {
        take(&self.hits);
        self.missed(Missed::Unusable);
    }

    /// What counted as cold was never stored because it is too long.
    pub(crate) fn too_long(&self) {
        take(&self.misses[Missed::Cold as usize]);
        self.missed(Missed::TooLong);
    }

    pub(crate) fn waited(&self) {
        add(&self.waited);
    }

    /// What was read was stored, or it was not because it was out of date by then.
    pub(crate) fn filled(&self, entry: Tag, kept: bool) {
        if !kept {
            add(&self.refused);
            return;
        }
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        if !stored.contains(&entry) {
            stored.truncate(STORED - 1);
            stored.push_front(entry);
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let misses = std::array::from_fn(|at| get(&self.misses[at]));
        Counts {
            hits: get(&self.hits),
            unaffected: get(&self.unaffected),
            misses,
            waited: get(&self.waited),
            refused: get(&self.refused),
        }
    }
}

/// The counts of one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) hits: u64,
    pub(crate) unaffected: u64,
    misses: [u64; MISSES],
    pub(crate) waited: u64,
    pub(crate) refused: u64,
}

impl Counts {
    pub(crate) fn missed(&self, missed: Missed) -> u64 {
        self.misses[missed as usize]
    }

    pub(crate) fn misses(&self) -> u64 {
        self.misses.iter().sum()
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn take(counter: &AtomicU64) {
    // Nothing to take means that it counted as something else.
    let _ = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_sub(1));
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_and_is_gone_is_not_cold() {
        let usage = Usage::default();
        usage.missing(Tag(1));
        usage.filled(Tag(1), true);
        usage.missing(Tag(1));
        usage.missing(Tag(2));
        usage.filled(Tag(2), false);
        usage.missing(Tag(2));
        let counts = usage.counts();
        assert_eq!((counts.missed(Missed::Cold), counts.missed(Missed::Lost), counts.refused), (3, 1, 1));
        assert_eq!(counts.misses(), 4);
    }
}
