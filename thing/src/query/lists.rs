//! The lists of many values of one column: each from its own entry, the missing ones by one statement.
//!
//! ```text
//! a value each ─▶ the entries of their queries ── hits ─▶ objects, in one batch
//!                    └─ misses ─▶ leases ─▶ one statement with IN ─▶ an entry each, the objects too
//! ```

use std::sync::Arc;

use thing_driver_api::{EntryKey, Key, LeaseRequest, NewEntry, Payload, Result, Tag};

use super::Query;
use super::compiled::{Compiled, Sorted};
use crate::cache::{Answer, Cache, Keys, Kind, Leases, Missed, Question, Stored, Usage, has_text};
use crate::{Db, Loaded, Model, ModelKey, Things, trace};

impl<M: Model> Query<'_, M> {
    /// The objects whose `column` has each of these keys, which are sorted and differ: at most `limit` for each. A list is
    /// the one, and its entry in the cache too, that this query gives with a filter by the key before its own.
    pub(crate) async fn lists(&self, column: usize, keys: &[Key], limit: Option<u64>) -> Result<Vec<Vec<Loaded<M>>>> {
        // Where the database takes different texts for equal, only it can tell which row is whose.
        let told_by_database = !self.session.db().exactness().text() && keys.iter().any(has_text);
        if keys.len() == 1 || told_by_database {
            let mut lists = Vec::with_capacity(keys.len());
            for key in keys {
                lists.push(self.clone().only(column, key).window(None, limit).await?);
            }
            return Ok(lists);
        }
        let Some((db, cache)) = self.cache() else {
            return self.read_lists(column, keys, limit).await;
        };
        let sorted = if limit.is_none() { Sorted::AsIsCheapest } else { Sorted::ByDatabase };
        let compile = |key| self.clone().only(column, key).compile(Kind::List, None, limit, sorted);
        let compiled = keys.iter().map(compile).collect::<Result<Vec<Compiled>>>()?;
        let mut lists: Vec<One<'_, M>> =
            keys.iter().zip(&compiled).map(|(key, of)| One::of(key, of.question::<M>(Some(cache)))).collect();
        let usage = &compiled[0].usage;
        self.find_lists(db, cache, &mut lists, usage).await?;
        self.fill_lists(db, cache, column, limit, &mut lists, usage).await?;
        Ok(lists.into_iter().map(One::into_list).collect())
    }

    /// Looks for the lists, and their objects, in the cache.
    async fn find_lists(&self, db: &Db, cache: &Cache, lists: &mut [One<'_, M>], usage: &Usage) -> Result<()> {
        let questions: Vec<(&Question<'_>, &EntryKey)> = lists.iter().map(|one| (&one.question, &one.entry)).collect();
        let Ok(answers) = cache.ask_many(&questions, db.exactness(), self.is_fresh(), usage).await else {
            db.counters().cache_error();
            usage.missed(Missed::Failed);
            return Ok(());
        };
        let mut hits = Vec::new();
        for (one, answer) in lists.iter_mut().zip(answers) {
            match answer {
                Answer::Hit(payload) => {
                    one.known = Known::Missing;
                    hits.push((one, Keys::of(payload)));
                }
                Answer::Miss => one.known = Known::Missing,
                Answer::Bypass | Answer::Stale(_) => {}
            }
        }
        let mut all: Vec<Key> = hits.iter().flat_map(|(_, keys)| listed(keys)).cloned().collect();
        all.sort_unstable();
        all.dedup();
        let objects = Things::<M>::new(self.session, self.coherence).read_many(&all).await?;
        for (one, keys) in hits {
            let found = |key| all.binary_search(key).ok().and_then(|at| objects[at].clone());
            let object = |key| found(key).filter(|object| self.visibility.sees_life(&object.0)).map(Loaded::new);
            let list: Option<Vec<Loaded<M>>> = listed(&keys).iter().map(object).collect();
            match list.filter(|_| keys.is_some()) {
                Some(list) => one.known = Known::List(list),
                None => usage.unusable(),
            }
        }
        Ok(())
    }

    /// Reads the lists that were not found, and remembers them and their objects.
    async fn fill_lists(
        &self,
        db: &Db,
        cache: &Cache,
        column: usize,
        limit: Option<u64>,
        lists: &mut [One<'_, M>],
        usage: &Usage,
    ) -> Result<()> {
        let unknown: Vec<&mut One<'_, M>> = lists.iter_mut().filter(|one| !one.is_found()).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let leases = lease(db, cache, &unknown).await;
        let keys: Vec<Key> = unknown.iter().map(|one| one.key.clone()).collect();
        let read = trace::span("fill", keys.len(), self.read_lists(column, &keys, limit)).await?;
        let mut entries = Vec::with_capacity(keys.len() + 1);
        let mut rows = Vec::new();
        for (one, list) in unknown.into_iter().zip(read) {
            if one.is_missing() {
                let short = list.len() <= cache.list_limit();
                entries.push(if short { vec![one.new_entry(&list, &mut rows)?] } else { Vec::new() });
                if !short {
                    usage.too_long();
                }
            }
            one.known = Known::List(list);
        }
        if let Some(leases) = leases {
            entries.push(Cache::row_entries(&rows));
            leases.store(entries).await;
        }
        Ok(())
    }

    /// The lists from the database, in one statement where so many values fit into one.
    async fn read_lists(&self, column: usize, keys: &[Key], limit: Option<u64>) -> Result<Vec<Vec<Loaded<M>>>> {
        let most = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let mut lists: Vec<Vec<Loaded<M>>> = keys.iter().map(|_| Vec::new()).collect();
        for part in keys.chunks(self.keys_at_once()?) {
            for object in self.clone().uncached().within(column, part).window(None, None).await? {
                let key = Key::from_values(&[object.value(column)?]);
                if let Some(list) = key.and_then(|key| keys.binary_search(&key).ok()).map(|at| &mut lists[at])
                    && list.len() < most
                {
                    list.push(object);
                }
            }
        }
        Ok(lists)
    }

    /// How many keys go into one statement, beside the values of the filter.
    pub(crate) fn keys_at_once(&self) -> Result<usize> {
        let mut values = Vec::new();
        self.whole_filter().compile(&mut values)?;
        let capabilities = self.session.db().executor().capabilities();
        let room = capabilities.max_parameters().saturating_sub(values.len() + 2).max(1);
        // Shorter lists than these are filled up to a power of two.
        Ok(if room < 1024 { 1 << room.ilog2() } else { room })
    }
}

/// One list: how it is asked for, and what is known of it.
struct One<'a, M> {
    key: &'a Key,
    question: Question<'a>,
    entry: EntryKey,
    tags: Vec<Tag>,
    known: Known<M>,
}

enum Known<M> {
    List(Vec<Loaded<M>>),
    /// To be read and stored.
    Missing,
    /// To be read, and not to be stored: a writer is at work, or the cache failed.
    Closed,
}

impl<'a, M: Model> One<'a, M> {
    fn of(key: &'a Key, question: Question<'a>) -> Self {
        Self { key, entry: question.key(), tags: question.tags(), question, known: Known::Closed }
    }

    fn is_found(&self) -> bool {
        matches!(self.known, Known::List(_))
    }

    fn is_missing(&self) -> bool {
        matches!(self.known, Known::Missing)
    }

    /// The entry for the list that was read, whose objects are added to `rows`.
    fn new_entry(&self, list: &[Loaded<M>], rows: &mut Vec<(Key, Arc<Stored<M>>)>) -> Result<NewEntry> {
        let first = rows.len();
        for object in list {
            rows.push((object.key().to_key()?, object.stored().clone()));
        }
        let keys = Keys::List(rows[first..].iter().map(|(key, _)| key.clone()).collect());
        Ok(NewEntry::new(self.entry.clone(), self.tags.clone(), Payload::Shared(Arc::new(keys))))
    }

    fn into_list(self) -> Vec<Loaded<M>> {
        match self.known {
            Known::List(list) => list,
            Known::Missing | Known::Closed => Vec::new(),
        }
    }
}

/// The keys of an entry's list; of what is no list, none.
fn listed(keys: &Option<Arc<Keys>>) -> &[Key] {
    match keys.as_deref() {
        Some(Keys::List(keys)) => keys,
        _ => &[],
    }
}

/// A lease for each list to be stored, and one for the objects that they bring along.
async fn lease<'a, M: Model>(db: &'a Db, cache: &'a Cache, lists: &[&mut One<'_, M>]) -> Option<Leases<'a>> {
    let missing = lists.iter().filter(|one| one.is_missing());
    let mut requests: Vec<LeaseRequest<'_>> =
        missing.map(|one| LeaseRequest::Entry { key: &one.entry, tags: &one.tags }).collect();
    if requests.is_empty() {
        return None;
    }
    requests.push(LeaseRequest::Rows { table: M::table().id() });
    Some(cache.lease(db, &requests).await)
}
