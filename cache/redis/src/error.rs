//! Native errors as errors of the contract.

use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerErrorKind};
use thing_driver_api::Error;

/// A failure to connect to a server, with what to do about it.
pub(crate) fn connecting(address: &str, error: RedisError) -> Error {
    let what = match error.code() {
        Some("WRONGPASS") => "refuses the user or password; check them".to_owned(),
        Some("NOAUTH") => {
            "asks for a password; add it to the URL (redis://:password@…) or the configuration".to_owned()
        }
        Some("NOPERM") => format!("does not allow the user what the cache needs ({})", detail(&error)),
        _ if error.kind() == ErrorKind::AuthenticationFailed => {
            format!("refuses the user or password ({}); check them", detail(&error))
        }
        _ if error.is_connection_refusal() => {
            "refuses connections; is it running, and is this the right port?".to_owned()
        }
        _ if error.is_timeout() => "does not answer in time; check host, port and firewall".to_owned(),
        _ if is_tls(&error) => {
            format!(
                "can't be trusted or does not speak TLS ({}); name the authority that signed its certificate with \
                 `certificate_authority`, or use redis:// where there is no TLS",
                error
            )
        }
        _ if is_unknown_host(&error) => "is not known to the name service; check the host".to_owned(),
        _ if error.is_connection_dropped() => {
            "closed the connection at once; does this port speak TLS (rediss://) or something else?".to_owned()
        }
        _ => format!("can't be used: {}", detail(&error)),
    };
    Error::cache(format!("the Redis server at {address} {what}")).with_source(error)
}

/// A failure of a command.
pub(crate) fn failed(what: &str, error: RedisError) -> Error {
    Error::cache(format!("Redis could not {what}: {}", detail(&error))).with_source(error)
}

/// A command that took too long.
pub(crate) fn timed_out(what: &str, after: Duration) -> Error {
    Error::cache(format!("Redis did not {what} within {after:?}"))
}

/// There is no connection.
pub(crate) fn unreachable(what: &str) -> Error {
    Error::cache(format!("Redis could not {what}: there is no connection, and a new one is being made"))
}

/// The connection over which a stream is told ended.
pub(crate) fn disconnected() -> Error {
    Error::cache("the connection ended over which Redis tells what others invalidate")
}

/// An answer that no server gives.
pub(crate) fn unexpected(what: &str) -> RedisError {
    (ErrorKind::UnexpectedReturnType, "the answer is of another kind", what.to_owned()).into()
}

/// Whether the connection, or the node for the slot, is to be looked for anew.
pub(crate) fn is_of_the_link(error: &RedisError) -> bool {
    let moved = matches!(
        error.kind(),
        ErrorKind::Server(
            ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
        )
    );
    moved || error.is_unrecoverable_error() || error.is_io_error()
}

/// A URL without its password.
pub(crate) fn redacted(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}://…{}", &url[..scheme], &url[at..]),
        _ if url.contains("pass=") => url.split('?').next().unwrap_or_default().to_owned(),
        _ => url.to_owned(),
    }
}

fn detail(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    }
}

fn is_tls(error: &RedisError) -> bool {
    let text = error.to_string();
    ["certificate", "TLS", "tls", "InvalidContentType", "corrupt message", "handshake"]
        .iter()
        .any(|word| text.contains(word))
}

fn is_unknown_host(error: &RedisError) -> bool {
    let text = error.to_string();
    ["lookup address", "resolve", "Name or service"].iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lose_their_password() {
        assert_eq!(redacted("redis://user:a@b@host/0"), "redis://…@host/0");
        assert_eq!(redacted("redis+unix:///run/redis?pass=secret"), "redis+unix:///run/redis");
        assert_eq!(redacted("redis://host"), "redis://host");
    }
}
