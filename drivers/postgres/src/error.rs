//! Errors: PostgreSQL's codes in the terms of Thing. No other module makes an error of a native one.
//!
//! Messages of the server may hold values of rows and parameters. They stay in the source of an error; what is shown is
//! made of the parts that hold names only.

mod constraint;

use std::io;

use deadpool::managed::PoolError;
pub(crate) use thing_driver_api::refusal::{
    abandoned, in_transaction, no_transaction, not_recordable, not_recorded, schema_locked, transaction_control,
    value_count,
};
use thing_driver_api::{Error, ErrorKind};
use tokio_postgres::error::DbError;

use crate::plan::Plan;

/// Why a statement gave no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The client library failed, or the server refused.
    Native {
        error: tokio_postgres::Error,
        /// False where the server certainly did not get the statement.
        sent: bool,
    },
    /// No answer came in time.
    Silence,
    /// The sink refused a row, or the caller a value.
    Error(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// What an error of the client library is about.
enum Nature<'e> {
    /// The server refused; the connection goes on.
    Server(&'e DbError),
    /// A value can't be bound.
    Value(&'e Error),
    /// The message to the server can't be written.
    Encoding,
    /// The connection is over.
    Lost,
    /// The two don't understand each other.
    Protocol,
}

impl<'e> Nature<'e> {
    fn of(error: &'e tokio_postgres::Error) -> Self {
        if let Some(server) = error.as_db_error() {
            return match server.code().code() {
                "57P01" | "57P02" | "57P03" | "57P05" => Self::Lost,
                code if code.starts_with("08") => Self::Lost,
                _ => Self::Server(server),
            };
        }
        if error.is_closed() {
            return Self::Lost;
        }
        let Some(source) = std::error::Error::source(error) else {
            return Self::Protocol;
        };
        if let Some(refused) = source.downcast_ref::<Error>() {
            return Self::Value(refused);
        }
        // The sort of these errors is not public, their sentences are.
        match error.to_string().as_str() {
            said if said.starts_with("error encoding") => Self::Encoding,
            _ if source.is::<io::Error>() => Self::Lost,
            _ => Self::Protocol,
        }
    }
}

impl Failure {
    /// Before the server got the statement.
    pub(crate) fn unsent(error: tokio_postgres::Error) -> Self {
        Self::Native { error, sent: false }
    }

    pub(crate) fn sent(error: tokio_postgres::Error) -> Self {
        Self::Native { error, sent: true }
    }

    /// Whether the connection was lost.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Self::Native { error, .. } if matches!(Nature::of(error), Nature::Lost))
    }

    /// Whether the connection was lost before the server got the statement.
    pub(crate) fn is_lost_unsent(&self) -> bool {
        matches!(self, Self::Native { sent: false, .. }) && self.is_lost()
    }

    /// Whether the connection is as it was before the statement: the server refused it, or never got it.
    pub(crate) fn leaves_connection_clean(&self) -> bool {
        match self {
            Self::Native { error, .. } => {
                matches!(Nature::of(error), Nature::Server(_) | Nature::Value(_) | Nature::Encoding)
            }
            Self::Silence | Self::Error(_) => false,
        }
    }

    /// Whether the statement failed in the server, which aborts a transaction.
    pub(crate) fn aborts_transaction(&self) -> bool {
        match self {
            Self::Native { error, .. } => !matches!(Nature::of(error), Nature::Value(_) | Nature::Encoding),
            Self::Silence => true,
            Self::Error(_) => false,
        }
    }

    /// Whether the server refused because what was prepared is out of date; the statement had no effect then.
    pub(crate) fn is_stale(&self) -> bool {
        match self {
            Self::Native { error, .. } => matches!(Nature::of(error), Nature::Server(server) if is_stale(server)),
            _ => false,
        }
    }

    /// Whether a value does not fit the type that the statement was prepared for; it was not sent.
    pub(crate) fn is_refused_value(&self) -> bool {
        match self {
            Self::Native { error, .. } => matches!(Nature::of(error), Nature::Value(_)),
            Self::Error(error) => matches!(error.kind(), ErrorKind::InvalidData { .. }),
            Self::Silence => false,
        }
    }

    /// Whether one of many rows was refused for what it holds: running them one by one tells which.
    pub(crate) fn is_about_a_row(&self) -> bool {
        match self {
            Self::Native { error, .. } => match Nature::of(error) {
                Nature::Server(server) => {
                    ["0A", "22", "23", "42", "44", "P0"].iter().any(|class| server.code().code().starts_with(class))
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// The error of a statement of a session, which names the statement and has what the server says: the text is the
    /// programmer's own, and data that it quotes is left out.
    pub(crate) fn of_statement(self, sql: &str, effect: Effect) -> Error {
        let said = match &self {
            Self::Native { error, .. } => error.as_db_error().and_then(said_of_schema),
            _ => None,
        };
        let error = self.into_error(None, effect);
        let error = match said {
            Some(said) if !error.message().contains(&said) => error.context(said),
            _ => error,
        };
        error.in_statement(sql)
    }

    /// The error in the terms of Thing. `plan` is what ran, for its table and text; `effect` says whether a lost
    /// connection leaves the outcome open.
    pub(crate) fn into_error(self, plan: Option<&Plan>, effect: Effect) -> Error {
        let (error, sent) = match self {
            Self::Error(error) => return error,
            Self::Silence => {
                let kind = ErrorKind::Timeout { may_have_executed: effect == Effect::Open };
                return Error::new(kind, "the server did not answer in time; look after it and the network");
            }
            Self::Native { error, sent } => (error, sent),
        };
        let may_have_executed = sent && effect == Effect::Open;
        match Nature::of(&error) {
            Nature::Value(refused) => {
                let index = parameter(&error);
                let column = index.and_then(|index| plan.and_then(|plan| plan.column_of(index)));
                let said = match &column {
                    Some(column) => format!("column `{column}`: {}", refused.message()),
                    None => refused.message().to_owned(),
                };
                let kind = match refused.kind() {
                    ErrorKind::InvalidData { .. } => ErrorKind::InvalidData { column },
                    other => other.clone(),
                };
                Error::new(kind, said)
            }
            Nature::Encoding => {
                let kind = ErrorKind::InvalidData { column: None };
                Error::new(kind, "the statement with its values is too large for one message; split it")
                    .with_source(error)
            }
            Nature::Lost => {
                let said = match error.as_db_error().map(|server| server.code().code()) {
                    Some("57P01") => "the server closed the connection, as it was told to",
                    Some("57P02") => "the server closed the connection after a crash of one of its processes",
                    Some("57P03") => "the server takes no connections at the moment",
                    _ => "the connection to the server was lost",
                };
                Error::new(ErrorKind::ConnectionLost { may_have_executed }, said).with_source(error)
            }
            Nature::Protocol => {
                let kind = match may_have_executed {
                    true => ErrorKind::ConnectionLost { may_have_executed },
                    false => ErrorKind::Backend,
                };
                Error::new(kind, "the server answered something unexpected; COPY with the client is not supported")
                    .with_source(error)
            }
            Nature::Server(server) => {
                let (kind, said) = refusal(server, plan);
                Error::new(kind, said).with_source(error)
            }
        }
    }
}

/// What the server says, unless it may quote a row.
fn said_of_schema(server: &DbError) -> Option<String> {
    let quotes = ["22", "23"].iter().any(|class| server.code().code().starts_with(class));
    (!quotes).then(|| server.message().to_owned())
}

/// Whether a statement whose answer was lost may have taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It may.
    Open,
    /// It reads, or its transaction was not committed.
    None,
}

/// Whether what was prepared is out of date.
fn is_stale(server: &DbError) -> bool {
    match server.code().code() {
        // The statement is gone; binary values are not of the column's type.
        "26000" | "22P03" => true,
        // "cached plan must not change result type"
        "0A000" => server.routine() == Some("RevalidateCachedQuery"),
        _ => false,
    }
}

/// The number in "error serializing parameter 3".
fn parameter(error: &tokio_postgres::Error) -> Option<usize> {
    error.to_string().rsplit(' ').next()?.parse().ok()
}

/// What the server refused, without values.
fn refusal(server: &DbError, plan: Option<&Plan>) -> (ErrorKind, String) {
    let code = server.code().code();
    let said = server.message();
    let invalid = || ErrorKind::InvalidData { column: server.column().map(str::to_owned) };
    match (code, &code[..2.min(code.len())]) {
        ("40001", _) => (
            ErrorKind::Conflict,
            "another transaction changed the same rows (serialization failure); run the transaction again".into(),
        ),
        ("40P01", _) => {
            (ErrorKind::Conflict, "two transactions waited for each other (deadlock); run the transaction again".into())
        }
        (_, "40") => (ErrorKind::Conflict, "the transaction was rolled back; run it again".into()),
        ("25P02", _) => (ErrorKind::Conflict, "an earlier failure aborted the transaction; roll it back".into()),
        (_, "23") => constraint::refusal(server, plan),
        _ if is_stale(server) => {
            (ErrorKind::Conflict, "a table changed after the statement was prepared; run the transaction again".into())
        }
        ("55P03", _) => (ErrorKind::Busy, "a lock is held by somebody else; try again".into()),
        ("55006", _) => (ErrorKind::Busy, "the object is in use; try again".into()),
        ("57014", _) => (
            ErrorKind::Timeout { may_have_executed: false },
            "the statement took longer than the statement timeout, or was cancelled; it had no effect".into(),
        ),
        ("25P03" | "57P05", _) => (
            ErrorKind::ConnectionLost { may_have_executed: false },
            "the server ended an idle connection; try again".into(),
        ),
        ("25006", _) => (ErrorKind::ReadOnly, "the transaction or the server accepts no writes".into()),
        ("53100", _) => (ErrorKind::StorageFull, "the disk of the server is full; make room".into()),
        ("53200", _) => (ErrorKind::Backend, "the server is out of memory".into()),
        ("53300", _) => {
            (ErrorKind::Busy, "the server has no free connection; lower max_connections, or raise its own".into())
        }
        ("42P01" | "42703" | "42704" | "3F000" | "42883", _) => {
            (ErrorKind::Schema, format!("{said}; run sync, or compare the models with the database"))
        }
        ("42P07" | "42701" | "42710", _) => (ErrorKind::Schema, format!("{said}; it is there already")),
        ("42601", _) => (ErrorKind::InvalidInput, format!("{said}; correct the statement")),
        ("42501", _) => (ErrorKind::Backend, format!("{said}; grant it to the user")),
        (_, "42") => (ErrorKind::Backend, format!("{said}; correct the statement")),
        ("22001", _) => (invalid(), "a text is longer than its column allows; shorten it".into()),
        ("22003", _) => (invalid(), "a number is out of the range of its column or expression".into()),
        ("22007" | "22008", _) => (invalid(), "a date or time is out of range, or not written as one".into()),
        ("22012", _) => (invalid(), "division by zero".into()),
        ("22021" | "22P05", _) => (invalid(), "a text holds a character that PostgreSQL does not store".into()),
        ("22P02" | "22P03", _) => (invalid(), "a value is not of the type that the statement takes".into()),
        (_, "22") => (invalid(), format!("a value does not fit (SQLSTATE {code})")),
        ("44000", _) => (ErrorKind::Backend, "the row would not be seen in its view".into()),
        ("0A000", _) => (ErrorKind::Unsupported, said.to_owned()),
        ("P0001", _) => (ErrorKind::Backend, "a function or trigger of the database raised an exception".into()),
        ("28P01" | "28000", _) => {
            (ErrorKind::Backend, "the server refuses the user or password; check both, and pg_hba.conf".into())
        }
        ("3D000", _) => (ErrorKind::Backend, "there is no such database; create it, or check its name".into()),
        (_, "08" | "0L" | "25" | "26" | "2B" | "2D" | "34" | "53" | "54" | "55" | "57" | "58") => {
            (ErrorKind::Backend, format!("{said} (SQLSTATE {code})"))
        }
        _ => (ErrorKind::Backend, format!("the server refused the statement (SQLSTATE {code})")),
    }
}

/// Translates a failure to get a connection. `place` is where the server is looked for.
pub(crate) fn connecting(error: tokio_postgres::Error, place: &str) -> Error {
    let lost = ErrorKind::ConnectionLost { may_have_executed: false };
    let sentence = error.to_string();
    let source = std::error::Error::source(&error);
    let why = source.map(ToString::to_string).unwrap_or_default();
    if let Some(server) = error.as_db_error() {
        let (kind, said) = match server.code().code() {
            "57P03" => (lost, "the server is starting or stopping; try again".to_owned()),
            "57P01" | "57P02" => (lost, "the server closed the connection; try again".to_owned()),
            _ => refusal(server, None),
        };
        return Error::new(kind, format!("connecting to {place}: {said}")).with_source(error);
    }
    let broken = source.and_then(|source| source.downcast_ref::<io::Error>()).is_some_and(|error| {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof};
        matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | TimedOut | UnexpectedEof)
    });
    if sentence.starts_with("error performing TLS") && !broken {
        let said = format!(
            "connecting to {place}: encryption failed: {why}; check the server's certificate, the root certificate and sslmode"
        );
        return Error::new(ErrorKind::Backend, said).with_source(error);
    }
    if sentence.starts_with("authentication") || sentence.starts_with("invalid configuration") {
        let said = format!("connecting to {place}: authentication failed: {why}; check user and password");
        return Error::new(ErrorKind::Backend, said).with_source(error);
    }
    let said = match why.as_str() {
        "" => format!("connecting to {place}: the server closed the connection"),
        why => format!("connecting to {place}: {why}; check host and port, and that the server runs"),
    };
    Error::new(lost, said).with_source(error)
}

/// Translates a failure of the pool.
pub(crate) fn pool(error: PoolError<tokio_postgres::Error>, place: &str) -> Error {
    match error {
        PoolError::Backend(error) => connecting(error, place),
        PoolError::Timeout(_) => connecting_took_too_long(place),
        error => Error::backend("the pool gives no connection").with_source(error),
    }
}

/// Nobody gave back a connection for too long.
pub(crate) fn exhausted(most: usize) -> Error {
    let kind = ErrorKind::Timeout { may_have_executed: false };
    let said =
        format!("all {most} connections are in use; end transactions sooner, raise max_connections, or wait longer");
    Error::new(kind, said)
}

pub(crate) fn connecting_took_too_long(place: &str) -> Error {
    let kind = ErrorKind::Timeout { may_have_executed: false };
    Error::new(kind, format!("connecting to {place} took too long; check host, port and network"))
}

/// A raw COPY that reads from the client or writes to it.
pub(crate) fn copy() -> Error {
    Error::unsupported("COPY from or to the client is not supported; add many objects at once, or stream them")
}

/// The key that the database is to make is of another type there.
pub(crate) fn key_is_no_integer() -> Error {
    Error::new(
        ErrorKind::Schema,
        "the generated key is no integer column; run sync, or compare the models with the database",
    )
}

pub(crate) fn missing_value() -> Error {
    Error::invalid_input("the statement has fewer values than slots; pass one for each slot")
}

/// COMMIT of a transaction in which a statement failed: the server would answer ROLLBACK.
pub(crate) fn aborted() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "an earlier failure aborted the transaction, so it is rolled back; run it again from its start",
    )
}

