//! Writes that take long: the tags stay closed until they are over. The clock of these tests stands still and is moved on.

use std::sync::Arc;
use std::time::Duration;

use thing::driver::{Error, Token};
use thing::{Db, Model, Result};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_conformance::recording::{Command, Matcher, RecordingCache, RecordingExecutor, When};
use thing_driver_sqlite::SqliteExecutor;

use crate::support::{User, user};

/// How long a write is held. A quarantine lasts 30 seconds.
const LONG: Duration = Duration::from_secs(95);

struct Held {
    db: Db,
    database: Arc<RecordingExecutor>,
    cache: Arc<RecordingCache>,
}

impl Held {
    async fn new() -> Result<Self> {
        let database = RecordingExecutor::new(Arc::new(SqliteExecutor::memory().await?));
        let cache = RecordingCache::new(Arc::new(MemoryCache::new(MemoryConfig::default())));
        let db = Db::builder(database.clone()).cache(cache.clone()).build();
        db.sync::<User>().await?;
        db.things::<User>().create_many((1..=3).map(user)).await?;
        Ok(Self { db, database, cache })
    }

    /// Holds the write that the work does for a long time; returns how often its tags were closed.
    async fn hold<F>(&self, matcher: Matcher, work: F) -> usize
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let gate = self.database.gate(matcher, When::Before);
        self.cache.reset();
        let task = tokio::spawn(work);
        gate.reached().await;
        tokio::time::sleep(LONG).await;
        let closed = self.cache.count(&Matcher::quarantines());
        gate.open();
        task.await.unwrap().unwrap();
        closed
    }

    fn tokens(&self) -> Vec<Token> {
        let tokens = self.cache.log().into_iter().filter_map(|command| match command {
            Command::Quarantine { token, .. } | Command::Release { token, .. } => Some(token),
            _ => None,
        });
        tokens.collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_under_way_stays_announced() {
    let held = Held::new().await.unwrap();
    let db = held.db.clone();
    let create = async move { db.things::<User>().create(user(4)).await.map(drop) };
    assert!(held.hold(Matcher::writes(), create).await > 6, "each third of the time that a quarantine lasts");
    let tokens = held.tokens();
    assert!(tokens.iter().all(|token| *token == tokens[0]), "one writer, announced again: {tokens:?}");
    let db = held.db.clone();
    let create_many = async move { db.things::<User>().create_many((5..=6).map(user)).await.map(drop) };
    assert!(held.hold(Matcher::writes(), create_many).await > 6);
    let db = held.db.clone();
    let save = async move {
        let mut one = User::by_id(&db, 1).await?;
        one.name = "Renamed".into();
        one.save(&db).await
    };
    assert!(held.hold(Matcher::writes(), save).await > 6);
    let db = held.db.clone();
    let delete = async move { User::by_id(&db, 2).await?.delete(&db).await };
    assert!(held.hold(Matcher::writes(), delete).await > 6);
    let db = held.db.clone();
    let commit = async move {
        let transaction = db.begin().await?;
        transaction.things::<User>().create(user(7)).await?;
        transaction.commit().await
    };
    assert!(held.hold(Matcher::commits(), commit).await > 6);
    assert_eq!(User::by_id(&held.db, 1).await.unwrap().name, "Renamed");
    assert_eq!(held.db.things::<User>().count().await.unwrap(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_tried_again() {
    let held = Held::new().await.unwrap();
    let db = held.db.clone();
    let gate = held.database.gate(Matcher::writes(), When::Before);
    let create = async move { db.things::<User>().create(user(4)).await.map(drop) };
    held.cache.reset();
    let task = tokio::spawn(create);
    gate.reached().await;
    let lost = || Error::cache("the cache is away");
    (0..2).for_each(|_| held.cache.fail_next(Matcher::quarantines(), lost(), When::Before));
    tokio::time::sleep(LONG).await;
    assert_eq!(held.cache.pending_faults(), 0);
    assert!(held.cache.count(&Matcher::quarantines()) > 6);
    gate.open();
    task.await.unwrap().unwrap();
    assert!(held.db.statistics().cache_errors >= 2);
}

/// The output is there while the renewal is under way: it is given only when that has ended, so that no mark comes behind
/// the release.
#[tokio::test(start_paused = true)]
async fn a_renewal_does_not_outlive_its_write() {
    let held = Held::new().await.unwrap();
    let db = held.db.clone();
    let gate = held.database.gate(Matcher::writes(), When::Before);
    let task = tokio::spawn(async move { db.things::<User>().create(user(4)).await });
    gate.reached().await;
    let renewal = held.cache.gate(Matcher::quarantines(), When::Before);
    renewal.reached().await;
    gate.open();
    while held.db.things::<User>().all_objects().uncached().count().await.unwrap() < 4 {}
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert!(!task.is_finished(), "the renewal is awaited");
    renewal.open();
    task.await.unwrap().unwrap();
    let last =
        held.cache.log().into_iter().rfind(|c| matches!(c, Command::Quarantine { .. } | Command::Release { .. }));
    assert!(matches!(last, Some(Command::Release { .. })), "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn a_strict_write_that_was_renewed_settles_again() {
    let held = Held::new().await.unwrap();
    let db = held.db.clone();
    let create = async move { db.things::<User>().strict().create(user(4)).await.map(drop) };
    held.hold(Matcher::writes(), create).await;
    let log = held.cache.log();
    assert_eq!(log.iter().filter(|command| matches!(command, Command::Settle)).count(), 2);
    assert!(matches!(log.last(), Some(Command::Settle)), "the second comes after the release: {log:?}");
}

#[tokio::test(start_paused = true)]
async fn a_strict_write_in_doubt_settles_until_it_is_heard() {
    let held = Held::new().await.unwrap();
    let db = held.db.clone();
    let gate = held.database.gate(Matcher::writes(), When::Before);
    let task = tokio::spawn(async move { db.things::<User>().strict().create(user(4)).await.map(drop) });
    gate.reached().await;
    let settles = || Matcher::new("settles", |command| matches!(command, Command::Settle));
    (0..3).for_each(|_| held.cache.fail_next(settles(), Error::cache("nobody answers"), When::Before));
    tokio::time::sleep(LONG).await;
    held.cache.reset();
    gate.open();
    task.await.unwrap().unwrap();
    assert_eq!(held.cache.pending_faults(), 0);
    assert_eq!(held.cache.count(&settles()), 4, "three that failed, and one that did not");
}

/// The tags lapsed while the cache was away: what readers stored until the commit is wrong, and the release that would
/// have said so is lost.
#[tokio::test(start_paused = true)]
async fn what_was_stored_while_a_write_was_forgotten_is_voided() {
    let held = Held::new().await.unwrap();
    held.cache.reset();
    let db = held.db.clone();
    let gate = held.database.gate(Matcher::writes(), When::Before);
    let task = tokio::spawn(async move { db.things::<User>().delete(1).await });
    gate.reached().await;
    let away = || Error::cache("the cache is away");
    let voids = || Matcher::new("voids", |command| matches!(command, Command::Void { .. }));
    held.cache.fail_all(Matcher::quarantines(), away(), When::Before);
    held.cache.fail_next(Matcher::releases(), away(), When::Before);
    (0..2).for_each(|_| held.cache.fail_next(voids(), away(), When::Before));
    tokio::time::sleep(LONG).await;
    let tags = held.cache.log().into_iter().find_map(|command| match command {
        Command::Quarantine { tags, .. } => Some(tags),
        _ => None,
    });
    held.cache.reset();
    gate.open();
    task.await.unwrap().unwrap();
    assert_eq!(held.cache.count(&voids()), 3);
    let last = held.cache.log().pop();
    assert!(matches!(&last, Some(Command::Void { tags: voided }) if Some(voided) == tags.as_ref()), "{last:?}");
}

/// The marks still stand: they lapse by themselves, and the write does not wait for the cache.
#[tokio::test(start_paused = true)]
async fn a_release_that_fails_soon_is_left_to_lapse() {
    let held = Held::new().await.unwrap();
    held.cache.reset();
    held.cache.fail_all(Matcher::releases(), Error::cache("the cache is away"), When::Before);
    held.db.things::<User>().delete(1).await.unwrap();
    assert_eq!(held.cache.count(&Matcher::new("voids", |command| matches!(command, Command::Void { .. }))), 0);
}
