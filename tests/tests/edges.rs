//! The edges of every operation, with and without a cache.

#[path = "edges/objects.rs"]
mod objects;
#[path = "edges/queries.rs"]
mod queries;
#[path = "edges/sessions.rs"]
mod sessions;

use std::time::SystemTime;

use thing::{Db, Model};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_driver_sqlite::SqliteExecutor;

#[derive(Model, Clone, Debug, PartialEq)]
struct Note {
    id: i64,
    #[thing(unique)]
    title: String,
    #[thing(index)]
    rank: Option<i32>,
    weight: f64,
    size: u64,
    #[thing(updated)]
    updated_at: SystemTime,
}

fn note(n: i32, title: &str) -> Note {
    Note {
        id: 0,
        title: title.to_owned(),
        rank: (n != 0).then_some(n),
        weight: f64::from(n) / 2.0,
        size: 0,
        updated_at: SystemTime::UNIX_EPOCH,
    }
}

/// Notes 1 to 6; the rank of the third and the sixth is NULL, and two share the rank 2.
async fn notes(db: &Db) -> thing::Result<()> {
    let ranks = [1, 2, 0, 2, 3, 0];
    let titles = ["a%b", "a_b", "a\\b", "A b", "Ünïcödé", "😀 tail"];
    db.things::<Note>().create_many(ranks.into_iter().zip(titles).map(|(rank, title)| note(rank, title))).await?;
    Ok(())
}

/// A database without a cache and one with, each with the same notes.
async fn both() -> thing::Result<[Db; 2]> {
    let dbs = [
        Db::builder(SqliteExecutor::memory().await?).build(),
        Db::builder(SqliteExecutor::memory().await?).cache(MemoryCache::new(MemoryConfig::default())).build(),
    ];
    for db in &dbs {
        db.sync::<Note>().await?;
        notes(db).await?;
    }
    Ok(dbs)
}
