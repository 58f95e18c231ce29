//! One process, several databases at once, and the same models on each of them.

use thing::{Db, Model, Result};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_conformance::recording::{Matcher, RecordingExecutor, When};

use crate::support::{Cache, Database, Post, Stack, User, post, stacks, user};

/// Creates, reads and changes users whose names tell the database.
async fn live(db: &Db, name: &str) -> Result<()> {
    let users = db.things::<User>();
    for n in 1..=20 {
        let created = users.create(thing_named(name, n)).await?;
        assert_eq!(User::by_id(db, created.id).await?.name, format!("{name} {n}"));
        post(created.id, i32::try_from(n).unwrap()).create(db).await?;
        let adults = User::filter(db, User::AGE.ge(18) & User::NAME.starts_with(name));
        assert_eq!(adults.count().await?, n.unsigned_abs());
        assert_eq!(Post::filter(db, Post::USER_ID.eq(created.id)).all().await?.len(), 1);
    }
    db.transaction(async |transaction| {
        let mut first = User::by_id(transaction, 1).await?;
        first.name = format!("{name} one");
        first.save(transaction).await
    })
    .await?;
    for n in 1..=20 {
        let expected = if n == 1 { format!("{name} one") } else { format!("{name} {n}") };
        assert_eq!(User::by_id(db, n).await?.name, expected);
    }
    assert!(users.all().await?.iter().all(|user| user.name.starts_with(name)));
    Ok(())
}

fn thing_named(name: &str, n: i64) -> User {
    User { name: format!("{name} {n}"), ..user(n) }
}

#[test]
fn one_process_uses_the_same_models_on_all_databases_at_once() -> Result<()> {
    let all = stacks();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut dbs = Vec::new();
        for stack in &all {
            dbs.push((stack.name(), stack.users().await));
        }
        let lives = dbs.iter().map(|(name, db)| live(db, name));
        futures_util::future::try_join_all(lives).await.map(drop)
    })
}

/// Why two databases must not share a cache: tables are told apart by their names. `docs/caveats.md` says so.
#[tokio::test(flavor = "multi_thread")]
async fn two_databases_that_share_a_cache_answer_for_each_other() -> Result<()> {
    let stack = Stack::new("sqlite_memory", Database::SqliteMemory, Cache::None);
    let cache = MemoryCache::new(MemoryConfig::default());
    let mut dbs = Vec::new();
    for name in ["one", "two"] {
        let db = Db::builder(stack.executor().await).cache(cache.clone()).build();
        db.sync::<User>().await?;
        thing_named(name, 1).create(&db).await?;
        dbs.push(db);
    }
    assert_eq!(User::by_id(&dbs[0], 1).await?.name, "one 1");
    assert_eq!(User::by_id(&dbs[1], 1).await?.name, "one 1", "an answer of the other database");
    assert_eq!(dbs[1].things::<User>().by_id_uncached(1).await?.name, "two 1");
    Ok(())
}

/// Of those who wait for a fill that another process, or another `Db`, takes long for, one reads the database.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_fill_elsewhere_sends_one_of_many_to_the_database() -> Result<()> {
    let stack = Stack::new("sqlite_file", Database::SqliteFile, Cache::None);
    let executor = stack.executor().await;
    let cache = MemoryCache::new(MemoryConfig::default());
    let databases = [(); 2].map(|()| RecordingExecutor::new(executor.clone()));
    let [slow, many] = databases.clone().map(|database| Db::builder(database).cache(cache.clone()).build());
    slow.sync::<User>().await?;
    user(1).create(&slow).await?;
    for by_id in [false, true] {
        slow.invalidate::<User>().await?;
        let gate = databases[0].gate(Matcher::reads(), When::Before);
        let first = tokio::spawn({
            let slow = slow.clone();
            async move { one(&slow, by_id).await }
        });
        gate.reached().await;
        databases[1].reset();
        let others: Vec<_> = (0..100)
            .map(|_| {
                let many = many.clone();
                tokio::spawn(async move { one(&many, by_id).await })
            })
            .collect();
        for other in others {
            assert_eq!(other.await.unwrap()?, 1);
        }
        assert!(databases[1].statements() <= 4, "{} reads of the database", databases[1].statements());
        gate.open();
        assert_eq!(first.await.unwrap()?, 1);
    }
    Ok(())
}

async fn one(db: &Db, by_id: bool) -> Result<u64> {
    if by_id { Ok(User::by_id(db, 1).await?.id.unsigned_abs()) } else { db.things::<User>().count().await }
}
