//! Soft deletion: objects that are marked as deleted and stay in their table, until they are restored or removed.

use thing_driver_api::{Error, Key, Result, Value};

use super::observed::{self, is_observed};
use super::rewrite::{Action, Rewrite};
use super::version::Seen;
use super::{about, stamps};
use crate::filter::Node;
use crate::rows::ValueRow;
use crate::session::Handle;
use crate::things::not_found;
use crate::visibility::{Visibility, living_mark};
use crate::{Coherence, IntoKey, Loaded, Model, ModelKey, Session, Things};

impl<M: Model> Things<'_, M> {
    /// Makes a [deleted](derive@crate::Model#deleted-objects) object one like any other again, and gives it as it is then.
    /// What was deleted along with it stays deleted.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] when no deleted object has this key; [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput)
    /// for a model without a `deleted` field; [`Error::is_unique_violation`] when another object has its unique values by
    /// now; else as [`Things::create`].
    pub async fn restore(self, key: impl IntoKey<M::Key>) -> Result<Loaded<M>> {
        let key = key.into_key().to_key()?;
        restore(self, &key, None).await.map_err(|error| about::<M>(error, "restore", &key))
    }

    /// Removes the object with this key, deleted or not, from its table: for good.
    ///
    /// # Errors
    ///
    /// As [`Things::delete`].
    pub async fn force_delete(self, key: impl IntoKey<M::Key>) -> Result<()> {
        let key = key.into_key().to_key()?;
        force_delete(self, &key, None).await.map_err(|error| about::<M>(error, "delete", &key))
    }
}

impl<M: Model> Loaded<M> {
    /// As [`Things::restore`].
    ///
    /// # Errors
    ///
    /// As [`Things::restore`]; [`Error::is_stale`] when the row has another version than the object.
    pub async fn restore<S: Session + ?Sized>(self, session: &S) -> Result<Self> {
        let key = self.original().key().to_key()?;
        let seen = Seen::of(self.original())?;
        restore(Things::of(session), &key, seen).await.map_err(|error| about::<M>(error, "restore", &key))
    }

    /// As [`Things::force_delete`].
    ///
    /// # Errors
    ///
    /// As [`Things::delete`]; [`Error::is_stale`] when the row has another version than the object.
    pub async fn force_delete<S: Session + ?Sized>(self, session: &S) -> Result<()> {
        let key = self.original().key().to_key()?;
        let seen = Seen::of(self.original())?;
        force_delete(Things::<M>::of(session), &key, seen).await.map_err(|error| about::<M>(error, "delete", &key))
    }
}

async fn restore<M: Model>(things: Things<'_, M>, key: &Key, seen: Option<Seen>) -> Result<Loaded<M>> {
    match is_observed::<M>(things.session()) {
        true => Box::pin(observed::restore(things, key, seen)).await,
        false => unmark(things.session(), things.coherence(), key, seen).await,
    }
}

async fn force_delete<M: Model>(things: Things<'_, M>, key: &Key, seen: Option<Seen>) -> Result<()> {
    match is_observed::<M>(things.session()) {
        true => Box::pin(observed::force_delete(things, key, seen)).await,
        false => remove::<M>(things.session(), things.coherence(), key, Action::Remove, seen).await,
    }
}

/// Takes the mark of deleted objects from one.
pub(super) async fn unmark<M: Model>(
    session: Handle<'_>,
    coherence: Coherence,
    key: &Key,
    seen: Option<Seen>,
) -> Result<Loaded<M>> {
    let set = restoring::<M>(session)?;
    let filter = Node::key(M::table(), key).and(Visibility::DELETED.node::<M>());
    let done = Rewrite::new::<M>(coherence, filter, Action::Set(set)).seen(seen).run_reading(session).await?;
    match done.last {
        Some(row) => M::from_row(&ValueRow(&row)).map(Loaded::of),
        None => Err(not_found::<M>(key)),
    }
}

/// What is set to restore an object.
pub(crate) fn restoring<M: Model>(session: Handle<'_>) -> Result<Vec<(usize, Value<'static>)>> {
    let Some(mark) = living_mark(M::table()) else {
        let message = format!("{} has no field with `#[thing(deleted)]`, so what is deleted is gone", M::NAME);
        return Err(Error::invalid_input(message));
    };
    Ok(std::iter::once(mark).chain(stamps::<M>(session.db().now())).collect())
}

/// Deletes one object, which is marked or removed; one that is marked counts as gone unless it is to be removed.
pub(super) async fn remove<M: Model>(
    session: Handle<'_>,
    coherence: Coherence,
    key: &Key,
    action: Action,
    seen: Option<Seen>,
) -> Result<()> {
    let seen_by = if matches!(action, Action::Remove) { Visibility::ALL } else { Visibility::LIVING };
    let filter = Node::key(M::table(), key).and(seen_by.node::<M>());
    match Rewrite::new::<M>(coherence, filter, action).seen(seen).run(session).await? {
        0 => Err(not_found::<M>(key)),
        _ => Ok(()),
    }
}
