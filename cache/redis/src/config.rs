//! The settings of the client.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use redis::ConnectionInfo;
use thing_driver_api::{Error, Result};

use crate::address::{Layout, Parsed, parse};

/// Where the servers of a [`RedisCache`](crate::RedisCache) are, and its limits.
///
/// ```
/// use std::time::Duration;
/// use thing_cache_redis::RedisConfig;
///
/// # fn main() -> Result<(), thing_driver_api::Error> {
/// let config = RedisConfig::from_url("rediss://app:secret@cache.example/0?prefix=shop")?
///     .certificate_authority("/etc/ssl/cache-ca.pem")
///     .read_timeout(Duration::from_millis(100));
/// assert!(!format!("{config:?}").contains("secret"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct RedisConfig {
    pub(crate) servers: Vec<ConnectionInfo>,
    pub(crate) layout: Layout,
    pub(crate) prefix: String,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) certificate_authority: Option<PathBuf>,
    pub(crate) resp3: bool,
    pub(crate) connections: usize,
    pub(crate) connect_timeout: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) heartbeat: Duration,
    pub(crate) breaker_failures: u32,
    pub(crate) breaker_wait: Duration,
    pub(crate) time_to_live: Duration,
    pub(crate) absent_time_to_live: Duration,
    pub(crate) jitter: f64,
    pub(crate) lease_time: Duration,
    pub(crate) max_listed_moves: usize,
    pub(crate) fill_lease: Duration,
    pub(crate) early_refresh: f64,
    pub(crate) max_absent_stores: usize,
    pub(crate) bound: Duration,
    pub(crate) gate_interval: Duration,
    pub(crate) other_programs_time: Duration,
}

impl RedisConfig {
    /// One server: `redis://user:password@host:port/database`, `rediss://…` for TLS, `redis+unix:///path?db=0`. The
    /// host alone is required.
    ///
    /// Parameters: `prefix`, `protocol` (`resp2` or `resp3`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) when the URL can't be read.
    pub fn from_url(url: impl AsRef<str>) -> Result<Self> {
        Self::with_layout(Layout::One, [url])
    }

    /// A cluster, of which some nodes are named; the others are found. All have the user and password of the first.
    ///
    /// # Errors
    ///
    /// As [`RedisConfig::from_url`], and when no URL is given or one names a database, of which a cluster has only 0.
    pub fn cluster<U: AsRef<str>>(urls: impl IntoIterator<Item = U>) -> Result<Self> {
        let config = Self::with_layout(Layout::Cluster, urls)?;
        match config.servers.iter().find(|server| server.redis_settings().db() != 0) {
            Some(server) => Err(Error::invalid_input(format!(
                "the URL of {} names a database, but a cluster has only database 0; leave it out",
                server.addr()
            ))),
            None => Ok(config),
        }
    }

    /// The primary of this name, as the sentinels with these URLs know it. User and password in the URLs are those of
    /// the sentinels; those of the primary are set with [`username`](Self::username) and
    /// [`password`](Self::password). The database is that of the first URL; with `rediss` the primary is reached by
    /// TLS too.
    ///
    /// # Errors
    ///
    /// As [`RedisConfig::from_url`], and when no URL is given.
    pub fn sentinel<U: AsRef<str>>(primary: impl Into<String>, urls: impl IntoIterator<Item = U>) -> Result<Self> {
        Self::with_layout(Layout::Sentinel { primary: primary.into() }, urls)
    }

    fn with_layout<U: AsRef<str>>(layout: Layout, urls: impl IntoIterator<Item = U>) -> Result<Self> {
        let mut config = Self {
            servers: Vec::new(),
            layout,
            prefix: "thing".to_owned(),
            username: None,
            password: None,
            certificate_authority: None,
            resp3: true,
            connections: 1,
            connect_timeout: Duration::from_secs(2),
            read_timeout: Duration::from_millis(250),
            write_timeout: Duration::from_secs(1),
            heartbeat: Duration::from_secs(1),
            breaker_failures: 5,
            breaker_wait: Duration::from_millis(500),
            time_to_live: Duration::from_secs(600),
            absent_time_to_live: Duration::from_secs(60),
            jitter: 0.1,
            lease_time: Duration::from_secs(10),
            max_listed_moves: 32,
            fill_lease: Duration::from_secs(2),
            early_refresh: 1.0,
            max_absent_stores: 100_000,
            bound: Duration::from_secs(1),
            gate_interval: Duration::from_millis(100),
            other_programs_time: Duration::from_secs(600),
        };
        for url in urls {
            let Parsed { server, prefix, resp3 } = parse(url.as_ref())?;
            config.servers.push(server);
            if let Some(prefix) = prefix {
                config.prefix = prefix;
            }
            if let Some(resp3) = resp3 {
                config.resp3 = resp3;
            }
        }
        if config.servers.is_empty() {
            return Err(Error::invalid_input("no URL of a Redis server is given; name at least one"));
        }
        Ok(config)
    }

