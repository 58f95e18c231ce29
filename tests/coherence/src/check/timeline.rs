//! Timelines: when the versions of something can have been the current one.

use std::ops::RangeInclusive;

/// The time of what did not happen, as far as is known.
pub const NEVER: u64 = u64::MAX;

/// When a version was committed, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Not before: its write was sent then.
    pub begin: u64,
    /// Not after: its writer was told by the `Db`; [`NEVER`] if it was not.
    pub acknowledged: u64,
    /// Not after either: the driver said so.
    pub committed: u64,
    /// It left a debt, and this is when that was paid; 0 if it left none.
    pub paid: u64,
}

impl Window {
    /// Of what was there from the beginning.
    pub const START: Self = Self { begin: 0, acknowledged: 0, committed: 0, paid: 0 };
}

/// The versions of one thing, in the order of their commits.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    earliest: Vec<u64>,
    latest: Vec<u64>,
    latest_by_driver: Vec<u64>,
}

impl Timeline {
    /// A timeline of versions in their order, which narrows their windows: none is committed before an earlier one began,
    /// or after a later one was acknowledged.
    pub fn new(windows: &[Window]) -> Self {
        let mut timeline = Self {
            earliest: windows.iter().map(|window| window.begin).collect(),
            latest: windows.iter().map(|window| window.acknowledged).collect(),
            latest_by_driver: windows.iter().map(|window| window.committed.min(window.acknowledged)).collect(),
        };
        for at in 1..windows.len() {
            timeline.earliest[at] = timeline.earliest[at].max(timeline.earliest[at - 1]);
        }
        for latest in [&mut timeline.latest, &mut timeline.latest_by_driver] {
            for at in (1..latest.len()).rev() {
                latest[at - 1] = latest[at - 1].min(latest[at]);
            }
        }
        timeline
    }

    /// The versions that a read from `start` to `end` may see.
    pub fn allowed(&self, start: u64, end: u64) -> RangeInclusive<usize> {
        first(&self.latest, start)..=self.last(end)
    }

    /// The first version that a read may see which began at `start`, by what drivers said.
    pub fn first_by_driver(&self, start: u64) -> usize {
        first(&self.latest_by_driver, start)
    }

    fn last(&self, end: u64) -> usize {
        self.earliest.partition_point(|earliest| *earliest <= end).saturating_sub(1)
    }

    /// By how much a version is outdated at `start`: the time since the next was acknowledged.
    pub fn lag(&self, version: usize, start: u64) -> Option<u64> {
        lag(&self.latest, version, start)
    }

    /// As [`Timeline::lag`], by what drivers said.
    pub fn lag_by_driver(&self, version: usize, start: u64) -> Option<u64> {
        lag(&self.latest_by_driver, version, start)
    }

    /// Whether a version had not been sent when a read ended.
    pub fn is_future(&self, version: usize, end: u64) -> bool {
        self.earliest[version] > end
    }

    /// The window of a version, narrowed.
    pub fn window(&self, version: usize) -> Window {
        Window {
            begin: self.earliest[version],
            acknowledged: self.latest[version],
            committed: self.latest_by_driver[version],
            paid: 0,
        }
    }
}

/// The last version that was there for certain before `start`.
fn first(latest: &[u64], start: u64) -> usize {
    latest.partition_point(|latest| *latest < start).saturating_sub(1)
}

fn lag(latest: &[u64], version: usize, start: u64) -> Option<u64> {
    latest.get(version + 1).filter(|latest| **latest < start).map(|latest| start - latest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(begin: u64, acknowledged: u64) -> Window {
        Window { begin, acknowledged, committed: NEVER, paid: 0 }
    }

    #[test]
    fn a_read_may_see_what_was_current_while_it_ran() {
        let timeline = Timeline::new(&[Window::START, window(10, 20), window(30, 40)]);
        assert_eq!(timeline.allowed(1, 9), 0..=0);
        assert_eq!(timeline.allowed(1, 10), 0..=1);
        assert_eq!(timeline.allowed(20, 29), 0..=1);
        assert_eq!(timeline.allowed(21, 29), 1..=1);
        assert_eq!(timeline.allowed(21, 35), 1..=2);
        assert_eq!(timeline.allowed(41, 50), 2..=2);
    }

    #[test]
    fn a_version_is_stale_when_the_next_was_acknowledged_before_the_read() {
        let timeline = Timeline::new(&[Window::START, window(10, 20), window(30, 40)]);
        assert_eq!((timeline.lag(0, 20), timeline.lag(0, 21), timeline.lag(2, 99)), (None, Some(1), None));
        assert!(timeline.is_future(2, 29) && !timeline.is_future(2, 30));
    }

    #[test]
    fn what_is_not_known_of_a_version_follows_from_the_next() {
        let timeline = Timeline::new(&[Window::START, window(10, NEVER), window(5, 40)]);
        assert_eq!(timeline.lag(0, 41), Some(1));
        assert_eq!(timeline.allowed(1, 7), 0..=0);
        let open = Timeline::new(&[Window::START, window(10, NEVER)]);
        assert_eq!(open.allowed(1_000, 2_000), 0..=1);
    }

    #[test]
    fn what_the_driver_said_counts_apart() {
        let windows = [Window::START, Window { begin: 10, acknowledged: 30, committed: 20, paid: 0 }];
        let timeline = Timeline::new(&windows);
        assert_eq!((timeline.lag(0, 25), timeline.lag_by_driver(0, 25)), (None, Some(5)));
        assert_eq!((timeline.first_by_driver(20), timeline.first_by_driver(21)), (0, 1));
    }
}
