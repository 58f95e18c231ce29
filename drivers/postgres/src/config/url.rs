//! URLs: what the client library does not know of them is taken out before it reads them.

use std::time::Duration;

use thing_driver_api::url::{decoded, wrong};
use thing_driver_api::{Error, Result};

use super::{Encryption, PostgresConfig};

pub(super) fn parse(url: &str) -> Result<PostgresConfig> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(wrong("does not begin with postgres:// or postgresql://"));
    }
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let mut passed_on = Vec::new();
    let mut own = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let Some((name, value)) = parameter.split_once('=') else {
            return Err(wrong("holds a parameter without a value"));
        };
        match name {
            "sslmode" | "sslrootcert" | "search_path" | "connect_timeout" => own.push((name, decoded(value)?)),
            "sslcert" | "sslkey" | "sslpassword" | "sslcrl" => {
                return Err(Error::unsupported(format!("{name} is not supported; authenticate by password")));
            }
            _ => passed_on.push(parameter),
        }
    }
    let address = if passed_on.is_empty() { address.to_owned() } else { format!("{address}?{}", passed_on.join("&")) };
    let mut server: tokio_postgres::Config = address.parse().map_err(|error| invalid(&error))?;
    if server.get_hosts().is_empty() && server.get_hostaddrs().is_empty() {
        server.host("localhost");
    }
    // Without them the loss of a silent server is noticed after hours.
    server.keepalives_idle(Duration::from_secs(30));
    server.keepalives_interval(Duration::from_secs(10));
    server.keepalives_retries(3);
    server.tcp_user_timeout(Duration::from_secs(30));
    let mut config = PostgresConfig::new(server);
    for (name, value) in own {
        config = set(config, name, &value)?;
    }
    Ok(config)
}

fn set(mut config: PostgresConfig, name: &str, value: &str) -> Result<PostgresConfig> {
    match name {
        "sslmode" => config.encryption = encryption(value)?,
        "sslrootcert" if value == "system" => {}
        "sslrootcert" => config.root_certificate = Some(value.into()),
        "search_path" => config = config.search_path(value),
        _ => match value.parse() {
            Ok(0) => return Err(wrong("has a connect_timeout of 0; pass at least one second")),
            Ok(seconds) => config.connect_timeout = Duration::from_secs(seconds),
            Err(_) => return Err(wrong("has a connect_timeout that is no number of seconds")),
        },
    }
    Ok(config)
}

fn encryption(mode: &str) -> Result<Encryption> {
    Ok(match mode {
        "disable" => Encryption::Disable,
        "allow" | "prefer" => Encryption::Prefer,
        "require" => Encryption::Require,
        "verify-ca" => Encryption::VerifyCa,
        "verify-full" => Encryption::VerifyFull,
        _ => return Err(wrong("has an unknown sslmode; there are disable, prefer, require, verify-ca, verify-full")),
    })
}

/// The library's own sentence names the parameter; it holds no value of it.
fn invalid(error: &tokio_postgres::Error) -> Error {
    let why = std::error::Error::source(error).map(|why| format!(": {why}")).unwrap_or_default();
    wrong(&format!("can't be read{why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> PostgresConfig {
        parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn parameters_are_read() {
        let config = config(
            "postgresql://app:p%40ss@db.example.com:6000/shop?sslmode=verify-full&sslrootcert=%2Fetc%2Fca%20file.pem\
             &application_name=till&connect_timeout=3&search_path=a%2C%20b&options=-c%20lock_timeout%3D5",
        );
        assert_eq!(config.encryption, Encryption::VerifyFull);
        assert_eq!(config.root_certificate.as_deref(), Some(std::path::Path::new("/etc/ca file.pem")));
        assert_eq!(config.connect_timeout, Duration::from_secs(3));
        let client = config.statement_timeout(Duration::from_millis(1500)).client();
        assert_eq!(client.get_application_name(), Some("till"));
        assert_eq!(client.get_dbname(), Some("shop"));
        assert_eq!(client.get_password(), Some(&b"p@ss"[..]));
        assert_eq!(client.get_options(), Some("-c lock_timeout=5 -c statement_timeout=1500 -c search_path=a,\\ b"));
    }

    #[test]
    fn the_host_is_local_unless_named() {
        assert_eq!(config("postgres:///shop").place(), "localhost:5432");
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for url in [
            "mysql://app:hunter2@localhost/shop",
            "postgres://app:hunter2@localhost/shop?sslmode=maybe",
            "postgres://app:hunter2@localhost/shop?connect_timeout=soon",
            "postgres://app:hunter2@localhost/shop?colour=red",
            "postgres://app:hunter2@localhost:port/shop",
            "postgres://app:hunter2@localhost/shop?sslrootcert=%zz",
            "postgres://app:hunter2@localhost/shop?sslkey=file",
            "postgres://app:hunter2@localhost/shop?sslmode",
        ] {
            let Err(error) = parse(url) else { panic!("{url} is read") };
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        let shown = format!("{:?}", config("postgres://app:hunter2@localhost/shop"));
        assert!(!shown.contains("hunter2") && shown.contains("localhost"), "{shown}");
    }
}
