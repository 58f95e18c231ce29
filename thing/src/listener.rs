//! Listeners: who else is told of the writes of a `Db`, beside the hooks of the model itself.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::future::ready;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thing_driver_api::{Result, async_trait};

use crate::event::{Changes, End, Event, EventKind};
use crate::{Db, Model, Transaction};

/// Listens to the writes of one model: [`DbBuilder::listen`](crate::DbBuilder::listen).
///
/// The methods are those of [`Hooks`](crate::Hooks), with the same rules, and run after those of the model, of several
/// listeners in the order in which they were added. Every method has a default that does nothing, and is written as an
/// `async fn`.
///
/// ```
/// use thing::{Changes, Listener, Model, Result, Transaction};
///
/// #[derive(Model, Clone)]
/// struct User {
///     id: u64,
///     email: String,
/// }
///
/// struct Welcome;
///
/// impl Listener<User> for Welcome {
///     async fn after_create(&self, user: &User, _: &Changes<User>, _: &Transaction) -> Result<()> {
///         println!("a letter to {} goes into the outbox", user.email);
///         Ok(())
///     }
/// }
/// ```
// The defaults do nothing with what they are given.
#[allow(unused_variables)]
pub trait Listener<M: Model>: Send + Sync + 'static {
    /// Before an object is created or updated, and before the method for the one or the other.
    fn before_save(&self, object: &mut M, transaction: &Transaction) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Before an object is created.
    fn before_create(&self, object: &mut M, transaction: &Transaction) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Before changes of an object are written.
    fn before_update(&self, object: &mut M, transaction: &Transaction) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Before an object is deleted: removed, or marked as deleted.
    fn before_delete(&self, object: &M, transaction: &Transaction) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Before an object, which is marked as deleted, is restored.
    fn before_restore(&self, object: &M, transaction: &Transaction) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// An object has been created.
    fn after_create(
        &self,
        object: &M,
        changes: &Changes<M>,
        transaction: &Transaction,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Changes of an object have been written.
    fn after_update(
        &self,
        object: &M,
        changes: &Changes<M>,
        transaction: &Transaction,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// An object has been created or updated, and the method for the one or the other has run.
    fn after_save(
        &self,
        object: &M,
        changes: &Changes<M>,
        transaction: &Transaction,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// An object has been deleted.
    fn after_delete(
        &self,
        object: &M,
        changes: &Changes<M>,
        transaction: &Transaction,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// An object has been restored.
    fn after_restore(
        &self,
        object: &M,
        changes: &Changes<M>,
        transaction: &Transaction,
    ) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// A transaction has been committed; these are all its changes of the model, in order.
    fn after_commit(&self, changes: Vec<Changes<M>>, db: &Db) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// A transaction has been rolled back; these were all its changes of the model, in order.
    fn after_rollback(&self, changes: Vec<Changes<M>>, db: &Db) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }
}

/// Listens to the writes of all models, for audit logs and outboxes: [`DbBuilder::listen_all`](crate::DbBuilder::listen_all).
///
/// It runs after hooks and listeners of the model, under the same rules. Every method has a default that does nothing.
// The defaults do nothing with what they are given.
#[allow(unused_variables)]
pub trait EventListener: Send + Sync + 'static {
    /// Whether it listens to writes of this table; of every table unless it says otherwise. The answer is always the same.
    /// Where nobody listens, writes cost what they do without listeners. A listener that writes rows does not listen to
    /// their table.
    fn listens_to(&self, table: &str) -> bool {
        true
    }

    /// An object has been written. An error undoes the write.
    fn on_event(&self, event: &Event, transaction: &Transaction) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// A transaction has been committed; these are all its events, in order.
    fn after_commit(&self, events: Vec<Event>, db: &Db) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// A transaction has been rolled back; these were all its events, in order.
    fn after_rollback(&self, events: Vec<Event>, db: &Db) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }
}

/// Hooks or a listener of a model, behind one type.
#[async_trait]
pub trait Dispatch<M: Model>: Send + Sync {
    /// Before a write.
    async fn before(&self, kind: EventKind, object: &mut M, transaction: &Transaction) -> Result<()>;

    /// After a write.
    async fn after(&self, object: &M, changes: &Changes<M>, transaction: &Transaction) -> Result<()>;

    /// After the end of the transaction.
    async fn ended(&self, end: End, changes: Vec<Changes<M>>, db: &Db) -> Result<()>;
}

struct Typed<L>(L);

#[async_trait]
impl<M: Model, L: Listener<M>> Dispatch<M> for Typed<L> {
    async fn before(&self, kind: EventKind, object: &mut M, transaction: &Transaction) -> Result<()> {
        match kind {
            EventKind::Created => {
                self.0.before_save(object, transaction).await?;
                self.0.before_create(object, transaction).await
            }
            EventKind::Updated => {
                self.0.before_save(object, transaction).await?;
                self.0.before_update(object, transaction).await
            }
            EventKind::Deleted => self.0.before_delete(object, transaction).await,
            EventKind::Restored => self.0.before_restore(object, transaction).await,
        }
    }

    async fn after(&self, object: &M, changes: &Changes<M>, transaction: &Transaction) -> Result<()> {
        match changes.kind() {
            EventKind::Created => {
                self.0.after_create(object, changes, transaction).await?;
                self.0.after_save(object, changes, transaction).await
            }
            EventKind::Updated => {
                self.0.after_update(object, changes, transaction).await?;
                self.0.after_save(object, changes, transaction).await
            }
            EventKind::Deleted => self.0.after_delete(object, changes, transaction).await,
            EventKind::Restored => self.0.after_restore(object, changes, transaction).await,
        }
    }

