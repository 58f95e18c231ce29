//! Errors: the servers' codes in the terms of Thing. No other module makes an error of a native one.
//!
//! - `stated`: what the driver says by itself.
//! - `connecting`: addresses, and servers that can't be reached.
//! - `refusal`: the servers' codes, and what is said of each.
//! - `constraint`: which constraint refused a write.

mod connecting;
mod constraint;
mod refusal;
mod stated;

use std::time::Duration;

use thing_driver_api::{Error, ErrorKind, Table};

pub(crate) use self::connecting::{address, connecting, connecting_timed_out, no_address};
use self::refusal::{IDLE_TOO_LONG, Kind, LOST, kind, said_of_schema, translate};
pub(crate) use self::stated::{
    ended, exhausted, implicit_commit, key_out_of_range, log_ended, name_too_long, no_answer, not_locked, too_large,
    too_old,
};
pub(crate) use thing_driver_api::refusal::{
    abandoned, in_transaction, no_transaction, not_recordable, not_recorded, schema_locked, transaction_control,
    value_count,
};

/// Why a statement gave no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server refused it, or the connection broke.
    Native(mysql_async::Error),
    /// A raw statement got too many or too few values.
    Values { wanted: usize, given: usize },
    /// The server did not answer in time. What it is doing is not known.
    TimedOut(Duration),
    /// An earlier statement of this connection was abandoned before it ended.
    Abandoned,
    /// The driver says so.
    Refused(Error),
}

impl From<mysql_async::Error> for Failure {
    fn from(error: mysql_async::Error) -> Self {
        Self::Native(error)
    }
}

/// What the statement that failed was about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About<'a> {
    /// The table of its shape.
    pub(crate) table: Option<&'a Table>,
    /// Its text, for messages.
    pub(crate) text: Option<&'a str>,
    /// Whether it would have been committed by itself, or is the commit: when the connection breaks nobody knows.
    pub(crate) commits: bool,
}

impl Failure {
    /// The server's code.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Native(mysql_async::Error::Server(error)) => Some(error.code),
            _ => None,
        }
    }

    /// True when the connection is of no use any more.
    pub(crate) fn lost(&self) -> bool {
        match self {
            Self::Native(mysql_async::Error::Server(error)) => LOST.contains(&error.code),
            Self::Native(_) => true,
            _ => false,
        }
    }

    /// True when the connection broke and the server certainly did not begin the statement.
    pub(crate) fn not_begun(&self) -> bool {
        self.code() == Some(IDLE_TOO_LONG)
    }

    /// True when the transaction certainly goes on: the server undid this statement alone.
    pub(crate) fn spares_transaction(&self) -> bool {
        match self {
            Self::Native(mysql_async::Error::Server(error)) => {
                matches!(kind(error.code), Some(Kind::Constraint(_) | Kind::Data | Kind::Schema | Kind::Syntax))
            }
            Self::Values { .. } => true,
            _ => false,
        }
    }

    /// The error of a statement of a session, which names the statement and has what the server says: the text is the
    /// programmer's own, and data that it quotes is left out.
    pub(crate) fn of_statement(self, sql: &str, commits: bool) -> Error {
        let said = match &self {
            Self::Native(mysql_async::Error::Server(error)) => said_of_schema(error),
            _ => None,
        };
        let error = self.explain(About { commits, ..About::default() });
        let error = match said {
            Some(said) => error.context(said),
            None => error,
        };
        error.in_statement(sql)
    }

    /// In the terms of Thing.
    pub(crate) fn explain(self, about: About<'_>) -> Error {
        match self {
            Self::Native(error) => translate(error, about),
            Self::Values { wanted, given } => value_count(wanted, given),
            Self::TimedOut(limit) => Error::new(
                ErrorKind::Timeout { may_have_executed: about.commits },
                format!(
                    "the server did not answer within {limit:?}; make the statement faster, or raise the statement timeout"
                ),
            ),
            Self::Abandoned => abandoned(),
            Self::Refused(error) => error,
        }
    }
}
