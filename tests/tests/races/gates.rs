//! Races on the whole stack, SQLite included, held at one point each.

use std::sync::Arc;

use tempfile::TempDir;
use thing::driver::Key;
use thing::{Db, Error, ErrorKind, Model, Result, TransactionOptions};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_conformance::recording::{Command, Matcher, RecordingCache, RecordingExecutor, When};
use thing_driver_sqlite::SqliteExecutor;
use tokio::task::JoinSet;

use crate::interleavings::items;
use crate::stage::{Item, item};

struct Stack {
    db: Db,
    database: Arc<RecordingExecutor>,
    cache: Arc<RecordingCache>,
    _folder: TempDir,
}

/// A database in a file, in which readers don't wait for a writer.
async fn stack() -> Result<Stack> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = SqliteExecutor::open(folder.path().join("races.db")).await?;
    let database = RecordingExecutor::new(Arc::new(sqlite));
    let cache = RecordingCache::new(Arc::new(MemoryCache::new(MemoryConfig::default())));
    let db = Db::builder(database.clone()).cache(cache.clone()).build();
    db.sync::<Item>().await?;
    db.things::<Item>().create_many(items()).await?;
    database.reset();
    cache.reset();
    Ok(Stack { db, database, cache, _folder: folder })
}

async fn count_of(db: &Db, id: i64) -> Result<Option<i64>> {
    Ok(Item::find(db, id).await?.map(|item| item.count))
}

async fn shelf(db: &Db, shelf: i32) -> Result<Vec<i64>> {
    Ok(Item::filter(db, Item::SHELF.eq(shelf)).all().await?.iter().map(|item| item.id).collect())
}

async fn on_shelf(db: &Db, shelf: i32) -> Result<u64> {
    Item::filter(db, Item::SHELF.eq(shelf)).count().await
}

