//! The operations on the objects of one model.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use thing_driver_api::{EntryKey, Error, Key, Payload, Result, Tag, Value};

use crate::cache::{Cache, ObjectAnswer, Stored, Turn};
use crate::filter::{Filter, Node};
use crate::loader::{read_batch, read_one};
use crate::session::Handle;
use crate::visibility::Visibility;
use crate::{Coherence, Db, IntoKey, Loadable, Loaded, Model, ModelKey, OrderBy, Query, Session, trace};

/// The objects of one model, on a [`Db`] or in a [`Transaction`](crate::Transaction): made by [`Db::things`],
/// [`Transaction::things`](crate::Transaction::things) or, for any session, [`Things::of`].
pub struct Things<'s, M> {
    session: Handle<'s>,
    coherence: Coherence,
    visibility: Visibility,
    model: PhantomData<fn() -> M>,
}

impl<'s, M: Model> Things<'s, M> {
    pub(crate) fn new(session: Handle<'s>, coherence: Coherence) -> Self {
        Self { session, coherence, visibility: Visibility::USUAL, model: PhantomData }
    }

    /// The objects of the model in this session.
    pub fn of<S: Session + ?Sized>(session: &'s S) -> Self {
        let session = session.handle();
        Self::new(session, M::COHERENCE.unwrap_or(session.db().coherence()))
    }

    /// Has these reads pass by the near cache of this process, where there is one: [`Coherence::Fresh`].
    #[must_use]
    pub fn fresh(mut self) -> Self {
        self.coherence = Coherence::Fresh;
        self
    }

