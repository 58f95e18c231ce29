//! Replacing: the objects of a has-many relation, by others.

use std::collections::BTreeMap;

use thing_driver_api::{Error, Key, Result, Value};

use super::{HasMany, ObjectOf};
use crate::cache::KnownRow;
use crate::retry::Retries;
use crate::rows::ValueRow;
use crate::session::Handle;
use crate::things::not_found;
use crate::validation::check;
use crate::visibility::is_living;
use crate::write::{Batch, find_row, is_observed, key_of_row};
use crate::{ChangeSet, Loaded, Model, ModelKey, Session, Things, Transaction};

impl<M: Model> Loaded<M> {
    /// Has these objects belong to this one and no others, all or nothing: `kept`, which are there, whoever they belong to,
    /// and `new`, which are created. Objects that belonged to this one and are not kept belong to nobody then, where their
    /// column may be NULL; else they are deleted. What was loaded of the relation is forgotten.
    ///
    /// ```text
    /// author.replace_all(&db, Author::BOOKS, &books[..2], [NewBook { title, .. }]).await?;
    /// ```
    ///
    /// The new objects get the key of this one, whatever they hold; their own generated keys are not told. Of those kept
    /// nothing but the column is written. It is a transaction, which locks the row of this object, and takes as many
    /// statements for many objects as for one, unless hooks or listeners are told of each.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] when the row of this object, or of one that is kept, is gone; constraints; else as
    /// [`Things::create`](crate::Things::create).
    pub async fn replace_all<S, T, O, N>(
        &mut self,
        session: &S,
        relation: HasMany<M, T>,
        kept: impl IntoIterator<Item = O>,
        new: impl IntoIterator<Item = N>,
    ) -> Result<()>
    where
        S: Session + ?Sized,
        T: Model,
        O: ObjectOf<T>,
        N: Into<T>,
    {
        let key = self.key().to_key()?;
        let mut kept = kept.into_iter().map(|object| object.object_key()).collect::<Result<Vec<Key>>>()?;
        kept.sort_unstable();
        kept.dedup();
        let column = relation.kind.column;
        let new = new.into_iter().map(|new| owned_by(&new.into(), column, &key)).collect::<Result<Vec<T>>>()?;
        self.forget(relation.name);
        let replaced = Replacement { key, column, kept, new }.run::<M>(session.handle()).await;
        replaced.map_err(|error| error.context(format!("replace {}", relation.path())))
    }
}

/// The new object as it belongs to the row with this key.
fn owned_by<T: Model>(new: &T, column: usize, key: &Key) -> Result<T> {
    let value = |at| match at == column {
        true => Ok(Some(key.value(0).into_owned())),
        false => Ok(Some(new.value(at)?.into_owned())),
    };
    let row = (0..T::table().columns().len()).map(value).collect::<Result<Vec<Option<Value<'static>>>>>()?;
    T::from_row(&ValueRow(&row))
}

struct Replacement<T> {
    /// Of the object that they belong to.
    key: Key,
    /// The column that holds it.
    column: usize,
    kept: Vec<Key>,
    new: Vec<T>,
}

impl<T: Model> Replacement<T> {
    async fn run<M: Model>(&self, session: Handle<'_>) -> Result<()> {
        let mut retries = Retries::new();
        loop {
            let replaced = self.once::<M>(session).await;
            // What failed within a transaction can be tried again by its owner alone.
            if matches!(session, Handle::Transaction(_)) || !retries.again(replaced.as_ref().err()).await {
                return replaced;
            }
        }
    }

    async fn once<M: Model>(&self, session: Handle<'_>) -> Result<()> {
        let transaction = session.begin_within().await?;
        if find_row(Handle::Transaction(&transaction), M::table(), &self.key).await?.is_none() {
            return Err(not_found::<M>(&self.key));
        }
        let rows = Batch::of::<T>(&transaction);
        // As the database has them, which may spell a key otherwise.
        let kept = rows.of_keys(&self.kept).await?;
        let kept: Vec<(Key, KnownRow)> =
            kept.into_iter().map(|row| Ok((key_of_row(T::table(), &row)?, row))).collect::<Result<_>>()?;
        let mut moved: BTreeMap<Key, KnownRow> = kept.into_iter().collect();
        if moved.len() < self.kept.len() {
            let mut gone = 0;
            for key in self.kept.iter().filter(|key| !moved.contains_key(key)) {
                // Two keys may be spellings of one row.
                let found = find_row(Handle::Transaction(&transaction), T::table(), key).await?;
                gone += usize::from(!found.is_some_and(|row| is_living(T::table(), &row)));
            }
            if gone > 0 {
                return Err(Error::not_found(format!("{gone} of the {} to keep are not there", T::NAME)));
            }
        }
        let mut removed = Vec::new();
        for row in rows.of_column(self.column, self.key.value(0).into_owned()).await? {
            match moved.remove(&key_of_row(T::table(), &row)?) {
                Some(_) => {}
                None => removed.push(row),
            }
        }
        let moved: Vec<KnownRow> = moved.into_values().collect();
        if is_observed::<T>(Handle::Transaction(&transaction)) {
            self.one_by_one(&transaction, &removed, &moved).await?;
            return transaction.commit().await;
        }
        // Those that go make room for unique values of those that come.
        match T::table().column(self.column).nullable {
            true => rows.update(removed, (self.column, Value::Null)).await?,
            false => rows.delete(removed).await?,
        }
        rows.update(moved, (self.column, self.key.value(0).into_owned())).await?;
        let now = transaction.db().now();
        let mut new = self.new.clone();
        for object in &mut new {
            object.touch(now, true);
            check(object)?;
        }
        rows.insert(&new).await?;
        transaction.commit().await
    }

    /// The same for hooks and listeners, which are told of each object.
    async fn one_by_one(&self, transaction: &Transaction, removed: &[KnownRow], moved: &[KnownRow]) -> Result<()> {
        let session = Handle::Transaction(transaction);
        let things = Things::<T>::new(session, T::COHERENCE.unwrap_or(session.db().coherence()));
        let key_of = |row: &KnownRow| T::from_row(&ValueRow(row)).map(|object| object.key());
        let owner = |key: Value<'static>| ChangeSet::of_values([(self.column, key)]);
        for row in removed {
            match T::table().column(self.column).nullable {
                true => drop(things.update_by_id(key_of(row)?, owner(Value::Null)).await?),
                false => things.delete(key_of(row)?).await?,
            }
        }
        for row in moved {
            things.update_by_id(key_of(row)?, owner(self.key.value(0).into_owned())).await?;
        }
        for object in &self.new {
            things.create(object.clone()).await?;
        }
        Ok(())
    }
}
