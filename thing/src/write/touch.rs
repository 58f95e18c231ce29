//! Touching: a write that changes nothing but the time of the last write.

use thing_driver_api::{Error, Key, Result};

use super::rewrite::{Action, Rewrite};
use super::version::Seen;
use super::{about, stamps};
use crate::filter::Node;
use crate::rows::ValueRow;
use crate::session::Handle;
use crate::things::not_found;
use crate::visibility::Visibility;
use crate::{Coherence, IntoKey, Loaded, Model, ModelKey, Session, Things};

impl<M: Model> Things<'_, M> {
    /// Sets `updated` of the object with this key to the time, raises its version, and gives it as it is then. Rules are
    /// not checked; hooks and listeners are not told.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] when there is none; [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a model
    /// without an `updated` field; else as [`Things::create`].
    pub async fn touch(self, key: impl IntoKey<M::Key>) -> Result<Loaded<M>> {
        let key = key.into_key().to_key()?;
        touch(self.session(), self.coherence(), &key, None, self.session().db().now())
            .await
            .map(Loaded::of)
            .map_err(|error| about::<M>(error, "touch", &key))
    }
}

impl<M: Model> Loaded<M> {
    /// As [`Things::touch`]. What its holder changed stays unsaved.
    ///
    /// # Errors
    ///
    /// As [`Things::touch`]; [`Error::is_stale`] when the row has another version than the object.
    pub async fn touch<S: Session + ?Sized>(&mut self, session: &S) -> Result<()> {
        self.settle();
        let key = self.original().key().to_key()?;
        let seen = Seen::of(self.original())?;
        let (session, coherence) = (session.handle(), Things::<M>::of(session).coherence());
        let now = session.db().now();
        touch::<M>(session, coherence, &key, seen, now).await.map_err(|error| about::<M>(error, "touch", &key))?;
        let renew = |object: &mut M| {
            object.touch(now, false);
            seen.map_or(Ok(()), |seen| seen.raise(object))
        };
        self.renew(session.fate(), renew)
    }
}

async fn touch<M: Model>(
    session: Handle<'_>,
    coherence: Coherence,
    key: &Key,
    seen: Option<Seen>,
    now: i64,
) -> Result<M> {
    let set: Vec<_> = stamps::<M>(now).collect();
    if set.is_empty() {
        return Err(Error::invalid_input(format!("{} has no field with `#[thing(updated)]` to be touched", M::NAME)));
    }
    let filter = Node::key(M::table(), key).and(Visibility::LIVING.node::<M>());
    let done = Rewrite::new::<M>(coherence, filter, Action::Set(set)).seen(seen).run_reading(session).await?;
    match done.last {
        Some(row) => M::from_row(&ValueRow(&row)),
        None => Err(not_found::<M>(key)),
    }
}
