//! Wrappers around the executor and the cache of a worker: they pause at random, so that races have room, and kill the
//! process between two steps of the protocol when they are told to.

mod cache;
mod executor;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

pub use cache::StepCache;
pub use executor::{StepExecutor, WRITE};

use crate::history::History;
use thing_test_random::Random;

macro_rules! steps {
    ($($(#[$about:meta])* $variant:ident = $name:literal,)*) => {
        /// A place in the protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Step { $($(#[$about])* $variant,)* }

        impl Step {
            /// All.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in reports.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

steps! {
    /// A writer is about to mark its tags.
    BeforeQuarantine = "before-quarantine",
    /// A writer has marked its tags.
    AfterQuarantine = "after-quarantine",
    /// A writer is about to commit.
    BeforeCommit = "before-commit",
    /// A writer has committed.
    AfterCommit = "after-commit",
    /// A writer is about to take its marks away.
    BeforeRelease = "before-release",
    /// A writer has taken its marks away, and its caller does not know yet.
    AfterRelease = "after-release",
    /// A reader has noted the stamps.
    AfterLease = "after-lease",
    /// A reader has read the database.
    AfterRead = "after-read",
    /// A reader has stored what it read.
    AfterStore = "after-store",
}

impl Step {
    /// The step with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|step| step.name() == name)
    }
}

/// The steps of this process.
#[derive(Debug)]
pub struct Steps {
    /// How often each step is still passed before the process ends there; 0 for ever.
    armed: [AtomicU64; Step::ALL.len()],
    random: Random,
    pauses: u64,
    longest: u64,
    history: Arc<History>,
}

impl Steps {
    /// Steps with pauses after so many in a thousand reads of the database and around so many commits, of up to `longest`.
    pub fn new(history: Arc<History>, seed: u64, pauses: u64, longest: Duration) -> Self {
        let longest = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        Self { armed: Default::default(), random: Random::seeded(seed), pauses, longest, history }
    }

    /// The process ends when it comes to the step for the `passes`-th time from now; with 0 it does not.
    pub fn arm(&self, step: Step, passes: u64) {
        self.armed[step as usize].store(passes, Ordering::SeqCst);
    }

    /// Comes to a step, and perhaps not further.
    pub fn pass(&self, step: Step) {
        let armed = &self.armed[step as usize];
        if armed.load(Ordering::Relaxed) > 0 && armed.fetch_sub(1, Ordering::SeqCst) == 1 {
            let _ = kill_process(getpid(), Signal::KILL);
        }
    }

    /// Comes to a step, and perhaps waits there.
    pub async fn linger(&self, step: Step) {
        self.pass(step);
        if self.pauses > 0 && self.random.per_mille(self.pauses) {
            tokio::time::sleep(Duration::from_micros(self.random.below(self.longest))).await;
        }
    }

    /// The history of the process.
    pub fn history(&self) -> &History {
        &self.history
    }
}
