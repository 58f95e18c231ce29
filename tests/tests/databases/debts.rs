//! Debts: writes that are carried out although the cache can't be told of them.

use std::sync::Arc;
use std::time::Duration;

use thing::driver::{Error, Executor};
use thing::{CacheOutage, Db, ErrorKind, Loaded, Model, Result};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_conformance::recording::{Matcher, RecordingCache, RecordingExecutor, When};
use thing_driver_sqlite::SqliteExecutor;

use crate::support::{Stack, User, user};

matrix! {
    cached: [
        every_write_is_carried_out_and_paid_for,
        what_is_rolled_back_owes_nothing,
        a_debt_is_paid_again_when_its_payer_fails,
        several_pay_each_debt_once,
        without_debts_the_write_is_refused,
        without_the_table_the_write_is_refused,
    ]
}

/// A writer whose cache fails on demand, and a reader with the same cache that does not.
struct Two {
    writer: Db,
    reader: Db,
    database: Arc<RecordingExecutor>,
    cache: Arc<RecordingCache>,
}

impl Two {
    async fn new(stack: &Stack) -> Result<Self> {
        let database = RecordingExecutor::new(stack.executor().await);
        let client = stack.client().await.expect("a stack with a cache");
        let cache = RecordingCache::new(client.clone());
        let writer = Db::builder(database.clone())
            .cache(cache.clone())
            .cache_outage(CacheOutage::Debt)
            .debt_interval(Duration::from_millis(20))
            .build();
        writer.sync::<User>().await?;
        let reader = Db::builder(database.clone()).cache(client).build();
        writer.things::<User>().create_many((1..=5).map(user)).await?;
        Ok(Self { writer, reader, database, cache })
    }

    fn outage(&self) {
        let unreachable = || Error::cache("the cache is away");
        self.cache.fail_all(Matcher::quarantines(), unreachable(), When::Before);
        self.cache.fail_all(Matcher::voids(), unreachable(), When::Before);
    }

    async fn debts(&self) -> i64 {
        count(&self.reader).await
    }

    /// Waits until nothing is owed.
    async fn paid(&self) {
        self.cache.clear_faults();
        let waiting = async {
            while self.debts().await > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("debts are paid");
    }

    async fn names(&self) -> Result<Vec<String>> {
        Ok(self.reader.things::<User>().all().await?.iter().map(|user| user.name.clone()).collect())
    }
}

async fn count(db: &Db) -> i64 {
    db.raw("SELECT COUNT(*) FROM thing_debts").row().await.expect("the table of debts is there")
}

async fn every_write_is_carried_out_and_paid_for(stack: &Stack) -> Result<()> {
    let two = Two::new(stack).await?;
    let users = two.writer.things::<User>();
    // The reader has everything in the cache.
    assert_eq!(two.names().await?.len(), 5);
    let mut one = users.by_id(1).await?;
    let mut three = users.by_id(3).await?;
    two.outage();
    one.name = "Saved".into();
    one.save(&two.writer).await?;
    users.delete(2).await?;
    let created = users.create(User { name: "Created".into(), ..user(6) }).await?;
    let many = users.create_many((7..=8).map(user)).await?;
    assert_eq!(many.len(), 2);
    two.writer
        .transaction(async |transaction| {
            three.name = "Saved in a transaction".into();
            three.save(transaction).await
        })
        .await?;
    assert_eq!(two.writer.statistics().debts, 5);
    two.paid().await;
    // Counted once the rows are gone.
    let counted = async {
        while two.writer.statistics().debts_paid < 5 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), counted).await.expect("all are counted");
    assert_eq!(two.writer.statistics().debts_paid, 5);
    let names = two.names().await?;
    assert_eq!(names.len(), 7, "{names:?}");
    for name in ["Saved", "Created", "Saved in a transaction", &many[0].name, &many[1].name] {
        assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
    }
    assert!(User::find(&two.reader, 2).await?.is_none());
    assert_eq!(User::by_id(&two.reader, created.id).await?.name, "Created");
    assert_eq!(Loaded::into_inner(User::by_id(&two.reader, 1).await?).name, "Saved");
    Ok(())
}

