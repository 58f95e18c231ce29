//! Caches: what their servers say of themselves.

use serde::Serialize;
use serde_json::Value;

use crate::address::Address;
use crate::failure::{Failure, Result};
use crate::output::{FAINT, Page, STRONG, bytes};
use crate::report::{self, Report};

/// The servers of a cache.
#[derive(Debug, Serialize)]
pub(crate) struct CacheReport {
    url: String,
    pub(crate) servers: Vec<CacheServer>,
}

/// A server of a cache. What it counts is of all that use it.
#[derive(Debug, Serialize)]
pub(crate) struct CacheServer {
    pub(crate) address: String,
    pub(crate) version: String,
    pub(crate) keys: u64,
    pub(crate) used_bytes: u64,
    /// `None` without a limit.
    pub(crate) max_bytes: Option<u64>,
    pub(crate) eviction: String,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) expired: u64,
    pub(crate) evicted: u64,
    pub(crate) clients: u64,
    pub(crate) uptime_seconds: u64,
}

#[cfg(feature = "redis")]
pub(crate) async fn cache(address: &Address) -> Result<CacheReport> {
    use thing_cache_redis::RedisCache;
    if !address.is_cache() {
        return Err(Failure::usage(format!(
            "no cache at `{}:`; this program reaches redis:// and rediss://",
            address.scheme()
        )));
    }
    let hidden = |error: thing::Error| Failure::from(error).map(|message| address.hide_in(message));
    let servers = RedisCache::open(address.url()).await.map_err(hidden)?.servers().await.map_err(hidden)?;
    let servers = servers.into_iter().map(|server| CacheServer {
        address: server.address,
        version: server.version,
        keys: server.keys,
        used_bytes: server.used_bytes,
        max_bytes: server.max_bytes,
        eviction: server.eviction,
        hits: server.hits,
        misses: server.misses,
        expired: server.expired,
        evicted: server.evicted,
        clients: server.clients,
        uptime_seconds: server.uptime.as_secs(),
    });
    Ok(CacheReport { url: address.to_string(), servers: servers.collect() })
}

#[cfg(not(feature = "redis"))]
pub(crate) async fn cache(_: &Address) -> Result<CacheReport> {
    Err(Failure::usage("this program reaches no cache; build thing-cli with the feature `redis`"))
}

impl Report for CacheReport {
    fn write(&self, page: &mut Page) {
        page.line(format_args!("{FAINT}{}{FAINT:#}", self.url));
        for server in &self.servers {
            page.line("");
            page.line(format_args!("{STRONG}{}{STRONG:#}  version {}", server.address, server.version));
            let room =
                server.max_bytes.map_or_else(|| "no limit".to_owned(), |most| format!("at most {}", bytes(most)));
            let asked = (server.hits + server.misses).max(1) as f64;
            for (name, value) in [
                ("keys", server.keys.to_string()),
                ("memory", format!("{}, {room}, {}", bytes(server.used_bytes), server.eviction)),
                ("hits", format!("{} ({:.1} %)", server.hits, server.hits as f64 * 100.0 / asked)),
                ("misses", server.misses.to_string()),
                ("expired", server.expired.to_string()),
                ("evicted", server.evicted.to_string()),
                ("clients", server.clients.to_string()),
                ("running for", format!("{} s", server.uptime_seconds)),
            ] {
                page.line(format_args!("  {name:<12} {value}"));
            }
        }
    }

    fn json(&self) -> Result<Value> {
        report::json(self)
    }
}
