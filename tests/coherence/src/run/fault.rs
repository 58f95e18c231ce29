//! What goes wrong in a run.

use std::io;
use std::path::Path;
use std::{fmt::Write, fs};

use super::file;
use crate::cache::CacheKind;
use crate::database::DatabaseKind;

macro_rules! faults {
    ($($(#[$about:meta])* $variant:ident = $name:literal, $weight:literal;)*) => {
        /// A sort of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FaultKind { $($(#[$about])* $variant,)* }

        impl FaultKind {
            /// All.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the command line and in reports.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How often it comes, beside the others.
            pub fn weight(self) -> u64 {
                match self { $(Self::$variant => $weight,)* }
            }
        }
    };
}

faults! {
    /// A worker is killed at any moment.
    Kill = "kill", 15;
    /// A worker is killed between two steps of the protocol.
    KillAtStep = "kill-at-step", 27;
    /// A worker stands still for a while.
    Stop = "stop", 12;
    /// Redis is killed, and started empty.
    RedisKill = "redis-kill", 5;
    /// Redis stands still for a while.
    RedisPause = "redis-pause", 7;
    /// Redis forgets everything.
    RedisFlush = "redis-flush", 6;
    /// Redis has less memory than it needs, and evicts.
    RedisMemory = "redis-memory", 5;
    /// Redis loses keys at random.
    RedisLoseKeys = "redis-lose-keys", 8;
    /// The clock of Redis jumps ahead, by more than marks last.
    RedisClockAhead = "redis-clock-ahead", 5;
    /// The clock of Redis jumps back, by more than marks last.
    RedisClockBack = "redis-clock-back", 4;
    /// Redis is killed, and another one that has replicated it takes its place.
    RedisFailover = "redis-failover", 3;
    /// Connections to Redis are cut.
    LinkCut = "link-cut", 12;
    /// What is sent to Redis, or what it answers, vanishes, until the connections are cut.
    LinkBlackHole = "link-black-hole", 8;
    /// What is sent to Redis, or what it answers, arrives late, all at once.
    LinkStall = "link-stall", 8;
    /// The way to Redis is slow.
    LinkSlow = "link-slow", 5;
    /// Redis can't be reached.
    LinkRefuse = "link-refuse", 8;
    /// Connections to the database are cut.
    DatabaseCut = "database-cut", 6;
    /// An answer of the database is lost with its connection.
    DatabaseLoseAnswer = "database-lose-answer", 10;
    /// The database stands still for a while.
    DatabasePause = "database-pause", 4;
    /// The database is killed, and started again.
    DatabaseKill = "database-kill", 2;
}

impl FaultKind {
    /// The fault with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// The faults of a list, `all` or `none`.
    ///
    /// # Errors
    ///
    /// A name that is not known.
    pub fn several(list: &str) -> Result<Vec<Self>, String> {
        match list {
            "all" => Ok(Self::ALL.to_vec()),
            "none" => Ok(Vec::new()),
            names => {
                names.split(',').map(|name| Self::named(name).ok_or(format!("there is no fault {name}"))).collect()
            }
        }
    }

    /// Whether it can happen with this database and this cache.
    pub fn concerns(self, database: DatabaseKind, cache: CacheKind) -> bool {
        match self {
            Self::Kill | Self::Stop => true,
            Self::KillAtStep => cache != CacheKind::None,
            Self::DatabaseCut | Self::DatabaseLoseAnswer | Self::DatabasePause | Self::DatabaseKill => {
                database != DatabaseKind::Sqlite
            }
            _ => cache.needs_redis(),
        }
    }

    /// Whether marks of writers may be lost by it, which the promise leaves out for the time between commit and return.
    pub fn loses_marks(self) -> bool {
        matches!(
            self,
            Self::RedisKill
                | Self::RedisFlush
                | Self::RedisMemory
                | Self::RedisLoseKeys
                | Self::RedisClockAhead
                | Self::RedisFailover
        )
    }

    /// Whether it moves the clock of Redis.
    pub(super) fn moves_clock(self) -> bool {
        matches!(self, Self::RedisClockAhead | Self::RedisClockBack)
    }
}

/// A fault of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What sort.
    pub kind: FaultKind,
    /// The worker that it struck; `None` for all.
    pub process: Option<usize>,
    /// When it began.
    pub begin: u64,
    /// When it was over.
    pub end: u64,
    /// Whether it is known to have struck.
    pub applied: bool,
    /// How much, or where.
    pub detail: String,
}

/// Keeps the faults of a run, one in a line.
pub(super) fn save(directory: &Path, faults: &[Fault]) -> io::Result<()> {
    let mut text = String::new();
    for Fault { kind, process, begin, end, applied, detail } in faults {
        let process = process.map_or("all".to_owned(), |process| process.to_string());
        let _ = writeln!(text, "{} {process} {begin} {end} {applied} {detail}", kind.name());
    }
    fs::write(file(directory, "faults"), text)
}

/// The faults of a run.
///
/// # Errors
///
/// Those of the file system, and lines that are none.
pub fn load(directory: &Path) -> io::Result<Vec<Fault>> {
    let parsed = |line: &str| {
        let mut words = line.splitn(6, ' ');
        Some(Fault {
            kind: FaultKind::named(words.next()?)?,
            process: words.next()?.parse().ok(),
            begin: words.next()?.parse().ok()?,
            end: words.next()?.parse().ok()?,
            applied: words.next()?.parse().ok()?,
            detail: words.next()?.to_owned(),
        })
    };
    let text = fs::read_to_string(file(directory, "faults"))?;
    let fault =
        |line| parsed(line).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("faults: {line}")));
    text.lines().map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_back_as_they_were() {
        let directory = tempfile::tempdir().expect("a directory");
        let fault = |kind, process, detail: &str| Fault {
            kind,
            process,
            begin: 1,
            end: 2,
            applied: true,
            detail: detail.to_owned(),
        };
        let faults = [fault(FaultKind::Stop, Some(3), ""), fault(FaultKind::RedisMemory, None, "7 keys evicted")];
        save(directory.path(), &faults).expect("a file");
        assert_eq!(load(directory.path()).expect("a file"), faults);
    }
}
