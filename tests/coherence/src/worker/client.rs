//! What the tasks of a worker share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use thing::Db;

use crate::history::{ErrorClass, History, Record};
use crate::model::{Item, WriteId};
use crate::options::WorkerOptions;
use thing_test_random::{Random, Zipf};

/// How uneven keys and groups are asked for.
const UNEVENNESS: f64 = 0.9;
/// How long a task waits after something failed, so that a fault is not a flood of failures.
const AFTER_FAILURE: Duration = Duration::from_millis(10);

/// A user of the `Db`.
#[derive(Debug)]
pub(super) struct Client {
    db: Db,
    history: Arc<History>,
    pub(super) random: Random,
    keys: Zipf,
    crowds: Zipf,
    pub(super) items: i64,
    pub(super) groups: i64,
    writes: u64,
    incarnation: u16,
    written: AtomicU32,
}

impl Client {
    pub(super) fn new(db: Db, history: Arc<History>, worker: &WorkerOptions, seed: u64) -> Self {
        let options = &worker.options;
        Self {
            db,
            history,
            random: Random::seeded(seed ^ 0xc0_ffee),
            keys: Zipf::new(options.items.unsigned_abs(), UNEVENNESS),
            crowds: Zipf::new(options.groups.unsigned_abs(), UNEVENNESS),
            items: options.items,
            groups: options.groups,
            writes: options.writes,
            incarnation: worker.incarnation,
            written: AtomicU32::new(0),
        }
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// One operation.
    pub(super) async fn operate(&self) {
        let fine = if self.random.per_mille(self.writes) {
            self.write().await
        } else if self.random.below(5_000) == 0 {
            // Forgets what needs not be forgotten, which may never bring back anything old.
            self.db.invalidate::<Item>().await.is_ok()
        } else {
            self.read().await
        };
        if fine {
            // Hits in memory never wait; the other tasks want their turn.
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    }

    /// An item, of which few are asked for often.
    pub(super) fn some_item(&self) -> i64 {
        self.keys.key(&self.random)
    }

    /// An item, all equally often.
    pub(super) fn any_item(&self) -> i64 {
        self.random.between(1, self.items.unsigned_abs()).cast_signed()
    }

    /// A group, of which few are asked for often.
    pub(super) fn some_group(&self) -> i64 {
        self.crowds.key(&self.random)
    }

    /// A group, all equally often.
    pub(super) fn any_group(&self) -> i64 {
        self.random.between(1, self.groups.unsigned_abs()).cast_signed()
    }

    /// The next write.
    pub(super) fn next_write(&self) -> WriteId {
        WriteId::new(self.incarnation, self.written.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn read_failed(&self, error: &thing::Error, start: u64, end: u64) {
        self.history.read([Record::ReadFailed { class: ErrorClass::of(error), start, end }]);
    }
}
