//! Writing: create, save, delete, change sets, upserts, one or many, with rules, hooks and what goes along.
//!
//! ```text
//! alone           touched tags ─▶ quarantine ─▶ guarded statement ─▶ release with the change
//! in transaction  row before ─▶ statement ─▶ noted; quarantine and release at the commit
//! observed        hooks ─▶ one of these, in a transaction ─▶ hooks ─▶ event, told at the end
//! ```
//!
//! A write alone is one statement. The tags it touches must be closed before it runs, and they depend on the row as it
//! was; so the statement is guarded by the values that the tags were taken from, and when it matches nothing the row is
//! read again.

mod create;
mod update;
mod delete;
mod soft_delete;
mod on_delete;
mod dependents;
mod rewrite;
mod batch;
mod any_model;
mod touch;
mod version;
mod apply;
mod or_create;
mod observed;
mod upsert;
mod bulk;

pub(crate) use batch::{Batch, key_of_row};
pub use bulk::Bulk;
pub use dependents::Dependent;
pub(crate) use observed::is_observed;
pub use on_delete::OnDelete;
pub use or_create::{OrCreated, UniqueColumn, UniqueKey};
pub(crate) use rewrite::{Action, Rewrite};
pub(crate) use soft_delete::restoring;
pub(crate) use version::Seen;

use std::sync::Arc;

use thing_driver_api::{
    Capability, ColumnSet, Comparison, Condition, Error, Key, Lock, Operand, Operation, Result, Slot, Statement, Table,
    Value, ValueType,
};

use crate::cache::KnownRow;
use crate::session::Handle;
use crate::things::not_found;
use crate::validation::check;
use crate::visibility::is_living;
use crate::{ChangeSet, Db, Filter, IntoKey, Loaded, Model, ModelKey, Things, Transaction};

/// How often a guarded write is tried when others move the row; then it becomes a transaction.
const ATTEMPTS: usize = 3;

