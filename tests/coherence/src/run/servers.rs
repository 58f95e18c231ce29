//! The servers of a run: private ones, which may be killed.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, RedisResult};
use thing_test_servers::Instance;
use tokio::time::sleep;

use crate::database::DatabaseKind;
use crate::options::Options;

/// How long Redis may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The servers.
#[derive(Debug)]
pub(super) struct Servers {
    /// `None` for a database in a file.
    pub(super) database: Option<Instance>,
    /// `None` where the cache does not need it.
    pub(super) redis: Option<Instance>,
    /// By how many seconds the clock of Redis is ahead; `None` if it is that of the machine for good.
    clock: Option<i64>,
    file: PathBuf,
}

impl Servers {
    pub(super) async fn start(options: &Options, directory: &Path) -> RedisResult<Self> {
        let database = match options.database {
            DatabaseKind::Postgres => Some(Instance::postgres().await),
            DatabaseKind::Mariadb => Some(Instance::mariadb().await),
            DatabaseKind::Sqlite => None,
        };
        let clock = options.faults.iter().any(|fault| fault.moves_clock()).then_some(0);
        let redis = if options.cache.needs_redis() { Some(redis(clock.is_some()).await) } else { None };
        Ok(Self { database, redis, clock, file: directory.join("database.sqlite") })
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
        command_to(self.redis.as_ref().map_or("", Instance::url), command).await
    }

    /// Moves the clock of Redis by so many seconds; whether it shows.
    pub(super) async fn move_clock(&mut self, seconds: i64) -> RedisResult<bool> {
        let (Some(redis), Some(ahead)) = (&self.redis, &mut self.clock) else { return Ok(false) };
        *ahead += seconds;
        redis.set_clock(*ahead);
        let wanted = *ahead;
        for _ in 0..500 {
            sleep(Duration::from_millis(10)).await;
            let (now, _): (i64, i64) = self.command(&["TIME"]).await?;
            let machine = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
            if (now - machine.cast_signed() - wanted).abs() <= 2 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Starts a Redis that has replicated what the present one holds, kills that one, and puts the other in its place.
    /// Returns how many keys it has; `None` if it has not been in step with the present one in time.
    pub(super) async fn fail_over(&mut self) -> RedisResult<Option<u64>> {
        let Some(primary) = &mut self.redis else { return Ok(None) };
        let replica = redis(self.clock.is_some()).await;
        let () = command_to(primary.url(), &["CONFIG", "SET", "repl-diskless-sync-delay", "0"]).await?;
        let address = primary.address();
        let (host, port) = address.split_once(':').unwrap_or_default();
        let () = command_to(replica.url(), &["REPLICAOF", host, port]).await?;
        for _ in 0..500 {
            sleep(Duration::from_millis(10)).await;
            let state: String = command_to(replica.url(), &["INFO", "replication"]).await?;
            if state.contains("master_link_status:up") {
                primary.kill().await;
                let () = command_to(replica.url(), &["REPLICAOF", "NO", "ONE"]).await?;
                let keys = command_to(replica.url(), &["DBSIZE"]).await?;
                *primary = replica;
                self.clock = self.clock.map(|_| 0);
                return Ok(Some(keys));
            }
        }
        Ok(None)
    }

    /// A number of `INFO`.
    pub(super) async fn redis_figure(&self, name: &str) -> RedisResult<u64> {
        let text: String = self.command(&["INFO", "everything"]).await?;
        let of = |line: &str| line.trim().strip_prefix(name)?.strip_prefix(':')?.parse().ok();
        Ok(text.lines().find_map(of).unwrap_or(0))
    }

    /// Deletes keys at random; returns how many.
    pub(super) async fn lose_keys(&self, count: u64) -> RedisResult<u64> {
        let mut connection = connection(self.redis.as_ref().map_or("", Instance::url)).await?;
        let mut lost = 0;
        for _ in 0..count {
            let key: Option<String> = redis::cmd("RANDOMKEY").query_async(&mut connection).await?;
            let Some(key) = key else { break };
            lost += redis::cmd("DEL").arg(key).query_async::<u64>(&mut connection).await?;
        }
        Ok(lost)
    }
}

async fn redis(has_clock: bool) -> Instance {
    if has_clock { Instance::redis_with_clock().await } else { Instance::redis().await }
}

async fn command_to<T: FromRedisValue>(url: &str, command: &[&str]) -> RedisResult<T> {
    let mut packed = Cmd::new();
    command.iter().for_each(|word| _ = packed.arg(*word));
    packed.query_async(&mut connection(url).await?).await
}

async fn connection(url: &str) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new();
    let config = config.set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
    redis::Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await
}
