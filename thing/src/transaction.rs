//! Transactions: all or nothing, on the database and in the cache.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thing_driver_api::{Capability, Change, Error, Result, Tag, Transaction as DriverTransaction, TransactionOptions};

use crate::cache::Quarantine;
use crate::session::Handle;
use crate::{Db, Model, Raw, Things};

/// A transaction. Dropping it without [`Transaction::commit`] rolls back.
///
/// Reads see the transaction's own writes and go to the database, not to the cache; what it writes reaches the cache at
/// the commit, and leaves no trace there when it rolls back.
///
/// [`Transaction::begin`] nests: the inner one is a savepoint, and its end is final only with the outer commit. While
/// an inner transaction is open, the outer one refuses statements.
pub struct Transaction {
    db: Db,
    shared: Arc<Shared>,
    /// 0 for the transaction itself, 1 and up for savepoints.
    depth: u32,
    /// Where the touched tags and changes stood at the beginning.
    changes: usize,
    ended: bool,
}

struct Shared {
    connection: tokio::sync::Mutex<Option<Box<dyn DriverTransaction>>>,
    touched: Mutex<Touched>,
    depths: Mutex<Depths>,
}

/// What a transaction did so far to what may be cached.
#[derive(Default)]
struct Touched {
    tags: Vec<Tag>,
    changes: Vec<Arc<Change>>,
    /// Statements of which it is not known what they changed: running, given up by their callers, or failed with the
    /// answer lost.
    unlisted: usize,
}

#[derive(Default)]
struct Depths {
    /// The innermost open transaction.
    open: u32,
    /// A savepoint whose transaction was dropped: undone before the next statement.
    abandoned: Option<u32>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Transaction {
    pub(crate) async fn begin_on(db: &Db, options: &TransactionOptions) -> Result<Self> {
        db.counters().transaction();
        let connection = db.executor().begin(options).await?;
        let shared = Shared {
            connection: tokio::sync::Mutex::new(Some(connection)),
            touched: Mutex::default(),
            depths: Mutex::default(),
        };
        Ok(Self { db: db.clone(), shared: Arc::new(shared), depth: 0, changes: 0, ended: false })
    }

    /// The operations on the objects of one model, in this transaction.
    pub fn things<M: Model>(&self) -> Things<'_, M> {
        Things::of(self)
    }