    /// Sets what the names of all keys begin with; `thing`. Programs share entries if they share server, database and
    /// prefix.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets the user (ACL), in place of the URL's.
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self
    }

    /// Sets the password, in place of the URL's.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Sets the PEM file with the authorities that may have signed the servers' certificates, in place of those that
    /// the system trusts. For TLS only (`rediss://`).
    pub fn certificate_authority(mut self, file: impl Into<PathBuf>) -> Self {
        self.certificate_authority = Some(file.into());
        self
    }

    /// Says whether to speak RESP3; as the URL says, or yes. With RESP2 hits take longer.
    pub fn resp3(mut self, resp3: bool) -> Self {
        self.resp3 = resp3;
        self
    }

    /// Sets the number of connections to each server; 1. All tasks share them. A second one pays where a single core
    /// can't keep up with reading the answers.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Sets how long connecting to one server may take; 2 seconds.
    pub fn connect_timeout(mut self, duration: Duration) -> Self {
        self.connect_timeout = duration;
        self
    }

    /// Sets the longest time that a read waits before it goes to the database, for each round trip; 250 ms. Waits share
    /// a clock, so one may end a sixteenth earlier.
    pub fn read_timeout(mut self, duration: Duration) -> Self {
        self.read_timeout = duration;
        self
    }

    /// Sets the longest time that a write waits for its tags to be closed, and again to be opened; 1 second. A write
    /// that can't close its tags is refused. Connecting again counts.
    pub fn write_timeout(mut self, duration: Duration) -> Self {
        self.write_timeout = duration;
        self
    }

    /// Sets how often the connections are tested, and whether the server is still a primary; 1 second.
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.heartbeat = interval.max(Duration::from_millis(1));
        self
    }

    /// Sets after how many failures in a row reads go to the database at once, without waiting; 5.
    pub fn breaker_failures(mut self, failures: u32) -> Self {
        self.breaker_failures = failures;
        self
    }

    /// Sets how often the server is then asked in the background whether it answers in time again; 500 ms.
    pub fn breaker_wait(mut self, interval: Duration) -> Self {
        self.breaker_wait = interval.max(Duration::from_millis(1));
        self
    }

    /// Sets how long an entry is served; 10 minutes. This bounds how long a write that bypasses Thing goes unnoticed.
    /// The stamps of tags live twice as long, which bounds longer times that an entry may ask for.
    pub fn time_to_live(mut self, duration: Duration) -> Self {
        self.time_to_live = duration;
        self
    }

    /// Sets how long a row is known to be absent; 60 seconds.
    pub fn absent_time_to_live(mut self, duration: Duration) -> Self {
        self.absent_time_to_live = duration;
        self
    }

    /// Sets by which part of itself a time to live varies at random, so that entries stored together don't expire
    /// together; 0.1, which is ±10 %. Values outside of 0 to 1 count as the nearer of the two.
    pub fn jitter(mut self, part: f64) -> Self {
        self.jitter = part;
        self
    }

    /// Sets how long a fill may take before it can't be stored any more; 10 seconds.
    pub fn lease_time(mut self, duration: Duration) -> Self {
        self.lease_time = duration;
        self
    }

    /// Sets how many moves of a tag an entry may be behind before it is read again; 32. Each takes 16 bytes in every
    /// read of an entry that depends on the tag.
    pub fn max_listed_moves(mut self, moves: usize) -> Self {
        self.max_listed_moves = moves;
        self
    }

    /// Sets how long other processes wait at most for one that fills an entry; 2 seconds. When it has not ended its
    /// fill by then, another reads the database too. Zero lets every process fill for itself.
    pub fn fill_lease(mut self, duration: Duration) -> Self {
        self.fill_lease = duration;
        self
    }

    /// Sets how eagerly an entry is read again before its time ends, so that not all its readers miss it at once; 1.
    /// Each reader decides by chance: the likelier, the nearer the end is and the longer the last fill took (XFetch, of
    /// Vattani, Chierichetti and Lowenstein, 2015). More is earlier, 0 is never.
    pub fn early_refresh(mut self, beta: f64) -> Self {
        self.early_refresh = if beta > 0.0 { beta } else { 0.0 };
        self
    }

    /// Sets how often at most this client stores that a row is absent, within the time for which that is known;
    /// 100,000. Whoever asks for keys at random then can't fill the cache with rows that don't exist.
    pub fn max_absent_stores(mut self, stores: usize) -> Self {
        self.max_absent_stores = stores;
        self
    }

    /// Sets for how long at most near caches may serve what this cache does not say to be alive; 1 second. It is how
    /// long a writer waits for those that do not answer, so it has to be the same in all programs that share the cache: a
    /// near cache that asks for more is refused here, but would not be waited for by a program that allows less.
    pub fn bound(mut self, bound: Duration) -> Self {
        self.bound = bound;
        self
    }

    /// Sets how often a near cache asks whether what it holds may be served; 100 ms. To be a fraction of the
    /// [bound](Self::bound), or it is open for part of the time only.
    pub fn gate_interval(mut self, interval: Duration) -> Self {
        self.gate_interval = interval.max(Duration::from_millis(1));
        self
    }

    /// Sets for how long after a write other programs, whose models declare other indexes, reckon with more writes of
    /// this one; 10 minutes, and never less than a write may take. Until then their lists depend on whole tables.
    pub fn other_programs_time(mut self, duration: Duration) -> Self {
        self.other_programs_time = duration;
        self
    }

    /// How long the stamp of a tag lives that nobody asks for.
    pub(crate) fn cell_time_to_live(&self) -> Duration {
        self.time_to_live.max(self.absent_time_to_live).saturating_mul(2).max(self.lease_time.saturating_mul(2))
    }

    /// `time_to_live` changed at random within the jitter.
    pub(crate) fn jittered(&self, time_to_live: Duration, random: u64) -> Duration {
        let jitter = if self.jitter > 0.0 { self.jitter.min(1.0) } else { 0.0 };
        let part = (random >> 11) as f64 / (1u64 << 53) as f64;
        let factor = 1.0 + jitter * (2.0 * part - 1.0);
        Duration::try_from_secs_f64(time_to_live.as_secs_f64() * factor).unwrap_or(Duration::MAX)
    }

    /// What can't be right whatever the server says.
    pub(crate) fn check(&self) -> Result<()> {
        if self.prefix.contains(['{', '}']) {
            return Err(Error::invalid_input(format!(
                "the prefix `{}` has a brace, which a cluster would take for a hash tag; use another character",
                self.prefix
            )));
        }
        Ok(())
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<String> = self.servers.iter().map(|server| server.addr().to_string()).collect();
        let username = self.username.as_deref().or(self.servers[0].redis_settings().username());
        f.debug_struct("RedisConfig")
            .field("servers", &servers)
            .field("layout", &self.layout)
            .field("prefix", &self.prefix)
            .field("username", &username)
            .field("certificate_authority", &self.certificate_authority)
            .field("resp3", &self.resp3)
            .field("connections", &self.connections)
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("write_timeout", &self.write_timeout)
            .field("heartbeat", &self.heartbeat)
            .field("breaker_failures", &self.breaker_failures)
            .field("breaker_wait", &self.breaker_wait)
            .field("time_to_live", &self.time_to_live)
            .field("absent_time_to_live", &self.absent_time_to_live)
            .field("jitter", &self.jitter)
            .field("lease_time", &self.lease_time)
            .field("max_listed_moves", &self.max_listed_moves)
            .field("fill_lease", &self.fill_lease)
            .field("early_refresh", &self.early_refresh)
            .field("max_absent_stores", &self.max_absent_stores)
            .field("bound", &self.bound)
            .field("gate_interval", &self.gate_interval)
            .field("other_programs_time", &self.other_programs_time)
            .finish_non_exhaustive()
    }
}

