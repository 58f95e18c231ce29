//! Errors: what went wrong, in terms that a caller can act on whatever the database.

use std::error::Error as StdError;
use std::fmt;

use crate::Violation;
use crate::sql::shortened;

/// The result of every operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync + 'static>;

/// An error of Thing, of a driver or of a cache: a [kind](Error::kind), a message, and the native error as
/// [`source`](StdError::source).
///
/// Drivers make errors in their `error.rs` only, and choose the kind by these rules:
///
/// - A failure MUST NOT be reported as [`ErrorKind::NotFound`]: a caller would take a broken database for an empty one.
/// - `may_have_executed` MUST be true unless the server certainly did not run the statement: retrying a write that did
///   run applies it twice.
/// - Messages are lower case, name the thing and offer the fix; they hold no parameter values, which may be secrets.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    context: Vec<String>,
    source: Option<Source>,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The row does not exist.
    NotFound,
    /// There are several rows where one was asked for.
    NotUnique,
    /// What was asked for has not been loaded: a relation of an object.
    NotLoaded,
    /// The database refused the write because of a constraint.
    Constraint(Constraint),
    /// The write met another: a serialization failure, a deadlock, a row that changed meanwhile. It had no effect and
    /// can be tried again from the start of its transaction.
    Conflict,
    /// The object that was to be saved or deleted is of an older version than its row. It had no effect, and has none
    /// until the object is read again.
    Stale {
        /// The version of the object.
        seen: i64,
        /// The version of the row.
        stored: i64,
    },
    /// The row is there, but does not meet the condition of the write. It had no effect.
    ConditionFailed,
    /// The object can't be deleted while others refer to it, as a relation of its model says. It had no effect.
    Restricted {
        /// The relation, with the model that declares it: `Author::BOOKS`.
        relation: String,
        /// The model of the objects that refer to it.
        model: String,
        /// How many there are.
        count: u64,
    },
    /// The database is locked by another writer, longer than the driver was told to wait. It had no effect.
    Busy,
    /// The connection broke.
    ConnectionLost {
        /// False only if the server certainly did not run the statement.
        may_have_executed: bool,
    },
    /// The operation took longer than allowed.
    Timeout {
        /// False only if the server certainly did not run the statement.
        may_have_executed: bool,
    },
    /// The database or the connection accepts no writes.
    ReadOnly,
    /// The storage is full.
    StorageFull,
    /// The database file is damaged, or no database.
    Corrupt,
    /// A value can't be stored exactly or read as the declared type.
    InvalidData {
        /// The column, where known.
        column: Option<String>,
    },
    /// The call can't mean anything: a wrong argument, a table that can't exist.
    InvalidInput,
    /// The object breaks rules that its model declares. It was not sent to the database.
    Invalid(Vec<Violation>),
    /// A hook or a listener of the application refused the write.
    Refused,
    /// The cursor of a page is damaged, was made under another key, or belongs to another query.
    InvalidCursor,
    /// The schema in the database is not the one the models declare.
    Schema,
    /// The driver can't do this.
    Unsupported,
    /// The cache could not be reached or refused.
    Cache,
    /// Any other failure of the database.
    Backend,
}

/// A constraint that refused a write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Constraint {
    /// Which sort.
    pub kind: ConstraintKind,
    /// The table, where the database says it.
    pub table: Option<String>,
    /// The columns, where the database says them.
    pub columns: Vec<String>,
    /// The constraint's name, where the database says it.
    pub name: Option<String>,
}

impl Constraint {
    /// A constraint of which only the sort is known.
    pub fn new(kind: ConstraintKind) -> Self {
        Self { kind, table: None, columns: Vec::new(), name: None }
    }

    /// Adds the table and columns.
    #[must_use]
    pub fn on(mut self, table: impl Into<String>, columns: Vec<String>) -> Self {
        self.table = Some(table.into());
        self.columns = columns;
        self
    }

    /// Adds the name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// The sorts of constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConstraintKind {
    /// The primary key exists already.
    PrimaryKey,
    /// Another row has these values.
    Unique,
    /// The row it refers to does not exist, or rows still refer to it.
    ForeignKey,
    /// A value is missing.
    NotNull,
    /// A check failed.
    Check,
    /// Any other.
    Other,
}

impl fmt::Display for ConstraintKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PrimaryKey => "primary key",
            Self::Unique => "unique",
            Self::ForeignKey => "foreign key",
            Self::NotNull => "not null",
            Self::Check => "check",
            Self::Other => "other",
        })
    }
}

