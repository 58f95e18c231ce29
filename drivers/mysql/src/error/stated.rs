//! What the driver says by itself, where no server has said anything.

use std::time::Duration;

use thing_driver_api::{Error, ErrorKind};

/// The server rolled the transaction back by itself.
pub(crate) fn ended() -> Error {
    Error::new(ErrorKind::Conflict, "an earlier failure rolled the transaction back; run it again from its start")
}

/// A raw statement that would commit the transaction in which it runs.
pub(crate) fn implicit_commit() -> Error {
    Error::invalid_input("the statement would commit the transaction, as changes of the schema do; run it outside")
}

/// The server ended its binary log.
pub(crate) fn log_ended() -> Error {
    Error::new(ErrorKind::ConnectionLost { may_have_executed: false }, "the server sends its binary log no more")
}

/// A server that lacks something.
pub(crate) fn too_old(version: &str, wanted: &str) -> Error {
    Error::unsupported(format!("the server is {version}; changes of others are reported by {wanted} and later"))
}

/// The server does not lock.
pub(crate) fn not_locked() -> Error {
    Error::backend("the server did not give the lock on the schema; look after its memory and its log")
}

/// All connections are in use.
pub(crate) fn exhausted(connections: usize, waited: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout { may_have_executed: false },
        format!(
            "all {connections} connections were in use for {waited:?}; end transactions sooner, or allow more connections"
        ),
    )
}

/// A statement is larger than the server takes.
pub(crate) fn too_large(limit: usize) -> Error {
    Error::new(
        ErrorKind::InvalidData { column: None },
        format!(
            "the values are larger than the {limit} bytes of the server's max_allowed_packet; split them, or raise it"
        ),
    )
}

/// An identifier is longer than the servers allow.
pub(crate) fn name_too_long(sort: &str, name: &str) -> Error {
    Error::invalid_input(format!(
        "the {sort} `{name}` has more than the 64 characters that MySQL allows; give it a shorter name"
    ))
}

/// A key was made that no `i64` holds. Where the row is committed already, this is not an error without effect.
pub(crate) fn key_out_of_range(committed: bool) -> Error {
    let said = "the row was added, but its generated key is beyond 64 signed bits; lower the table's AUTO_INCREMENT";
    let kind = if committed {
        ErrorKind::ConnectionLost { may_have_executed: true }
    } else {
        ErrorKind::InvalidData { column: None }
    };
    Error::new(kind, said)
}

/// The server did not say what a write did.
pub(crate) fn no_answer() -> Error {
    Error::new(
        ErrorKind::ConnectionLost { may_have_executed: true },
        "the server did not say what the write did; look whether it is there",
    )
}
