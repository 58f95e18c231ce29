//! Observed writes: those of models with hooks or listeners, in a transaction in which these work too.
//!
//! ```text
//! on the Db          BEGIN ─▶ run ─▶ COMMIT, and again where it met another
//! in a transaction   run
//! run                hooks before ─▶ rules ─▶ write ─▶ event noted for the end ─▶ hooks after
//! ```

use std::marker::PhantomData;

use thing_driver_api::{Key, Result};

use super::{Action, Seen, delete, find_row, row_before, row_of, soft_delete, update};
use crate::cache::KnownRow;
use crate::event::{Event, EventKind};
use crate::retry::Retries;
use crate::rows::ValueRow;
use crate::session::Handle;
use crate::things::not_found;
use crate::visibility::is_living;
use crate::{Coherence, Loaded, Model, ModelKey, Things, Transaction};

/// Whether hooks or listeners are told of writes of this model.
pub(crate) fn is_observed<M: Model>(session: Handle<'_>) -> bool {
    M::HOOKS.is_some() || session.db().listeners().hear::<M>()
}

/// A row before and after an update.
pub(super) struct Rows {
    before: KnownRow,
    after: KnownRow,
}

impl Rows {
    /// Kept only where somebody is told of them.
    pub(super) fn kept<M: Model>(session: Handle<'_>, before: &KnownRow, after: &KnownRow) -> Option<Self> {
        is_observed::<M>(session).then(|| Self { before: before.clone(), after: after.clone() })
    }
}

/// As [`Things::create`].
pub(super) async fn create<M: Model>(things: Things<'_, M>, object: M) -> Result<M> {
    perform(things.session(), Create { coherence: things.coherence(), object }).await
}

/// As [`Things::save`].
pub(super) async fn save<M: Model>(things: Things<'_, M>, object: &mut Loaded<M>) -> Result<()> {
    object.settle();
    if !object.changes()?.is_empty() {
        *object = perform(things.session(), Save { coherence: things.coherence(), object: object.clone() }).await?;
    }
    Ok(())
}

/// As [`Things::save_plain`], of an object that is there.
pub(super) async fn replace<M: Model>(things: Things<'_, M>, object: M) -> Result<Loaded<M>> {
    perform(things.session(), Replace { coherence: things.coherence(), object }).await
}

/// As [`Things::delete`]; `known` is the object as the caller saw it.
pub(super) async fn delete<M: Model>(things: Things<'_, M>, key: &Key, known: Option<&M>) -> Result<()> {
    let delete = Delete { coherence: things.coherence(), key: key.clone(), known: known.cloned() };
    perform(things.session(), delete).await
}

/// As [`Things::restore`]; `seen` is the version that the caller saw.
pub(super) async fn restore<M: Model>(things: Things<'_, M>, key: &Key, seen: Option<Seen>) -> Result<Loaded<M>> {
    let restore = Restore { coherence: things.coherence(), key: key.clone(), seen, model: PhantomData };
    perform(things.session(), restore).await
}

/// As [`Things::force_delete`]; `seen` is the version that the caller saw.
pub(super) async fn force_delete<M: Model>(things: Things<'_, M>, key: &Key, seen: Option<Seen>) -> Result<()> {
    let remove = Remove::<M> { coherence: things.coherence(), key: key.clone(), seen, model: PhantomData };
    perform(things.session(), remove).await
}

/// A write that can be run again from its start.
trait Work: Send {
    type Done: Send;

    fn run(&self, transaction: &Transaction) -> impl Future<Output = Result<Self::Done>> + Send;
}

async fn perform<W: Work + Sync>(session: Handle<'_>, work: W) -> Result<W::Done> {
    let db = match session {
        Handle::Transaction(transaction) => return work.run(transaction).await,
        Handle::Db(db) => db,
    };
    let mut retries = Retries::new();
    loop {
        let transaction = db.begin().await?;
        let done = work.run(&transaction).await;
        let done = transaction.finish(done).await;
        if !retries.again(done.as_ref().err()).await {
            return done;
        }
    }
}

async fn before<M: Model>(kind: EventKind, object: &mut M, transaction: &Transaction) -> Result<()> {
    transaction.db().listeners().before(kind, object, transaction).await
}

async fn after<M: Model>(object: &M, event: Event, transaction: &Transaction) -> Result<()> {
    transaction.note(event.clone());
    let told = transaction.db().listeners().after(object, event, transaction).await;
    // The write must not be committed without what was to come along with it.
    told.inspect_err(|_| transaction.doom())
}

