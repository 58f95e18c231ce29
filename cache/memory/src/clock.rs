//! Clocks: how the cache tells the time.

use std::fmt;
use std::time::Duration;

/// Tells how much time has passed since some fixed moment. It never goes back.
///
/// It is read on every hit, so it has to be fast; a resolution of some milliseconds is enough.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The time since that moment.
    fn now(&self) -> Duration;
}

/// The clock of [`MemoryCache::new`](crate::MemoryCache::new): monotonic, as of the last tick of the kernel (1 to 10
/// ms) where the system offers that, which takes a fifth of the time of an exact reading.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(any(target_os = "linux", target_os = "android"), derive(Default))]
pub struct CoarseClock {
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    start: std::time::Instant,
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Default for CoarseClock {
    fn default() -> Self {
        Self { start: std::time::Instant::now() }
    }
}

impl Clock for CoarseClock {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn now(&self) -> Duration {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
        // The kernel's monotonic time is never negative and has fewer than 10^9 nanoseconds.
        Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_exact_clock() {
        let clock = CoarseClock::default();
        let before = clock.now();
        std::thread::sleep(Duration::from_millis(50));
        let passed = clock.now() - before;
        assert!(passed >= Duration::from_millis(30), "{passed:?}");
    }
}