impl<M: Model> Things<'_, M> {
    /// Adds an object: the model itself or what converts into it (`NewUser { .. }`). The database makes the key where
    /// it is generated and unset; `created` and `updated` fields get the time.
    ///
    /// # Errors
    ///
    /// [`Error::is_unique_violation`] and other constraints, values that can't be stored exactly, failures of the
    /// database, [`ErrorKind::Cache`](crate::ErrorKind::Cache) when the cache can't be told before the write;
    /// [`Error::violations`] of an object that breaks the rules of its model; those of hooks and listeners.
    pub async fn create(self, object: impl Into<M>) -> Result<Loaded<M>> {
        let object = object.into();
        let created = match is_observed::<M>(self.session()) {
            true => Box::pin(observed::create(self, object)).await,
            false => self.insert(object).await,
        };
        created.map(Loaded::of).map_err(|error| error.context(format!("create {}", M::NAME)))
    }

    /// Adds an object whose hooks have run, if it has any.
    async fn insert(self, mut object: M) -> Result<M> {
        object.touch(self.session().db().now(), true);
        check(&object)?;
        create::create(self.session(), self.coherence(), object).await
    }

    /// Writes the columns of `object` that its holder changed. With no change nothing is sent, and `updated` stays.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] when the row is gone; [`Error::is_stale`] when it has another version than the object;
    /// constraints; a changed key or version; else as [`Things::create`].
    pub async fn save(self, object: &mut Loaded<M>) -> Result<()> {
        let key = object.original().key().to_key()?;
        self.save_one(object).await.map_err(|error| about::<M>(error, "save", &key))
    }

    async fn save_one(self, object: &mut Loaded<M>) -> Result<()> {
        match is_observed::<M>(self.session()) {
            true => Box::pin(observed::save(self, object)).await,
            false => update::save(self.session(), self.coherence(), object).await.map(drop),
        }
    }

    /// Writes all columns of a plain struct, or adds it when its generated key is unset. Its version is the one that its
    /// holder saw.
    ///
    /// # Errors
    ///
    /// As [`Things::save`].
    pub async fn save_plain(self, object: M) -> Result<Loaded<M>> {
        if M::table().has_generated_key() && object.key().is_unset() {
            return self.create(object).await;
        }
        let key = object.key().to_key()?;
        let saved = match is_observed::<M>(self.session()) {
            true => Box::pin(observed::replace(self, object)).await,
            false => update::replace(self.session(), self.coherence(), object).await.map(|(saved, _)| saved),
        };
        saved.map_err(|error| about::<M>(error, "save", &key))
    }

    /// Removes the object with this key, whatever its version. One of a model with a `deleted` field is marked instead, and
    /// [`Things::restore`] brings it back. Objects that refer to it go the way that its relations say with `on_delete`.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] when there is none; [`Error::is_restricted`] when others refer to it, as a relation says;
    /// constraints; else as [`Things::create`].
    pub async fn delete(self, key: impl IntoKey<M::Key>) -> Result<()> {
        let key = key.into_key().to_key()?;
        self.delete_one(&key, None).await.map_err(|error| about::<M>(error, "delete", &key))
    }

    /// `known` is the object as the caller saw it.
    async fn delete_one(self, key: &Key, known: Option<&M>) -> Result<()> {
        match is_observed::<M>(self.session()) {
            true => Box::pin(observed::delete(self, key, known)).await,
            false => delete::delete(self.session(), self.coherence(), key, known).await,
        }
    }

    /// Writes these columns of the object with this key, without a look at it, and gives the object as it is then. What is
    /// added is counted of all who do so at one time. Its version and `updated` are raised too.
    ///
    /// ```text
    /// let item = db.things::<Item>().update_by_id(id, Item::STOCK.plus(-1) & Item::NOTE.set("sold")).await?;
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] when there is none; [`ErrorKind::InvalidData`](crate::ErrorKind::InvalidData) of a column
    /// whose type does not hold the value or the sum, also that of an unsigned integer below zero; a column that is named
    /// twice, the key, the version; constraints; else as [`Things::create`].
    pub async fn update_by_id(self, key: impl IntoKey<M::Key>, change: ChangeSet<M>) -> Result<Loaded<M>> {
        self.update_by_id_if(key, change, Filter::everything()).await
    }

    /// As [`Things::update_by_id`], if the object matches the condition.
    ///
    /// # Errors
    ///
    /// [`Error::is_condition_failed`] when it does not; else as [`Things::update_by_id`].
    pub async fn update_by_id_if(
        self,
        key: impl IntoKey<M::Key>,
        change: ChangeSet<M>,
        condition: Filter<M>,
    ) -> Result<Loaded<M>> {
        let key = key.into_key().to_key()?;
        apply::apply(self, &key, change, condition.into_node())
            .await
            .map(Loaded::of)
            .map_err(|error| about::<M>(error, "update", &key))
    }

    /// [`Things::update_by_id`] by the name that says what a change set of amounts does.
    ///
    /// # Errors
    ///
    /// As [`Things::update_by_id`].
    pub async fn increment(self, key: impl IntoKey<M::Key>, amounts: ChangeSet<M>) -> Result<Loaded<M>> {
        self.update_by_id(key, amounts).await
    }

    /// [`Things::update_by_id_if`] by the name that says what a change set of amounts does.
    ///
    /// # Errors
    ///
    /// As [`Things::update_by_id_if`].
    pub async fn increment_if(
        self,
        key: impl IntoKey<M::Key>,
        amounts: ChangeSet<M>,
        condition: Filter<M>,
    ) -> Result<Loaded<M>> {
        self.update_by_id_if(key, amounts, condition).await
    }

    /// Adds many objects, all or none, and gives them back with their keys, in order.
    ///
    /// # Errors
    ///
    /// As [`Things::create`]; the message names the item that failed, counted from 0.
    pub async fn create_many<T: Into<M>>(self, objects: impl IntoIterator<Item = T>) -> Result<Vec<Loaded<M>>> {
        self.create_chunk(objects.into_iter().map(Into::into).collect(), 0).await
    }

    /// As [`Things::create_many`], with messages that count from `first`.
    async fn create_chunk(self, mut many: Vec<M>, first: usize) -> Result<Vec<Loaded<M>>> {
        if !is_observed::<M>(self.session()) {
            let now = self.session().db().now();
            for (index, object) in many.iter_mut().enumerate() {
                object.touch(now, true);
                check(object).map_err(|error| item::<M>(error, first + index))?;
            }
            if let Handle::Db(db) = self.session() {
                return create::create_many(db, self.coherence(), many, first).await;
            }
        }
        let inner = self.session().begin_within().await?;
        let created = self.within(&inner).create_each(many, first).await;
        inner.finish(created).await
    }

    async fn create_each(self, many: Vec<M>, first: usize) -> Result<Vec<Loaded<M>>> {
        let is_observed = is_observed::<M>(self.session());
        let mut created = Vec::with_capacity(many.len());
        for (index, object) in many.into_iter().enumerate() {
            let object = match is_observed {
                true => Box::pin(observed::create(self, object)).await,
                false => create::create(self.session(), self.coherence(), object).await,
            };
            created.push(Loaded::of(object.map_err(|error| item::<M>(error, first + index))?));
        }
        Ok(created)
    }

    /// Saves many objects, all or none. Objects without changes cost nothing.
    ///
    /// # Errors
    ///
    /// As [`Things::save`]; the message names the item that failed, counted from 0. Nothing is saved then, and the
    /// objects keep their changes.
    pub async fn save_many<'o>(self, objects: impl IntoIterator<Item = &'o mut Loaded<M>>) -> Result<()> {
        let mut objects: Vec<&mut Loaded<M>> = objects.into_iter().collect();
        let mut any = false;
        for (index, object) in objects.iter().enumerate() {
            let is_changed = !object.changes()?.is_empty();
            if is_changed && !is_observed::<M>(self.session()) {
                check(&***object).map_err(|error| item::<M>(error, index))?;
            }
            any |= is_changed;
        }
        if !any {
            return Ok(());
        }
        let inner = self.session().begin_within().await?;
        let saved = self.within(&inner).save_each(&mut objects).await;
        inner.finish(saved).await
    }

    async fn save_each(self, objects: &mut [&mut Loaded<M>]) -> Result<()> {
        for (index, object) in objects.iter_mut().enumerate() {
            self.save_one(object).await.map_err(|error| item::<M>(error, index))?;
        }
        Ok(())
    }

    /// Removes the objects with these keys, all or none.
    ///
    /// # Errors
    ///
    /// As [`Things::delete`]; the message names the item that failed, counted from 0.
    pub async fn delete_many<K: IntoKey<M::Key>>(self, keys: impl IntoIterator<Item = K>) -> Result<()> {
        let mut wanted = Vec::new();
        for key in keys {
            wanted.push(key.into_key().to_key()?);
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let inner = self.session().begin_within().await?;
        let deleted = self.within(&inner).delete_each(&wanted).await;
        inner.finish(deleted).await
    }

    async fn delete_each(self, keys: &[Key]) -> Result<()> {
        for (index, key) in keys.iter().enumerate() {
            self.delete_one(key, None).await.map_err(|error| item::<M>(error, index))?;
        }
        Ok(())
    }

    /// The same in a transaction of its own.
    fn within(self, inner: &Transaction) -> Things<'_, M> {
        Things::new(Handle::Transaction(inner), self.coherence())
    }
}

