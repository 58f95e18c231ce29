//! What the servers say of themselves.

use std::time::Duration;

use redis::RedisResult;
use thing_driver_api::{Error, Result};

use crate::RedisCache;
use crate::error;
use crate::link::{Node, field, info, within};

/// What a server says of itself. It counts for all that use it, not for Thing alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisServer {
    /// Host and port.
    pub address: String,
    /// The version of Redis, or the one with which Valkey is compatible.
    pub version: String,
    /// Keys in all its databases.
    pub keys: u64,
    /// Bytes of memory in use.
    pub used_bytes: u64,
    /// The most bytes that it uses (`maxmemory`); `None` without a limit.
    pub max_bytes: Option<u64>,
    /// What it does when they are in use (`maxmemory-policy`).
    pub eviction: String,
    /// Keys that were looked for and found.
    pub hits: u64,
    /// Keys that were looked for and not found.
    pub misses: u64,
    /// Keys whose time to live has ended.
    pub expired: u64,
    /// Keys removed for want of room.
    pub evicted: u64,
    /// Connections.
    pub clients: u64,
    /// How long it runs.
    pub uptime: Duration,
}

impl RedisCache {
    /// What each server of the cache says of itself. For people: it costs the server more than the cache's own commands.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Cache`](thing_driver_api::ErrorKind::Cache) when a server can't be reached, or does not let the user
    /// ask.
    pub async fn servers(&self) -> Result<Vec<RedisServer>> {
        let Some(link) = self.way.link() else {
            return Err(error::unreachable("describe itself"));
        };
        let mut servers = Vec::with_capacity(link.nodes.len());
        for node in &link.nodes {
            let described = within(self.way.config.write_timeout, describe(node)).await;
            servers.push(described.map_err(|error| -> Error { error::connecting(&node.address, error) })?);
        }
        Ok(servers)
    }
}

async fn describe(node: &Node) -> RedisResult<RedisServer> {
    let connection = &node.connection().handle();
    let mut told = String::new();
    for section in ["server", "memory", "stats", "clients", "keyspace"] {
        told.push_str(&info(connection, section).await?);
        told.push('\n');
    }
    let text = |name: &str| field(&told, name).unwrap_or_default().to_owned();
    let number = |name: &str| field(&told, name).and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
    Ok(RedisServer {
        address: node.address.clone(),
        version: text("redis_version"),
        keys: keys(&told),
        used_bytes: number("used_memory"),
        max_bytes: Some(number("maxmemory")).filter(|most| *most > 0),
        eviction: text("maxmemory_policy"),
        hits: number("keyspace_hits"),
        misses: number("keyspace_misses"),
        expired: number("expired_keys"),
        evicted: number("evicted_keys"),
        clients: number("connected_clients"),
        uptime: Duration::from_secs(number("uptime_in_seconds")),
    })
}

/// The sum over all databases, of which each has a line `db0:keys=12,expires=3,…`.
fn keys(told: &str) -> u64 {
    let databases = told.lines().filter_map(|line| line.strip_prefix("db")?.split_once(":keys="));
    databases.filter_map(|(_, rest)| rest.split(',').next()?.parse::<u64>().ok()).sum()
}
