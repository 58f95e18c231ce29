//! Hooks: what a model itself does around its writes.
//!
//! ```text
//! BEGIN ─▶ before_save ─▶ before_create ─▶ rules ─▶ INSERT ─▶ after_create ─▶ after_save ─▶ COMMIT ─▶ after_commit
//!            └────── an error of any of them undoes the write ──────────────────┘               └─▶ is counted
//! ```

use std::fmt;
use std::future::ready;
use std::marker::PhantomData;

use thing_driver_api::{Result, async_trait};

use crate::event::{Changes, End, EventKind};
use crate::listener::Dispatch;
use crate::{Db, Model, Transaction};

/// What a model does around its writes. The struct says so with `#[thing(hooks)]`; every method has a default that does
/// nothing, and is written as an `async fn`.
///
/// A write on the `Db` is a transaction of its own then, so that the hooks before and after the write and what they write
/// themselves are one with it. They work in the transaction they are given: what they did beside it would not be undone,
/// and where the database has one connection it would wait for ever.
///
/// - A hook before the write may change the object, or refuse the write by an error:
///   [`Error::refused`](crate::Error::refused), or any other.
/// - A hook after the write is told what changed. Its error undoes the write: the transaction, also one of the caller's,
///   can't be committed any more, but only rolled back; a savepoint of it can be rolled back alone.
/// - [`after_commit`](Hooks::after_commit) and [`after_rollback`](Hooks::after_rollback) come when the outermost
///   transaction has ended. Their errors and panics change nothing; they are counted in
///   [`Statistics::listener_errors`](crate::Statistics::listener_errors).
///
/// A write on the `Db` that met another is run again, and its hooks with it. A save without a change writes nothing, and
/// runs none. Which ways of writing run hooks stands in the guide, in the chapter on hooks.
///
/// ```
/// use thing::{Changes, Error, Hooks, Model, Result, Transaction};
///
/// #[derive(Model, Clone)]
/// #[thing(hooks)]
/// struct Account {
///     id: u64,
///     email: String,
///     balance: i64,
/// }
///
/// impl Hooks for Account {
///     async fn before_save(&mut self, _: &Transaction) -> Result<()> {
///         self.email = self.email.trim().to_lowercase();
///         Ok(())
///     }
///
///     async fn before_delete(&self, _: &Transaction) -> Result<()> {
///         if self.balance == 0 { Ok(()) } else { Err(Error::refused("the account is not empty")) }
///     }
///
///     async fn after_update(&self, changes: &Changes<Self>, _: &Transaction) -> Result<()> {
///         if changes.changed(Self::EMAIL) {
///             println!("{:?} is {} now", changes.old(Self::EMAIL)?, self.email);
///         }
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no hooks",
    label = "no `impl Hooks`",
    note = "write `impl Hooks for {Self}`, or drop `#[thing(hooks)]`"
)]
// The defaults do nothing with what they are given.
#[allow(unused_variables)]
pub trait Hooks: Model {
    /// Before the object is created or updated, and before the hook for the one or the other.
    fn before_save(&mut self, transaction: &Transaction) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Before the object is created.
    fn before_create(&mut self, transaction: &Transaction) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Before changes of the object are written.
    fn before_update(&mut self, transaction: &Transaction) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Before the object is deleted: removed, or marked as deleted.
    fn before_delete(&self, transaction: &Transaction) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Before the object, which is marked as deleted, is restored.
    fn before_restore(&self, transaction: &Transaction) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// The object has been created.
    fn after_create(
        &self,
        changes: &Changes<Self>,
        transaction: &Transaction,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Changes of the object have been written.
    fn after_update(
        &self,
        changes: &Changes<Self>,
        transaction: &Transaction,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// The object has been created or updated, and the hook for the one or the other has run.
    fn after_save(
        &self,
        changes: &Changes<Self>,
        transaction: &Transaction,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// The object has been deleted.
    fn after_delete(
        &self,
        changes: &Changes<Self>,
        transaction: &Transaction,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// The object has been restored.
    fn after_restore(
        &self,
        changes: &Changes<Self>,
        transaction: &Transaction,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// The object has been made of its row: of the database, or of the bytes that a cache outside of the process kept. What
    /// this makes of the object is what the cache in the process holds and who reads gets. For fields without a column,
    /// and for old rows; not for columns by which objects are ordered in pages or kept from sight (`keep`), since the database
    /// knows nothing of it. It depends on nothing but the object, and what it did once it does not do again.
    ///
    /// # Errors
    ///
    /// Those of the read that wanted the object.
    fn after_load(&mut self) -> Result<()> {
        Ok(())
    }

    /// One change of an object has been committed. Called for each in order.
    fn after_commit(changes: Changes<Self>, db: &Db) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// One change of an object has been rolled back, and not by a savepoint. Called for each in order.
    fn after_rollback(changes: Changes<Self>, db: &Db) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }
}

/// The hooks of a model, as the core calls them.
pub struct OwnHooks<M>(PhantomData<fn() -> M>);

impl<M> OwnHooks<M> {
    /// The only one there is.
    pub const NEW: Self = Self(PhantomData);
}

impl<M> fmt::Debug for OwnHooks<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnHooks")
    }
}

#[async_trait]
impl<M: Hooks> Dispatch<M> for OwnHooks<M> {
    async fn before(&self, kind: EventKind, object: &mut M, transaction: &Transaction) -> Result<()> {
        match kind {
            EventKind::Created => {
                object.before_save(transaction).await?;
                object.before_create(transaction).await
            }
            EventKind::Updated => {
                object.before_save(transaction).await?;
                object.before_update(transaction).await
            }
            EventKind::Deleted => object.before_delete(transaction).await,
            EventKind::Restored => object.before_restore(transaction).await,
        }
    }

    async fn after(&self, object: &M, changes: &Changes<M>, transaction: &Transaction) -> Result<()> {
        match changes.kind() {
            EventKind::Created => {
                object.after_create(changes, transaction).await?;
                object.after_save(changes, transaction).await
            }
            EventKind::Updated => {
                object.after_update(changes, transaction).await?;
                object.after_save(changes, transaction).await
            }
            EventKind::Deleted => object.after_delete(changes, transaction).await,
            EventKind::Restored => object.after_restore(changes, transaction).await,
        }
    }

    async fn ended(&self, end: End, changes: Vec<Changes<M>>, db: &Db) -> Result<()> {
        for change in changes {
            match end {
                End::Committed => M::after_commit(change, db).await?,
                End::RolledBack => M::after_rollback(change, db).await?,
            }
        }
        Ok(())
    }
}
