//! Errors: SQLite's codes in the terms of Thing. No other module makes an error of a native one.

use rusqlite::ErrorCode;
use rusqlite::ffi;
pub(crate) use thing_driver_api::refusal::{
    abandoned, in_transaction, no_transaction, transaction_control, value_count,
};
use thing_driver_api::sql::shortened;
use thing_driver_api::{Constraint, ConstraintKind, Error, ErrorKind};

use crate::config::{Place, SqliteConfig};

/// Why a statement on the caller's thread gave no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It took longer than the budget, or somebody else holds a lock. It had no effect and can be run where it may wait.
    Elsewhere(Error),
    /// The statement writes, but was sent to a connection that only reads.
    Writes,
    /// It failed.
    Error(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if *error.kind() == ErrorKind::Busy || is_interrupt(&error) {
            return Self::Elsewhere(error);
        }
        Self::Error(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Error(error) | Failure::Elsewhere(error) => error,
            Failure::Writes => Self::new(ErrorKind::ReadOnly, "the statement writes, but the transaction only reads"),
        }
    }
}

/// A read on the caller's thread that used up its budget.
pub(crate) fn over_budget() -> Failure {
    Failure::Elsewhere(Error::backend("the read takes long"))
}

fn is_interrupt(error: &Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<rusqlite::Error>())
        .and_then(rusqlite::Error::sqlite_error_code)
        == Some(ErrorCode::OperationInterrupted)
}

/// Translates an error of a statement. `text` is the statement, for messages about it.
pub(crate) fn translate(error: rusqlite::Error, text: Option<&str>) -> Error {
    let (native, message) = match &error {
        rusqlite::Error::SqliteFailure(native, message) => (*native, message.clone().unwrap_or_default()),
        rusqlite::Error::SqlInputError { error, msg, .. } => (*error, msg.clone()),
        rusqlite::Error::MultipleStatement => {
            return Error::invalid_input("the text holds more than one statement; run them one by one")
                .with_source(error);
        }
        rusqlite::Error::NulError(_) => {
            return Error::invalid_input("the text of the statement holds a zero byte; bind such text as a value")
                .with_source(error);
        }
        rusqlite::Error::ToSqlConversionFailure(reason) => {
            return Error::new(ErrorKind::InvalidData { column: None }, reason.to_string()).with_source(error);
        }
        _ => return Error::backend(error.to_string()).with_source(error),
    };
    let (kind, said) = classify(native, &message);
    let said = match text {
        Some(text) if kind == ErrorKind::Backend || kind == ErrorKind::InvalidInput => {
            format!("{said} (in: {})", shortened(text))
        }
        _ => said,
    };
    Error::new(kind, said).with_source(error)
}

/// Translates an error of a statement of a session, naming the statement: `text`, where SQLite does not say it.
pub(crate) fn of_statement(error: rusqlite::Error, text: &str) -> Error {
    let text = match &error {
        rusqlite::Error::SqlInputError { sql, .. } => sql.clone(),
        _ => text.to_owned(),
    };
    translate(error, None).in_statement(&text)
}

/// Translates an error of a statement that commits by itself, or of COMMIT.
///
/// When writing to the disk failed, the commit may or may not be found in the log after a restart.
pub(crate) fn commit(error: rusqlite::Error, text: Option<&str>) -> Error {
    let harmless = [ffi::SQLITE_IOERR_READ, ffi::SQLITE_IOERR_SHORT_READ];
    let unknown = error
        .sqlite_error()
        .is_some_and(|native| native.code == ErrorCode::SystemIoFailure && !harmless.contains(&native.extended_code));
    if unknown {
        let kind = ErrorKind::ConnectionLost { may_have_executed: true };
        let said = "the disk failed while the write was committed, and it may be found after a restart; check the disk";
        return Error::new(kind, said).with_source(error);
    }
    translate(error, text)
}

/// Translates an error of opening the database, naming the path.
pub(crate) fn opening(error: rusqlite::Error, config: &SqliteConfig) -> Error {
    let Place::File(path) = &config.place else {
        return translate(error, None).context("opening a database in memory");
    };
    if error.sqlite_error_code() != Some(ErrorCode::CannotOpen) {
        return translate(error, None).context(format!("opening {}", path.display()));
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let shown = path.display();
    let said = if path.is_dir() {
        format!("can't open {shown}: it is a folder; name a file in it")
    } else if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
        format!("can't open {shown}: the folder {} does not exist; create it", parent.display())
    } else if !path.exists() && (config.read_only || !config.create_if_missing) {
        format!("can't open {shown}: there is no such file, and it is not to be created; check the path")
    } else {
        format!("can't open {shown}; check the permissions of the file and its folder")
    };
    Error::invalid_input(said).with_source(error)
}

/// A row that refers to none, at the end of a transaction in which foreign keys were not enforced.
pub(crate) fn dangling(table: &str, row: Option<i64>, parent: &str) -> Error {
    let row = row.map_or_else(|| "a row".to_owned(), |row| format!("the row with rowid {row}"));
    let said = format!(
        "foreign key constraint failed: {row} of the table `{table}` refers to a row of `{parent}` that does not exist; \
         the transaction was rolled back, change or delete the row first"
    );
    let constraint = Constraint::new(ConstraintKind::ForeignKey).on(table, Vec::new());
    Error::new(ErrorKind::Constraint(constraint), said)
}

