//! What a near hit costs: the object is decoded once, when the shared cache gave it, and then shared without an
//! allocation.

#![allow(clippy::expect_used, reason = "a step that fails ends the test")]

mod support;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::{LONG, SharedMemory, process};
use thing::{Db, Model};
use thing_driver_sqlite::SqliteExecutor;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Model, Clone, Debug, PartialEq)]
struct User {
    id: i64,
    name: String,
    email: Option<String>,
}

fn allocations() -> usize {
    let stats = ALLOCATOR.stats();
    stats.allocations + stats.reallocations
}

fn new_user() -> NewUser {
    NewUser { name: "Alice".into(), email: Some("alice@example.org".into()) }
}

#[tokio::test]
async fn a_near_hit_decodes_nothing_and_allocates_nothing() {
    let tiers = process(&SharedMemory::new(), LONG).await;
    let executor = SqliteExecutor::memory().await.expect("a database");
    let db = Db::builder(executor).cache(tiers.cache.clone()).build();
    db.sync::<User>().await.expect("a table");
    let users = db.things::<User>();
    let id = users.create(new_user()).await.expect("a user").id;
    let read = users.by_id(id).await.expect("it is there");
    tiers.memory.clear().expect("it is in order");

    let asked = tiers.way.loads();
    let decoded = users.by_id(id).await.expect("it is in the shared cache");
    assert_eq!(tiers.way.loads(), asked + 1);
    assert_eq!(*decoded, *read);
    assert!(!std::ptr::eq(&*decoded, &*read));

    // The first hit of a thread makes its counter.
    users.by_id(id).await.expect("it is near");
    let before = allocations();
    for _ in 0..1000 {
        let near = users.by_id(id).await.expect("it is near");
        assert!(std::ptr::eq(&*near, &*decoded), "it was decoded again");
    }
    assert_eq!(allocations() - before, 0);
    assert_eq!(tiers.way.loads(), asked + 1);

    // A list is decoded once too, and its rows are hits.
    users.all().await.expect("it is read");
    tiers.memory.clear().expect("it is in order");
    users.all().await.expect("it is in the shared cache");
    let (asked, reads) = (tiers.way.loads(), db.statistics().reads);
    assert_eq!(users.all().await.expect("it is near").len(), 1);
    assert_eq!((tiers.way.loads(), db.statistics().reads), (asked, reads));
}
