//! The state of a world.

use crate::cell::{Cell, Outcome, Stamp};
use crate::configuration::Configuration;

/// Room for tags, processes, readers, writers and repairers.
pub(crate) const TAGS: usize = 2;
pub(crate) const PROCESSES: usize = 4;
pub(crate) const READERS: usize = 3;
pub(crate) const WRITERS: usize = 3;
pub(crate) const REPAIRERS: usize = 2;

/// A version of what the entry says: how many commits have changed it. [`DIRTY`] and above was never committed.
pub(crate) type Version = u8;

/// The version that a writer's own uncommitted statement shows.
pub(crate) const DIRTY: Version = 0x80;

/// Everything that can differ between two moments.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub(crate) struct State {
    /// The version that the database shows to a read that begins now.
    pub(crate) database: Version,
    pub(crate) shared: Shared,
    /// What the server had on its disk, for a restart with old data.
    pub(crate) snapshot: Option<([Cell; TAGS], Option<Entry>)>,
    pub(crate) processes: [Process; PROCESSES],
    pub(crate) readers: [Reader; READERS],
    pub(crate) writers: [Writer; WRITERS],
    pub(crate) repairers: [Repairer; REPAIRERS],
    /// The committed debt rows, one bit for the writer of each.
    pub(crate) debts: u8,
    /// The order in which debt rows were written so far.
    pub(crate) debt_ids: u8,
    /// Where the cursor of a broken replayer stands.
    pub(crate) cursor: u8,
    pub(crate) promised: Promised,
    pub(crate) faults_left: u8,
    pub(crate) pauses_left: u8,
    /// The next stamp where stamps may recur.
    pub(crate) next_stamp: Stamp,
}

/// The shared cache.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Shared {
    pub(crate) cells: [Cell; TAGS],
    pub(crate) entry: Option<Entry>,
    /// The stamp under which the log has each writer's changes; zero where it has not.
    pub(crate) records: [Stamp; WRITERS],
    /// The processes that may be serving from memory, one bit for each.
    pub(crate) registered: u8,
    pub(crate) registrations: Registrations,
}

/// How long the set of registrations has been there.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Registrations {
    /// For longer than the bound.
    #[default]
    Old,
    /// For less.
    Young,
    /// It is not there.
    Lost,
}

/// An entry and the stamps that its tags had before its read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Entry {
    pub(crate) stamps: [Stamp; TAGS],
    pub(crate) value: Version,
}

/// A process's near cache and its stream.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Process {
    pub(crate) entry: Option<Version>,
    /// The writers of this process that keep the entry closed, one bit for each.
    pub(crate) closed: u8,
    /// The writers of other processes that it has heard of and that keep the entry closed.
    pub(crate) heard: u8,
    pub(crate) gate: bool,
    pub(crate) link: Link,
    pub(crate) queue: Queue,
    /// The newest version that a writer of this process was told to be committed.
    pub(crate) own: Version,
    /// The newest version that a read of this process returned.
    pub(crate) seen: Version,
}

/// A stream of messages.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Link {
    #[default]
    Up,
    /// Dead, and the process does not know.
    Half,
    /// The process knows.
    Down,
}

/// A message to a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Message {
    /// The tags are void.
    Voided,
    /// The answer to a question that was asked less than the bound ago.
    Answer,
    /// The answer to an older question.
    LateAnswer,
    /// A writer wants to know that everything before was applied.
    Barrier(u8),
    /// A writer has marked the tags.
    Quarantined(u8),
    /// A writer has released the tags.
    Released(u8),
}

/// Messages under way, four bits each, the first in the lowest.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Queue(u64);

impl Queue {
    pub(crate) fn push(&mut self, message: Message) {
        let length = self.len();
        assert!(length < 16, "a queue has room for 16 messages");
        let code = match message {
            Message::Voided => 1,
            Message::Answer => 2,
            Message::LateAnswer => 3,
            Message::Barrier(writer) => 4 + u64::from(writer),
            Message::Quarantined(writer) => 7 + u64::from(writer),
            Message::Released(writer) => 10 + u64::from(writer),
        };
        // Two announcements in a row do no more than one.
        if length > 0 && !matches!(message, Message::Released(_)) && self.0 >> (4 * (length - 1)) == code {
            return;
        }
        self.0 |= code << (4 * length);
    }

