//! Loading a relation of many objects, in as many statements as of one.

use std::sync::Arc;

use async_trait::async_trait;
use thing_driver_api::{Key, Result};

use super::{Relation, RelationKind};
use crate::cache::Stored;
use crate::session::Handle;
use crate::visibility::Visibility;
use crate::{Coherence, Loaded, Model, Query, Things};

/// A relation of `M`, whatever its target and kind.
#[async_trait]
pub trait Preload<M>: Send + Sync {
    /// Loads it of all these objects.
    async fn load(&self, reading: Reading<'_>, objects: &mut [&mut Loaded<M>]) -> Result<()>;
}

#[async_trait]
impl<M: Model, T: Model, K: RelationKind<M, T>> Preload<M> for Relation<M, T, K> {
    async fn load(&self, reading: Reading<'_>, objects: &mut [&mut Loaded<M>]) -> Result<()> {
        self.load_into(reading, objects).await.map_err(|error| error.context(format!("load {}", self.path())))
    }
}

impl<M: Model, T: Model, K: RelationKind<M, T>> Relation<M, T, K> {
    async fn load_into(&self, reading: Reading<'_>, objects: &mut [&mut Loaded<M>]) -> Result<()> {
        let mut owns = Vec::with_capacity(objects.len());
        for object in objects.iter() {
            owns.push(self.kind.own(object)?);
        }
        let mut keys: Vec<Key> = owns.iter().flatten().cloned().collect();
        keys.sort_unstable();
        keys.dedup();
        let mut lists = Vec::new();
        if !keys.is_empty() {
            lists = self.kind.lists(reading, self.query(reading), self.most, &keys).await?;
        }
        if !self.with.is_empty() {
            let mut related: Vec<&mut Loaded<T>> = lists.iter_mut().flatten().collect();
            for relation in &self.with {
                relation.load(reading, &mut related).await?;
            }
        }
        // Objects that are related by one key share what was loaded.
        let lists: Vec<Arc<Vec<Loaded<T>>>> = lists.into_iter().map(Arc::new).collect();
        for (object, own) in objects.iter_mut().zip(owns) {
            let place = own.as_ref().and_then(|key| keys.binary_search(key).ok());
            let list = place.map_or_else(Arc::default, |at| lists[at].clone());
            object.keep(self.name, own, list);
        }
        Ok(())
    }
}

/// How related objects are read: where, and past which caches.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'s> {
    session: Handle<'s>,
    fresh: bool,
    cached: bool,
}

impl<'s> Reading<'s> {
    pub(crate) fn new(session: Handle<'s>, coherence: Coherence, cached: bool) -> Self {
        Self { session, fresh: coherence == Coherence::Fresh, cached }
    }

    /// As the objects of `M` are read.
    pub(crate) fn of<M: Model>(session: Handle<'s>) -> Self {
        Self::new(session, M::COHERENCE.unwrap_or(session.db().coherence()), true)
    }

    pub(super) fn query<T: Model>(self) -> Query<'s, T> {
        let query = self.things::<T>().all_objects();
        if self.cached { query } else { query.uncached() }
    }

    /// The objects with these keys, which are sorted and differ, in their order: those that are in sight as far as their
    /// deletion goes.
    pub(super) async fn read_many<T: Model>(self, keys: &[Key], seen: Visibility) -> Result<Vec<Option<Loaded<T>>>> {
        let things = self.things::<T>();
        let read = if self.cached { things.read_many(keys).await } else { things.read_many_uncached(keys).await };
        let in_sight = |object: &Arc<Stored<T>>| seen.sees_life(&object.0);
        Ok(read?.into_iter().map(|object| object.filter(in_sight).map(Loaded::new)).collect())
    }

    pub(super) fn compares_text_exactly(self) -> bool {
        self.session.db().exactness().text()
    }

    fn things<T: Model>(self) -> Things<'s, T> {
        let coherence = T::COHERENCE.unwrap_or(self.session.db().coherence());
        Things::new(self.session, if self.fresh { Coherence::Fresh } else { coherence })
    }
}
