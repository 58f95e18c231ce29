//! Transactions: all or nothing, on the database and in the cache.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thing_driver_api::{
    Capability, Change, Error, NoRows, Result, Table, TableId, Tag, Transaction as DriverTransaction,
    TransactionOptions,
};

use crate::cache::{Announced, LISTED, Quarantine, Tags};
use crate::debt::{self, NewDebt};
use crate::event::{End, Event};
use crate::session::Handle;
use crate::{Coherence, Db, Model, Raw, Things};

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
    /// Tells savepoints of one depth apart.
    id: u64,
    ended: bool,
    fate: Arc<Fate>,
}

struct Shared {
    connection: tokio::sync::Mutex<Option<Box<dyn DriverTransaction>>>,
    touched: Mutex<Touched>,
    savepoints: Mutex<Savepoints>,
    /// Held from the look at a row to the write that rests on it.
    turn: tokio::sync::Mutex<()>,
}

/// What a transaction did so far to what may be cached.
#[derive(Default)]
struct Touched {
    tags: Tags,
    /// Tables of which anything may have changed, once for each statement that did not come to its end.
    suspected: Vec<TableId>,
    /// Whether something was written that demands a strict commit.
    strict: bool,
    /// Whether the cache could not be told of this just now, so that it need not be tried again.
    owing: bool,
    /// With the savepoint in which each was made.
    changes: Vec<(u64, Arc<Change>)>,
    /// What hooks and listeners will be told of when the transaction has ended, with the savepoint in which it was done.
    events: Vec<(u64, Event)>,
    /// The savepoint in which a hook failed after its write.
    doomed: Option<u64>,
    /// Statements of which it is not known what they changed: running, given up by their callers, or failed with the
    /// answer lost.
    unlisted: usize,
}

impl Touched {
    /// Forgets what was done in a savepoint, and in those within it: they began later and have greater numbers.
    fn undo(&mut self, savepoint: u64) {
        self.changes.retain(|(id, _)| *id < savepoint);
        self.events.retain(|(id, _)| *id < savepoint);
        self.doomed = self.doomed.filter(|id| *id < savepoint);
    }
}