impl Error {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), context: Vec::new(), source: None }))
    }

    /// [`ErrorKind::NotFound`].
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// [`ErrorKind::Stale`].
    pub fn stale(seen: i64, stored: i64) -> Self {
        let message = format!("the row has version {stored}, this object has {seen}; read it again");
        Self::new(ErrorKind::Stale { seen, stored }, message)
    }

    /// [`ErrorKind::Restricted`].
    pub fn restricted(relation: impl Into<String>, model: impl Into<String>, count: u64) -> Self {
        let (relation, model) = (relation.into(), model.into());
        let message = format!("{count} of {model} refer to it by {relation}; delete or change these first");
        Self::new(ErrorKind::Restricted { relation, model, count }, message)
    }

    /// [`ErrorKind::InvalidInput`].
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// [`ErrorKind::InvalidData`] of a column.
    pub fn invalid_data(column: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidData { column: Some(column.into()) }, message)
    }

    /// [`ErrorKind::Invalid`]; the message names all violations.
    pub fn invalid(violations: Vec<Violation>) -> Self {
        let message = violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Self::new(ErrorKind::Invalid(violations), message)
    }

    /// [`ErrorKind::Refused`]: for hooks and listeners that don't let a write be.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Refused, message)
    }

    /// [`ErrorKind::Unsupported`].
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// [`ErrorKind::Backend`].
    pub fn backend(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Backend, message)
    }

    /// [`ErrorKind::Cache`].
    pub fn cache(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Cache, message)
    }

    /// Keeps the native error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Says what was being done: model, operation, key. Shown before the message, outermost first.
    #[must_use]
    pub fn context(mut self, context: impl Into<String>) -> Self {
        self.0.context.insert(0, context.into());
        self
    }

    /// Says in which statement it happened, of which the beginning is shown. Only for the programmer's own text: others
    /// may hold values.
    #[must_use]
    pub fn in_statement(self, sql: &str) -> Self {
        self.context(format!("in `{}`", shortened(sql.trim())))
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The message without its context.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// True when the row does not exist. Never true of a failure.
    pub fn is_not_found(&self) -> bool {
        matches!(self.kind(), ErrorKind::NotFound)
    }

    /// True when a relation was asked for that was not loaded: it may be empty, or not.
    pub fn is_not_loaded(&self) -> bool {
        matches!(self.kind(), ErrorKind::NotLoaded)
    }

    /// The constraint that refused the write.
    pub fn constraint(&self) -> Option<&Constraint> {
        match self.kind() {
            ErrorKind::Constraint(constraint) => Some(constraint),
            _ => None,
        }
    }

    /// True when another row has the same key or unique values.
    pub fn is_unique_violation(&self) -> bool {
        self.constraint().is_some_and(|c| matches!(c.kind, ConstraintKind::Unique | ConstraintKind::PrimaryKey))
    }

    /// What is wrong with an object that was to be written; empty for other errors.
    pub fn violations(&self) -> &[Violation] {
        match self.kind() {
            ErrorKind::Invalid(violations) => violations,
            _ => &[],
        }
    }

    /// True when a hook or a listener refused the write.
    pub fn is_refused(&self) -> bool {
        matches!(self.kind(), ErrorKind::Refused)
    }

    /// True when somebody else has written the row since the object was read.
    pub fn is_stale(&self) -> bool {
        matches!(self.kind(), ErrorKind::Stale { .. })
    }

    /// True when the row is there, but does not meet the condition of the write.
    pub fn is_condition_failed(&self) -> bool {
        matches!(self.kind(), ErrorKind::ConditionFailed)
    }

    /// True when the object can't be deleted while others refer to it.
    pub fn is_restricted(&self) -> bool {
        matches!(self.kind(), ErrorKind::Restricted { .. })
    }

    /// True when the operation certainly had no effect and may succeed when tried again: conflicts, locks, and
    /// connections lost or timed out before the server can have run the statement. Inside a transaction the whole
    /// transaction is what can be tried again.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Conflict
                | ErrorKind::Busy
                | ErrorKind::ConnectionLost { may_have_executed: false }
                | ErrorKind::Timeout { may_have_executed: false }
        )
    }

    /// True when it is not known whether the statement took effect.
    pub fn may_have_executed(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::ConnectionLost { may_have_executed: true } | ErrorKind::Timeout { may_have_executed: true }
        )
    }

    /// An error with the same kind, context and message, for several callers that wait for one operation. The native
    /// error becomes text: it can't be shared.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(Box::new(Inner {
            kind: self.0.kind.clone(),
            message: self.0.message.clone(),
            context: self.0.context.clone(),
            source: self.0.source.as_ref().map(|source| source.to_string().into()),
        }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for context in &self.0.context {
            write!(f, "{context}: ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.to_string())
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
