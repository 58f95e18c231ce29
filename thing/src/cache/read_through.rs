//! Reading through the cache: what is there is answered from it, what is not is read and remembered.

use std::sync::Arc;
use std::time::Duration;

use thing_driver_api::{
    EntryKey, Found, Key, Lease, LeaseRequest, Leased, NewEntry, Payload, Peek, Result, Scope, TableId, Tag, Wanted,
};

use super::judge::absence_is_affected;
use super::leases::Leases;
use super::{Cache, Exactness, Missed, Moment, Question, Stored, Usage};
use crate::{Db, Model};

/// What a reader of a query takes for an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reach {
    /// Nothing of memory that writers of other processes reach only after a while.
    pub(crate) fresh: bool,
    /// What was read so long ago at most, valid or not.
    pub(crate) stale: Option<Duration>,
}

/// What the cache knows of a query.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The content of a valid entry.
    Hit(Payload),
    /// Nothing: read, and remember if the lease is granted.
    Miss,
    /// A writer is at work: read, and remember nothing.
    Bypass,
    /// What was true not long ago: use it, and read for those who come later.
    Stale(Payload),
}

/// What the cache knows of a row.
#[derive(Debug)]
pub(crate) enum ObjectAnswer<M> {
    Hit(Arc<Stored<M>>),
    Absent,
    Miss,
    Bypass,
}

/// The tags that a fill of a row can depend on: the row itself and, if it is absent, the table's rows.
fn object_tags(table: TableId, key: &Key) -> [Tag; 2] {
    [Tag::row(table, key), Tag::rows(table, &Scope::Table)]
}

pub(crate) fn object_key<M: Model>(key: &Key) -> EntryKey {
    EntryKey::Object { table: M::table().id(), key: key.clone() }
}

/// The entry of a row that was read, or found to be absent.
fn object_entry<M: Model>(key: &Key, row: Option<&Arc<Stored<M>>>) -> NewEntry {
    let [own, rows] = object_tags(M::table().id(), key);
    match row {
        Some(row) => NewEntry::new(object_key::<M>(key), vec![own], Payload::Shared(row.clone())),
        None => NewEntry::new(object_key::<M>(key), vec![own, rows], Payload::Absent),
    }
}

impl Cache {
    /// The fastest path: a row in this process's memory.
    pub(crate) fn peek_object<M: Model>(&self, entry: &EntryKey) -> ObjectAnswer<M> {
        match self.client().peek(entry) {
            Peek::Hit(payload) => as_object(payload),
            Peek::Unknown => ObjectAnswer::Miss,
        }
    }

    /// A row in the cache; an entry that is behind is judged.
    pub(crate) async fn load_object<M: Model>(
        &self,
        key: &Key,
        exactness: Exactness,
        fresh: bool,
    ) -> Result<ObjectAnswer<M>> {
        let mut answers = self.load_objects(std::slice::from_ref(key), exactness, fresh).await?;
        Ok(answers.pop().unwrap_or(ObjectAnswer::Bypass))
    }

    /// Rows in the cache, in the order of `keys`; an entry that is behind is judged.
    pub(crate) async fn load_objects<M: Model>(
        &self,
        keys: &[Key],
        exactness: Exactness,
        fresh: bool,
    ) -> Result<Vec<ObjectAnswer<M>>> {
        let table = M::table().id();
        let entries: Vec<(EntryKey, [Tag; 2])> =
            keys.iter().map(|key| (object_key::<M>(key), object_tags(table, key))).collect();
        // Most rows exist, and depend on their own tag alone.
        let wanted: Vec<Wanted<'_>> =
            entries.iter().map(|(entry, tags)| Wanted::new(entry).tags(&tags[..1]).fresh(fresh)).collect();
        let found = self.client().load(&wanted).await?;
        let mut answers = Vec::with_capacity(keys.len());
        for ((key, (entry, _)), found) in keys.iter().zip(&entries).zip(found) {
            answers.push(match found {
                Found::Hit(payload) => as_object(payload),
                Found::Quarantined => ObjectAnswer::Bypass,
                Found::Behind(behind) => {
                    let affected = behind.changes.iter().any(|c| absence_is_affected(key, c, exactness));
                    // Only the knowledge of absence can be behind: a row's own tag ends its entry.
                    if affected || !matches!(behind.payload, Payload::Absent) {
                        ObjectAnswer::Miss
                    } else {
                        self.client().restamp(entry, &behind).await?;
                        ObjectAnswer::Absent
                    }
                }
                _ => ObjectAnswer::Miss,
            });
        }
        Ok(answers)
    }