async fn what_is_rolled_back_owes_nothing(stack: &Stack) -> Result<()> {
    let two = Two::new(stack).await?;
    two.outage();
    let transaction = two.writer.begin().await?;
    transaction.things::<User>().create(user(6)).await?;
    transaction.rollback().await?;
    let mut one = User::by_id(&two.writer, 1).await?;
    two.database.fail_next(Matcher::commits(), Error::backend("the commit fails"), When::Before);
    one.name = "Never".into();
    one.save(&two.writer).await.unwrap_err();
    assert_eq!(two.debts().await, 0);
    assert_eq!(User::by_id(&two.reader, 1).await?.name, user(1).name);
    Ok(())
}

async fn a_debt_is_paid_again_when_its_payer_fails(stack: &Stack) -> Result<()> {
    let two = Two::new(stack).await?;
    let mut one = User::by_id(&two.writer, 1).await?;
    two.outage();
    one.name = "Saved".into();
    one.save(&two.writer).await?;
    // The tags are void, and the row is not gone.
    two.database.fail_next(Matcher::commits(), Error::backend("the commit fails"), When::Before);
    two.paid().await;
    assert!(two.cache.count(&Matcher::voids()) >= 2);
    assert_eq!(User::by_id(&two.reader, 1).await?.name, "Saved");
    Ok(())
}

async fn several_pay_each_debt_once(stack: &Stack) -> Result<()> {
    let two = Two::new(stack).await?;
    two.outage();
    for n in 6..=45 {
        two.writer.things::<User>().create(user(n)).await?;
    }
    let executor: Arc<dyn Executor> = two.database.clone();
    let others: Vec<Db> = (0..3)
        .map(|_| {
            let builder = Db::builder(executor.clone()).cache(two.cache.clone());
            builder.cache_outage(CacheOutage::Debt).debt_interval(Duration::from_millis(5)).build()
        })
        .collect();
    two.paid().await;
    let paid = || others.iter().chain([&two.writer]).map(|db| db.statistics().debts_paid).sum::<u64>();
    while paid() < 40 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(paid(), 40);
    Ok(())
}

async fn without_debts_the_write_is_refused(stack: &Stack) -> Result<()> {
    let two = Two::new(stack).await?;
    let db = Db::builder(two.database.clone()).cache(two.cache.clone()).build();
    two.outage();
    let error = db.things::<User>().create(user(6)).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Cache, "{error}");
    assert_eq!(two.reader.things::<User>().all_objects().uncached().count().await?, 5);
    Ok(())
}

async fn without_the_table_the_write_is_refused(stack: &Stack) -> Result<()> {
    let two = Two::new(stack).await?;
    two.writer.raw("DROP TABLE thing_debts").execute().await?;
    two.outage();
    let error = two.writer.things::<User>().create(user(6)).await.unwrap_err();
    assert!(error.to_string().contains("Db::sync"), "{error}");
    assert_eq!(two.reader.things::<User>().all_objects().uncached().count().await?, 5);
    Ok(())
}

/// A task ends with its runtime; what is owed after that is paid on another.
#[test]
fn debts_are_paid_on_the_runtime_that_is_left() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let cache = RecordingCache::new(Arc::new(MemoryCache::new(MemoryConfig::default())));
    let first = runtime();
    let db = first.block_on(async {
        let builder = Db::builder(SqliteExecutor::memory().await.unwrap()).cache(cache.clone());
        let db = builder.cache_outage(CacheOutage::Debt).debt_interval(Duration::from_millis(20)).build();
        db.sync::<User>().await.unwrap();
        db
    });
    drop(first);
    runtime().block_on(async {
        cache.fail_next(Matcher::quarantines(), Error::cache("the cache is away"), When::Before);
        user(1).create(&db).await.unwrap();
        let paid = async {
            while count(&db).await > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), paid).await.expect("the debt is paid");
    });
}
