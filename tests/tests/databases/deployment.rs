//! Programs whose models declare other indexes use one database and one Redis, as in a rolling deployment. A `Db` with a
//! client of its own stands for each program.

use std::time::Duration;

use thing::driver::{CacheClient, Executor};
use thing::{Coherence, Db, Model, Result};
use thing_cache_memory::MemoryConfig;
use thing_cache_redis::{RedisCache, RedisConfig};
use thing_cache_tiered::{TieredCache, TieredConfig};
use thing_test_servers::{redis_prefix, redis_url};

use crate::support::{Cache, Database, Stack, statements};

const PATIENCE: Duration = Duration::from_secs(60);

/// The program as it was.
mod old {
    #[derive(thing::Model, Clone, Debug, PartialEq)]
    #[thing(table = "tickets")]
    pub(super) struct Ticket {
        pub(super) id: i64,
        pub(super) owner: i64,
        #[thing(index)]
        pub(super) state: i32,
    }
}

/// The program that takes its place.
mod new {
    #[derive(thing::Model, Clone, Debug, PartialEq)]
    #[thing(table = "tickets")]
    pub(super) struct Ticket {
        pub(super) id: i64,
        #[thing(index)]
        pub(super) owner: i64,
        pub(super) state: i32,
    }
}

fn config() -> RedisConfig {
    let config = RedisConfig::from_url(redis_url()).unwrap().prefix(redis_prefix());
    let config = config.connect_timeout(PATIENCE).read_timeout(PATIENCE).write_timeout(PATIENCE);
    config.other_programs_time(Duration::from_millis(1))
}

/// A client, over which a program may have a near cache.
async fn client(config: &RedisConfig, near: bool) -> std::sync::Arc<dyn CacheClient> {
    let redis = RedisCache::connect(config.clone()).await.unwrap();
    if !near {
        return std::sync::Arc::new(redis);
    }
    let cache = TieredCache::new(MemoryConfig::default(), redis, TieredConfig::default());
    while !cache.is_near() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    std::sync::Arc::new(cache)
}

struct Programs {
    old: Db,
    new: Db,
    client_of_new: std::sync::Arc<dyn CacheClient>,
}

impl Programs {
    async fn start(stack: &Stack, near: bool) -> Result<Self> {
        let (executor, config) = (stack.executor().await, config());
        let (one, other) = (client(&config, near).await, client(&config, near).await);
        // Strict, so that near caches too are right at once.
        let db = |executor: std::sync::Arc<dyn Executor>, client| {
            Db::builder(executor).cache(client).coherence(Coherence::Strict).build()
        };
        let (old, new) = (db(executor.clone(), one), db(executor, other.clone()));
        old.sync::<old::Ticket>().await?;
        Ok(Self { old, new, client_of_new: other })
    }

    /// What both answer is what is in the database.
    async fn assert_right(&self) -> Result<()> {
        for value in 1..=2 {
            let owned = new::Ticket::filter(&self.new, new::Ticket::OWNER.eq(value));
            assert_eq!(owned.clone().all().await?, owned.clone().uncached().all().await?);
            assert_eq!(owned.clone().count().await?, owned.uncached().count().await?);
            let in_state = old::Ticket::filter(&self.old, old::Ticket::STATE.eq(i32::try_from(value).unwrap()));
            assert_eq!(in_state.clone().all().await?, in_state.clone().uncached().all().await?);
            assert_eq!(in_state.clone().count().await?, in_state.uncached().count().await?);
        }
        Ok(())
    }

    /// Whether the new program is told that it is alone.
    fn new_is_alone(&self) -> bool {
        let table = new::Ticket::table();
        self.client_of_new.declare(table.id(), table.scopes_digest())
    }
}

/// Before, while and after the other program writes, each program's lists are right, those by its own index too.
async fn each_sees_what_the_other_writes(stack: &Stack, near: bool) -> Result<()> {
    let programs = Programs::start(stack, near).await?;
    let Programs { old, new, .. } = &programs;
    for owner in 1..=2 {
        new::Ticket { id: 0, owner, state: 1 }.create(new).await?;
    }
    programs.assert_right().await?;
    let owned = || new::Ticket::filter(new, new::Ticket::OWNER.eq(1));
    owned().all().await?;
    new::Ticket { id: 0, owner: 2, state: 1 }.create(new).await?;
    let (sent, read) = statements(new, owned().all()).await;
    assert_eq!((sent, read?.len()), (0, 1), "a scope of its own");

    let mut written = old::Ticket { id: 0, owner: 1, state: 1 }.create(old).await?;
    assert!(!programs.new_is_alone() || owned().all().await?.len() == 2);
    programs.assert_right().await?;
    assert!(!programs.new_is_alone());
    for round in 0..4 {
        written.owner = 1 + round % 2;
        written.state = 1 + i32::try_from(round / 2).unwrap();
        written.save(old).await?;
        programs.assert_right().await?;
        let created = new::Ticket { id: 0, owner: 1 + round % 2, state: 2 }.create(new).await?;
        programs.assert_right().await?;
        new.things::<new::Ticket>().delete(created.id).await?;
        programs.assert_right().await?;
    }
    old.things::<old::Ticket>().delete(written.id).await?;
    programs.assert_right().await?;
    owned().all().await?;
    assert_eq!(statements(new, owned().all()).await.0, 0, "lists are cached all the same");
    Ok(())
}

/// When the other program has been silent for long enough, scopes come back, and its next write is its first.
async fn scopes_come_back(stack: &Stack) -> Result<()> {
    let programs = Programs::start(stack, false).await?;
    let Programs { old, new, .. } = &programs;
    for round in 0..2 {
        old::Ticket { id: 0, owner: 1, state: 1 }.create(old).await?;
        programs.assert_right().await?;
        assert!(!programs.new_is_alone());
        if round == 1 {
            return Ok(());
        }
        // No less than a write may take, which is half a minute.
        let waiting = async {
            for owner in 100.. {
                // A list that nobody asked for before is leased.
                new::Ticket::filter(new, new::Ticket::OWNER.eq(owner)).all().await?;
                if programs.new_is_alone() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Ok(())
        };
        let waited: Result<()> = tokio::time::timeout(PATIENCE, waiting).await.expect("the old program is forgotten");
        waited?;
        programs.assert_right().await?;
        programs.assert_right().await?;
    }
    Ok(())
}

#[test]
fn each_sees_what_the_other_writes_by_redis() -> Result<()> {
    let stack = Stack::new("sqlite_file_redis", Database::SqliteFile, Cache::Redis);
    stack.run(async |stack| each_sees_what_the_other_writes(stack, false).await)
}

#[test]
fn each_sees_what_the_other_writes_by_near_caches() -> Result<()> {
    let stack = Stack::new("postgres_tiered", Database::Postgres, Cache::Tiered);
    stack.run(async |stack| each_sees_what_the_other_writes(stack, true).await)
}

#[test]
fn scopes_come_back_when_the_other_is_silent() -> Result<()> {
    Stack::new("sqlite_memory_redis", Database::SqliteMemory, Cache::Redis).run(scopes_come_back)
}
