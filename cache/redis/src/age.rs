//! How old an entry is, and whether to read it again before its time ends.
//!
//! No hit depends on it: Redis itself drops an entry at its end, and until then it is a hit by its stamps. Only who is
//! content with an old answer gets it by its age. That is never less than the time since the database was read, as far
//! as the server's clock is known here.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::message::Id;

/// When an entry was filled, by whom, and what that took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Age {
    /// When leave to fill it was given, before the database was read, or earlier: in milliseconds of the server's clock;
    /// 0 where that is not known.
    pub(crate) filled: u64,
    /// How long it lives from when it was stored, in milliseconds.
    pub(crate) time_to_live: u32,
    /// How long the fill took until it was stored, in microseconds.
    pub(crate) cost: u32,
    /// The beginning of the client that filled it.
    pub(crate) filler: [u8; 8],
}

/// Chances below this don't occur: the logarithm of 2^-53 is -36.7.
const SUREST: f64 = 37.0;

impl Age {
    pub(crate) const SIZE: usize = 24;

    pub(crate) fn new(filled: u64, time_to_live: Duration, cost: Duration, client: &Id) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *client;
        let at_most = |number: u128| u32::try_from(number).unwrap_or(u32::MAX);
        let (time_to_live, cost) = (at_most(time_to_live.as_millis()), at_most(cost.as_micros()));
        Self { filled, time_to_live, cost, filler: [a, b, c, d, e, f, g, h] }
    }

    pub(crate) fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.filled.to_le_bytes());
        out.extend_from_slice(&self.time_to_live.to_le_bytes());
        out.extend_from_slice(&self.cost.to_le_bytes());
        out.extend_from_slice(&self.filler);
    }

    pub(crate) fn read(bytes: [u8; Self::SIZE]) -> Self {
        let [f0, f1, f2, f3, f4, f5, f6, f7, t0, t1, t2, t3, c0, c1, c2, c3, filler @ ..] = bytes;
        Self {
            filled: u64::from_le_bytes([f0, f1, f2, f3, f4, f5, f6, f7]),
            time_to_live: u32::from_le_bytes([t0, t1, t2, t3]),
            cost: u32::from_le_bytes([c0, c1, c2, c3]),
            filler,
        }
    }

    /// How long ago it was read at most; `None` where that is not known. `now` is by the server's clock, or later.
    pub(crate) fn at(self, now: u64) -> Option<Duration> {
        let known = self.filled > 0 && now >= self.filled;
        known.then(|| Duration::from_millis(now - self.filled))
    }

    /// Whether one reader, who draws a number between 0 and 1, is to read it again: XFetch, of Vattani, Chierichetti
    /// and Lowenstein (2015). `now` is by the server's clock.
    pub(crate) fn is_due(self, now: u64, beta: f64, draw: impl FnOnce() -> f64) -> bool {
        let stored = self.filled.saturating_add(u64::from(self.cost / 1000));
        let end = stored.saturating_add(u64::from(self.time_to_live));
        let left = end.saturating_sub(now) as f64;
        let ahead = f64::from(self.cost) / 1000.0 * beta;
        left < ahead * SUREST && left <= ahead * -draw().ln()
    }
}

/// What a server's clock says, as far as this process knows.
#[derive(Debug)]
pub(crate) struct ServerClock {
    start: Instant,
    /// What the server's clock said at `start`, in milliseconds: at least, and at most. Both 0 until it is known.
    earliest: AtomicI64,
    latest: AtomicI64,
}

