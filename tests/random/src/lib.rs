//! Random numbers: from a seed, and so the same in every run and on every machine.

use std::sync::atomic::{AtomicU64, Ordering};

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// SplitMix64 (Steele, Lea and Flood, 2014). Its methods take `&self`, so that tasks can share one.
#[derive(Debug)]
pub struct Random {
    state: AtomicU64,
}

impl Random {
    /// A generator; equal seeds give equal numbers.
    pub fn seeded(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed.wrapping_mul(GOLDEN) ^ 0xD1B5_4A32_D192_ED03) }
    }

    /// The next 64 bits.
    pub fn bits(&self) -> u64 {
        let state = self.state.fetch_add(GOLDEN, Ordering::Relaxed).wrapping_add(GOLDEN);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end - 1`.
    pub fn below(&self, end: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(end)) >> 64) as u64
    }

    /// A number from `first` to `last`.
    pub fn between(&self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// A number from 0 to just below 1.
    pub fn fraction(&self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A key from 1 to `last`.
    pub fn key(&self, last: i64) -> i64 {
        1 + self.below(last.unsigned_abs()) as i64
    }

    /// True so many times in a thousand.
    pub fn per_mille(&self, part: u64) -> bool {
        self.below(1000) < part
    }

    /// One of several, each as often as its weight says.
    pub fn weighted<T: Copy>(&self, choices: &[(u64, T)]) -> Option<T> {
        let mut place = self.below(choices.iter().map(|(weight, _)| weight).sum());
        for (weight, choice) in choices {
            if place < *weight {
                return Some(*choice);
            }
            place -= weight;
        }
        None
    }
}

/// Keys of which few are asked for often (Gray et al. 1994, as in YCSB); the frequent ones lie scattered.
#[derive(Clone, Debug)]
pub struct Zipf {
    keys: u64,
    theta: f64,
    alpha: f64,
    zeta: f64,
    eta: f64,
}

impl Zipf {
    /// Keys from 1 to `keys`; a larger `theta` below 1 is more uneven.
    pub fn new(keys: u64, theta: f64) -> Self {
        let harmonic = |terms: u64| (1..=terms).map(|term| 1.0 / (term as f64).powf(theta)).sum::<f64>();
        let zeta = harmonic(keys);
        Self {
            keys,
            theta,
            alpha: 1.0 / (1.0 - theta),
            zeta,
            eta: (1.0 - (2.0 / keys as f64).powf(1.0 - theta)) / (1.0 - harmonic(2) / zeta),
        }
    }

    /// The next key.
    pub fn key(&self, random: &Random) -> i64 {
        let fraction = random.fraction();
        let weight = fraction * self.zeta;
        let rank = if weight < 1.0 {
            0
        } else if weight < 1.0 + 0.5f64.powf(self.theta) {
            1
        } else {
            (self.keys as f64 * (self.eta * fraction - self.eta + 1.0).powf(self.alpha)) as u64
        };
        // The factor is a prime that no sensible number of keys has as a divisor: ranks and keys are one to one.
        ((rank.min(self.keys - 1) * 48_271 + 12_345) % self.keys + 1) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_numbers() {
        let (first, second) = (Random::seeded(7), Random::seeded(7));
        assert!((0..100).all(|_| first.bits() == second.bits()));
    }

    #[test]
    fn choices_come_as_often_as_they_weigh() {
        let random = Random::seeded(3);
        let rare = (0..10_000).filter(|_| random.weighted(&[(1, true), (9, false)]) == Some(true)).count();
        assert!((800..1200).contains(&rare), "{rare}");
    }

    #[test]
    fn the_most_frequent_key_is_asked_for_far_more_often_than_by_chance() {
        let (zipf, random) = (Zipf::new(1000, 0.9), Random::seeded(1));
        let mut counts = vec![0; 1001];
        (0..100_000).for_each(|_| counts[zipf.key(&random) as usize] += 1);
        assert_eq!(counts[0], 0);
        assert!(counts.iter().max().is_some_and(|&most| most > 5_000));
    }
}
