//! What reads and writes promise is chosen for a `Db`, a model or a call; what that means is up to the cache, and is tested
//! there. Here is tested who is asked for it, and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use thing::driver::Error;
use thing::{Coherence, Db, ErrorKind, Model, Result};
use thing_cache_memory::{Clock, MemoryCache, MemoryConfig};
use thing_conformance::recording::{Command, Matcher, RecordingCache, RecordingExecutor, When};
use thing_driver_postgres::PostgresExecutor;
use thing_driver_sqlite::SqliteExecutor;
use thing_test_servers::{PostgresSchema, Proxy};

#[derive(Clone, Debug, Model)]
#[thing(no_new)]
struct Plain {
    id: i64,
    value: i64,
}

#[derive(Clone, Debug, Model)]
#[thing(no_new, coherence = "strict")]
struct Account {
    id: i64,
    value: i64,
}

#[derive(Clone, Debug, Model)]
#[thing(no_new, coherence = "fresh")]
struct Price {
    id: i64,
    value: i64,
}

#[derive(Clone, Debug, Model)]
#[thing(no_new, cascades(Branch::TREE_ID))]
struct Tree {
    id: i64,
}

#[derive(Clone, Debug, Model)]
#[thing(no_new, table = "branches", cascades(Leaf::BRANCH_ID))]
struct Branch {
    id: i64,
    tree_id: i64,
}

#[derive(Clone, Debug, Model)]
#[thing(no_new, table = "leaves", coherence = "strict")]
struct Leaf {
    id: i64,
    branch_id: i64,
}

struct Setup {
    db: Db,
    database: Arc<RecordingExecutor>,
    cache: Arc<RecordingCache>,
}

async fn setup(coherence: Coherence) -> Setup {
    let database = RecordingExecutor::new(Arc::new(SqliteExecutor::memory().await.unwrap()));
    let cache = RecordingCache::new(Arc::new(MemoryCache::new(MemoryConfig::default())));
    let db = Db::builder(database.clone()).cache(cache.clone()).coherence(coherence).build();
    db.sync::<(Plain, Account, Price, Tree, Branch, Leaf)>().await.unwrap();
    Setup { db, database, cache }
}

impl Setup {
    /// How often the work waits for near caches, and how often it looks into the memory of its process.
    async fn asks(&self, work: impl Future<Output = Result<()>>) -> (usize, usize) {
        self.cache.reset();
        work.await.unwrap();
        let log = self.cache.log();
        let count = |wanted: fn(&Command) -> bool| log.iter().filter(|command| wanted(command)).count();
        (count(|c| matches!(c, Command::Settle)), count(|c| matches!(c, Command::Peek { .. })))
    }
}

#[tokio::test]
async fn strict_writes_settle_between_quarantine_and_commit() {
    let setup = setup(Coherence::Bounded).await;
    let db = &setup.db;
    assert_eq!(setup.asks(async { Plain { id: 0, value: 1 }.save(db).await.map(drop) }).await.0, 0);
    let strict = db.things::<Plain>().strict();
    assert_eq!(setup.asks(async { strict.save_plain(Plain { id: 1, value: 2 }).await.map(drop) }).await.0, 1);
    assert_eq!(setup.asks(async { Account { id: 0, value: 1 }.save(db).await.map(drop) }).await.0, 1);
    let many = (0..3).map(|value| Account { id: 0, value });
    assert_eq!(setup.asks(async { db.things::<Account>().create_many(many).await.map(drop) }).await.0, 1);
    let raw = async { db.raw("UPDATE accounts SET value = 9").changes::<Account>().execute().await.map(drop) };
    assert_eq!(setup.asks(raw).await.0, 1);
    let transaction = async {
        db.transaction(async |transaction| {
            Plain { id: 0, value: 1 }.save(transaction).await?;
            Account { id: 0, value: 1 }.save(transaction).await?;
            Account { id: 0, value: 2 }.save(transaction).await.map(drop)
        })
        .await
    };
    assert_eq!(setup.asks(transaction).await.0, 1, "once, for the whole transaction");
    let order: Vec<&str> = setup
        .cache
        .log()
        .iter()
        .filter_map(|command| match command {
            Command::Quarantine { .. } => Some("quarantine"),
            Command::Settle => Some("settle"),
            Command::Release { .. } => Some("release"),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["quarantine", "settle", "release"]);
}

#[tokio::test]
async fn a_write_that_can_not_settle_is_refused_and_opens_its_tags() {
    let setup = setup(Coherence::Strict).await;
    let db = &setup.db;
    Plain { id: 0, value: 1 }.save(db).await.unwrap();
    let settles = Matcher::new("settles", |command| matches!(command, Command::Settle));
    setup.cache.fail_next(settles, Error::cache("nobody answers"), When::Before);
    setup.database.reset();
    let error = Plain { id: 1, value: 2 }.save(db).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Cache, "{error}");
    assert_eq!(setup.database.count(&Matcher::writes()), 0, "nothing was sent");
    assert_eq!(setup.cache.count(&Matcher::releases()), 2, "that of before, and this one");
    assert_eq!(Plain::by_id(db, 1).await.unwrap().value, 1);
}

