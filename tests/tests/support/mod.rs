//! What the tests of operations share: a model, and a database with and without a cache.
// Each test file uses its part, and is a crate of its own.
#![allow(dead_code, unreachable_pub)]

use std::time::{Duration, SystemTime};

use thing::{Db, Model};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug, PartialEq)]
pub struct User {
    pub id: i64,
    pub name: String,
    #[thing(unique)]
    pub email: String,
    #[thing(index)]
    pub age: i32,
    pub score: f64,
    pub active: bool,
    pub bio: Option<String>,
    #[thing(created)]
    pub created_at: SystemTime,
    #[thing(updated)]
    pub updated_at: SystemTime,
}

/// A post of a user; `user_id` leads an index, so that a user's posts are a scope of their own.
#[derive(Model, Clone, Debug, PartialEq)]
pub struct Post {
    pub id: i64,
    #[thing(index)]
    pub user_id: i64,
    pub title: String,
    pub stars: i32,
}

pub fn user(n: i64) -> User {
    User {
        id: 0,
        name: format!("User {n}"),
        email: format!("user{n}@example.com"),
        age: 18 + i32::try_from(n % 50).unwrap(),
        score: n as f64 / 2.0,
        active: n % 2 == 0,
        bio: (n % 3 == 0).then(|| format!("bio {n}")),
        created_at: SystemTime::UNIX_EPOCH,
        updated_at: SystemTime::UNIX_EPOCH,
    }
}

pub fn post(user_id: i64, n: i32) -> Post {
    Post { id: 0, user_id, title: format!("Post {n} of {user_id}"), stars: n }
}

/// A fresh database in memory, without a cache.
pub async fn uncached() -> Db {
    ready(Db::builder(SqliteExecutor::memory().await.unwrap()).build()).await
}

/// A fresh database in memory, with a cache.
pub async fn cached() -> Db {
    let cache = MemoryCache::new(MemoryConfig::default());
    ready(Db::builder(SqliteExecutor::memory().await.unwrap()).cache(cache).build()).await
}

/// One of each, for behaviours that don't depend on the cache.
pub async fn both() -> [Db; 2] {
    [uncached().await, cached().await]
}

async fn ready(db: Db) -> Db {
    db.sync::<(User, Post)>().await.unwrap();
    db
}

/// The number of statements that `work` sends to the database.
pub async fn statements<T>(db: &Db, work: impl Future<Output = T>) -> (u64, T) {
    let before = db.statistics().statements();
    let result = work.await;
    (db.statistics().statements() - before, result)
}

pub fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
