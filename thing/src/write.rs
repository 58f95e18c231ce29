//! Writing: create, save, delete, one or many.
//!
//! ```text
//! alone           touched tags ─▶ quarantine ─▶ guarded statement ─▶ release with the change
//! in transaction  row before ─▶ statement ─▶ noted; quarantine and release at the commit
//! ```
//!
//! A write alone is one statement. The tags it touches must be closed before it runs, and they depend on the row as it
//! was; so the statement is guarded by the values that the tags were taken from, and when it matches nothing the row is
//! read again.

mod create;
mod update;
mod delete;
mod dependents;
mod version;
mod increment;
mod or_create;

pub use dependents::Dependent;
pub use or_create::{OrCreated, UniqueColumn, UniqueKey};
pub(crate) use version::Seen;

use std::sync::Arc;

use thing_driver_api::{
    Capability, ColumnSet, Comparison, Condition, Error, Key, Lock, Operand, Operation, Result, Slot, Statement, Table,
    Value, ValueType,
};

use crate::cache::KnownRow;
use crate::session::Handle;
use crate::things::not_found;
use crate::{Db, Filter, Increment, IntoKey, Loaded, Model, ModelKey, Things};

/// How often a guarded write is tried when others move the row; then it becomes a transaction.
const ATTEMPTS: usize = 3;

