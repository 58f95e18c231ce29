//! Clusters: which node has which shard?

use redis::aio::MultiplexedConnection;
use redis::{Cmd, ConnectionAddr, ConnectionInfo, RedisResult, Value, from_redis_value_ref};
use thing_driver_api::{Error, Result};

use crate::config::RedisConfig;
use crate::error;
use crate::known::Listener;
use crate::link::{open, query, within};
use crate::name::{SHARDS, Shard};
use crate::sentinel::address_like;

/// Which nodes there are, and which of them has which shard.
type Layout<A> = (Vec<A>, [u16; SHARDS]);

const SLOTS: u16 = 16_384;

/// Asks the named nodes, one after the other, for all.
pub(crate) async fn find(config: &RedisConfig) -> Result<Layout<ConnectionInfo>> {
    let mut last = Error::cache("the cluster has no nodes");
    for server in &config.servers {
        match ask(config, server).await {
            Ok((addresses, places)) => {
                let servers = addresses.into_iter().map(|address| config.server_at(address)).collect();
                return Ok((servers, places));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn ask(config: &RedisConfig, server: &ConnectionInfo) -> Result<Layout<ConnectionAddr>> {
    let connection = open(config, config.with_credentials(server.clone()), None::<Listener>).await?;
    let address = server.addr().to_string();
    let found = within(config.connect_timeout, layout_like(&connection, server.addr())).await;
    found.map_err(|error| error::connecting(&address, error))?
}

/// The layout as a node knows it whose address is `host:port`.
pub(crate) async fn layout(
    connection: &MultiplexedConnection,
    address: &str,
) -> RedisResult<Result<Layout<ConnectionAddr>>> {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let own = ConnectionAddr::Tcp(host.to_owned(), port.parse().unwrap_or_default());
    layout_like(connection, &own).await
}

async fn layout_like(
    connection: &MultiplexedConnection,
    own: &ConnectionAddr,
) -> RedisResult<Result<Layout<ConnectionAddr>>> {
    let mut command = Cmd::new();
    command.arg("CLUSTER").arg("SLOTS");
    let ranges: Vec<Vec<Value>> = query(connection, &command).await?;
    let (mut addresses, mut slots) = (Vec::<ConnectionAddr>::new(), vec![None; usize::from(SLOTS)]);
    for range in &ranges {
        let [first, last, Value::Array(primary), ..] = &range[..] else {
            return Err(error::unexpected("CLUSTER SLOTS"));
        };
        let (first, last): (u16, u16) = (from_redis_value_ref(first)?, from_redis_value_ref(last)?);
        let [host, port, ..] = &primary[..] else {
            return Err(error::unexpected("CLUSTER SLOTS"));
        };
        let host: Option<String> = from_redis_value_ref(host)?;
        // A node that doesn't know its own address leaves it out.
        let host = host.filter(|host| !host.is_empty()).unwrap_or_else(|| host_of(own));
        let address = address_like(own, host, from_redis_value_ref(port)?);
        let place = addresses.iter().position(|known| *known == address).unwrap_or_else(|| {
            addresses.push(address);
            addresses.len() - 1
        });
        for slot in first..=last.min(SLOTS - 1) {
            slots[usize::from(slot)] = u16::try_from(place).ok();
        }
    }
    let mut places = [0; SHARDS];
    for shard in Shard::all() {
        let slot = slot(&shard.hash_tag());
        match slots[usize::from(slot)] {
            Some(place) => places[usize::from(shard.0)] = place,
            None => return Ok(Err(Error::cache(format!("no node of the cluster has slot {slot}; it is not ready")))),
        }
    }
    Ok(Ok((addresses, places)))
}

fn host_of(address: &ConnectionAddr) -> String {
    match address {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host.clone(),
        other => other.to_string(),
    }
}

/// The slot of a hash tag: CRC-16 (XMODEM), as the cluster specification of Redis says.
fn slot(hash_tag: &[u8]) -> u16 {
    let crc = hash_tag.iter().fold(0u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(slot(b"123456789"), 0x31c3 % SLOTS);
        assert_eq!(slot(b"foo"), 12_182);
    }
}