    /// Decides who fills the entry of a row.
    pub(crate) async fn turn_for_object<M: Model>(
        &self,
        key: &Key,
        since: Moment,
        fresh: bool,
    ) -> Result<super::Turn<'_>> {
        self.turn(&object_key::<M>(key), &object_tags(M::table().id(), key), since, fresh).await
    }

    /// The entry to land for a row. A row that the database found under another key than asked for (text that compares
    /// equal) has no entry: writes of the row would not find it.
    pub(crate) fn object_landing<M: Model>(key: &Key, row: Option<&Arc<Stored<M>>>) -> Option<NewEntry> {
        let found_under = row.map(|row| crate::ModelKey::to_key(&row.0.key()));
        match found_under {
            Some(Ok(own)) if own != *key => None,
            Some(Err(_)) => None,
            _ => Some(object_entry(key, row)),
        }
    }

    /// Leases for many rows at once.
    pub(crate) async fn lease_objects<'a, M: Model>(&'a self, db: &'a Db, keys: &[Key]) -> Leases<'a> {
        let table = M::table().id();
        let entries: Vec<(EntryKey, [Tag; 2])> =
            keys.iter().map(|key| (object_key::<M>(key), object_tags(table, key))).collect();
        let requests: Vec<LeaseRequest<'_>> =
            entries.iter().map(|(key, tags)| LeaseRequest::Entry { key, tags }).collect();
        self.lease(db, &requests).await
    }

    /// Leave to store whatever rows of the table a list brings along.
    pub(crate) async fn lease_rows<M: Model>(&self) -> Result<Option<Lease>> {
        let request = [LeaseRequest::Rows { table: M::table().id() }];
        Ok(self.client().lease(&request).await?.pop().and_then(|leased| match leased {
            Leased::Granted(lease) => Some(lease),
            _ => None,
        }))
    }

    /// Stores the rows of a list.
    pub(crate) async fn store_rows<M: Model>(&self, lease: &Lease, rows: &[(Key, Arc<Stored<M>>)]) -> Result<usize> {
        self.client().store(lease, Self::row_entries(rows)).await
    }

    /// The entries of the rows of a list.
    pub(crate) fn row_entries<M: Model>(rows: &[(Key, Arc<Stored<M>>)]) -> Vec<NewEntry> {
        rows.iter().map(|(key, row)| object_entry(key, Some(row))).collect()
    }

    /// What the cache knows of a list or a count; an entry that is behind is judged by the query's own filter.
    pub(crate) async fn ask(
        &self,
        question: &Question<'_>,
        entry: &EntryKey,
        exactness: Exactness,
        reach: Reach,
        usage: &Usage,
    ) -> Result<Answer> {
        if !reach.fresh
            && let Peek::Hit(payload) = self.client().peek(entry)
        {
            usage.hit();
            return Ok(Answer::Hit(payload));
        }
        let tags = question.tags();
        let wanted = Wanted::new(entry).tags(&tags).fresh(reach.fresh).stale(reach.stale);
        let found = self.client().load(&[wanted]).await?.pop();
        self.answer(question, entry, found, exactness, usage).await
    }

    /// As [`Cache::ask`], of several questions at once.
    pub(crate) async fn ask_many(
        &self,
        questions: &[(&Question<'_>, &EntryKey)],
        exactness: Exactness,
        fresh: bool,
        usage: &Usage,
    ) -> Result<Vec<Answer>> {
        let tags: Vec<Vec<Tag>> = questions.iter().map(|(question, _)| question.tags()).collect();
        let entries = questions.iter().zip(&tags);
        let wanted: Vec<Wanted<'_>> =
            entries.map(|((_, entry), tags)| Wanted::new(entry).tags(tags).fresh(fresh)).collect();
        let found = self.client().load(&wanted).await?;
        let mut answers = Vec::with_capacity(questions.len());
        for ((question, entry), found) in questions.iter().zip(found) {
            answers.push(self.answer(question, entry, Some(found), exactness, usage).await?);
        }
        Ok(answers)
    }

    async fn answer(
        &self,
        question: &Question<'_>,
        entry: &EntryKey,
        found: Option<Found>,
        exactness: Exactness,
        usage: &Usage,
    ) -> Result<Answer> {
        Ok(match found {
            Some(Found::Hit(payload)) => {
                usage.hit();
                Answer::Hit(payload)
            }
            Some(Found::Quarantined) => {
                usage.missed(Missed::Open);
                Answer::Bypass
            }
            Some(Found::Behind(behind)) => {
                if behind.changes.iter().any(|change| question.is_affected(change, exactness)) {
                    usage.missed(Missed::Changed);
                    if behind.age.is_some() { Answer::Stale(behind.payload) } else { Answer::Miss }
                } else {
                    self.client().restamp(entry, &behind).await?;
                    usage.unaffected();
                    Answer::Hit(behind.payload)
                }
            }
            Some(Found::Stale(payload)) => {
                usage.missed(Missed::Changed);
                Answer::Stale(payload)
            }
            _ => {
                usage.missing(entry.digest());
                Answer::Miss
            }
        })
    }
}

fn as_object<M: Model>(payload: Payload) -> ObjectAnswer<M> {
    match payload {
        Payload::Absent => ObjectAnswer::Absent,
        payload => Stored::of(payload).map_or(ObjectAnswer::Miss, ObjectAnswer::Hit),
    }
}
