//! The subjects: raw clients, and Thing with and without a cache.

pub mod rusqlite;
pub mod pooled;
pub mod group_commit;
pub mod tokio_rusqlite;
pub mod tokio_postgres;
pub mod mysql_async;
pub mod thing;
pub mod bare_cache;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::meter::Measurement;
use crate::subject::{Subject, Synchronous};
use crate::subjects::pooled::{PooledRusqlite, Writes};
use crate::subjects::thing::ThingSubject;
use crate::subjects::tokio_rusqlite::TokioRusqlite;
use crate::workload::{Load, Workload};

/// How many connections read a file.
pub const CONNECTIONS: usize = 4;
/// How many connections a pool has to a server.
pub const POOLED: usize = 16;
/// How many connections to a server are shared by all tasks.
pub const PIPES: usize = 2;

/// A subject by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A pool of connections, used on the runtime's own threads.
    Rusqlite,
    /// The same, with one connection for writes.
    RusqliteOneWriter,
    /// The same, with a thread that commits all writes that are queued as one transaction.
    RusqliteGroupCommit,
    /// The pool, each call on a thread that may block.
    RusqliteSpawn,
    /// Connections with threads of their own, in turn.
    TokioRusqlite,
    /// Thing without a cache.
    Thing,
    /// Thing with a cache in memory.
    ThingCached,
}

impl Kind {
    /// All, the one that the others are compared with first.
    pub const ALL: [Self; 7] = [
        Self::Rusqlite,
        Self::RusqliteOneWriter,
        Self::RusqliteGroupCommit,
        Self::RusqliteSpawn,
        Self::TokioRusqlite,
        Self::Thing,
        Self::ThingCached,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rusqlite => "rusqlite",
            Self::RusqliteOneWriter => "rusqlite-1w",
            Self::RusqliteGroupCommit => "rusqlite-gc",
            Self::RusqliteSpawn => "rusqlite-spawn",
            Self::TokioRusqlite => "tokio-rusqlite",
            Self::Thing => "thing",
            Self::ThingCached => "thing-cached",
        }
    }

    /// Whether it does this work in a way of its own.
    pub fn takes(self, workload: Workload) -> bool {
        match self {
            // They read, and write many at once, as the plain pool does.
            Self::RusqliteOneWriter | Self::RusqliteGroupCommit => {
                workload.writes() && !matches!(workload, Workload::Bulk | Workload::Save)
            }
            _ => true,
        }
    }

    /// Opens the subject on a database.
    pub async fn open(self, path: &Path, synchronous: Synchronous) -> Arc<dyn Contestant> {
        let pooled = |writes| PooledRusqlite::open(path, synchronous, writes);
        match self {
            Self::Rusqlite => Arc::new(Arc::new(pooled(Writes::AnyConnection))),
            Self::RusqliteOneWriter => Arc::new(Arc::new(pooled(Writes::one_connection(path, synchronous)))),
            Self::RusqliteGroupCommit => Arc::new(Arc::new(pooled(Writes::group_commit(path, synchronous)))),
            Self::RusqliteSpawn => Arc::new(Arc::new(pooled(Writes::AnyConnection).on_blocking_threads())),
            Self::TokioRusqlite => Arc::new(Arc::new(TokioRusqlite::open(path, synchronous).await)),
            Self::Thing => Arc::new(Arc::new(ThingSubject::open(path, synchronous).await)),
            Self::ThingCached => Arc::new(Arc::new(ThingSubject::open_cached(path, synchronous).await)),
        }
    }
}

/// A subject of any type.
pub trait Contestant: Send + Sync + fmt::Debug {
    /// Starts a workload on the runtime.
    fn start(&self, workload: Workload, load: Load) -> JoinHandle<Measurement>;
}

impl<S: Subject + fmt::Debug> Contestant for Arc<S> {
    fn start(&self, workload: Workload, load: Load) -> JoinHandle<Measurement> {
        tokio::spawn(workload.run(self.clone(), load))
    }
}