/// Changes the first item past every object that was read.
async fn save(db: &Db, change: fn(&mut Item)) -> Result<()> {
    let mut held = db.things::<Item>().by_id_uncached(1).await?;
    change(&mut held);
    held.save(db).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fill_that_is_slower_than_a_write_is_not_kept() -> Result<()> {
    let Stack { db, database, .. } = &stack().await?;
    // The reader has the row, and the write overtakes it.
    let gate = database.gate(Matcher::reads_of("items"), When::After);
    let slow = tokio::spawn({
        let db = db.clone();
        async move { count_of(&db, 1).await }
    });
    gate.reached().await;
    save(db, |item| item.count = 11).await?;
    assert_eq!(count_of(db, 1).await?, Some(11), "who comes after the write does not join the fill before it");
    gate.open();
    slow.await.unwrap()?;
    assert_eq!(count_of(db, 1).await?, Some(11));
    Ok(())
}

/// One slow fill of each kind against a write that changes its answer.
#[tokio::test(flavor = "multi_thread")]
async fn slow_fills_of_lists_counts_and_absent_rows_are_not_kept() -> Result<()> {
    let Stack { db, database, .. } = &stack().await?;
    let spawn = |what: usize| {
        let db = db.clone();
        tokio::spawn(async move {
            match what {
                0 => shelf(&db, 1).await.map(drop),
                1 => on_shelf(&db, 1).await.map(drop),
                _ => count_of(&db, 4).await.map(drop),
            }
        })
    };
    for what in 0..3 {
        let gate = database.gate(Matcher::reads_of("items"), When::After);
        let slow = spawn(what);
        gate.reached().await;
        item(4, 1, 40).create(db).await?;
        gate.open();
        slow.await.unwrap()?;
        for _ in 0..2 {
            assert_eq!(shelf(db, 1).await?, [1, 2, 4]);
            assert_eq!(on_shelf(db, 1).await?, 3);
            assert_eq!(count_of(db, 4).await?, Some(40));
        }
        db.things::<Item>().delete(4).await?;
        assert_eq!(shelf(db, 1).await?, [1, 2]);
        assert_eq!(on_shelf(db, 1).await?, 2);
        assert_eq!(count_of(db, 4).await?, None);
        db.invalidate::<Item>().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn between_quarantine_and_release_readers_go_to_the_database() -> Result<()> {
    let Stack { db, database, cache, .. } = &stack().await?;
    for _ in 0..2 {
        assert_eq!(count_of(db, 1).await?, Some(10));
        assert_eq!(shelf(db, 1).await?, [1, 2]);
    }
    let before = cache.gate(Matcher::quarantines(), When::After);
    let after = cache.gate(Matcher::releases(), When::Before);
    let writer = tokio::spawn({
        let db = db.clone();
        async move { save(&db, |item| (item.count, item.shelf) = (11, 2)).await }
    });
    before.reached().await;
    database.reset();
    assert_eq!((count_of(db, 1).await?, shelf(db, 1).await?), (Some(10), vec![1, 2]));
    before.open();
    after.reached().await;
    assert_eq!((count_of(db, 1).await?, shelf(db, 1).await?), (Some(11), vec![2]));
    assert!(database.reads() >= 4, "every one of them was a read of the database");
    after.open();
    writer.await.unwrap()?;
    assert_eq!((count_of(db, 1).await?, shelf(db, 1).await?), (Some(11), vec![2]));
    database.reset();
    assert_eq!((count_of(db, 1).await?, shelf(db, 1).await?), (Some(11), vec![2]));
    assert_eq!(database.statements(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_the_cache_can_t_be_told_of_is_not_sent() -> Result<()> {
    let Stack { db, database, cache, .. } = &stack().await?;
    let held = db.things::<Item>().by_id_uncached(1).await?;
    cache.fail_all(Matcher::quarantines(), Error::cache("gone"), When::Before);
    database.reset();
    let mut changed = held.clone();
    changed.count = 11;
    let transaction = async {
        let transaction = db.begin().await?;
        transaction.things::<Item>().delete(2).await?;
        transaction.commit().await
    };
    for refused in [
        changed.save(db).await,
        item(0, 1, 1).create(db).await.map(drop),
        db.things::<Item>().create_many([item(0, 1, 1)]).await.map(drop),
        held.delete(db).await,
        transaction.await,
    ] {
        assert_eq!(*refused.unwrap_err().kind(), ErrorKind::Cache);
    }
    assert_eq!(database.count(&Matcher::writes().but_not(Matcher::in_transaction())), 0);
    assert_eq!(database.count(&Matcher::commits()), 0);
    assert_eq!(shelf(db, 1).await?, [1, 2]);
    assert_eq!(count_of(db, 1).await?, Some(10));
    cache.clear_faults();
    save(db, |item| item.count = 12).await?;
    assert_eq!(count_of(db, 1).await?, Some(12));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_was_lost_is_taken_for_done() -> Result<()> {
    let Stack { db, database, .. } = &stack().await?;
    shelf(db, 1).await?;
    database.fail_next(Matcher::writes(), Error::backend("cut"), When::After);
    let error = save(db, |item| item.shelf = 2).await.unwrap_err();
    assert!(error.may_have_executed());
    for _ in 0..2 {
        assert_eq!(shelf(db, 1).await?, [2]);
        assert_eq!(Item::by_id(db, 1).await?.shelf, 2);
    }
    database.fail_next(Matcher::commits(), Error::backend("cut"), When::After);
    let failed = db.transaction(async |transaction| transaction.things::<Item>().delete(2).await).await;
    assert!(failed.unwrap_err().may_have_executed());
    for _ in 0..2 {
        assert_eq!(shelf(db, 1).await?, [0; 0]);
        assert_eq!(count_of(db, 2).await?, None);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_snapshot_is_never_remembered() -> Result<()> {
    let Stack { db, .. } = &stack().await?;
    let snapshot = db.begin_with(&TransactionOptions::default().read_only(true)).await?;
    assert_eq!(Item::by_id(&snapshot, 1).await?.count, 10);
    save(db, |item| item.count = 11).await?;
    assert_eq!(Item::by_id(&snapshot, 1).await?.count, 10);
    assert_eq!(Item::filter(&snapshot, Item::COUNT.eq(10)).count().await?, 1);
    assert_eq!(count_of(db, 1).await?, Some(11));
    assert_eq!(Item::filter(db, Item::COUNT.eq(10)).count().await?, 0);
    snapshot.commit().await?;
    assert_eq!(count_of(db, 1).await?, Some(11));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_moved_since_it_was_read_is_saved_at_the_second_try() -> Result<()> {
    let Stack { db, database, cache, .. } = &stack().await?;
    let mut stale = db.things::<Item>().by_id_uncached(1).await?;
    save(db, |item| item.shelf = 2).await?;
    assert_eq!((shelf(db, 1).await?, shelf(db, 2).await?), (vec![2], vec![1, 3]));
    database.reset();
    cache.reset();
    stale.count = 99;
    stale.save(db).await?;
    assert_eq!((database.writes(), database.reads()), (2, 1), "guarded, looked at, written");
    assert_eq!(cache.count(&Matcher::quarantines()), cache.count(&Matcher::releases()));
    assert_eq!((shelf(db, 1).await?, shelf(db, 2).await?), (vec![2], vec![1, 3]));
    assert_eq!(count_of(db, 1).await?, Some(99));
    Ok(())
}

/// Starts fifty callers while the first read of the database is held, and lets it go when all have asked the cache.
async fn stampede(ask: impl Fn(Db) -> std::pin::Pin<Box<dyn Future<Output = Result<()>> + Send>>) -> Result<usize> {
    let Stack { db, database, cache, .. } = &stack().await?;
    let gate = database.gate(Matcher::reads_of("items"), When::Before);
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        callers.spawn(ask(db.clone()));
    }
    gate.reached().await;
    let asked = Matcher::new(
        "asks who fills",
        |command: &Command| matches!(command, Command::Lease { rows, .. } if rows.is_empty()),
    );
    while cache.count(&asked) < 50 {
        tokio::task::yield_now().await;
    }
    gate.open();
    while let Some(ended) = callers.join_next().await {
        ended.unwrap()?;
    }
    Ok(database.statements())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_callers_of_one_cold_entry_send_one_statement() -> Result<()> {
    assert_eq!(stampede(|db| Box::pin(async move { count_of(&db, 1).await.map(drop) })).await?, 1);
    assert_eq!(stampede(|db| Box::pin(async move { count_of(&db, 9).await.map(drop) })).await?, 1);
    assert_eq!(stampede(|db| Box::pin(async move { shelf(&db, 1).await.map(drop) })).await?, 1);
    assert_eq!(stampede(|db| Box::pin(async move { on_shelf(&db, 1).await.map(drop) })).await?, 1);
    Ok(())
}

/// Of a cache that is reached over a connection.
#[tokio::test]
async fn who_comes_when_the_filler_has_not_heard_that_its_entry_is_stored_joins_it() -> Result<()> {
    let Stack { db, database, cache, .. } = &stack().await?;
    cache.refuse_peek(true);
    let read = || {
        let db = db.clone();
        tokio::spawn(async move { count_of(&db, 1).await })
    };
    let late_lease = cache.gate(Matcher::leases().and(Matcher::of_object(Key::Int(1))), When::Before);
    let late = read();
    late_lease.reached().await;
    let stored = cache.gate(Matcher::stores().and(Matcher::of_object(Key::Int(1))), When::After);
    let filler = read();
    stored.reached().await;
    late_lease.open();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    stored.open();
    assert_eq!((filler.await.unwrap()?, late.await.unwrap()?), (Some(10), Some(10)));
    assert_eq!(database.statements(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filler_that_goes_away_hands_over() -> Result<()> {
    let Stack { db, database, cache, .. } = &stack().await?;
    let gate = database.gate(Matcher::reads_of("items"), When::Before);
    let first = tokio::spawn({
        let db = db.clone();
        async move { count_of(&db, 1).await }
    });
    gate.reached().await;
    let second = tokio::spawn({
        let db = db.clone();
        async move { count_of(&db, 1).await }
    });
    let of_one = || Matcher::leases().and(Matcher::of_object(Key::Int(1)));
    while cache.count(&of_one()) < 2 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(second.await.unwrap()?, Some(10));
    database.reset();
    assert_eq!(count_of(db, 1).await?, Some(10));
    assert_eq!(database.statements(), 0, "the second one's fill was kept");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_can_t_touch_a_list_leaves_it_cached() -> Result<()> {
    let Stack { db, database, .. } = &stack().await?;
    let many = || Item::filter(db, Item::COUNT.ge(20)).order_by(Item::COUNT.asc()).all();
    for _ in 0..2 {
        assert_eq!(shelf(db, 2).await?, [3]);
        assert_eq!(on_shelf(db, 1).await?, 2);
        assert_eq!(many().await?.len(), 2);
    }
    // Another shelf, and a count that stays below; the count of items on a shelf does not look at it.
    save(db, |item| item.count = 11).await?;
    db.transaction(async |transaction| {
        let mut one = Item::by_id(transaction, 1).await?;
        one.count = 12;
        one.save(transaction).await
    })
    .await?;
    database.reset();
    assert_eq!(shelf(db, 2).await?, [3]);
    assert_eq!(on_shelf(db, 1).await?, 2);
    assert_eq!(many().await?.len(), 2);
    assert_eq!(database.statements(), 0);
    item(4, 1, 13).create(db).await?;
    database.reset();
    assert_eq!(shelf(db, 2).await?, [3]);
    assert_eq!(many().await?.len(), 2);
    assert_eq!(database.statements(), 0);
    assert_eq!(on_shelf(db, 1).await?, 3);
    assert_eq!(database.statements(), 1);
    Ok(())
}
