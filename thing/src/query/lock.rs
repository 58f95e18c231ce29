//! Locks: rows that nobody else locks or writes until the transaction ends.

use thing_driver_api::{Capability, Error, Lock, Result};

use super::Query;
use crate::Model;
use crate::session::Handle;

impl<M: Model> Query<'_, M> {
    /// Locks the rows of the objects until the transaction ends: others who lock or write them wait, and readers don't.
    /// What is read is the newest committed state, and nobody changes it before this transaction writes it.
    ///
    /// Only in a transaction. On a database that lets one transaction write at a time, as SQLite does, every transaction
    /// that may write has locked all there is, and this adds nothing.
    ///
    /// # Errors
    ///
    /// When it is run, [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) outside a transaction, and for what gives
    /// no objects, such as [`count`](Query::count); [`ErrorKind::Busy`](crate::ErrorKind::Busy) when others hold a row for
    /// longer than the driver waits.
    pub fn for_update(mut self) -> Self {
        self.lock = Some(Lock::Wait);
        self
    }

    /// As [`Query::for_update`], and leaves out what others have locked: for workers that each take the next of a list.
    ///
    /// # Errors
    ///
    /// As [`Query::for_update`]; [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where the database locks no single
    /// rows, or can't pass over them.
    pub fn skip_locked(mut self) -> Self {
        self.lock = Some(Lock::Skip);
        self
    }

    /// As [`Query::for_update`], and fails with [`ErrorKind::Busy`](crate::ErrorKind::Busy) at once where others have locked
    /// one of the rows.
    ///
    /// # Errors
    ///
    /// As [`Query::skip_locked`].
    pub fn no_wait(mut self) -> Self {
        self.lock = Some(Lock::NoWait);
        self
    }

    pub(super) fn checked_lock(&self) -> Result<Option<Lock>> {
        let Some(lock) = self.lock else { return Ok(None) };
        if matches!(self.session, Handle::Db(_)) {
            let message = format!("{}: rows are locked in a transaction; begin one, and query in it", M::NAME);
            return Err(Error::invalid_input(message));
        }
        let capabilities = self.session.db().executor().capabilities();
        if lock != Lock::Wait && !capabilities.has(Capability::SkipLocked) {
            let message = "this database can't pass over locked rows; use `for_update`, or a server that can";
            return Err(Error::unsupported(message).context(M::NAME));
        }
        Ok(Some(lock))
    }

    pub(super) fn lock_without_objects(&self) -> Error {
        let message = "only objects are locked; read them with `all`, `fetch`, `first`, `one` or `page`";
        Error::invalid_input(message).context(M::NAME)
    }
}