/// A transaction of this program kept the connection for too long.
pub(crate) fn waited() -> Error {
    Error::new(
        ErrorKind::Busy,
        "the database is kept by an open transaction of this program; end it first, or raise the busy timeout",
    )
}

/// The writer thread ended in the middle of its work: whether it committed is not known.
pub(crate) fn writer_lost() -> Error {
    let kind = ErrorKind::ConnectionLost { may_have_executed: true };
    Error::new(kind, "the writer thread ended before it answered; open the database again")
}

fn classify(native: ffi::Error, message: &str) -> (ErrorKind, String) {
    match native.code {
        ErrorCode::ConstraintViolation => {
            (ErrorKind::Constraint(constraint(native.extended_code, message)), lowered(message))
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            (ErrorKind::Busy, "the database is locked by another writer; try again, or raise the busy timeout".into())
        }
        ErrorCode::DiskFull => (ErrorKind::StorageFull, "the database or its disk is full; make room".into()),
        ErrorCode::ReadOnly => (
            ErrorKind::ReadOnly,
            "the database accepts no writes here; open it for writing and check the file's permissions".into(),
        ),
        ErrorCode::DatabaseCorrupt => {
            (ErrorKind::Corrupt, format!("the database is damaged ({message}); restore it from a backup"))
        }
        ErrorCode::NotADatabase => (ErrorKind::Corrupt, "the file is no SQLite database; check the path".into()),
        ErrorCode::TypeMismatch => (
            ErrorKind::InvalidData { column: None },
            format!("{}; pass a value of the column's type", lowered(message)),
        ),
        ErrorCode::TooBig => {
            (ErrorKind::InvalidData { column: None }, "a value or a row is larger than SQLite stores; split it".into())
        }
        ErrorCode::ParameterOutOfRange => (
            ErrorKind::InvalidInput,
            "the statement has fewer placeholders than values; pass one value for each".into(),
        ),
        ErrorCode::ApiMisuse => (ErrorKind::InvalidInput, "the text holds no statement; pass one".into()),
        _ if is_schema(message) => {
            (ErrorKind::Schema, format!("{message}; run sync, or compare the models with the database"))
        }
        _ if message.contains("syntax error") || message.contains("incomplete input") => {
            (ErrorKind::InvalidInput, format!("{message}; correct the statement"))
        }
        _ => (ErrorKind::Backend, message.to_owned()),
    }
}

fn is_schema(message: &str) -> bool {
    ["no such table", "no such column", "has no column named", "no such index"]
        .iter()
        .any(|said| message.contains(said))
}

/// Reads SQLite's sentence: `UNIQUE constraint failed: users.email, users.name`, `... failed: index 'by_lower_name'`,
/// `CHECK constraint failed: age_is_positive`.
fn constraint(code: i32, message: &str) -> Constraint {
    let kind = match code {
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => ConstraintKind::PrimaryKey,
        ffi::SQLITE_CONSTRAINT_UNIQUE => ConstraintKind::Unique,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ConstraintKind::ForeignKey,
        ffi::SQLITE_CONSTRAINT_NOTNULL => ConstraintKind::NotNull,
        ffi::SQLITE_CONSTRAINT_CHECK => ConstraintKind::Check,
        _ => ConstraintKind::Other,
    };
    let constraint = Constraint::new(kind);
    let Some((_, subject)) = message.split_once("constraint failed: ") else {
        return constraint;
    };
    if let Some(index) = subject.strip_prefix("index '") {
        return constraint.named(index.strip_suffix('\'').unwrap_or(index));
    }
    if kind == ConstraintKind::Check {
        return constraint.named(subject);
    }
    let mut table = None;
    let mut columns = Vec::new();
    for part in subject.split(", ") {
        let Some((owner, column)) = part.rsplit_once('.') else {
            return constraint;
        };
        table = Some(owner);
        columns.push(column.to_owned());
    }
    match table {
        Some(table) => constraint.on(table, columns),
        None => constraint,
    }
}

/// SQLite begins these sentences with a keyword in capitals.
fn lowered(message: &str) -> String {
    match message.split_once(" constraint failed") {
        Some((sort, rest)) => format!("{} constraint failed{rest}", sort.to_lowercase()),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraint_messages_give_table_and_columns() {
        let found =
            constraint(ffi::SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: my.users.email, my.users.name");
        assert_eq!(found.kind, ConstraintKind::Unique);
        assert_eq!(found.table.as_deref(), Some("my.users"));
        assert_eq!(found.columns, ["email", "name"]);
    }

    #[test]
    fn constraint_messages_give_the_index_of_an_expression() {
        let found = constraint(ffi::SQLITE_CONSTRAINT_UNIQUE, "UNIQUE constraint failed: index 'lower'");
        assert_eq!(found.name.as_deref(), Some("lower"));
        assert!(found.columns.is_empty());
    }
}