impl<M: Model> Loaded<M> {
    /// As [`Things::save`].
    ///
    /// # Errors
    ///
    /// As [`Things::save`].
    pub async fn save<S: crate::Session + ?Sized>(&mut self, session: &S) -> Result<()> {
        Things::<M>::of(session).save(self).await
    }

    /// Removes the object, as [`Things::delete`].
    ///
    /// # Errors
    ///
    /// As [`Things::delete`]; [`Error::is_stale`] when the row has another version than the object.
    pub async fn delete<S: crate::Session + ?Sized>(self, session: &S) -> Result<()> {
        let key = self.original().key().to_key()?;
        Things::of(session)
            .delete_one(&key, Some(self.original()))
            .await
            .map_err(|error| about::<M>(error, "delete", &key))
    }
}

fn about<M: Model>(error: Error, operation: &str, key: &Key) -> Error {
    if error.is_not_found() {
        return error;
    }
    error.context(format!("{operation} {} {}", M::NAME, crate::things::shown(key)))
}

fn item<M: Model>(error: Error, index: usize) -> Error {
    error.context(format!("{} item {index}", M::NAME))
}

/// What every write of the model sets to the time.
pub(crate) fn stamps<M: Model>(now: i64) -> impl Iterator<Item = (usize, Value<'static>)> {
    M::updated_columns().into_iter().map(move |column| (column, Value::Timestamp(now)))
}

/// The row as the database will hold it.
pub(crate) fn row_of<M: Model>(object: &M) -> Result<KnownRow> {
    (0..M::table().columns().len()).map(|column| Ok(Some(object.value(column)?.into_owned()))).collect()
}

/// The condition that finds one row by its key and its guard, and the values of both; slots begin at `first`.
struct Target {
    filter: Condition,
    values: Vec<Value<'static>>,
}

