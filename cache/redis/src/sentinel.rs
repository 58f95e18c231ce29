//! Sentinels: who is the primary?

use redis::{Cmd, ConnectionAddr, ConnectionInfo};
use thing_driver_api::{Error, Result};

use crate::config::RedisConfig;
use crate::error;
use crate::known::Listener;
use crate::link::{open, query, within};

/// Asks the sentinels, one after the other, for the primary of this name.
pub(crate) async fn find(config: &RedisConfig, primary: &str) -> Result<ConnectionInfo> {
    let mut last = None;
    for sentinel in &config.servers {
        match ask(config, sentinel, primary).await {
            Ok(found) => return Ok(found),
            Err(error) => last = Some(error),
        }
    }
    let error = Error::cache(format!("no sentinel knows where the primary `{primary}` is"));
    Err(match last {
        Some(last) => Error::cache(format!("{}; the last one: {last}", error.message())).with_source(last),
        None => error,
    })
}

async fn ask(config: &RedisConfig, sentinel: &ConnectionInfo, primary: &str) -> Result<ConnectionInfo> {
    let address = sentinel.addr().to_string();
    // A sentinel has no databases.
    let settings = config.protocol(sentinel.redis_settings().clone().set_db(0));
    let connection = open(config, sentinel.clone().set_redis_settings(settings), None::<Listener>).await?;
    let mut command = Cmd::new();
    command.arg("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(primary);
    let found = within(config.connect_timeout, query::<Option<(String, u16)>>(&connection, &command)).await;
    match found.map_err(|error| error::connecting(&address, error))? {
        Some((host, port)) => Ok(config.server_at(address_like(sentinel.addr(), host, port))),
        None => Err(Error::cache(format!("the sentinel at {address} knows no primary of the name `{primary}`"))),
    }
}

/// An address that is reached as another is.
pub(crate) fn address_like(other: &ConnectionAddr, host: String, port: u16) -> ConnectionAddr {
    match other {
        ConnectionAddr::TcpTls { insecure, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: None }
        }
        _ => ConnectionAddr::Tcp(host, port),
    }
}