#[tokio::test]
async fn fresh_reads_pass_by_the_memory_of_the_process() {
    let setup = setup(Coherence::Bounded).await;
    let db = &setup.db;
    Plain { id: 0, value: 1 }.save(db).await.unwrap();
    Price { id: 0, value: 1 }.save(db).await.unwrap();
    let plain = db.things::<Plain>();
    // The first reads fill.
    for _ in 0..2 {
        assert!(setup.asks(async { plain.by_id(1).await.map(drop) }).await.1 > 0);
        assert!(setup.asks(async { plain.all().await.map(drop) }).await.1 > 0);
        assert_eq!(setup.asks(async { plain.fresh().by_id(1).await.map(drop) }).await.1, 0);
        assert_eq!(setup.asks(async { plain.fresh().all().await.map(drop) }).await.1, 0);
        assert_eq!(setup.asks(async { plain.all_objects().fresh().count().await.map(drop) }).await.1, 0);
        assert_eq!(setup.asks(async { Price::by_id(db, 1).await.map(drop) }).await.1, 0);
        assert_eq!(setup.asks(async { db.things::<Price>().all().await.map(drop) }).await.1, 0);
    }
}

#[tokio::test]
async fn the_nearer_choice_counts() {
    let setup = setup(Coherence::Strict).await;
    let db = &setup.db;
    assert_eq!(setup.asks(async { Plain { id: 0, value: 1 }.save(db).await.map(drop) }).await.0, 1);
    assert_eq!(setup.asks(async { Price { id: 0, value: 1 }.save(db).await.map(drop) }).await.0, 0);
    assert_eq!(setup.asks(async { db.things::<Plain>().fresh().by_id(1).await.map(drop) }).await, (0, 0));
}

#[tokio::test]
async fn tags_of_a_write_with_an_unknown_outcome_are_closed_once_more_and_left_to_lapse() {
    let setup = setup(Coherence::Bounded).await;
    let db = &setup.db;
    Plain { id: 0, value: 1 }.save(db).await.unwrap();
    let mut one = Plain::by_id(db, 1).await.unwrap();
    one.value = 2;
    let lost = Error::new(ErrorKind::ConnectionLost { may_have_executed: true }, "the answer is lost");
    setup.database.fail_next(Matcher::writes(), lost, When::After);
    setup.cache.reset();
    assert!(one.save(db).await.unwrap_err().may_have_executed());
    assert_eq!(setup.cache.count(&Matcher::quarantines()), 2);
    assert_eq!(setup.cache.count(&Matcher::releases()), 0);
    assert_eq!(Plain::by_id(db, 1).await.unwrap().value, 2, "the database is asked");
}

#[tokio::test]
async fn a_delete_that_takes_rows_of_a_strict_model_along_is_strict() {
    let setup = setup(Coherence::Bounded).await;
    let db = &setup.db;
    for (id, branches) in [(1, 2), (2, 1001)] {
        db.things::<Tree>().create(Tree { id }).await.unwrap();
        db.things::<Branch>().create_many((0..branches).map(|_| Branch { id: 0, tree_id: id })).await.unwrap();
        assert_eq!(setup.asks(async { db.things::<Tree>().delete(id).await }).await.0, 1, "{branches} branches");
    }
}

/// Seconds, as they are set.
#[derive(Clone, Debug, Default)]
struct Seconds(Arc<AtomicU64>);

impl Clock for Seconds {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// Waits until so many wait for a lock of this session of the server.
async fn until_waiting(db: &Db, holder: i64, count: i64) {
    let sql = format!("SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND {holder} = ANY (pg_blocking_pids(pid))");
    let waiting = async {
        while db.raw(&sql).row::<i64>().await.unwrap() != count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(25), waiting).await.unwrap();
}

/// The server of a process that has gone must not carry out its write when its tags have been open for long.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_waits_for_a_lock_ends_with_its_connection() {
    let schema = PostgresSchema::create().await;
    let proxy = Proxy::to_url(schema.url()).await;
    let clock = Seconds::default();
    let cache = MemoryCache::with_clock(MemoryConfig::default(), clock.clone());
    let db = Db::builder(PostgresExecutor::open(&proxy.url_through(schema.url())).await.unwrap()).cache(cache).build();
    db.sync::<Plain>().await.unwrap();
    let mut one = Plain { id: 0, value: 1 }.save(&db).await.unwrap();
    let other = Db::builder(PostgresExecutor::open(schema.url()).await.unwrap()).build();
    let lock = other.begin().await.unwrap();
    Plain { id: 1, value: 1 }.save(&lock).await.unwrap();
    let holder = lock.raw("SELECT pg_backend_pid()::bigint").row().await.unwrap();
    let write = {
        let db = db.clone();
        tokio::spawn(async move {
            one.value = 2;
            one.save(&db).await
        })
    };
    until_waiting(&other, holder, 1).await;
    proxy.refuse(true);
    proxy.cut_all().await;
    assert!(write.await.unwrap().unwrap_err().may_have_executed());
    until_waiting(&other, holder, 0).await;
    // As if that was long ago.
    clock.0.store(40, Ordering::SeqCst);
    proxy.refuse(false);
    while Plain::by_id(&db, 1).await.is_err() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    lock.rollback().await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let cached = Plain::by_id(&db, 1).await.unwrap().value;
    assert_eq!(cached, db.things::<Plain>().by_id_uncached(1).await.unwrap().value);
}
