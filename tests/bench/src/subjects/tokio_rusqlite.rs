//! tokio-rusqlite: connections with threads of their own. It has no pool; calls take them in turn.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::Result;
use tokio_rusqlite::Connection;

use crate::data::UserRow;
use crate::subject::{Reader, Seen, Subject, Synchronous};
use crate::subjects::CONNECTIONS;
use crate::subjects::rusqlite::{self as raw, RawUser};

/// The connections.
#[derive(Debug)]
pub struct TokioRusqlite {
    connections: Vec<Connection>,
    next: AtomicUsize,
}

impl TokioRusqlite {
    /// Opens the connections.
    pub async fn open(path: &Path, synchronous: Synchronous) -> Self {
        let mut connections = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let connection = Connection::open(path).await.expect("a connection opens");
            connection
                .call(move |connection| raw::set_up(connection, synchronous))
                .await
                .expect("a connection is set up");
            connections.push(connection);
        }
        Self { connections, next: AtomicUsize::new(0) }
    }

    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut rusqlite::Connection) -> Result<T> + Send + 'static,
    ) -> T {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        self.connections[turn].call(work).await.expect("a statement runs")
    }
}

impl Reader for TokioRusqlite {
    type User = RawUser;

    async fn get(&self, id: i64) -> RawUser {
        self.call(move |connection| raw::get(connection, id)).await
    }

    fn seen(user: &RawUser) -> Seen {
        user.seen()
    }
}

impl Subject for TokioRusqlite {
    async fn list(&self, age: i32) -> Vec<RawUser> {
        self.call(move |connection| raw::list(connection, age)).await
    }

    async fn insert(&self, user: UserRow) -> i64 {
        self.call(move |connection| raw::insert(connection, &user)).await
    }

    async fn update(&self, id: i64, score: f64) {
        self.call(move |connection| raw::update(connection, id, score)).await;
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
