//! Configurations: who takes part, and which faults may happen.

use std::fmt;
use std::ops::BitOr;

/// A set of kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults(u16);

impl Faults {
    /// None.
    pub const NONE: Self = Self(0);
    /// A process dies at any of its steps.
    pub const CRASH: Self = Self(1);
    /// A mark runs out although its writer is at work: a clock steps, or the writer is paused for longer than the mark.
    pub const LAPSE: Self = Self(1 << 1);
    /// The server drops a cell, a log, or the registrations.
    pub const EVICT: Self = Self(1 << 2);
    /// A command is cut: it runs late, or never, and its sender does not know.
    pub const CUT: Self = Self(1 << 3);
    /// The server restarts, empty; without epochs also with an old snapshot.
    pub const RESTART: Self = Self(1 << 4);
    /// The answer to a COMMIT is lost; the database may still be at it.
    pub const DOUBT: Self = Self(1 << 5);
    /// A stream of messages dies and its process does not notice.
    pub const PARTITION: Self = Self(1 << 6);
    /// A stream of messages breaks and its process notices.
    pub const DISCONNECT: Self = Self(1 << 7);
    /// All kinds.
    pub const ALL: Self = Self(255);

    /// Whether all of these are among them.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The kinds and their names.
    pub const NAMES: [(Self, &'static str); 8] = [
        (Self::CRASH, "crash"),
        (Self::LAPSE, "lapse"),
        (Self::EVICT, "eviction"),
        (Self::CUT, "cut"),
        (Self::RESTART, "restart"),
        (Self::DOUBT, "doubt"),
        (Self::PARTITION, "partition"),
        (Self::DISCONNECT, "disconnect"),
    ];
}

impl BitOr for Faults {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> =
            Self::NAMES.iter().filter(|(kind, _)| self.contains(*kind)).map(|(_, name)| *name).collect();
        f.pad(&match names.len() {
            0 => "none".to_owned(),
            8 => "any".to_owned(),
            _ => names.join("+"),
        })
    }
}

/// What a writer does when the cache can't be told, and who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriterKind {
    /// Refuses to write.
    Usual,
    /// Leaves a debt row in the same transaction.
    Debt,
    /// Knows nothing of the cache; a trigger or a feed leaves the evidence.
    Outside,
}

/// One write.
#[derive(Clone, Copy, Debug)]
pub struct WriterPlan {
    /// Its process.
    pub process: u8,
    /// The tags it touches, one bit for each.
    pub tags: u8,
    /// Whether it changes what the entry says.
    pub affects: bool,
    /// Whether its release lists its changes.
    pub listed: bool,
    /// What kind it is.
    pub kind: WriterKind,
}

impl WriterPlan {
    /// A write of the row, or of the first tag of a list.
    pub const fn new(process: u8) -> Self {
        Self { process, tags: 1, affects: true, listed: false, kind: WriterKind::Usual }
    }

    /// Touches these tags, and lists its changes.
    pub const fn listed(self, tags: u8, affects: bool) -> Self {
        Self { tags, affects, listed: true, ..self }
    }

    /// Is of this kind.
    pub const fn kind(self, kind: WriterKind) -> Self {
        Self { kind, ..self }
    }
}

/// What near caches promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Near {
    /// There are none, or they are passed by.
    None,
    /// Writes of other processes are visible within a bound.
    Bounded,
    /// Writers wait for the near caches of other processes.
    Strict,
}

/// A world to explore.
#[derive(Clone, Copy, Debug)]
pub struct Configuration {
    /// Its name.
    pub name: &'static str,
    /// How many tags the entry depends on: one for a row, two for a list.
    pub tags: usize,
    /// What near caches there are.
    pub near: Near,
    /// How many processes there are.
    pub processes: usize,
    /// The process of each reader. A reader reads again and again.
    pub readers: &'static [u8],
    /// The writers. Each writes once.
    pub writers: &'static [WriterPlan],
    /// The process of each replayer of debts, or tailer of a feed.
    pub repairers: &'static [u8],
    /// The kinds of faults that may happen.
    pub faults: Faults,
    /// How many may happen.
    pub fault_budget: u8,
    /// How often half the time of a mark passes before a commit.
    pub pauses: u8,
    /// What is demanded.
    pub demand: Demand,
}

/// What is demanded of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// What it promises.
    Promised,
    /// Besides, that a mark that is lost before the commit does no harm before the release.
    WithoutMarks,
    /// Besides, that a mark that is lost before a commit that is never released does no harm.
    WithoutRelease,
}

impl Configuration {
    /// The same world with these faults.
    pub const fn with_faults(self, faults: Faults, fault_budget: u8) -> Self {
        Self { faults, fault_budget, ..self }
    }

    /// The same world, of which this is demanded.
    pub const fn demanding(self, demand: Demand) -> Self {
        Self { demand, ..self }
    }

    /// The same world with pauses.
    pub const fn with_pauses(self, pauses: u8) -> Self {
        Self { pauses, ..self }
    }
}