/// A time as Redis takes it: at least one millisecond, and not more than it can count.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    const CENTURY: u128 = 100 * 365 * 86_400_000;
    // Below a century, so it fits.
    duration.as_millis().clamp(1, CENTURY) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_password() {
        let config = RedisConfig::from_url("redis://app:secret@cache").expect("a URL").password("secret");
        let text = format!("{config:?}");
        assert!(!text.contains("secret") && text.contains("app") && text.contains("cache"), "{text}");
    }

    #[test]
    fn odd_settings_are_harmless() {
        let config = RedisConfig::from_url("redis://cache").expect("a URL").jitter(f64::NAN);
        assert_eq!(config.jittered(Duration::from_secs(100), 0), Duration::from_secs(100));
        let config = config.jitter(5.0);
        assert_eq!(config.jittered(Duration::from_secs(100), 0), Duration::ZERO);
        assert_eq!(config.jittered(Duration::MAX, u64::MAX), Duration::MAX);
        let config = config.time_to_live(Duration::MAX);
        assert_eq!(config.cell_time_to_live(), Duration::MAX);
    }

    #[test]
    fn durations_fit() {
        assert_eq!(milliseconds(Duration::ZERO), 1);
        assert_eq!(milliseconds(Duration::from_secs(1)), 1000);
        assert_eq!(milliseconds(Duration::MAX), 3_153_600_000_000);
    }
}
