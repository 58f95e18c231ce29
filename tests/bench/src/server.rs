//! Servers: databases that are reached over a connection, filled with the rows of the template.

use std::sync::Arc;
use std::time::Duration;

use thing::driver::Result;
use thing::{Coherence, Db, DbBuilder};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use thing_cache_redis::RedisCache;
use thing_cache_tiered::{TieredCache, TieredConfig};
use thing_driver_mysql::MysqlExecutor;
use thing_driver_postgres::{Encryption, PostgresConfig, PostgresExecutor};

use crate::data::{AUTHORS, POSTS_EACH, PostRow, USERS, UserRow};
use crate::subjects::Contestant;
use crate::subjects::mysql_async::MysqlAsync;
use crate::subjects::thing::{Post, ThingSubject, User};
use crate::subjects::tokio_postgres::TokioPostgres;
use crate::suite::Options;

/// A database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// PostgreSQL, beside tokio-postgres.
    Postgres,
    /// MySQL or MariaDB, beside mysql_async.
    Mysql,
}

/// What is measured on a server, by its name.
pub type Subjects = Vec<Arc<(String, Arc<dyn Contestant>)>>;

impl Server {
    /// All.
    pub const ALL: [Self; 2] = [Self::Postgres, Self::Mysql];

    /// The name in reports, and of the driver.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
        }
    }

    /// Whether one of its workloads is to be run.
    pub fn is_wanted(self, options: &Options) -> bool {
        options.only.is_empty() || options.only.iter().any(|name| name.starts_with(self.name()))
    }

    /// The raw client that the others are compared with.
    pub fn reference(self) -> &'static str {
        match self {
            Self::Postgres => "tokio-postgres",
            Self::Mysql => "mysql_async",
        }
    }

    /// A `Db` as applications build it, but without encryption, as the raw clients are. Left alone, the driver of
    /// PostgreSQL encrypts where it can.
    /// Of this database, without a cache.
    pub async fn db(self, url: &str) -> DbBuilder {
        match self {
            Self::Postgres => {
                let config = PostgresConfig::from_url(url).expect("the URL of PostgreSQL is valid");
                let config = config.encryption(Encryption::Disable);
                Db::builder(PostgresExecutor::connect(config).await.expect("PostgreSQL is there"))
            }
            Self::Mysql => Db::builder(MysqlExecutor::open(url).await.expect("MySQL is there")),
        }
    }

    /// Fills the tables `users` and `posts`, which must not exist.
    pub async fn seed(self, url: &str) -> Result<()> {
        let db = self.db(url).await.build();
        db.sync::<(User, Post)>().await?;
        for first in (1..=USERS).step_by(10_000) {
            let user = |id| User { id, ..UserRow::number(id).into() };
            db.things::<User>().create_many((first..first + 10_000).map(user)).await?;
        }
        for first in (1..=AUTHORS).step_by(1_000) {
            let posts = (first..first + 1_000).flat_map(|author| (0..POSTS_EACH).map(move |n| PostRow::of(author, n)));
            db.things::<Post>().create_many(posts.map(Post::from)).await?;
        }
        for statement in self.after_seeding() {
            db.raw(statement).execute().await?;
        }
        Ok(())
    }

    /// Keys go on where those of the rows end, and the planner knows the tables.
    fn after_seeding(self) -> Vec<String> {
        match self {
            Self::Postgres => vec![
                "UPDATE users SET score = -id".to_owned(),
                format!("SELECT setval(pg_get_serial_sequence('users', 'id'), {USERS})"),
                "ANALYZE users".to_owned(),
                "ANALYZE posts".to_owned(),
            ],
            Self::Mysql => vec!["UPDATE users SET score = -id".to_owned(), "ANALYZE TABLE users, posts".to_owned()],
        }
    }

    /// Removes the users that a workload added, and takes back what it updated: the next subject would find its scores
    /// there already, and Thing writes no column that did not change.
    pub async fn tidy(self, url: &str) {
        let db = self.db(url).await.build();
        let delete = db.raw(format!("DELETE FROM users WHERE id > {USERS}"));
        delete.execute().await.expect("added users are removed");
        let update = db.raw("UPDATE users SET score = -id WHERE score <> -id");
        update.execute().await.expect("scores are set back");
        if self == Self::Postgres {
            db.raw("VACUUM users").execute().await.expect("the table is vacuumed");
        }
    }

    /// Everything that is measured: raw clients first, then Thing without a cache, with one in memory, with one in
    /// Redis, and with a near cache over Redis, bounded and strict.
    pub async fn subjects(self, url: &str) -> Subjects {
        let raw: Vec<(&str, Arc<dyn Contestant>)> = match self {
            Self::Postgres => vec![
                (self.reference(), Arc::new(Arc::new(TokioPostgres::pooled(url).await))),
                ("tokio-postgres-pipe", Arc::new(Arc::new(TokioPostgres::pipelined(url).await))),
            ],
            Self::Mysql => vec![(self.reference(), Arc::new(Arc::new(MysqlAsync::pooled(url))))],
        };
        let memory = MemoryCache::new(MemoryConfig::default());
        let redis = || redis_cache(redis_url());
        let near = || near_cache(redis_url());
        let things = [
            ("thing", self.db(url).await),
            ("thing-cached", self.db(url).await.cache(memory)),
            ("thing-redis", self.db(url).await.cache(redis().await)),
            ("thing-tiered", self.db(url).await.cache(near().await)),
            ("thing-strict", self.db(url).await.cache(near().await).coherence(Coherence::Strict)),
        ];
        let mut subjects = raw;
        for (name, builder) in things {
            subjects.push((name, Arc::new(Arc::new(ThingSubject::build(builder).await))));
        }
        subjects.into_iter().map(|(name, subject)| Arc::new((name.to_owned(), subject))).collect()
    }
}

async fn redis_cache(url: String) -> RedisCache {
    RedisCache::open(&url).await.expect("Redis is there")
}

/// A near cache over Redis at this URL, when it serves.
pub async fn near_cache(url: String) -> TieredCache {
    let near = TieredCache::new(MemoryConfig::default(), redis_cache(url).await, TieredConfig::default());
    // Its stream is opened by a task.
    while !near.is_near() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    near
}

/// The URL of Redis, with a prefix that nobody else uses.
pub fn redis_url() -> String {
    let url = thing_test_servers::redis_url();
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}prefix={}", thing_test_servers::redis_prefix())
}