    async fn ended(&self, end: End, changes: Vec<Changes<M>>, db: &Db) -> Result<()> {
        match end {
            End::Committed => self.0.after_commit(changes, db).await,
            End::RolledBack => self.0.after_rollback(changes, db).await,
        }
    }
}

/// An [`EventListener`], behind one type.
#[async_trait]
trait DispatchEvents: Send + Sync {
    fn hears(&self, table: &str) -> bool;

    async fn after(&self, event: &Event, transaction: &Transaction) -> Result<()>;

    async fn ended(&self, end: End, events: Vec<Event>, db: &Db) -> Result<()>;
}

#[async_trait]
impl<L: EventListener> DispatchEvents for L {
    fn hears(&self, table: &str) -> bool {
        self.listens_to(table)
    }

    async fn after(&self, event: &Event, transaction: &Transaction) -> Result<()> {
        self.on_event(event, transaction).await
    }

    async fn ended(&self, end: End, events: Vec<Event>, db: &Db) -> Result<()> {
        match end {
            End::Committed => self.after_commit(events, db).await,
            End::RolledBack => self.after_rollback(events, db).await,
        }
    }
}

/// The listeners of one model, in the order in which they were added.
type OfModel<M> = Vec<Box<dyn Dispatch<M>>>;

/// The listeners of a `Db`.
#[derive(Default)]
pub(crate) struct Listeners {
    /// By the model, its [`OfModel`].
    typed: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    all: Vec<Box<dyn DispatchEvents>>,
}

impl Listeners {
    pub(crate) fn add<M: Model>(&mut self, listener: impl Listener<M>) {
        let of_model = self.typed.entry(TypeId::of::<M>()).or_insert_with(|| Box::new(OfModel::<M>::new()));
        if let Some(of_model) = of_model.downcast_mut::<OfModel<M>>() {
            of_model.push(Box::new(Typed(listener)));
        }
    }

    pub(crate) fn add_to_all(&mut self, listener: impl EventListener) {
        self.all.push(Box::new(listener));
    }

    /// Whether anybody, hooks included, is told of the writes of this model.
    pub(crate) fn hear<M: Model>(&self) -> bool {
        M::HOOKS.is_some()
            || self.typed.contains_key(&TypeId::of::<M>())
            || self.all.iter().any(|listener| listener.hears(M::table().name()))
    }

    /// The listeners of the model.
    fn typed<M: Model>(&self) -> impl Iterator<Item = &dyn Dispatch<M>> {
        let of_model = self.typed.get(&TypeId::of::<M>()).and_then(|any| any.downcast_ref::<OfModel<M>>());
        of_model.into_iter().flatten().map(|listener| &**listener)
    }

    /// The hooks of the model, then its listeners.
    fn of_model<M: Model>(&self) -> impl Iterator<Item = &dyn Dispatch<M>> {
        M::HOOKS.into_iter().chain(self.typed())
    }

    /// Tells of a write that is about to be sent.
    pub(crate) async fn before<M: Model>(
        &self,
        kind: EventKind,
        object: &mut M,
        transaction: &Transaction,
    ) -> Result<()> {
        for listener in self.of_model::<M>() {
            listener.before(kind, object, transaction).await?;
        }
        Ok(())
    }

    /// Tells of a write that was carried out.
    pub(crate) async fn after<M: Model>(&self, object: &M, event: Event, transaction: &Transaction) -> Result<()> {
        let changes = Changes::of(event);
        for listener in self.of_model::<M>() {
            listener.after(object, &changes, transaction).await?;
        }
        for listener in self.all.iter().filter(|listener| listener.hears(changes.table())) {
            listener.after(&changes, transaction).await?;
        }
        Ok(())
    }

    /// Tells of a transaction that has ended: each model's, then those of all models.
    pub(crate) async fn ended(&self, end: End, events: Vec<Event>, db: &Db) {
        let mut models: Vec<Vec<Event>> = Vec::new();
        for event in &events {
            match models.iter_mut().find(|model| model[0].model_id() == event.model_id()) {
                Some(model) => model.push(event.clone()),
                None => models.push(vec![event.clone()]),
            }
        }
        for model in models {
            (model[0].tell_end())(db, model, end).await;
        }
        for listener in &self.all {
            let heard: Vec<Event> = events.iter().filter(|event| listener.hears(event.table())).cloned().collect();
            if !heard.is_empty() {
                at_the_end(db, listener.ended(end, heard, db)).await;
            }
        }
    }
}

/// Tells the hooks and the listeners of one model.
pub(crate) fn tell_end<M: Model>(db: &Db, events: Vec<Event>, end: End) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        if let Some(hooks) = M::HOOKS {
            for event in &events {
                at_the_end(db, hooks.ended(end, vec![Changes::of(event.clone())], db)).await;
            }
        }
        for listener in db.listeners().typed::<M>() {
            let changes = events.iter().cloned().map(Changes::of).collect();
            at_the_end(db, listener.ended(end, changes, db)).await;
        }
    })
}

/// What fails here can't undo what has ended: it is counted, and the others are told all the same.
async fn at_the_end(db: &Db, told: impl Future<Output = Result<()>>) {
    match AssertUnwindSafe(told).catch_unwind().await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => db.counters().listener_error(Some(&error)),
        Err(_) => db.counters().listener_error(None),
    }
}