#[derive(Default)]
struct Savepoints {
    /// Those that are open, the innermost last.
    open: Vec<u64>,
    begun: u64,
    /// The depth of one whose transaction was dropped: undone before the next statement.
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
            savepoints: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        };
        let fate = Arc::new(Fate::within(None));
        Ok(Self { db: db.clone(), shared: Arc::new(shared), depth: 0, id: 0, ended: false, fate })
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
        // A write that has looked at its row writes it first: within the savepoint others may.
        let _turn = self.turn().await;
        let mut connection = self.lock().await?;
        connection.open()?.savepoint(depth).await?;
        let mut savepoints = locked(&self.shared.savepoints);
        savepoints.begun += 1;
        let id = savepoints.begun;
        savepoints.open.push(id);
        let fate = Arc::new(Fate::within(Some(self.fate.clone())));
        Ok(Self { db: self.db.clone(), shared: self.shared.clone(), depth, id, ended: false, fate })
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
    /// Those of the database; [`Error::is_refused`] when a hook failed after its write; one that is not
    /// [`Error::may_have_executed`] means that nothing was changed.
    pub async fn commit(mut self) -> Result<()> {
        if locked(&self.shared.touched).doomed.is_some_and(|savepoint| savepoint >= self.id) {
            self.rollback().await?;
            return Err(Error::refused("a hook failed after its write, so the transaction was rolled back"));
        }
        if self.depth > 0 {
            self.lock().await?.open()?.release(self.depth).await?;
            self.close_savepoint();
            self.fate.commit();
            return Ok(());
        }
        let transaction = self.lock().await?.0.take().ok_or_else(over)?;
        self.ended = true;
        let mut touched = std::mem::take(&mut *locked(&self.shared.touched));
        let events = std::mem::take(&mut touched.events);
        let committed = self.commit_outermost(transaction, touched).await;
        match &committed {
            Ok(()) => self.tell_end(End::Committed, events).await,
            // It is not known what became of it.
            Err(error) if error.may_have_executed() => {}
            Err(_) => self.tell_end(End::RolledBack, events).await,
        }
        committed
    }

    async fn commit_outermost(&self, transaction: Box<dyn DriverTransaction>, mut touched: Touched) -> Result<()> {
        touched.tags.add_tables(std::mem::take(&mut touched.suspected));
        let Some(cache) = self.db.cache().filter(|_| !touched.tags.is_empty()) else {
            transaction.commit().await?;
            self.fate.commit();
            return Ok(());
        };
        let coherence = if touched.strict { Coherence::Strict } else { Coherence::Bounded };
        if touched.owing {
            let debt = NewDebt::of(&self.db, &touched.tags.of_tables());
            return self.commit_owing(transaction, &debt).await;
        }
        let quarantine = match Quarantine::close(&self.db, cache, touched.tags, coherence).await {
            Ok(Announced::Closed(quarantine)) => quarantine,
            Ok(Announced::Owing(debt)) => return self.commit_owing(transaction, &debt).await,
            Err(error) => {
                let _ = transaction.rollback().await;
                return Err(error);
            }
        };
        match quarantine.during(transaction.commit()).await {
            Ok(()) => {
                self.fate.commit();
                if touched.unlisted > 0 {
                    quarantine.release_unlisted().await;
                } else {
                    quarantine.release(touched.changes.into_iter().map(|(_, change)| change).collect()).await;
                }
                Ok(())
            }
            Err(error) => {
                quarantine.fail(&error).await;
                Err(error)
            }
        }
    }

    /// Commits although the cache could not be told.
    async fn commit_owing(&self, mut transaction: Box<dyn DriverTransaction>, debt: &NewDebt) -> Result<()> {
        if let Err(error) = transaction.write(&debt.statement(), &mut NoRows).await {
            let _ = transaction.rollback().await;
            return Err(debt::refused(error));
        }
        transaction.commit().await?;
        self.fate.commit();
        debt::remind(&self.db);
        Ok(())
    }

    /// Rolls back.
    ///
    /// # Errors
    ///
    /// Those of the database; the transaction is over all the same.
    pub async fn rollback(mut self) -> Result<()> {
        if self.depth > 0 {
            self.lock().await?.open()?.rollback_to(self.depth).await?;
            locked(&self.shared.touched).undo(self.id);
            self.close_savepoint();
            return Ok(());
        }
        let transaction = self.lock().await?.0.take().ok_or_else(over)?;
        self.ended = true;
        let events = std::mem::take(&mut locked(&self.shared.touched).events);
        let rolled_back = transaction.rollback().await;
        self.tell_end(End::RolledBack, events).await;
        rolled_back
    }

    /// Commits what was done, or rolls back what failed.
    pub(crate) async fn finish<T>(self, done: Result<T>) -> Result<T> {
        match done {
            Ok(done) => {
                self.commit().await?;
                Ok(done)
            }
            Err(error) => {
                // The error says why; a rollback that fails leaves the connection to its driver.
                let _ = self.rollback().await;
                Err(error)
            }
        }
    }

    async fn tell_end(&self, end: End, events: Vec<(u64, Event)>) {
        if !events.is_empty() {
            let events = events.into_iter().map(|(_, event)| event).collect();
            Box::pin(self.db.listeners().ended(end, events, &self.db)).await;
        }
    }

    /// As [`Db::raw`], in this transaction.
    pub fn raw(&self, text: impl Into<String>) -> Raw<'_> {
        Raw::new(Handle::Transaction(self), text.into())
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// How the transaction will have ended, for objects saved in it.
    pub(crate) fn fate(&self) -> &Arc<Fate> {
        &self.fate
    }

    /// Notes what a statement is about to touch, for the commit. It may run even if its caller gives it up, so this
    /// comes before it, and [`Transaction::changed`] or [`Transaction::failed`] after it.
    pub(crate) fn touch(&self, table: &Table, tags: Vec<Tag>, coherence: Coherence) {
        let mut touched = locked(&self.shared.touched);
        touched.strict |= coherence == Coherence::Strict;
        touched.tags.add(table, tags);
        touched.unlisted += 1;
    }

    /// Notes whether the cache could just not be told of what this is about to write.
    pub(crate) fn owe(&self, owing: bool) {
        locked(&self.shared.touched).owing = owing;
    }

    /// Notes that a statement may be about to change anything of a table.
    pub(crate) fn suspect(&self, table: &Table, coherence: Coherence) {
        let mut touched = locked(&self.shared.touched);
        touched.strict |= coherence == Coherence::Strict;
        touched.suspected.push(table.id());
    }

    /// Notes that what a suspected statement did is known.
    pub(crate) fn clear(&self, table: &Table) {
        let mut touched = locked(&self.shared.touched);
        if let Some(at) = touched.suspected.iter().position(|suspected| *suspected == table.id()) {
            touched.suspected.swap_remove(at);
        }
    }

    /// Notes what the statement did. Beyond [`LISTED`] changes it is not told apart.
    pub(crate) fn changed(&self, change: Arc<Change>) {
        let mut touched = locked(&self.shared.touched);
        if touched.changes.len() < LISTED {
            touched.changes.push((self.id, change));
            touched.unlisted -= 1;
        }
    }

    /// Notes that the statement failed, by which it may have changed nothing.
    pub(crate) fn failed(&self, error: &Error) {
        if !error.may_have_executed() {
            locked(&self.shared.touched).unlisted -= 1;
        }
    }

    /// Notes what hooks and listeners will be told of when the transaction has ended.
    pub(crate) fn note(&self, event: Event) {
        locked(&self.shared.touched).events.push((self.id, event));
    }

    /// Lets this be rolled back only.
    pub(crate) fn doom(&self) {
        locked(&self.shared.touched).doomed.get_or_insert(self.id);
    }

    /// Lets no other write look at a row until this one has written it: two that look first and write then would each
    /// tell of a row that the other changed.
    pub(crate) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.shared.turn.lock().await
    }

    /// The connection, for one statement.
    pub(crate) async fn lock(&self) -> Result<Connection<'_>> {
        let mut guard = self.shared.connection.lock().await;
        let abandoned = {
            let savepoints = locked(&self.shared.savepoints);
            if savepoints.open.len() > self.depth as usize {
                return Err(Error::invalid_input(
                    "a transaction within this one is open; commit it or roll it back first",
                ));
            }
            if savepoints.open.last().copied().unwrap_or_default() != self.id {
                return Err(Error::invalid_input("the transaction that this one is within is over"));
            }
            savepoints.abandoned
        };
        if let (Some(depth), Some(connection)) = (abandoned, guard.as_mut()) {
            connection.rollback_to(depth).await?;
            // Not before: the caller may give this up while it waits.
            locked(&self.shared.savepoints).abandoned = None;
        }
        Ok(Connection(guard))
    }

    fn close_savepoint(&mut self) {
        self.ended = true;
        locked(&self.shared.savepoints).open.pop();
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.fate.undo_unless_committed();
        if self.ended {
            return;
        }
        // The driver's own transaction rolls back when the last handle drops it.
        if self.depth == 0 {
            let events = std::mem::take(&mut locked(&self.shared.touched).events);
            if let (false, Ok(runtime)) = (events.is_empty(), tokio::runtime::Handle::try_current()) {
                let (db, events) = (self.db.clone(), events.into_iter().map(|(_, event)| event).collect());
                runtime.spawn(async move { db.listeners().ended(End::RolledBack, events, &db).await });
            }
            return;
        }
        let mut savepoints = locked(&self.shared.savepoints);
        // What this one was within may be over already, and this one with it.
        if let Some(at) = savepoints.open.iter().position(|&id| id == self.id) {
            savepoints.open.truncate(at);
            savepoints.abandoned = Some(self.depth);
            locked(&self.shared.touched).undo(self.id);
        }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("depth", &self.depth).finish_non_exhaustive()
    }
}

