//! Counters for the statistics.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What a cache counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) hits: Tally,
    pub(crate) misses_cold: Counter,
    pub(crate) misses_expired: Counter,
    pub(crate) misses_stale: Counter,
    pub(crate) misses_quarantined: Counter,
    pub(crate) restamped: Counter,
    pub(crate) stored: Counter,
    pub(crate) refused: Counter,
    pub(crate) held: Counter,
    pub(crate) quarantines: Counter,
    pub(crate) releases: Counter,
    pub(crate) lapsed: Counter,
    pub(crate) evicted: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Relaxed);
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A number that many threads increase all the time. Each thread has a cell of its own that it alone writes, because an
/// atomic addition takes a sixth of the time of a hit, and much more where threads share the cache line.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Tells tallies apart, also after one is dropped: a thread's weak reference keeps the address from being used again.
    identity: Arc<()>,
    cells: Mutex<Cells>,
}

#[derive(Debug, Default)]
struct Cells {
    of_threads: Vec<Arc<Cell>>,
    /// The sum of the cells of threads that ended.
    of_ended: u64,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Cell(AtomicU64);

thread_local! {
    /// This thread's cells, one for each tally that it met.
    static MINE: RefCell<Vec<(Weak<()>, Arc<Cell>)>> = const { RefCell::new(Vec::new()) };
}

impl Tally {
    #[inline]
    pub(crate) fn add_one(&self) {
        let identity = Arc::as_ptr(&self.identity);
        let counted = MINE.try_with(|mine| {
            let mine = mine.borrow();
            let cell = mine.iter().find(|(tally, _)| Weak::as_ptr(tally) == identity);
            // No other thread writes to the cell.
            cell.map(|(_, cell)| cell.0.store(cell.0.load(Relaxed) + 1, Relaxed))
        });
        if !matches!(counted, Ok(Some(()))) {
            self.add_first();
        }
    }

    #[cold]
    fn add_first(&self) {
        let cell = Arc::new(Cell(AtomicU64::new(1)));
        let kept = MINE.try_with(|mine| {
            let mut mine = mine.borrow_mut();
            mine.retain(|(tally, _)| tally.strong_count() > 0);
            mine.push((Arc::downgrade(&self.identity), cell.clone()));
        });
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let Cells { of_threads, of_ended } = &mut *cells;
        of_threads.retain_mut(|cell| match Arc::get_mut(cell) {
            Some(ended) => {
                *of_ended += *ended.0.get_mut();
                false
            }
            None => true,
        });
        match kept {
            Ok(()) => of_threads.push(cell),
            // The thread is being torn down.
            Err(_) => *of_ended += 1,
        }
    }

    pub(crate) fn total(&self) -> u64 {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        cells.of_ended + cells.of_threads.iter().map(|cell| cell.0.load(Relaxed)).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_counts_for_every_thread_and_remembers_those_that_ended() {
        let tally = Tally::default();
        for _ in 0..3 {
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| (0..1000).for_each(|_| tally.add_one()));
                }
            });
        }
        assert_eq!(tally.total(), 12_000);
        tally.add_one();
        assert_eq!(tally.total(), 12_001);
        assert!(tally.cells.lock().unwrap().of_threads.len() <= 5);
    }

    #[test]
    fn tallies_are_told_apart_and_forgotten_when_they_are_gone() {
        for _ in 0..100 {
            let (a, b) = (Tally::default(), Tally::default());
            a.add_one();
            b.add_one();
            b.add_one();
            assert_eq!((a.total(), b.total()), (1, 2));
        }
        assert!(MINE.with_borrow(|mine| mine.len() <= 3));
    }
}
