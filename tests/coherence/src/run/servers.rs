//! The servers of a run: private ones, which may be killed.

use std::path::{Path, PathBuf};

use redis::{Cmd, FromRedisValue, RedisResult};
use thing_test_servers::Instance;

use crate::database::DatabaseKind;
use crate::options::Options;

/// The servers.
#[derive(Debug)]
pub(super) struct Servers {
    /// `None` for a database in a file.
    pub(super) database: Option<Instance>,
    /// `None` where the cache does not need it.
    pub(super) redis: Option<Instance>,
    file: PathBuf,
}

impl Servers {
    pub(super) async fn start(options: &Options, directory: &Path) -> RedisResult<Self> {
        let database = match options.database {
            DatabaseKind::Postgres => Some(Instance::postgres().await),
            DatabaseKind::Mariadb => Some(Instance::mariadb().await),
            DatabaseKind::Sqlite => None,
        };
        let redis = if options.cache.needs_redis() { Some(Instance::redis().await) } else { None };
        Ok(Self { database, redis, file: directory.join("database.sqlite") })
    }

    /// Where the database is, past the proxies.
    pub(super) fn database_url(&self) -> String {
        match &self.database {
            Some(instance) => instance.url().to_owned(),
            None => self.file.display().to_string(),
        }
    }

    /// Runs a command in Redis, past the proxies.
    pub(super) async fn command<T: FromRedisValue>(&self, command: &[&str]) -> RedisResult<T> {
        let url = self.redis.as_ref().map_or("", Instance::url);
        let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
        let mut packed = Cmd::new();
        command.iter().for_each(|word| _ = packed.arg(*word));
        packed.query_async(&mut connection).await
    }

    /// A number of `INFO`.
    pub(super) async fn redis_figure(&self, name: &str) -> RedisResult<u64> {
        let text: String = self.command(&["INFO", "everything"]).await?;
        let of = |line: &str| line.trim().strip_prefix(name)?.strip_prefix(':')?.parse().ok();
        Ok(text.lines().find_map(of).unwrap_or(0))
    }

    /// Deletes keys at random; returns how many.
    pub(super) async fn lose_keys(&self, count: u64) -> RedisResult<u64> {
        let url = self.redis.as_ref().map_or("", Instance::url);
        let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
        let mut lost = 0;
        for _ in 0..count {
            let key: Option<String> = redis::cmd("RANDOMKEY").query_async(&mut connection).await?;
            let Some(key) = key else { break };
            lost += redis::cmd("DEL").arg(key).query_async::<u64>(&mut connection).await?;
        }
        Ok(lost)
    }
}