/// A name that no replication slot can have.
pub(crate) fn slot_name(name: &str) -> Error {
    Error::invalid_input(format!(
        "`{name}` is no name of a replication slot; use at most 63 small letters, digits and underscores"
    ))
}

/// The server does not make a replication slot.
pub(crate) fn slot(error: tokio_postgres::Error, name: &str) -> Error {
    match error.code().map(tokio_postgres::error::SqlState::code) {
        Some("53400") => not_recordable(
            "the server has no free replication slot; drop one that is not used, or raise max_replication_slots",
        )
        .with_source(error),
        Some("42710") => foreign_slot(name),
        _ => Failure::sent(error).into_error(None, Effect::Open),
    }
}

/// A slot of this name that is none of ours.
pub(crate) fn foreign_slot(name: &str) -> Error {
    not_recordable(format!(
        "the replication slot `{name}` is of another database, or not of the plugin pgoutput; choose another name"
    ))
}

/// A feed without its slot.
pub(crate) fn no_slot(name: &str) -> Error {
    not_recordable(format!("there is no replication slot `{name}`; call record_changes, once"))
}

/// The server said something else than where its log is.
pub(crate) fn no_position() -> Error {
    Error::backend("the server does not say where its write-ahead log is")
}

/// A stream that was dropped.
pub(crate) fn nobody_reads() -> Error {
    Error::invalid_input("the stream was dropped")
}

/// A name that the server would cut silently.
pub(crate) fn long_name(what: &str, name: &str) -> Error {
    Error::invalid_input(format!(
        "the name of the {what} `{name}` has {} bytes, PostgreSQL keeps {}; choose a shorter one",
        name.len(),
        crate::schema::LONGEST_NAME
    ))
}
