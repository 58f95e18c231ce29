//! rusqlite behind a small pool, as a careful application would use it.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, Result};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::data::UserRow;
use crate::subject::{Reader, Seen, Subject, Synchronous};
use crate::subjects::CONNECTIONS;
use crate::subjects::group_commit::GroupCommit;
use crate::subjects::rusqlite::{self as raw, RawUser};

/// A pool of connections, and a way to write.
#[derive(Debug)]
pub struct PooledRusqlite {
    pool: Arc<Pool>,
    writes: Writes,
    blocking_threads: bool,
}

/// Where single writes run.
#[derive(Debug)]
pub enum Writes {
    /// On any connection of the pool; SQLite makes them wait for each other.
    AnyConnection,
    /// On one connection, which the tasks wait for.
    OneConnection(Box<tokio::sync::Mutex<Connection>>),
    /// On a thread that commits many at once.
    GroupCommit(GroupCommit),
}

impl Writes {
    /// [`Writes::OneConnection`].
    pub fn one_connection(path: &Path, synchronous: Synchronous) -> Self {
        let connection = raw::open(path, synchronous).expect("the connection for writes opens");
        Self::OneConnection(Box::new(tokio::sync::Mutex::new(connection)))
    }

    /// [`Writes::GroupCommit`].
    pub fn group_commit(path: &Path, synchronous: Synchronous) -> Self {
        Self::GroupCommit(GroupCommit::start(path, synchronous))
    }
}

impl PooledRusqlite {
    /// Opens the connections.
    pub fn open(path: &Path, synchronous: Synchronous, writes: Writes) -> Self {
        let open = |_| raw::open(path, synchronous).expect("a connection opens");
        Self {
            pool: Arc::new(Pool {
                permits: Semaphore::new(CONNECTIONS),
                idle: Mutex::new((0..CONNECTIONS).map(open).collect()),
            }),
            writes,
            blocking_threads: false,
        }
    }

    /// Each call runs on a thread that may block.
    #[must_use]
    pub fn on_blocking_threads(mut self) -> Self {
        self.blocking_threads = true;
        self
    }

    async fn call<T: Send + 'static>(&self, work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static) -> T {
        let result = if self.blocking_threads {
            let _permit = self.pool.permits.acquire().await.expect("the pool stays open");
            let pool = self.pool.clone();
            spawn_blocking(move || pool.lend(work)).await.expect("a call ends without panic")
        } else {
            let _permit = self.pool.permits.acquire().await.expect("the pool stays open");
            self.pool.lend(work)
        };
        result.expect("a statement runs")
    }
}

struct Pool {
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    /// Runs the work on an idle connection. The caller has a permit.
    fn lend<T>(&self, work: impl FnOnce(&mut Connection) -> T) -> T {
        let idle = || self.idle.lock().expect("no work panics while the pool is locked");
        let mut connection = idle().pop().expect("a permit stands for a connection");
        let result = work(&mut connection);
        idle().push(connection);
        result
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("permits", &self.permits).finish_non_exhaustive()
    }
}

impl Reader for PooledRusqlite {
    type User = RawUser;

    async fn get(&self, id: i64) -> RawUser {
        self.call(move |connection| raw::get(connection, id)).await
    }

    fn seen(user: &RawUser) -> Seen {
        user.seen()
    }
}

impl Subject for PooledRusqlite {
    async fn list(&self, age: i32) -> Vec<RawUser> {
        self.call(move |connection| raw::list(connection, age)).await
    }

    async fn insert(&self, user: UserRow) -> i64 {
        match &self.writes {
            Writes::AnyConnection => self.call(move |connection| raw::insert(connection, &user)).await,
            Writes::OneConnection(writer) => raw::insert(&*writer.lock().await, &user).expect("a user is added"),
            Writes::GroupCommit(writer) => writer.insert(user).await,
        }
    }

    async fn update(&self, id: i64, score: f64) {
        match &self.writes {
            Writes::AnyConnection => self.call(move |connection| raw::update(connection, id, score)).await,
            Writes::OneConnection(writer) => {
                raw::update(&*writer.lock().await, id, score).expect("a user is updated");
            }
            Writes::GroupCommit(writer) => writer.update(id, score).await,
        }
    }

    async fn save(&self, user: RawUser, score: f64) {
        self.update(user.id, score).await;
    }

    async fn bulk(&self, users: Vec<UserRow>) {
        self.call(move |connection| raw::bulk(connection, &users)).await;
    }

    async fn related(&self, first: i64, end: i64) -> (usize, usize) {
        self.call(move |connection| raw::related(connection, first, end)).await
    }
}