    /// Begins a transaction within this one, by a savepoint.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where the driver has no savepoints,
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) while another inner transaction is open.
    pub async fn begin(&self) -> Result<Self> {
        if !self.db.executor().capabilities().has(Capability::Savepoints) {
            return Err(Error::unsupported("this driver has no savepoints, so transactions don't nest"));
        }
        let depth = self.depth + 1;
        let mut connection = self.lock().await?;
        connection.savepoint(depth).await?;
        locked(&self.shared.depths).open = depth;
        let changes = locked(&self.shared.touched).changes.len();
        Ok(Self { db: self.db.clone(), shared: self.shared.clone(), depth, changes, ended: false })
    }

    /// Runs `body` in a transaction within this one, as [`Db::transaction`].
    ///
    /// # Errors
    ///
    /// Those of `body`, and of beginning and committing.
    pub async fn transaction<T>(&self, body: impl AsyncFnOnce(&Self) -> Result<T>) -> Result<T> {
        self.try_transaction(body).await
    }

    /// As [`Transaction::transaction`], for a body with an error type of its own.
    ///
    /// # Errors
    ///
    /// Those of `body`, and of beginning and committing.
    pub async fn try_transaction<T, E: From<Error>>(
        &self,
        body: impl AsyncFnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let inner = self.begin().await?;
        match body(&inner).await {
            Ok(value) => {
                inner.commit().await?;
                Ok(value)
            }
            Err(error) => {
                let _ = inner.rollback().await;
                Err(error)
            }
        }
    }

    /// Commits. The tags of everything written are closed before and opened after, so that no reader of the cache gets
    /// a state older than the commit once this has returned.
    ///
    /// # Errors
    ///
    /// Those of the database; one that is not [`Error::may_have_executed`] means that nothing was changed.
    pub async fn commit(mut self) -> Result<()> {
        let mut connection = self.lock().await?;
        if self.depth > 0 {
            connection.release(self.depth).await?;
            drop(connection);
            self.close_depth();
            return Ok(());
        }
        let transaction = connection.take()?;
        drop(connection);
        self.ended = true;
        let touched = std::mem::take(&mut *locked(&self.shared.touched));
        let Some(cache) = self.db.cache().filter(|_| !touched.tags.is_empty()) else {
            return transaction.commit().await;
        };
        let quarantine = match Quarantine::close(cache, self.db.counters(), touched.tags).await {
            Ok(quarantine) => quarantine,
            Err(error) => {
                let _ = transaction.rollback().await;
                return Err(error);
            }
        };
        match transaction.commit().await {
            Ok(()) => {
                if touched.unlisted > 0 {
                    quarantine.release_unlisted().await;
                } else {
                    quarantine.release(touched.changes).await;
                }
                Ok(())
            }
            Err(error) => {
                quarantine.fail(&error).await;
                Err(error)
            }
        }
    }

    /// Rolls back.
    ///
    /// # Errors
    ///
    /// Those of the database; the transaction is over all the same.
    pub async fn rollback(mut self) -> Result<()> {
        let mut connection = self.lock().await?;
        if self.depth > 0 {
            connection.rollback_to(self.depth).await?;
            drop(connection);
            locked(&self.shared.touched).changes.truncate(self.changes);
            self.close_depth();
            return Ok(());
        }
        let transaction = connection.take()?;
        drop(connection);
        self.ended = true;
        transaction.rollback().await
    }

    /// As [`Db::raw`], in this transaction.
    pub fn raw(&self, text: impl Into<String>) -> Raw<'_> {
        Raw::new(Handle::Transaction(self), text.into())
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// Notes what a statement is about to touch, for the commit. It may run even if its caller gives it up, so this
    /// comes before it, and [`Transaction::changed`] or [`Transaction::failed`] after it.
    pub(crate) fn touch(&self, tags: Vec<Tag>) {
        let mut touched = locked(&self.shared.touched);
        touched.tags.extend(tags);
        touched.unlisted += 1;
    }

    /// Notes what the statement did.
    pub(crate) fn changed(&self, change: Arc<Change>) {
        let mut touched = locked(&self.shared.touched);
        touched.changes.push(change);
        touched.unlisted -= 1;
    }

    /// Notes that the statement failed, by which it may have changed nothing.
    pub(crate) fn failed(&self, error: &Error) {
        if !error.may_have_executed() {
            locked(&self.shared.touched).unlisted -= 1;
        }
    }

    /// The connection, for one statement.
    pub(crate) async fn lock(&self) -> Result<Connection<'_>> {
        let mut guard = self.shared.connection.lock().await;
        let abandoned = {
            let mut depths = locked(&self.shared.depths);
            if depths.open != self.depth {
                return Err(Error::invalid_input(
                    "a transaction within this one is open; commit it or roll it back first",
                ));
            }
            depths.abandoned.take()
        };
        if let (Some(depth), Some(connection)) = (abandoned, guard.as_mut())
            && let Err(error) = connection.rollback_to(depth).await
        {
            locked(&self.shared.depths).abandoned = Some(depth);
            return Err(error);
        }
        Ok(Connection(guard))
    }

    fn close_depth(&mut self) {
        self.ended = true;
        locked(&self.shared.depths).open = self.depth - 1;
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // The driver's own transaction rolls back when the last handle drops it.
        if !self.ended && self.depth > 0 {
            locked(&self.shared.touched).changes.truncate(self.changes);
            let mut depths = locked(&self.shared.depths);
            depths.open = self.depth - 1;
            depths.abandoned = Some(self.depth);
        }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("depth", &self.depth).finish_non_exhaustive()
    }
}

/// The driver's transaction, held for one statement.
pub(crate) struct Connection<'a>(tokio::sync::MutexGuard<'a, Option<Box<dyn DriverTransaction>>>);

impl Connection<'_> {
    fn take(&mut self) -> Result<Box<dyn DriverTransaction>> {
        self.0.take().ok_or_else(over)
    }
}

fn over() -> Error {
    Error::invalid_input("the transaction is over")
}

impl Deref for Connection<'_> {
    type Target = dyn DriverTransaction;

    fn deref(&self) -> &Self::Target {
        // `lock` is called through `&self`, `take` through a consumed `self`: while a handle exists the connection does.
        #[allow(clippy::expect_used)]
        self.0.as_deref().expect("a transaction that is not over has its connection")
    }
}

impl DerefMut for Connection<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        #[allow(clippy::expect_used)] // As for `deref`.
        self.0.as_deref_mut().expect("a transaction that is not over has its connection")
    }
}