    /// Has these writes wait until no process would be answered by what they change: [`Coherence::Strict`]. In a
    /// transaction its commit waits, once.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.coherence = Coherence::Strict;
        self
    }

    /// Has these reads find deleted objects too, of a model with a `deleted` field.
    #[must_use]
    pub fn with_deleted(mut self) -> Self {
        self.visibility = self.visibility.with_deleted();
        self
    }

    /// Has these reads find deleted objects alone.
    #[must_use]
    pub fn only_deleted(mut self) -> Self {
        self.visibility = self.visibility.only_deleted();
        self
    }

    /// Has these reads pass over the rule of the model, `#[thing(keep = …)]`. Deleted objects stay out of sight.
    #[must_use]
    pub fn unfiltered(mut self) -> Self {
        self.visibility = self.visibility.unruled();
        self
    }

    pub(crate) fn session(self) -> Handle<'s> {
        self.session
    }

    pub(crate) fn coherence(self) -> Coherence {
        self.coherence
    }

    fn is_fresh(self) -> bool {
        self.coherence == Coherence::Fresh
    }

    /// The object with this key, from the cache where it is there.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] when there is none; a failure never is.
    pub async fn by_id(self, key: impl IntoKey<M::Key>) -> Result<Loaded<M>> {
        let key = key.into_key().to_key()?;
        match self.peek(&key) {
            ObjectAnswer::Hit(object) if self.sees_at_once(&object) => Ok(Loaded::new(object)),
            ObjectAnswer::Absent => Err(not_found::<M>(&key)),
            // The slow path is boxed, so that the future of a hit stays small.
            _ => match Box::pin(self.read_seen(&key)).await? {
                Some(object) => Ok(Loaded::new(object)),
                None => Err(not_found::<M>(&key)),
            },
        }
    }

    /// The object with this key, or `None`; from the cache where it is there.
    ///
    /// # Errors
    ///
    /// Failures of the database, data that does not fit the model.
    pub async fn find(self, key: impl IntoKey<M::Key>) -> Result<Option<Loaded<M>>> {
        let key = key.into_key().to_key()?;
        match self.peek(&key) {
            ObjectAnswer::Hit(object) if self.sees_at_once(&object) => Ok(Some(Loaded::new(object))),
            ObjectAnswer::Absent => Ok(None),
            _ => Ok(Box::pin(self.read_seen(&key)).await?.map(Loaded::new)),
        }
    }

    /// The object with this key, read from the database.
    ///
    /// # Errors
    ///
    /// As [`Things::by_id`].
    pub async fn by_id_uncached(self, key: impl IntoKey<M::Key>) -> Result<Loaded<M>> {
        let key = key.into_key().to_key()?;
        match self.seen(&key, self.read_uncached(&key).await?, Asking::Database).await? {
            Some(object) => Ok(Loaded::new(object)),
            None => Err(not_found::<M>(&key)),
        }
    }

    /// The objects with these keys, from the cache where they are there; the others in one batch. Keys may repeat, and
    /// any number is allowed; missing objects are left out.
    ///
    /// # Errors
    ///
    /// As [`Things::find`].
    pub async fn by_ids<K: IntoKey<M::Key>>(
        self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<HashMap<M::Key, Loaded<M>>> {
        let mut wanted = Vec::new();
        for key in keys {
            wanted.push(key.into_key().to_key()?);
        }
        wanted.sort_unstable();
        wanted.dedup();
        let mut found = self.read_many(&wanted).await?;
        for (object, key) in found.iter_mut().zip(&wanted) {
            if object.as_ref().is_some_and(|object| !self.sees_at_once(object)) {
                *object = self.seen(key, object.take(), Asking::Cache).await?;
            }
        }
        Ok(found.into_iter().flatten().map(|object| (object.0.key(), Loaded::new(object))).collect())
    }

    /// Starts a query over all objects.
    pub fn all_objects(self) -> Query<'s, M> {
        Query::new(self.session, self.coherence).seeing(self.visibility)
    }

    /// Starts a query over the objects that match.
    pub fn filter(self, filter: Filter<M>) -> Query<'s, M> {
        self.all_objects().filter(filter)
    }

    /// Starts a query in this order.
    pub fn order_by(self, order: OrderBy<M>) -> Query<'s, M> {
        self.all_objects().order_by(order)
    }

    /// Starts a query that loads this relation of its objects along.
    pub fn with(self, relation: impl Loadable<M>) -> Query<'s, M> {
        self.all_objects().with(relation)
    }

    /// All objects, in the order of their keys.
    ///
    /// # Errors
    ///
    /// Those of [`Query::all`].
    pub async fn all(self) -> Result<Vec<Loaded<M>>> {
        self.all_objects().all().await
    }

    /// The number of objects.
    ///
    /// # Errors
    ///
    /// Those of [`Query::count`].
    pub async fn count(self) -> Result<u64> {
        self.all_objects().count().await
    }

    /// The object with this key, locked until the transaction ends: others who lock or write it wait.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] when there is none; else as [`Query::for_update`].
    pub async fn by_id_for_update(self, key: impl IntoKey<M::Key>) -> Result<Loaded<M>> {
        let key = key.into_key().to_key()?;
        let found = self.filter(Filter::new(Node::key(M::table(), &key))).for_update().first().await?;
        found.ok_or_else(|| not_found::<M>(&key))
    }

    /// Whether the object is seen, without a look at the rule of its model.
    fn sees_at_once(self, object: &Stored<M>) -> bool {
        !self.visibility.is_ruled::<M>() && self.visibility.sees_life(&object.0)
    }

    async fn read_seen(self, key: &Key) -> Result<Option<Arc<Stored<M>>>> {
        self.seen(key, self.read(key).await?, Asking::Cache).await
    }

    /// The object, if it is seen. In doubt the database is asked, or a list in the cache that says what it said.
    async fn seen(self, key: &Key, object: Option<Arc<Stored<M>>>, asking: Asking) -> Result<Option<Arc<Stored<M>>>> {
        let Some(object) = object else { return Ok(None) };
        let seen = match self.visibility.sees(&object.0, self.session.db().exactness())? {
            Some(seen) => seen,
            None => {
                let query = self.filter(Filter::new(Node::key(M::table(), key)));
                match asking {
                    Asking::Cache => query.exists().await?,
                    Asking::Database => query.uncached().exists().await?,
                }
            }
        };
        Ok(Some(object).filter(|_| seen))
    }

    /// The object in this process's memory.
    pub(crate) fn peek_object(self, key: &Key) -> Option<Arc<Stored<M>>> {
        match self.peek(key) {
            ObjectAnswer::Hit(object) => Some(object),
            _ => None,
        }
    }

    fn cache(self) -> Option<(&'s Db, &'s Cache)> {
        match self.session {
            Handle::Db(db) => db.cache().map(|cache| (db, cache)),
            // A transaction sees its own writes and perhaps an old snapshot: neither may be answered from the cache or
            // put there.
            Handle::Transaction(_) => None,
        }
    }

    fn peek(self, key: &Key) -> ObjectAnswer<M> {
        match self.cache() {
            Some((_, cache)) if !self.is_fresh() => {
                cache.peek_object(&EntryKey::Object { table: M::table().id(), key: key.clone() })
            }
            _ => ObjectAnswer::Miss,
        }
    }

    async fn read(self, key: &Key) -> Result<Option<Arc<Stored<M>>>> {
        let Some((db, cache)) = self.cache() else {
            return self.read_uncached(key).await;
        };
        let since = cache.now();
        match cache.load_object::<M>(key, db.exactness(), self.is_fresh()).await {
            Ok(ObjectAnswer::Hit(object)) => return Ok(Some(object)),
            Ok(ObjectAnswer::Absent) => return Ok(None),
            Ok(ObjectAnswer::Miss) => {}
            Ok(ObjectAnswer::Bypass) => return self.read_uncached(key).await,
            Err(_) => return self.read_despite(key).await,
        }
        match cache.turn_for_object::<M>(key, since, self.is_fresh()).await {
            Ok(Turn::Fill(filling)) => {
                let read = trace::span("fill", 1, self.read_uncached(key)).await;
                match &read {
                    Ok(object) => match Cache::object_landing(key, object.as_ref()) {
                        Some(entry) => drop(filling.land(entry).await.inspect_err(|_| db.counters().cache_error())),
                        // Dropping the fill sends the waiting callers to the database themselves.
                        None => drop(filling),
                    },
                    Err(error) => filling.crash(error),
                }
                read
            }
            Ok(Turn::Joined(payload)) => match payload? {
                Payload::Absent => Ok(None),
                payload => match Stored::of(payload) {
                    Some(object) => Ok(Some(object)),
                    None => {
                        // Another version of the program stored it. Gone, it is stored by whoever reads it next.
                        if cache.client().void(&[Tag::row(M::table().id(), key)]).await.is_err() {
                            db.counters().cache_error();
                        }
                        self.read_uncached(key).await
                    }
                },
            },
            Ok(Turn::Bypass) => self.read_uncached(key).await,
            Err(_) => self.read_despite(key).await,
        }
    }

    /// Reads from the database because the cache failed.
    async fn read_despite(self, key: &Key) -> Result<Option<Arc<Stored<M>>>> {
        self.session.db().counters().cache_error();
        self.read_uncached(key).await
    }

    pub(crate) async fn read_uncached(self, key: &Key) -> Result<Option<Arc<Stored<M>>>> {
        match self.session {
            Handle::Db(db) => db.model::<M>().loader.find(db, key).await,
            transaction => read_one(transaction, &transaction.db().model::<M>().get, key).await,
        }
    }

    /// The rows with these keys, which are sorted and differ, in their order.
    pub(crate) async fn read_many(self, keys: &[Key]) -> Result<Vec<Option<Arc<Stored<M>>>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let Some((db, cache)) = self.cache() else {
            return self.read_many_uncached(keys).await;
        };
        let mut found: Vec<Option<Arc<Stored<M>>>> = vec![None; keys.len()];
        let mut missing = Vec::new();
        match cache.load_objects::<M>(keys, db.exactness(), self.is_fresh()).await {
            Ok(answers) => {
                for (at, answer) in answers.into_iter().enumerate() {
                    match answer {
                        ObjectAnswer::Hit(object) => found[at] = Some(object),
                        ObjectAnswer::Absent => {}
                        ObjectAnswer::Miss | ObjectAnswer::Bypass => missing.push(at),
                    }
                }
            }
            Err(_) => {
                db.counters().cache_error();
                return self.read_many_uncached(keys).await;
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let wanted: Vec<Key> = missing.iter().map(|&at| keys[at].clone()).collect();
        let leases = cache.lease_objects::<M>(db, &wanted).await;
        let read = self.read_many_uncached(&wanted).await?;
        let landing = |(key, row): (&Key, &Option<_>)| Cache::object_landing::<M>(key, row.as_ref());
        leases.store(wanted.iter().zip(&read).map(|found| landing(found).into_iter().collect())).await;
        for (at, object) in missing.into_iter().zip(read) {
            found[at] = object;
        }
        Ok(found)
    }

    pub(crate) async fn read_many_uncached(self, keys: &[Key]) -> Result<Vec<Option<Arc<Stored<M>>>>> {
        let state = self.session.db().model::<M>();
        read_batch(self.session, &state.get, keys).await?.into_iter().collect()
    }
}

/// Who says whether an object is seen that can't be judged here.
#[derive(Clone, Copy)]
enum Asking {
    Cache,
    Database,
}

impl<M> Clone for Things<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Things<'_, M> {}

impl<M: Model> fmt::Debug for Things<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Things").field("model", &M::NAME).finish_non_exhaustive()
    }
}

pub(crate) fn not_found<M: Model>(key: &Key) -> Error {
    Error::not_found(format!("no {} with key {}", M::NAME, shown(key)))
}

/// A key as messages show it.
pub(crate) fn shown(key: &Key) -> String {
    let part = |value: Value<'_>| match value {
        Value::I64(v) => v.to_string(),
        Value::Text(v) => format!("{v:?}"),
        Value::Uuid(v) => {
            let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
            format!("{}-{}-{}-{}-{}", hex(&v[..4]), hex(&v[4..6]), hex(&v[6..8]), hex(&v[8..10]), hex(&v[10..]))
        }
        other => format!("{other:?}"),
    };
    let parts: Vec<String> = (0..key.parts()).map(|n| part(key.value(n))).collect();
    if parts.len() == 1 { parts.concat() } else { format!("({})", parts.join(", ")) }
}