struct Create<M> {
    coherence: Coherence,
    object: M,
}

impl<M: Model> Work for Create<M> {
    type Done = M;

    async fn run(&self, transaction: &Transaction) -> Result<M> {
        let mut object = self.object.clone();
        before(EventKind::Created, &mut object, transaction).await?;
        let object = Things::new(Handle::Transaction(transaction), self.coherence).insert(object).await?;
        let event = Event::new::<M>(EventKind::Created, object.key().to_key()?, None, Some(row_of(&object)?));
        after(&object, event, transaction).await?;
        Ok(object)
    }
}

struct Save<M> {
    coherence: Coherence,
    object: Loaded<M>,
}

impl<M: Model> Work for Save<M> {
    type Done = Loaded<M>;

    async fn run(&self, transaction: &Transaction) -> Result<Loaded<M>> {
        let mut object = self.object.clone();
        before(EventKind::Updated, &mut *object, transaction).await?;
        let rows = update::save(Handle::Transaction(transaction), self.coherence, &mut object).await?;
        after_update::<M>(&object, rows, transaction).await?;
        Ok(object)
    }
}

struct Replace<M> {
    coherence: Coherence,
    object: M,
}

impl<M: Model> Work for Replace<M> {
    type Done = Loaded<M>;

    async fn run(&self, transaction: &Transaction) -> Result<Loaded<M>> {
        let mut object = self.object.clone();
        before(EventKind::Updated, &mut object, transaction).await?;
        let (object, rows) = update::replace(Handle::Transaction(transaction), self.coherence, object).await?;
        after_update::<M>(&object, rows, transaction).await?;
        Ok(object)
    }
}

pub(super) async fn after_update<M: Model>(object: &M, rows: Option<Rows>, transaction: &Transaction) -> Result<()> {
    let Some(Rows { before, after: stored }) = rows else { return Ok(()) };
    let event = Event::new::<M>(EventKind::Updated, object.key().to_key()?, Some(before), Some(stored));
    after(object, event, transaction).await
}

struct Delete<M> {
    coherence: Coherence,
    key: Key,
    known: Option<M>,
}

impl<M: Model> Work for Delete<M> {
    type Done = ();

    async fn run(&self, transaction: &Transaction) -> Result<()> {
        let session = Handle::Transaction(transaction);
        // What the caller saw may be old by now.
        let row = row_before::<M>(session, &self.key).await?;
        let mut object = M::from_row(&ValueRow(&row))?;
        before(EventKind::Deleted, &mut object, transaction).await?;
        let seen = self.known.as_ref().map_or(Ok(None), Seen::of)?;
        delete::delete_read::<M>(transaction, self.coherence, &self.key, seen, &row).await?;
        let event = Event::new::<M>(EventKind::Deleted, object.key().to_key()?, Some(row), None);
        after(&object, event, transaction).await
    }
}

struct Restore<M> {
    coherence: Coherence,
    key: Key,
    seen: Option<Seen>,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> Work for Restore<M> {
    type Done = Loaded<M>;

    async fn run(&self, transaction: &Transaction) -> Result<Loaded<M>> {
        let session = Handle::Transaction(transaction);
        let marked = find_row(session, M::table(), &self.key).await?.filter(|row| !is_living(M::table(), row));
        if let Some(row) = &marked {
            before(EventKind::Restored, &mut M::from_row(&ValueRow(row))?, transaction).await?;
        }
        let restored = soft_delete::unmark::<M>(session, self.coherence, &self.key, self.seen).await?;
        let event = Event::new::<M>(EventKind::Restored, restored.key().to_key()?, marked, Some(row_of(&*restored)?));
        after(&*restored, event, transaction).await?;
        Ok(restored)
    }
}

struct Remove<M> {
    coherence: Coherence,
    key: Key,
    seen: Option<Seen>,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> Work for Remove<M> {
    type Done = ();

    async fn run(&self, transaction: &Transaction) -> Result<()> {
        let session = Handle::Transaction(transaction);
        let row = find_row(session, M::table(), &self.key).await?.ok_or_else(|| not_found::<M>(&self.key))?;
        let mut object = M::from_row(&ValueRow(&row))?;
        before(EventKind::Deleted, &mut object, transaction).await?;
        soft_delete::remove::<M>(session, self.coherence, &self.key, Action::Remove, self.seen).await?;
        let event = Event::new::<M>(EventKind::Deleted, object.key().to_key()?, Some(row), None);
        after(&object, event, transaction).await
    }
}
