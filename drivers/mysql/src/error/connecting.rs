//! Connecting: addresses that can't be read, and servers that can't be reached or let nobody in.

use mysql_async::{DriverError, IoError, UrlError};
use thing_driver_api::{Error, ErrorKind};

use super::{About, refusal};
use crate::config::MysqlConfig;

/// The address of a server is none.
pub(crate) fn no_address(what: &str) -> Error {
    Error::invalid_input(format!(
        "the address of the server can't be used: {what}; write mysql://user:password@host:3306/database"
    ))
}

/// The client library can't read an address. What it says may hold the password.
pub(crate) fn address(error: UrlError) -> Error {
    match error {
        UrlError::UnknownParameter { param } => no_address(&format!("there is no parameter `{param}`")),
        UrlError::InvalidParamValue { param, .. } => no_address(&format!("the value of `{param}` is wrong")),
        UrlError::FeatureRequired { param, .. } => no_address(&format!("`{param}` is not supported")),
        UrlError::Parse(error) => no_address(&error.to_string()),
        _ => no_address("it is incomplete"),
    }
}

/// Connecting took too long.
pub(crate) fn connecting_timed_out(config: &MysqlConfig) -> Error {
    Error::new(
        ErrorKind::Timeout { may_have_executed: false },
        format!(
            "{} did not let the program in within {:?}; check that it runs, or raise the connect timeout",
            config.server(),
            config.connect_timeout
        ),
    )
}

/// Translates an error of connecting, naming the server.
pub(crate) fn connecting(error: mysql_async::Error, config: &MysqlConfig) -> Error {
    let server = config.server();
    let lost = ErrorKind::ConnectionLost { may_have_executed: false };
    let (kind, said) = match &error {
        mysql_async::Error::Server(native) => match native.code {
            1045 | 1698 | 1251 | 2061 => {
                (ErrorKind::Backend, format!("{server} refuses the user `{}`; check name and password", config.user()))
            }
            1044 | 1049 => (
                ErrorKind::Backend,
                format!("{server} has no database `{}` for this user; create it, or check the name", config.database()),
            ),
            1040 | 1203 | 1226 => {
                (lost, format!("{server} has too many connections; lower max_connections here, or raise it there"))
            }
            1129 | 1130 => (
                ErrorKind::Backend,
                format!("{server} lets nobody in from this machine; grant the user access from here"),
            ),
            _ => return refusal::translate(error, About::default()).context(format!("connecting to {server}")),
        },
        mysql_async::Error::Io(IoError::Tls(error)) => (ErrorKind::Backend, untrusted(&server, &error.to_string())),
        mysql_async::Error::Io(IoError::Io(io)) => match io.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
            Some(error) => (ErrorKind::Backend, untrusted(&server, &error.to_string())),
            None if io.to_string().contains("lookup address") => {
                (lost, format!("there is no address of the host `{}`; check its name, and the network", config.host()))
            }
            None => (lost, format!("{server} can't be reached ({io}); check that it runs, and the network")),
        },
        mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            (ErrorKind::Backend, format!("{server} offers no TLS; give it a certificate, or do without"))
        }
        mysql_async::Error::Driver(DriverError::UnknownAuthPlugin { .. }) => (
            ErrorKind::Unsupported,
            format!("{server} wants the user `{}` to log in by a way that is not supported", config.user()),
        ),
        _ => (lost, format!("{server} can't be reached; check that a MySQL or MariaDB server runs there")),
    };
    Error::new(kind, said).with_source(error)
}

fn untrusted(server: &str, why: &str) -> String {
    format!("{server} can't be trusted ({why}); check its certificate, or give the authority that signed it")
}