/// How a transaction ended, or that it has not.
#[derive(Debug)]
pub(crate) struct Fate {
    state: AtomicU8,
    /// Of the transaction that this one is within: what it undoes is undone.
    outer: Option<Arc<Self>>,
}

/// What became of what was written in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Open,
    Committed,
    Undone,
}

impl Fate {
    const OPEN: u8 = 0;
    const COMMITTED: u8 = 1;
    const UNDONE: u8 = 2;

    fn within(outer: Option<Arc<Self>>) -> Self {
        Self { state: AtomicU8::new(Self::OPEN), outer }
    }

    fn commit(&self) {
        self.state.store(Self::COMMITTED, Ordering::Release);
    }

    fn undo_unless_committed(&self) {
        let _ = self.state.compare_exchange(Self::OPEN, Self::UNDONE, Ordering::Release, Ordering::Relaxed);
    }

    pub(crate) fn written(&self) -> Written {
        match (self.state.load(Ordering::Acquire), self.outer.as_ref().map(|outer| outer.written())) {
            (Self::UNDONE, _) | (_, Some(Written::Undone)) => Written::Undone,
            (Self::COMMITTED, None | Some(Written::Committed)) => Written::Committed,
            _ => Written::Open,
        }
    }
}

/// The driver's transaction, held for one statement.
pub(crate) struct Connection<'a>(tokio::sync::MutexGuard<'a, Option<Box<dyn DriverTransaction>>>);

impl Connection<'_> {
    /// What runs the statement.
    pub(crate) fn open(&mut self) -> Result<&mut dyn DriverTransaction> {
        match &mut *self.0 {
            Some(connection) => Ok(&mut **connection),
            None => Err(over()),
        }
    }
}

fn over() -> Error {
    Error::invalid_input("the transaction is over")
}
