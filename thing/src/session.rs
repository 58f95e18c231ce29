//! Sessions: where an operation runs, on the database or in a transaction.

use std::sync::Arc;

use thing_driver_api::{Key, Result, RowSink, Shape, Statement, Written};

use crate::retry::Retries;
use crate::transaction::Fate;
use crate::{Db, Model, Things, Transaction};

/// A [`Db`] or a [`Transaction`]: every operation works on both with the same code.
///
/// `&dyn Session` works where the choice is made at run time. Only Thing implements it.
pub trait Session: Send + Sync + sealed::Session {}

impl<'s> dyn Session + 's {
    /// The operations on the objects of one model.
    pub fn things<M: Model>(&self) -> Things<'_, M> {
        Things::of(self)
    }
}

pub(crate) mod sealed {
    /// Gives the core its own view of a session.
    pub trait Session {
        #[doc(hidden)]
        fn handle(&self) -> super::Handle<'_>;
    }
}

impl Session for Db {}

impl sealed::Session for Db {
    fn handle(&self) -> Handle<'_> {
        Handle::Db(self)
    }
}

impl Session for Transaction {}

impl sealed::Session for Transaction {
    fn handle(&self) -> Handle<'_> {
        Handle::Transaction(self)
    }
}

/// A session, resolved.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Handle<'a> {
    Db(&'a Db),
    Transaction(&'a Transaction),
}

impl<'a> Handle<'a> {
    pub(crate) fn db(self) -> &'a Db {
        match self {
            Self::Db(db) => db,
            Self::Transaction(transaction) => transaction.db(),
        }
    }

    /// How the transaction will have ended; `None` where a write is final.
    pub(crate) fn fate(self) -> Option<Arc<Fate>> {
        match self {
            Self::Db(_) => None,
            Self::Transaction(transaction) => Some(transaction.fate().clone()),
        }
    }

    /// A transaction for writes that belong together: a savepoint, where there is a transaction already.
    pub(crate) async fn begin_within(self) -> Result<Transaction> {
        match self {
            Self::Db(db) => db.begin().await,
            Self::Transaction(transaction) => transaction.begin().await,
        }
    }

    pub(crate) async fn fetch(self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()> {
        self.db().counters().read();
        match self {
            Self::Db(db) => db.executor().fetch(statement, rows).await,
            Self::Transaction(transaction) => transaction.lock().await?.open()?.fetch(statement, rows).await,
        }
    }

    pub(crate) async fn get_many(self, shape: &Arc<Shape>, keys: &[Key], rows: &mut dyn RowSink) -> Result<()> {
        self.db().counters().read();
        match self {
            Self::Db(db) => db.executor().get_many(shape, keys, rows).await,
            Self::Transaction(transaction) => transaction.lock().await?.open()?.get_many(shape, keys, rows).await,
        }
    }

    pub(crate) async fn write(self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<Written> {
        self.db().counters().write();
        match self {
            Self::Db(db) => {
                let mut retries = Retries::new();
                loop {
                    let written = db.executor().write(statement, rows).await;
                    if !retries.again(written.as_ref().err()).await {
                        return written;
                    }
                    rows.restart();
                }
            }
            Self::Transaction(transaction) => transaction.lock().await?.open()?.write(statement, rows).await,
        }
    }
}
