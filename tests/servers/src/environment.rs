//! The variables that say where the servers are.

use std::path::PathBuf;

/// The PostgreSQL server, `THING_POSTGRES_URL`: `postgres://user:password@host:port/database`, a superuser.
///
/// # Panics
///
/// When the variable is not set; the message says how to set it.
pub fn postgres_url() -> String {
    variable("THING_POSTGRES_URL")
}

/// The MariaDB or MySQL server, `THING_MYSQL_URL`: `mysql://user:password@host:port/database`, a user with all rights.
///
/// # Panics
///
/// When the variable is not set; the message says how to set it.
pub fn mysql_url() -> String {
    variable("THING_MYSQL_URL")
}

/// The Redis server, `THING_REDIS_URL`: `redis://user:password@host:port`, a user with all rights.
///
/// # Panics
///
/// When the variable is not set; the message says how to set it.
pub fn redis_url() -> String {
    variable("THING_REDIS_URL")
}

/// The port of the Redis server that speaks TLS only, `THING_REDIS_TLS_URL`: `rediss://user:password@host:port`.
///
/// # Panics
///
/// When the variable is not set; the message says how to set it.
pub fn redis_tls_url() -> String {
    variable("THING_REDIS_TLS_URL")
}

/// The PEM file of the authority that signed the certificates of all servers, `THING_TEST_CA`. The certificates are for
/// `localhost` and `127.0.0.1`. PostgreSQL and MariaDB speak TLS and plain text on the same port.
///
/// # Panics
///
/// When the variable is not set; the message says how to set it.
pub fn certificate_authority() -> PathBuf {
    variable("THING_TEST_CA").into()
}

fn variable(name: &str) -> String {
    std::env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| {
        panic!(
            "{name} is not set; run the tests with `tests/run`, or start the servers with `tests/servers/servers start` \
             and run `eval \"$(tests/servers/servers env)\"`, or set {name} to a server that the tests may use"
        )
    })
}
