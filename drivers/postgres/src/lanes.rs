//! Lanes: a few connections that many reads share.
//!
//! The statements of many tasks go out one behind the other, and the server answers in this order. That saves most of
//! the work of sending and receiving, but a read waits for those before it. So only short reads run here, and one that
//! sees nothing come for a while goes elsewhere: perhaps a long one is before it, or the answer of a task that does not
//! run fills the connection.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thing_driver_api::clock::Clock;
use thing_driver_api::{Result, RowSink};

use crate::connection::{Connection, Scope};
use crate::error::Failure;
use crate::plan::Plan;
use crate::pool::Pool;
use crate::values::Input;

/// How often a read looks whether anything comes on its shared connection.
const LOOKS: Duration = Duration::from_millis(15);
/// When nothing came between so many looks, it goes elsewhere. One silence alone may be the program's own: a thread that
/// did not run.
const SILENCES: u32 = 2;
/// How long to wait after a lane could not be opened.
const PAUSE: Duration = Duration::from_millis(500);

pub(crate) struct Lanes {
    pool: Arc<Pool>,
    lanes: Box<[Lane]>,
    max_lifetime: Option<Duration>,
    clock: Arc<Clock>,
}

#[derive(Default)]
struct Lane {
    connection: Mutex<Option<Arc<Shared>>>,
    opening: AtomicBool,
}

impl Lane {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Shared>>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that many use at once.
#[derive(Debug)]
pub(crate) struct Shared {
    connection: Connection,
    /// Reads that began.
    begun: AtomicU64,
    /// Reads that ended, also those that were given up.
    ended: AtomicU64,
    /// When the last one ended, in nanoseconds since `opened`.
    last_end: AtomicU64,
    opened: Instant,
    /// Something holds it up; others don't join.
    stalled: AtomicBool,
    clock: Arc<Clock>,
}

/// Why a read did not succeed on a shared connection.
#[derive(Debug)]
pub(crate) enum Shortfall {
    /// Nothing came. It can run elsewhere.
    Stalled,
    /// It failed.
    Failed(Failure),
}

impl Lanes {
    pub(crate) fn new(pool: Arc<Pool>, lanes: usize, max_lifetime: Option<Duration>) -> Self {
        Self { pool, lanes: (0..lanes).map(|_| Lane::default()).collect(), max_lifetime, clock: Clock::new(LOOKS) }
    }

    /// Opens the first lane, or shows why no connection can be opened.
    pub(crate) async fn open_first(&self) -> Result<()> {
        match self.lanes.first() {
            Some(lane) => {
                let connection = self.pool.open().await?;
                *lane.lock() = Some(Arc::new(Shared::new(connection, self.clock.clone())));
            }
            None => drop(self.pool.lease().await?),
        }
        Ok(())
    }

    /// The connection that fewest reads use; `None` while there is none. Where all are in use a further lane is opened,
    /// while the read runs on what there is.
    pub(crate) fn pick(self: &Arc<Self>) -> Option<Arc<Shared>> {
        let mut best: Option<(u64, Arc<Shared>)> = None;
        let mut missing = None;
        for (at, lane) in self.lanes.iter().enumerate() {
            match lane.lock().as_ref().filter(|shared| shared.is_usable(self.max_lifetime)) {
                Some(shared) => {
                    let users = shared.users();
                    if best.as_ref().is_none_or(|(fewest, _)| users < *fewest) {
                        best = Some((users, shared.clone()));
                    }
                    if users == 0 {
                        break;
                    }
                }
                None => missing = missing.or(Some(at)),
            }
        }
        if let Some(at) = missing
            && best.as_ref().is_none_or(|(users, _)| *users > 0)
        {
            self.open_in_background(at);
        }
        best.map(|(_, shared)| shared)
    }

    fn fill(&self, at: usize, connection: Connection) {
        *self.lanes[at].lock() = Some(Arc::new(Shared::new(connection, self.clock.clone())));
    }

    fn open_in_background(self: &Arc<Self>, at: usize) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.lanes[at].opening.swap(true, Ordering::AcqRel) {
            return;
        }
        let opening = Opening { lanes: self.clone(), at };
        runtime.spawn(async move {
            match opening.lanes.pool.open().await {
                Ok(connection) => opening.lanes.fill(at, connection),
                // Reads go elsewhere meanwhile, and say what is wrong.
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        });
    }
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open: Vec<_> = self.lanes.iter().map(|lane| lane.lock().clone()).collect();
        f.debug_struct("Lanes").field("lanes", &open).finish_non_exhaustive()
    }
}

/// Marks a lane as being opened, also when the runtime ends before it is.
struct Opening {
    lanes: Arc<Lanes>,
    at: usize,
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.lanes.lanes[self.at].opening.store(false, Ordering::Release);
    }
}

impl Shared {
    fn new(connection: Connection, clock: Arc<Clock>) -> Self {
        Self {
            connection,
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            last_end: AtomicU64::new(0),
            opened: Instant::now(),
            stalled: AtomicBool::new(false),
            clock,
        }
    }

    fn users(&self) -> u64 {
        self.begun.load(Ordering::Relaxed).saturating_sub(self.ended.load(Ordering::Relaxed))
    }

    fn is_usable(&self, max_lifetime: Option<Duration>) -> bool {
        let young = max_lifetime.is_none_or(|most| self.connection.age() < most);
        young && !self.stalled.load(Ordering::Relaxed) && !self.connection.is_closed()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Runs a read beside others.
    pub(crate) async fn read(&self, plan: &Plan, input: Input<'_>, rows: &mut dyn RowSink) -> Result<(), Shortfall> {
        let place = Place::take(self);
        let progress = AtomicU64::new(0);
        let read = pin!(self.connection.read(plan, input, Scope::Alone, &progress, rows));
        let mut seen = (self.ended.load(Ordering::Relaxed), 0);
        let mut silences = 0;
        let stalled = || {
            let now = (self.ended.load(Ordering::Relaxed), progress.load(Ordering::Relaxed));
            silences = if now == seen { silences + 1 } else { 0 };
            seen = now;
            silences >= SILENCES
        };
        let outcome = self.clock.while_patient(read, stalled).await;
        match outcome {
            Some(Ok(_)) => {
                // How long a read by key takes is a matter of its number of keys.
                if matches!(input, Input::Values(_)) {
                    plan.pace.took(place.served());
                }
                Ok(())
            }
            Some(Err(failure)) => Err(Shortfall::Failed(failure)),
            None => {
                self.stalled.store(true, Ordering::Relaxed);
                if place.is_first() {
                    plan.pace.was_long();
                }
                Err(Shortfall::Stalled)
            }
        }
    }
}

/// The place of a read in the row of those that share a connection.
struct Place<'a> {
    shared: &'a Shared,
    number: u64,
    begun: u64,
}

impl<'a> Place<'a> {
    fn take(shared: &'a Shared) -> Self {
        Self { shared, number: shared.begun.fetch_add(1, Ordering::Relaxed), begun: shared.now() }
    }

    /// Whether all before it have ended, so that the server is at work on this one.
    fn is_first(&self) -> bool {
        self.shared.ended.load(Ordering::Relaxed) >= self.number
    }

    /// How long the server worked on it: since it came, or since the one before it ended.
    fn served(&self) -> Duration {
        let since = self.begun.max(self.shared.last_end.load(Ordering::Relaxed));
        Duration::from_nanos(self.shared.now().saturating_sub(since))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.shared.last_end.store(self.shared.now(), Ordering::Relaxed);
        self.shared.ended.fetch_add(1, Ordering::Relaxed);
    }
}