impl ServerClock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), earliest: AtomicI64::new(0), latest: AtomicI64::new(0) }
    }

    /// The server's clock was read between the two moments.
    pub(crate) fn learn(&self, before: Instant, after: Instant, milliseconds: i64) {
        // Both clocks are read in whole milliseconds.
        self.earliest.store(milliseconds.saturating_sub(self.passed(after)).saturating_sub(1), Relaxed);
        self.latest.store(milliseconds.saturating_sub(self.passed(before)).saturating_add(1), Relaxed);
    }

    /// What it said at a moment, or less; 0 until something is known.
    pub(crate) fn earliest(&self, moment: Instant) -> u64 {
        self.at(&self.earliest, moment)
    }

    /// What it says now, or more; 0 until something is known.
    pub(crate) fn now(&self) -> u64 {
        self.at(&self.latest, Instant::now())
    }

    fn at(&self, offset: &AtomicI64, moment: Instant) -> u64 {
        match offset.load(Relaxed) {
            0 => 0,
            offset => u64::try_from(offset.saturating_add(self.passed(moment))).unwrap_or_default(),
        }
    }

    fn passed(&self, moment: Instant) -> i64 {
        i64::try_from(moment.saturating_duration_since(self.start).as_millis()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: Id = [3; 16];

    /// The same numbers in every run.
    fn draws() -> impl FnMut() -> f64 {
        let mut state = 42u64;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 11) as f64 + 1.0) / (1u64 << 53) as f64
        }
    }

    fn part_due(age: Age, now: u64, beta: f64) -> f64 {
        let mut draw = draws();
        (0..100_000).filter(|_| age.is_due(now, beta, &mut draw)).count() as f64 / 100_000.0
    }

    /// A reader is early by more than some time with the chance of e^(-time / (cost * beta)).
    #[test]
    fn the_chance_grows_towards_the_end_and_with_the_cost() {
        let age = Age::new(999_900, Duration::from_secs(600), Duration::from_millis(100), &CLIENT);
        for (left, beta, expected) in [
            (0, 1.0, 1.0),
            (100, 1.0, (-1.0f64).exp()),
            (300, 1.0, (-3.0f64).exp()),
            (300, 3.0, (-1.0f64).exp()),
            (3_700, 1.0, 0.0),
            (600_000, 1.0, 0.0),
        ] {
            let part = part_due(age, 1_600_000 - left, beta);
            assert!((part - expected).abs() < 0.01, "{left} ms before the end: {part}, not {expected}");
        }
        assert_eq!(part_due(Age { cost: 0, filled: 1_000_000, ..age }, 1_599_999, 1.0), 0.0);
        assert_eq!(part_due(age, 1_599_999, 0.0), 0.0, "turned off");
    }

    #[test]
    fn far_from_the_end_nothing_is_drawn() {
        let age = Age::new(0, Duration::from_secs(600), Duration::from_millis(1), &CLIENT);
        assert!(!age.is_due(599_000, 1.0, || panic!("it is far away")));
        assert!(Age::new(u64::MAX, Duration::MAX, Duration::MAX, &CLIENT).is_due(u64::MAX, 1.0, || 0.5));
    }

    #[test]
    fn ages_are_written_and_read() {
        let age = Age::new(u64::MAX - 1, Duration::from_millis(7), Duration::from_micros(9), &CLIENT);
        let mut bytes = Vec::new();
        age.write(&mut bytes);
        assert_eq!(Age::read(bytes.try_into().expect("its size")), age);
    }

    #[test]
    fn a_clock_goes_on_from_what_it_learned() {
        let clock = ServerClock::new();
        let now = Instant::now();
        clock.learn(now, now, 1_700_000_000_000);
        assert!((1_700_000_000_000..1_700_000_010_000).contains(&clock.now()));
    }

    #[test]
    fn an_age_is_never_too_small() {
        let clock = ServerClock::new();
        assert_eq!((clock.now(), clock.earliest(Instant::now())), (0, 0), "nothing is known");
        let before = Instant::now();
        // The server answered at some moment of 40 milliseconds.
        clock.learn(before, before + Duration::from_millis(40), 1_700_000_000_000);
        let filled = clock.earliest(before);
        assert!((1_699_999_999_958..=1_699_999_999_960).contains(&filled), "{filled}");
        let age = Age { filled, ..Age::default() };
        assert!(age.at(clock.now()) >= Some(Duration::from_millis(40)));
        assert_eq!(Age::default().at(clock.now()), None, "not known");
        assert_eq!(age.at(0), None, "not known");
    }
}
