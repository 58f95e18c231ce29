//! Where the servers are, and as whom they are asked.

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion};
use thing_driver_api::{Error, Result};

use crate::config::RedisConfig;
use crate::error::redacted;

/// How the servers belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    One,
    Cluster,
    Sentinel { primary: String },
}

/// What a URL says.
pub(crate) struct Parsed {
    pub(crate) server: ConnectionInfo,
    pub(crate) prefix: Option<String>,
    pub(crate) resp3: Option<bool>,
}

pub(crate) fn parse(text: &str) -> Result<Parsed> {
    let invalid = |why: String| Error::invalid_input(format!("the URL {} can't be used: {why}", redacted(text)));
    let Some(url) = redis::parse_redis_url(text) else {
        return Err(invalid("it should look like redis://user:password@host:port/database".to_owned()));
    };
    let unix = url.scheme().ends_with("unix");
    let (mut prefix, mut speaks) = (None, false);
    for (name, value) in url.query_pairs() {
        match &*name {
            "prefix" => prefix = Some(value.into_owned()),
            "protocol" => speaks = true,
            "db" | "user" | "pass" if unix => {}
            other => {
                return Err(invalid(format!("there is no parameter `{other}`; use `prefix` and `protocol`")));
            }
        }
    }
    let server = url.into_connection_info().map_err(|error| invalid(error.to_string()).with_source(error))?;
    if !server.addr().is_supported() {
        return Err(invalid("this build has no TLS; turn on the feature `tls` of thing-cache-redis".to_owned()));
    }
    let resp3 = speaks.then(|| server.redis_settings().protocol() == ProtocolVersion::RESP3);
    Ok(Parsed { server, prefix, resp3 })
}

impl RedisConfig {
    /// How to reach a server at this address, with the settings of the named ones.
    pub(crate) fn server_at(&self, address: ConnectionAddr) -> ConnectionInfo {
        let named = &self.servers[0];
        let mut settings = named.redis_settings().clone();
        if matches!(self.layout, Layout::Sentinel { .. }) {
            // The URL's user and password are those of the sentinel.
            settings = redis::RedisConnectionInfo::default().set_db(settings.db());
        }
        self.with_credentials(named.clone().set_addr(address).set_redis_settings(settings))
    }

    /// A server as it is named, with the settings that replace those of its URL.
    pub(crate) fn with_credentials(&self, server: ConnectionInfo) -> ConnectionInfo {
        let mut settings = server.redis_settings().clone();
        if let Some(username) = &self.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        server.set_redis_settings(self.protocol(settings))
    }

    pub(crate) fn protocol(&self, settings: redis::RedisConnectionInfo) -> redis::RedisConnectionInfo {
        settings.set_protocol(if self.resp3 { ProtocolVersion::RESP3 } else { ProtocolVersion::RESP2 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_where_and_as_whom() {
        let config =
            RedisConfig::from_url("redis://app:p%40ss@cache:6380/3?prefix=shop&protocol=resp3").expect("a URL");
        let server = config.with_credentials(config.servers[0].clone());
        assert_eq!(server.addr().to_string(), "cache:6380");
        let settings = server.redis_settings();
        assert_eq!((settings.username(), settings.password(), settings.db()), (Some("app"), Some("p@ss"), 3));
        assert_eq!((config.prefix.as_str(), settings.protocol()), ("shop", ProtocolVersion::RESP3));
        let other = config.username("other").password("secret").resp3(false);
        let server = other.with_credentials(other.servers[0].clone());
        assert_eq!(
            (server.redis_settings().username(), server.redis_settings().password()),
            (Some("other"), Some("secret"))
        );
        assert_eq!(server.redis_settings().protocol(), ProtocolVersion::RESP2);
    }

    #[test]
    fn what_cannot_be_a_url_is_said_so_without_the_password() {
        for url in
            ["", "postgres://a:secret@b", "redis://a:secret@b/x", "redis://a:secret@b?prefx=y", "redis://a:secret@"]
        {
            let error = RedisConfig::from_url(url).expect_err("no URL");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
        assert!(RedisConfig::cluster(Vec::<String>::new()).is_err());
        assert!(RedisConfig::cluster(["redis://a/1"]).is_err());
        assert!(RedisConfig::from_url("redis://a").expect("a URL").prefix("a{b}").check().is_err());
    }
}
