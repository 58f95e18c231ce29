//! Running queries: from the cache where it answers, else from the database, for the cache to remember.

use std::sync::Arc;

use thing_driver_api::{EntryKey, Key, NewEntry, Payload, Result, Value};

use super::Query;
use super::compiled::{Compiled, Sorted, in_order_of_keys};
use crate::cache::{Answer, Cache, Filling, Keys, Kind, Missed, Question, Stored, Turn};
use crate::rows::{Number, Objects};
use crate::session::Handle;
use crate::{Db, Loaded, Model, ModelKey, Things, trace};

impl<M: Model> Query<'_, M> {
    pub(super) async fn window(&self, offset: Option<u64>, limit: Option<u64>) -> Result<Vec<Loaded<M>>> {
        let sorted = if offset.is_none() && limit.is_none() { Sorted::AsIsCheapest } else { Sorted::ByDatabase };
        let compiled = self.compile(Kind::List, offset, limit, sorted)?;
        let found = self.list(&compiled, Renewal::List { offset, limit }).await?;
        Ok(found.objects.into_iter().map(Loaded::new).collect())
    }

    /// The rows of a page and the one behind it, `limit` in all.
    pub(super) async fn slice(&self, limit: u64) -> Result<Found<M>> {
        let compiled = self.compile(Kind::Page, None, Some(limit), Sorted::ByDatabase)?;
        self.list(&compiled, Renewal::Page { limit }).await
    }

    async fn list(&self, compiled: &Compiled, renewal: Renewal) -> Result<Found<M>> {
        let Some((db, cache)) = self.cache() else {
            return self.read_list(compiled).await;
        };
        let question = compiled.question::<M>(Some(cache));
        let entry = question.key();
        let since = cache.now();
        match cache.ask(&question, &entry, db.exactness(), self.reach(), &compiled.usage).await {
            Ok(Answer::Hit(payload)) => {
                if let Some(found) = self.hydrate(payload).await? {
                    return Ok(found);
                }
                compiled.usage.unusable();
            }
            Ok(Answer::Stale(payload)) => {
                if let Some(found) = self.hydrate(payload).await? {
                    self.renew(db, cache, &entry, renewal);
                    return Ok(found);
                }
            }
            Ok(Answer::Miss) => {}
            Ok(Answer::Bypass) => return self.read_list(compiled).await,
            Err(_) => {
                db.counters().cache_error();
                compiled.usage.missed(Missed::Failed);
                return self.read_list(compiled).await;
            }
        }
        match cache.turn(&entry, &question.tags(), since, self.is_fresh()).await {
            Ok(Turn::Fill(filling)) => self.fill_list(db, cache, filling, &question, compiled).await,
            Ok(Turn::Joined(payload)) => {
                compiled.usage.waited();
                match self.hydrate(payload?).await? {
                    Some(found) => Ok(found),
                    None => self.read_list(compiled).await,
                }
            }
            Ok(Turn::Bypass) => self.read_list(compiled).await,
            Err(_) => {
                db.counters().cache_error();
                self.read_list(compiled).await
            }
        }
    }

    /// Reads anew in a task of its own what was answered from what is not true any more; one task for an entry.
    fn renew(&self, db: &Db, cache: &Cache, entry: &EntryKey, renewal: Renewal) {
        let Some(renewing) = cache.renew(entry) else { return };
        let (db, filter, order) = (db.clone(), self.filter.clone(), self.order.clone());
        let (coherence, visibility) = (self.coherence, self.visibility);
        tokio::spawn(async move {
            let _renewing = renewing;
            let query = Query::<M> { filter, order, visibility, ..Query::new(Handle::Db(&db), coherence) };
            // Who asks next meets the error.
            let _ = match renewal {
                Renewal::List { offset, limit } => query.window(offset, limit).await.map(drop),
                Renewal::Page { limit } => query.slice(limit).await.map(drop),
                Renewal::Number(Kind::Exists) => query.exists().await.map(drop),
                Renewal::Number(_) => query.count().await.map(drop),
            };
        });
    }

    /// Reads the list and remembers its keys, and the objects themselves.
    async fn fill_list(
        &self,
        db: &Db,
        cache: &Cache,
        filling: Filling<'_>,
        question: &Question<'_>,
        compiled: &Compiled,
    ) -> Result<Found<M>> {
        let rows = cache.lease_rows::<M>().await.unwrap_or(None);
        let found = match trace::span("fill", 1, self.read_list(compiled)).await {
            Ok(found) => found,
            Err(error) => {
                filling.crash(&error);
                rows.iter().for_each(|lease| cache.client().abandon(lease));
                return Err(error);
            }
        };
        let mut keyed = Vec::with_capacity(found.objects.len());
        for object in &found.objects {
            keyed.push((object.0.key().to_key()?, object.clone()));
        }
        let keys = keyed.iter().map(|(key, _)| key.clone()).collect();
        let keys = match compiled.kind {
            Kind::Page => Keys::Page(keys, found.edges.clone()),
            _ => Keys::List(keys),
        };
        let payload = Payload::Shared(Arc::new(keys));
        if keyed.len() > cache.list_limit() {
            compiled.usage.too_long();
            filling.land_unstored(payload);
            rows.iter().for_each(|lease| cache.client().abandon(lease));
            return Ok(found);
        }
        let mut failed = false;
        if let Some(lease) = rows {
            failed |= cache.store_rows(&lease, &keyed).await.is_err();
        }
        let key = question.key();
        let digest = key.digest();
        match filling.land(NewEntry::new(key, question.tags(), payload)).await {
            Ok(kept) => compiled.usage.filled(digest, kept > 0),
            Err(_) => failed = true,
        }
        if failed {
            db.counters().cache_error();
        }
        Ok(found)
    }

    /// The objects of a cached list; `None` when one of them is gone by now, so that the list is out of date.
    async fn hydrate(&self, payload: Payload) -> Result<Option<Found<M>>> {
        let Some(keys) = Keys::of(payload) else { return Ok(None) };
        let (keys, edges) = match &*keys {
            Keys::List(keys) => (keys, Vec::new()),
            Keys::Page(keys, edges) => (keys, edges.clone()),
            Keys::Count(_) => return Ok(None),
        };
        let objects = self.by_keys(keys).await?;
        Ok(objects.map(|objects| Found { objects, edges }))
    }

    async fn by_keys(&self, keys: &[Key]) -> Result<Option<Vec<Arc<Stored<M>>>>> {
        let things = Things::<M>::new(self.session, self.coherence);
        let mut objects = Vec::with_capacity(keys.len());
        let mut missing: Vec<Key> = Vec::new();
        for key in keys {
            let object = things.peek_object(key);
            if object.as_ref().is_some_and(|object| !self.visibility.sees_life(&object.0)) {
                return Ok(None);
            }
            if object.is_none() {
                missing.push(key.clone());
            }
            objects.push(object);
        }
        if missing.is_empty() {
            return Ok(objects.into_iter().collect());
        }
        missing.sort_unstable();
        let read = things.read_many(&missing).await?;
        for (object, key) in objects.iter_mut().zip(keys) {
            if let (None, Ok(at)) = (&object, missing.binary_search(key)) {
                *object = read[at].clone().filter(|object| self.visibility.sees_life(&object.0));
            }
        }
        Ok(objects.into_iter().collect())
    }

    async fn read_list(&self, compiled: &Compiled) -> Result<Found<M>> {
        let mut objects = Objects::expecting(compiled.expected());
        self.session.fetch(&compiled.statement(), &mut objects).await?;
        let objects = if compiled.sorted_here { in_order_of_keys(objects.rows)? } else { objects.rows };
        Ok(Found { edges: compiled.edges(&objects)?, objects })
    }

    pub(super) async fn number(&self, compiled: &Compiled) -> Result<u64> {
        let Some((db, cache)) = self.cache() else {
            return self.read_number(compiled).await;
        };
        let question = compiled.question::<M>(Some(cache));
        let entry = question.key();
        let since = cache.now();
        match cache.ask(&question, &entry, db.exactness(), self.reach(), &compiled.usage).await {
            Ok(Answer::Hit(payload)) => {
                if let Some(count) = as_count(payload) {
                    return Ok(count);
                }
                compiled.usage.unusable();
            }
            Ok(Answer::Stale(payload)) => {
                if let Some(count) = as_count(payload) {
                    self.renew(db, cache, &entry, Renewal::Number(compiled.kind));
                    return Ok(count);
                }
            }
            Ok(Answer::Miss) => {}
            Ok(Answer::Bypass) => return self.read_number(compiled).await,
            Err(_) => {
                db.counters().cache_error();
                compiled.usage.missed(Missed::Failed);
                return self.read_number(compiled).await;
            }
        }
        match cache.turn(&entry, &question.tags(), since, self.is_fresh()).await {
            Ok(Turn::Fill(filling)) => {
                let read = trace::span("fill", 1, self.read_number(compiled)).await;
                match &read {
                    Ok(count) => {
                        let payload = Payload::Shared(Arc::new(Keys::Count(*count)));
                        let digest = entry.digest();
                        match filling.land(NewEntry::new(entry, question.tags(), payload)).await {
                            Ok(kept) => compiled.usage.filled(digest, kept > 0),
                            Err(_) => db.counters().cache_error(),
                        }
                    }
                    Err(error) => filling.crash(error),
                }
                read
            }
            Ok(Turn::Joined(payload)) => match as_count(payload?) {
                Some(count) => Ok(count),
                None => self.read_number(compiled).await,
            },
            Ok(Turn::Bypass) => self.read_number(compiled).await,
            Err(_) => {
                db.counters().cache_error();
                self.read_number(compiled).await
            }
        }
    }

    async fn read_number(&self, compiled: &Compiled) -> Result<u64> {
        let mut number = Number::default();
        self.session.fetch(&compiled.statement(), &mut number).await?;
        number.get()
    }
}

/// What is to be read anew.
#[derive(Clone, Copy)]
enum Renewal {
    List { offset: Option<u64>, limit: Option<u64> },
    Page { limit: u64 },
    Number(Kind),
}

/// The rows of a list and, of a page, the values by which its first and its last one are ordered.
pub(super) struct Found<M> {
    pub(super) objects: Vec<Arc<Stored<M>>>,
    pub(super) edges: Vec<Value<'static>>,
}

fn as_count(payload: Payload) -> Option<u64> {
    match *Keys::of(payload)? {
        Keys::Count(count) => Some(count),
        Keys::List(_) | Keys::Page(..) => None,
    }
}