    pub(crate) fn pop(&mut self) -> Option<Message> {
        let message = match self.0 & 15 {
            0 => return None,
            1 => Message::Voided,
            2 => Message::Answer,
            3 => Message::LateAnswer,
            code @ 4..7 => Message::Barrier(code as u8 - 4),
            code @ 7..10 => Message::Quarantined(code as u8 - 7),
            code => Message::Released(code as u8 - 10),
        };
        self.0 >>= 4;
        Some(message)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn has_answer(self) -> bool {
        (0..self.len()).any(|at| matches!(self.0 >> (4 * at) & 15, 2 | 3))
    }

    pub(crate) fn remove(&mut self, message: Message) {
        let mut old = std::mem::take(self);
        while let Some(other) = old.pop() {
            if other != message {
                self.push(other);
            }
        }
    }

    /// Time passes: answers become late. A late answer is of no use, so it is dropped unless it is to be `kept`.
    pub(crate) fn age(&mut self, kept: bool) {
        let mut old = std::mem::take(self);
        while let Some(message) = old.pop() {
            match message {
                Message::Answer | Message::LateAnswer if kept => self.push(Message::LateAnswer),
                Message::Answer | Message::LateAnswer => {}
                other => self.push(other),
            }
        }
    }

    fn len(self) -> u32 {
        (64 - self.0.leading_zeros()).div_ceil(4)
    }
}

/// A reader at work. A read that hits is over in one step.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum Reader {
    #[default]
    Idle,
    /// Of a broken protocol: the database was read before the stamps were noted.
    Early { value: Version, clean: bool },
    /// The stamps were noted, then the database was read.
    Read { stamps: [Stamp; TAGS], value: Version, clean: bool },
    /// An entry was judged to be unaffected by all up to these stamps.
    Judged { from: [Stamp; TAGS], to: [Stamp; TAGS] },
    /// The answer is there and yet to be admitted to the near cache.
    Holding { value: Version, clean: bool },
}

impl Reader {
    /// The version that it brings.
    pub(crate) fn value(&mut self) -> Option<&mut Version> {
        match self {
            Self::Early { value, .. } | Self::Read { value, .. } | Self::Holding { value, .. } => Some(value),
            Self::Idle | Self::Judged { .. } => None,
        }
    }

    /// Something came in between: what this read brings must not be admitted.
    pub(crate) fn disturb(&mut self) {
        if let Self::Early { clean, .. } | Self::Read { clean, .. } | Self::Holding { clean, .. } = self {
            *clean = false;
        }
    }
}

/// A writer.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Writer {
    pub(crate) step: Step,
    pub(crate) outcome: Outcome,
    /// How many halves of the time of its marks have passed: none, one, or all of it.
    pub(crate) age: u8,
    /// A mark was lost before the commit, by a fault.
    pub(crate) lost: bool,
    /// The database has committed.
    pub(crate) applied: bool,
    /// The database may yet commit.
    pub(crate) pending: bool,
    /// A release did not find its mark.
    pub(crate) gone: bool,
    /// The caller was told.
    pub(crate) told: bool,
    pub(crate) version: Version,
    /// The stamp that its release gives.
    pub(crate) stamp: Stamp,
    /// The processes it waits for, and whether it waits for the whole bound.
    pub(crate) awaiting: u8,
    pub(crate) whole: bool,
    /// Tags that a cut quarantine, or a cut release, may still reach.
    pub(crate) late_marks: u8,
    pub(crate) late_release: u8,
    /// The place of its debt row.
    pub(crate) debt_id: u8,
}

/// Where a writer is.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Step {
    #[default]
    Idle,
    /// Marks from this tag on are yet to be placed.
    Marking(u8),
    /// All marks are there.
    Marked,
    /// A strict writer waits for near caches.
    Settling,
    /// COMMIT may be sent.
    Ready,
    /// A debt row is in the transaction.
    Indebted,
    /// The answer to COMMIT is lost; the marks are to be prolonged once.
    Doubting,
    /// Tags from this one on are yet to be released.
    Releasing(u8),
    /// A strict writer whose mark was lost waits again.
    Resettling,
    /// It has returned to its caller, or died, or will not do any more.
    Over,
}

/// A replayer of debts, or a tailer of a feed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Repairer {
    /// The rows it has locked.
    pub(crate) rows: u8,
    pub(crate) step: Repair,
}

/// Where a replayer is.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Repair {
    #[default]
    Idle,
    /// Tags from this one on are yet to be voided.
    Voiding(u8),
    Publishing,
    Deleting,
}

/// What reads may rely on.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Promised {
    /// The newest version that a caller was told to be committed.
    pub(crate) told: Version,
    /// The same, when the bound last passed.
    pub(crate) settled: Version,
    /// The newest version whose COMMIT has returned.
    pub(crate) committed: Version,
    /// A commit happened under a mark that was lost: until the release, COMMIT and monotonic reads are not promised.
    pub(crate) unguarded: bool,
    /// A named double fault happened: until the time to live, nothing is promised.
    pub(crate) broken: bool,
}

impl Promised {
    /// The newest version that the cache was told of. What debts and feeds have yet to tell is seen by some reads and not
    /// by others.
    pub(crate) fn newest(&self) -> Version {
        self.committed.max(self.told)
    }
}

impl State {
    /// The beginning: nothing was written, and the entry is cached everywhere or nowhere.
    pub(crate) fn start(plan: &Configuration, warm: bool) -> Self {
        let mut state =
            Self { faults_left: plan.fault_budget, pauses_left: plan.pauses, next_stamp: 1, ..Self::default() };
        let near = plan.near != crate::configuration::Near::None;
        if near {
            state.shared.registered = (1 << plan.processes) - 1;
        }
        if warm {
            let mut stamps = [0; TAGS];
            stamps[..plan.tags].fill(1);
            (0..plan.tags).for_each(|tag| state.shared.cells[tag].stamps[0] = 1);
            state.shared.entry = Some(Entry { stamps, value: 0 });
            state.next_stamp = 2;
        }
        for process in &mut state.processes[..plan.processes] {
            process.gate = near;
            process.entry = (near && warm).then_some(0);
        }
        state
    }
}
