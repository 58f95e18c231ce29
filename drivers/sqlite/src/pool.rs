//! Pools: lend connections, opened when they are needed.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use thing_driver_api::Result;
use tokio::sync::oneshot;

use crate::error;
use crate::runtime;

/// What a pool can lend.
pub(crate) trait Pooled: Send + 'static {
    /// Makes the item fit for its next user; false when it must be thrown away.
    fn clean(&mut self) -> bool;
}

type Open<T> = Box<dyn Fn() -> Result<T> + Send + Sync>;

/// Up to `capacity` items, lent one by one, first come first served.
pub(crate) struct Pool<T: Pooled> {
    capacity: usize,
    /// How long a caller waits, if not for ever.
    patience: Option<Duration>,
    open: Open<T>,
    state: Mutex<State<T>>,
}

struct State<T: Pooled> {
    idle: Vec<Box<T>>,
    opened: usize,
    /// Who has waited longest is first.
    waiting: VecDeque<Waiting<T>>,
    /// Whether a thread looks after those who wait.
    watched: bool,
}

struct Waiting<T: Pooled> {
    since: Instant,
    turn: oneshot::Sender<Result<Lease<T>>>,
}

enum Taken<T: Pooled> {
    Lease(Lease<T>),
    /// The caller opens one, and has the right to.
    Room(Room<T>),
    Wait(oneshot::Receiver<Result<Lease<T>>>),
}

impl<T: Pooled> Pool<T> {
    pub(crate) fn new(
        capacity: usize,
        patience: Option<Duration>,
        open: impl Fn() -> Result<T> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            capacity,
            patience,
            open: Box::new(open),
            state: Mutex::new(State {
                idle: Vec::with_capacity(capacity),
                opened: 0,
                waiting: VecDeque::new(),
                watched: false,
            }),
        })
    }

    /// An idle item, if there is one. Never blocks.
    pub(crate) fn idle(self: &Arc<Self>) -> Option<Lease<T>> {
        let item = self.state().idle.pop()?;
        Some(self.lease(item))
    }

    /// An item, as soon as there is one.
    pub(crate) async fn acquire(self: &Arc<Self>) -> Result<Lease<T>> {
        loop {
            match self.take() {
                Taken::Lease(lease) => return Ok(lease),
                Taken::Room(room) => return runtime::blocking(move || room.open()).await?,
                Taken::Wait(turn) => {
                    // The sender is dropped when the item that was hoped for could not be opened.
                    if let Ok(result) = turn.await {
                        return result;
                    }
                }
            }
        }
    }

    /// An item, as soon as there is one. Blocks: the caller is not on a runtime thread.
    pub(crate) fn acquire_blocking(self: &Arc<Self>) -> Result<Lease<T>> {
        loop {
            match self.take() {
                Taken::Lease(lease) => return Ok(lease),
                Taken::Room(room) => return room.open(),
                Taken::Wait(turn) => {
                    if let Ok(result) = turn.blocking_recv() {
                        return result;
                    }
                }
            }
        }
    }

    fn take(self: &Arc<Self>) -> Taken<T> {
        let mut state = self.state();
        if let Some(item) = state.idle.pop() {
            return Taken::Lease(self.lease(item));
        }
        if state.opened < self.capacity {
            state.opened += 1;
            return Taken::Room(Room { pool: Some(self.clone()) });
        }
        let (turn, receiver) = oneshot::channel();
        let since = Instant::now();
        state.waiting.push_back(Waiting { since, turn });
        if self.patience.is_some() && !state.watched {
            state.watched = self.watch().is_ok();
        }
        Taken::Wait(receiver)
    }

    /// Starts a thread that ends the wait of those who waited too long, while anybody waits: a runtime need not have
    /// timers.
    fn watch(self: &Arc<Self>) -> std::io::Result<()> {
        let pool = Arc::downgrade(self);
        let look = |pool: &Weak<Self>| pool.upgrade()?.expire();
        thread::Builder::new().name("thing-sqlite-waits".into()).spawn(move || {
            while let Some(pause) = look(&pool) {
                thread::sleep(pause);
            }
        })?;
        Ok(())
    }

    /// Ends the wait of those who waited too long; tells when the next has, `None` when nobody waits.
    fn expire(&self) -> Option<Duration> {
        let patience = self.patience?;
        let mut expired = Vec::new();
        let mut state = self.state();
        let pause = loop {
            let Some(first) = state.waiting.front() else {
                state.watched = false;
                break None;
            };
            match patience.checked_sub(first.since.elapsed()) {
                Some(rest) if !rest.is_zero() && !first.turn.is_closed() => break Some(rest),
                _ => expired.extend(state.waiting.pop_front()),
            }
        };
        drop(state);
        for waiting in expired {
            // Who waited for it may have gone.
            let _ = waiting.turn.send(Err(error::waited()));
        }
        pause
    }

    fn lease(self: &Arc<Self>, item: Box<T>) -> Lease<T> {
        Lease { item: Some(item), pool: self.clone() }
    }

    fn give_back(self: &Arc<Self>, mut item: Box<T>) {
        if !item.clean() {
            drop(item);
            return self.forget();
        }
        let mut state = self.state();
        while let Some(next) = state.waiting.pop_front() {
            if next.turn.is_closed() {
                continue;
            }
            // The lock is free while the lease travels: if its receiver has gone it comes back here.
            drop(state);
            let _ = next.turn.send(Ok(self.lease(item)));
            return;
        }
        state.idle.push(item);
    }

    /// One item is no more. Who waits first tries again, and opens another.
    fn forget(&self) {
        let mut state = self.state();
        state.opened -= 1;
        state.waiting.pop_front();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Pooled> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Pool")
            .field("capacity", &self.capacity)
            .field("opened", &state.opened)
            .field("idle", &state.idle.len())
            .field("waiting", &state.waiting.len())
            .finish()
    }
}

/// The right to open one more item.
struct Room<T: Pooled> {
    pool: Option<Arc<Pool<T>>>,
}

impl<T: Pooled> Room<T> {
    fn open(mut self) -> Result<Lease<T>> {
        let Some(pool) = self.pool.clone() else {
            return Err(thing_driver_api::Error::backend("a connection was opened twice"));
        };
        let item = (pool.open)()?;
        self.pool = None;
        Ok(pool.lease(Box::new(item)))
    }
}

impl<T: Pooled> Drop for Room<T> {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            pool.forget();
        }
    }
}

/// An item on loan. Dropping it cleans it and gives it to whoever waits longest.
pub(crate) struct Lease<T: Pooled> {
    item: Option<Box<T>>,
    pool: Arc<Pool<T>>,
}

impl<T: Pooled> Deref for Lease<T> {
    type Target = T;

    #[allow(clippy::expect_used)] // Only `drop` takes the item out.
    fn deref(&self) -> &T {
        self.item.as_deref().expect("a lease holds its item until it is dropped")
    }
}

impl<T: Pooled> Drop for Lease<T> {
    fn drop(&mut self) {
        if let Some(item) = self.item.take() {
            self.pool.give_back(item);
        }
    }
}

impl<T: Pooled> fmt::Debug for Lease<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}