impl Target {
    fn new(table: &Table, first: usize, key: &Key, guard: ColumnSet, row: &KnownRow) -> Self {
        let mut values = Vec::with_capacity(key.parts() + guard.len());
        let mut terms = Vec::with_capacity(key.parts() + guard.len());
        for (part, &column) in table.key().iter().enumerate() {
            let operand = Operand::Slot(Slot(first + values.len()));
            terms.push(Condition::Compare { column, operator: Comparison::Equal, operand });
            values.push(key.value(part).into_owned());
        }
        for column in guard.iter().take_while(|&column| column < table.columns().len()) {
            if let Some(value) = &row[column] {
                terms.push(Condition::Same { column, slot: Slot(first + values.len()) });
                values.push(value.clone());
            }
        }
        Self { filter: Condition::And(terms), values }
    }
}

/// The row as it is now, read in the session, and locked there if that is a transaction. One that is marked as deleted is
/// none.
async fn row_before<M: Model>(session: Handle<'_>, key: &Key) -> Result<KnownRow> {
    let row = find_row(session, M::table(), key).await?;
    row.filter(|row| is_living(M::table(), row)).ok_or_else(|| not_found::<M>(key))
}

/// As [`row_before`], of a row that may not be there.
pub(crate) async fn find_row(session: Handle<'_>, table: &Arc<Table>, key: &Key) -> Result<Option<KnownRow>> {
    let target = Target::new(table, 0, key, ColumnSet::EMPTY, &Vec::new());
    let operation = Operation::Select {
        columns: (0..table.columns().len()).collect(),
        filter: target.filter,
        order: Vec::new(),
        limit: None,
        offset: None,
        lock: matches!(session, Handle::Transaction(_)).then_some(Lock::Wait),
    };
    let shape = session.db().shape(table, &operation);
    let mut rows = crate::rows::WholeRows::new(table);
    session.fetch(&Statement::new(&shape, &target.values), &mut rows).await?;
    rows.rows.pop().map(|row| whole_row(table, row)).transpose()
}

/// A row of which every value is known.
fn whole_row(table: &Table, row: KnownRow) -> Result<KnownRow> {
    match row.iter().position(Option::is_none) {
        None => Ok(row),
        Some(column) => {
            let name = &table.column(column).name;
            Err(Error::invalid_data(name.as_ref(), format!("column `{name}` holds a value of another type")))
        }
    }
}

/// How a write alone makes sure of the row as it was.
struct Guard {
    /// The columns whose old values the statement compares.
    columns: ColumnSet,
    /// Those of them that it can't do without.
    needed: ColumnSet,
    /// The columns to give back: all, or none where the database can't.
    returning: Vec<usize>,
}

impl Guard {
    /// The scopes, from which the tags are taken, and the columns that will be written: what was seen of these is most
    /// likely still there, and gives the change log the row before. The mark of deleted rows, whose row must live. Without RETURNING all columns that are worth it: then
    /// the rest of the row is known too. And the version that the caller saw.
    fn new(db: &Db, table: &Table, written: ColumnSet, seen: Option<Seen>) -> Self {
        let all: Vec<usize> = (0..table.columns().len()).collect();
        let returning = db.executor().capabilities().has(Capability::Returning);
        let needed = table.scopes().iter().copied().chain(seen.map(Seen::column)).chain(table.deleted());
        let needed: ColumnSet = needed.collect();
        let guarded = |&column: &usize| {
            let worth = is_comparable(table.column(column).value_type) && !table.key().contains(&column);
            needed.contains(column) || worth && (!returning || written.contains(column))
        };
        Self {
            needed,
            columns: all.iter().copied().filter(guarded).collect(),
            returning: if returning { all } else { Vec::new() },
        }
    }

    /// Guards no more than is needed: many write this row, and the log can do without the rest.
    fn narrow(&mut self) {
        self.columns = self.needed;
    }

    /// As much of the row before as the guard, and the key, vouch for.
    fn vouched(&self, table: &Table, before: &KnownRow) -> KnownRow {
        let known = |column| self.columns.contains(column) || table.key().contains(&column);
        (0..before.len()).map(|column| before[column].clone().filter(|_| known(column))).collect()
    }
}

/// Columns whose old value is worth a comparison: the long ones are not, and documents are not comparable everywhere.
fn is_comparable(value_type: ValueType) -> bool {
    value_type != ValueType::Bytes && !value_type.is_document()
}

/// The key that the row has in the database. Where text compares by rules of the database's own it may be spelt otherwise
/// than the caller did, and what is cached goes by the row's own.
pub(crate) fn key_of(table: &Table, row: &KnownRow, asked: &Key) -> Key {
    let parts: Option<Vec<Value<'static>>> = table.key().iter().map(|&column| row[column].clone()).collect();
    parts.and_then(|parts| Key::from_values(&parts)).unwrap_or_else(|| asked.clone())
}