impl<M: Model> Things<'_, M> {
    /// Adds an object: the model itself or what converts into it (`NewUser { .. }`). The database makes the key where
    /// it is generated and unset; `created` and `updated` fields get the time.
    ///
    /// # Errors
    ///
    /// [`Error::is_unique_violation`] and other constraints, values that can't be stored exactly, failures of the
    /// database, [`ErrorKind::Cache`](crate::ErrorKind::Cache) when the cache can't be told before the write.
    pub async fn create(self, object: impl Into<M>) -> Result<Loaded<M>> {
        let mut object = object.into();
        object.touch(self.session().db().now(), true);
        create::create(self.session(), self.coherence(), object)
            .await
            .map(Loaded::of)
            .map_err(|error| error.context(format!("create {}", M::NAME)))
    }

    /// Writes the columns of `object` that its holder changed. With no change nothing is sent, and `updated` stays.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] when the row is gone; [`Error::is_stale`] when it has another version than the object;
    /// constraints; a changed key or version; else as [`Things::create`].
    pub async fn save(self, object: &mut Loaded<M>) -> Result<()> {
        let key = object.original().key().to_key()?;
        update::save(self.session(), self.coherence(), object).await.map_err(|error| about::<M>(error, "save", &key))
    }

    /// Writes all columns of a plain struct, or adds it when its generated key is unset. Its version is the one that its
    /// holder saw.
    ///
    /// # Errors
    ///
    /// As [`Things::save`].
    pub async fn save_plain(self, mut object: M) -> Result<Loaded<M>> {
        if M::table().has_generated_key() && object.key().is_unset() {
            return self.create(object).await;
        }
        let key = object.key().to_key()?;
        let fate = self.session().fate();
        // What it is again when the transaction is rolled back.
        let given = fate.as_ref().filter(|_| M::VERSION.is_some()).map(|_| object.clone());
        object.touch(self.session().db().now(), false);
        update::replace(self.session(), self.coherence(), &mut object)
            .await
            .map_err(|error| about::<M>(error, "save", &key))?;
        let Some(given) = given else { return Ok(Loaded::of(object)) };
        let mut saved = Loaded::of(given);
        saved.accept(object, fate);
        Ok(saved)
    }

    /// Removes the object with this key, whatever its version.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] when there is none; constraints; else as [`Things::create`].
    pub async fn delete(self, key: impl IntoKey<M::Key>) -> Result<()> {
        let key = key.into_key().to_key()?;
        delete::delete::<M>(self.session(), self.coherence(), &key, None)
            .await
            .map_err(|error| about::<M>(error, "delete", &key))
    }

    /// Adds to columns of the object with this key, without a look at it: two callers who do so at one time are both
    /// counted. Gives the object as it is then. Its version and `updated` are raised too.
    ///
    /// ```text
    /// let item = db.things::<Item>().increment(id, Item::STOCK.plus(-1) & Item::SOLD.plus(1)).await?;
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] when there is none; [`ErrorKind::InvalidData`](crate::ErrorKind::InvalidData) of the column
    /// whose type does not hold the sum, also that of an unsigned integer below zero; a column that is named twice, the
    /// key, the version; constraints; else as [`Things::create`].
    pub async fn increment(self, key: impl IntoKey<M::Key>, increment: Increment<M>) -> Result<Loaded<M>> {
        self.increment_if(key, increment, Filter::everything()).await
    }

    /// As [`Things::increment`], if the object matches the condition.
    ///
    /// # Errors
    ///
    /// [`Error::is_condition_failed`] when it does not; else as [`Things::increment`].
    pub async fn increment_if(
        self,
        key: impl IntoKey<M::Key>,
        increment: Increment<M>,
        condition: Filter<M>,
    ) -> Result<Loaded<M>> {
        let key = key.into_key().to_key()?;
        increment::increment(self, &key, increment, condition.into_node())
            .await
            .map(Loaded::of)
            .map_err(|error| about::<M>(error, "increment", &key))
    }

    /// Adds many objects, all or none, and gives them back with their keys, in order.
    ///
    /// # Errors
    ///
    /// As [`Things::create`]; the message names the item that failed, counted from 0.
    pub async fn create_many<T: Into<M>>(self, objects: impl IntoIterator<Item = T>) -> Result<Vec<Loaded<M>>> {
        let now = self.session().db().now();
        let touched = |object: T| {
            let mut object = object.into();
            object.touch(now, true);
            object
        };
        let many: Vec<M> = objects.into_iter().map(touched).collect();
        match self.session() {
            Handle::Db(db) => create::create_many(db, self.coherence(), many).await,
            Handle::Transaction(outer) => {
                let inner = outer.begin().await?;
                let mut created = Vec::with_capacity(many.len());
                for (index, object) in many.into_iter().enumerate() {
                    let object = create::create(Handle::Transaction(&inner), self.coherence(), object).await;
                    created.push(Loaded::of(object.map_err(|e| item::<M>(e, index))?));
                }
                inner.commit().await?;
                Ok(created)
            }
        }
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
        for object in &objects {
            any |= !object.changes()?.is_empty();
        }
        if !any {
            return Ok(());
        }
        let inner = self.session().begin_within().await?;
        for (index, object) in objects.iter_mut().enumerate() {
            update::save(Handle::Transaction(&inner), self.coherence(), object)
                .await
                .map_err(|e| item::<M>(e, index))?;
        }
        inner.commit().await
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
        for (index, key) in wanted.iter().enumerate() {
            delete::delete::<M>(Handle::Transaction(&inner), self.coherence(), key, None)
                .await
                .map_err(|e| item::<M>(e, index))?;
        }
        inner.commit().await
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

    /// Removes the object.
    ///
    /// # Errors
    ///
    /// As [`Things::delete`]; [`Error::is_stale`] when the row has another version than the object.
    pub async fn delete<S: crate::Session + ?Sized>(self, session: &S) -> Result<()> {
        let key = self.original().key().to_key()?;
        let known = Some(self.original());
        let coherence = Things::<M>::of(session).coherence();
        delete::delete(session.handle(), coherence, &key, known)
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

/// The row as the database will hold it.
fn row_of<M: Model>(object: &M) -> Result<KnownRow> {
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

/// The row as it is now, read in the session, and locked there if that is a transaction.
async fn row_before<M: Model>(session: Handle<'_>, key: &Key) -> Result<KnownRow> {
    find_row(session, M::table(), key).await?.ok_or_else(|| not_found::<M>(key))
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
    let Some(row) = rows.rows.pop() else { return Ok(None) };
    match row.iter().position(Option::is_none) {
        None => Ok(Some(row)),
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
    /// likely still there, and gives the change log the row before. Without RETURNING all columns that are worth it: then
    /// the rest of the row is known too. And the version that the caller saw.
    fn new(db: &Db, table: &Table, written: ColumnSet, seen: Option<Seen>) -> Self {
        let all: Vec<usize> = (0..table.columns().len()).collect();
        let returning = db.executor().capabilities().has(Capability::Returning);
        let needed: ColumnSet = table.scopes().iter().copied().chain(seen.map(Seen::column)).collect();
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
    !matches!(value_type, ValueType::Bytes | ValueType::Json)
}

/// The key that the row has in the database. Where text compares by rules of the database's own it may be spelt otherwise
/// than the caller did, and what is cached goes by the row's own.
pub(crate) fn key_of(table: &Table, row: &KnownRow, asked: &Key) -> Key {
    let parts: Option<Vec<Value<'static>>> = table.key().iter().map(|&column| row[column].clone()).collect();
    parts.and_then(|parts| Key::from_values(&parts)).unwrap_or_else(|| asked.clone())
}
