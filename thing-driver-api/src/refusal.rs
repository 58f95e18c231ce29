//! Refusals: what drivers refuse in the same words on every database.
//!
//! Each says what the caller is to do instead.

use std::time::Duration;

use crate::{Error, ErrorKind};

/// A raw statement that begins or ends a transaction behind the driver's back.
pub fn transaction_control() -> Error {
    Error::invalid_input("the statement begins or ends a transaction; use begin, commit and rollback instead")
}

/// A statement of a transaction whose future was dropped before it ended: its state is not known.
pub fn abandoned() -> Error {
    Error::invalid_input("a statement of the transaction was abandoned before it ended; begin a new transaction")
}

/// A session that begins twice.
pub fn in_transaction() -> Error {
    Error::invalid_input("the session is in a transaction; commit it or roll it back first")
}

/// A session that ends what it did not begin.
pub fn no_transaction() -> Error {
    Error::invalid_input("the session is in no transaction; begin one first")
}

/// A raw statement with too many or too few values.
pub fn value_count(wanted: usize, given: usize) -> Error {
    Error::invalid_input(format!(
        "the statement has {wanted} placeholders but got {given} values; pass one value for each"
    ))
}

/// Another session had the lock on the schema for as long as this one waited.
pub fn schema_locked(waited: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout { may_have_executed: false },
        format!("somebody else has been changing the schema of this database for {waited:?}; wait until that is done"),
    )
}

/// A feed of changes of a table without what records them.
pub fn not_recorded(table: &str) -> Error {
    not_recordable(format!("changes of the table `{table}` are not recorded; call record_changes, once"))
}

/// Changes can't be recorded, or followed, for a reason that lies in the database.
pub fn not_recordable(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Schema, why)
}
