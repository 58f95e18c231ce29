//! Upserting: a new row, or the row that is in its way on a unique key, changed.
//!
//! ```text
//! no cache   INSERT … ON CONFLICT … DO UPDATE … RETURNING *
//! cache      the object by its unique columns ─▶ there: a change set for its row, else: an insert; met another: again
//! many       INSERT … ON CONFLICT … for each row, in one transaction, with everything of the table closed to the cache
//! ```
//!
//! With a cache the tags of the write must be known before it, and they depend on whether there is a row, and on which.

use thing_driver_api::{Capability, Error, Operation, Result, Statement, Tag, Value};

use super::create::{add_values, insert_columns, owing, write_all};
use super::observed::is_observed;
use super::or_create::{ATTEMPTS, Wanted};
use super::{OrCreated, UniqueKey, item};
use crate::cache::{Announced, Quarantine, Tags};
use crate::change_set::ChangeSet;
use crate::query::ColumnList;
use crate::rows::ObjectAndRow;
use crate::session::Handle;
use crate::validation::check;
use crate::{Db, Loaded, Model, Things};

impl<M: Model> Things<'_, M> {
    /// Adds `new`, or writes these columns of it to the object that has its unique columns already, and gives the object as
    /// it is then. `created` stays as it was, `updated` and the version are raised.
    ///
    /// ```text
    /// let alice = users.upsert(NewUser { email, name, age }, User::EMAIL, (User::NAME, User::AGE)).await?;
    /// ```
    ///
    /// Without a cache it is one statement, where the database goes by the unique key that it is told. With a cache the
    /// object is looked for first, there, and what is written then leaves what does not concern it in the cache. In a
    /// transaction an object that is not there takes a savepoint.
    ///
    /// # Errors
    ///
    /// A unique column that is NULL, which tells nothing apart; a column to write that is the key, one of the unique
    /// columns, the version or `updated`; [`Error::is_unique_violation`] when another unique column is taken;
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when others create and delete the object all the time, or as
    /// [`Things::find_or_create`] in a transaction; else as [`Things::create`].
    pub async fn upsert<K, L>(self, new: impl Into<M>, on: K, update: L) -> Result<Loaded<M>>
    where
        K: UniqueKey<M>,
        L: ColumnList<M>,
    {
        let mut new = new.into();
        new.touch(self.session().db().now(), true);
        let upsert = Upsert { on: on.columns(), update: update.columns() };
        // Hooks may put it right, and rules are asked behind them.
        let rules = if is_observed::<M>(self.session()) { Ok(()) } else { check(&new) };
        let done = match upsert.check::<M>().and(rules) {
            Ok(()) => upsert.one(self, new).await,
            Err(error) => Err(error),
        };
        done.map_err(|error| error.context(format!("upsert {}", M::NAME)))
    }
}

/// What upserts of one call have in common.
#[derive(Clone, Debug)]
pub(super) struct Upsert {
    /// The unique columns.
    pub(super) on: Vec<usize>,
    /// The columns that an object which is there takes over.
    pub(super) update: Vec<usize>,
}

impl Upsert {
    pub(super) fn check<M: Model>(&self) -> Result<()> {
        for (at, column) in self.update.iter().enumerate() {
            let what = match self.on.contains(column) {
                true => "tells the objects apart, and stays as it is",
                false if self.update[..at].contains(column) => "is named twice",
                false => continue,
            };
            let name = &M::table().column(*column).name;
            return Err(Error::invalid_input(format!("column `{name}` {what}; leave it out of what is written")));
        }
        let values = self.update.iter().map(|&column| (column, Value::Null));
        ChangeSet::<M>::of_values(values).into_parts().map(drop)
    }

    async fn one<M: Model>(&self, things: Things<'_, M>, new: M) -> Result<Loaded<M>> {
        let wanted = Wanted::of_columns(&self.on, &new)?;
        let session = things.session();
        if session.db().cache().is_none() && self.is_one_statement(session.db(), &new) {
            return self.at_once(things, &new, &wanted).await;
        }
        let mut found = things.unfiltered().filter(wanted.filter()).first().await?;
        let mut attempt = 1;
        loop {
            let object = match found {
                Some(object) => object,
                None => match wanted.create_or_find(things, &new).await? {
                    OrCreated::Created(object) => return Ok(object),
                    OrCreated::Found(object) => object,
                },
            };
            let mut values = Vec::with_capacity(self.update.len());
            for &column in &self.update {
                values.push((column, new.value(column)?.into_owned()));
            }
            let changed = things.update_by_id_if(object.key(), ChangeSet::of_values(values), wanted.filter()).await;
            match changed {
                // It was deleted, or given other unique columns, since it was looked for.
                Err(error) if attempt < ATTEMPTS && (error.is_not_found() || error.is_condition_failed()) => {
                    attempt += 1
                }
                done => return done,
            }
            found = wanted.latest(things).await?;
        }
    }

    async fn at_once<M: Model>(&self, things: Things<'_, M>, new: &M, wanted: &Wanted) -> Result<Loaded<M>> {
        let session = things.session();
        let returning = session.db().executor().capabilities().has(Capability::Returning);
        let operation = self.operation(new, returning);
        let shape = session.db().shape(M::table(), &operation);
        let mut values = Vec::new();
        add_values(new, &shape, &mut values)?;
        let mut stored = ObjectAndRow::new();
        session.write(&Statement::new(&shape, &values), &mut stored).await?;
        if let Some(object) = stored.object {
            return object.map(Loaded::of);
        }
        let missing = || Error::not_found(format!("the {} was deleted right after it was written", M::NAME));
        wanted.latest(things).await?.ok_or_else(missing)
    }

    /// Whether the database does the same by one statement.
    pub(super) fn is_one_statement<M: Model>(&self, db: &Db, new: &M) -> bool {
        // Unique among the living is an index of its own kind; hooks and rules want to see the object.
        if M::DELETED.is_some() || M::RULES || is_observed::<M>(Handle::Db(db)) {
            return false;
        }
        let capabilities = db.executor().capabilities();
        let table = M::table();
        let columns = insert_columns(new);
        let others = table.indexes().iter().filter(|index| index.unique).map(|index| index.columns.as_slice());
        let meets = |key: &[usize]| key != self.on && key.iter().all(|column| columns.contains(column));
        let is_only_key = !others.chain([table.key()]).any(meets);
        capabilities.has(Capability::Upserts) && (is_only_key || capabilities.has(Capability::UpsertsByKey))
    }

    fn operation<M: Model>(&self, new: &M, returning: bool) -> Operation {
        Operation::Upsert {
            columns: insert_columns(new),
            on: self.on.clone(),
            update: self.update.iter().copied().chain(M::updated_columns()).collect(),
            raise: M::VERSION.into_iter().collect(),
            returning: if returning { (0..M::table().columns().len()).collect() } else { Vec::new() },
        }
    }

    /// Writes many, all or none. Where the cache is told, it forgets the table: which rows are there is not looked up.
    pub(super) async fn many<M: Model>(&self, things: Things<'_, M>, objects: &[M], first: usize) -> Result<()> {
        for (index, object) in objects.iter().enumerate() {
            Wanted::of_columns(&self.on, object).map_err(|error| item::<M>(error, first + index))?;
        }
        let is_plain = objects.iter().all(|object| self.is_one_statement(things.session().db(), object));
        match things.session() {
            Handle::Db(db) if is_plain => self.many_at_once(things, db, objects, first).await,
            session => {
                let inner = session.begin_within().await?;
                let within = Things::new(Handle::Transaction(&inner), things.coherence());
                for (index, object) in objects.iter().enumerate() {
                    self.one(within, object.clone()).await.map_err(|error| item::<M>(error, first + index))?;
                }
                inner.commit().await
            }
        }
    }

    async fn many_at_once<M: Model>(&self, things: Things<'_, M>, db: &Db, objects: &[M], first: usize) -> Result<()> {
        let mut rows = Vec::with_capacity(objects.len());
        for (index, object) in objects.iter().enumerate() {
            let shape = db.shape(M::table(), &self.operation(object, false));
            let mut values = Vec::new();
            add_values(object, &shape, &mut values).map_err(|error| item::<M>(error, first + index))?;
            rows.push((shape, values));
        }
        let statements: Vec<Statement<'_>> = rows.iter().map(|(shape, values)| Statement::new(shape, values)).collect();
        db.counters().transaction();
        db.counters().writes_by(statements.len());
        let written = match db.cache() {
            None => write_all(db, &statements).await,
            Some(cache) => {
                let tags = Tags::of(M::table(), vec![Tag::table(M::table().id())]);
                match Quarantine::close(db, cache, tags, things.coherence()).await? {
                    Announced::Owing(debt) => owing(db, statements, &debt).await,
                    Announced::Closed(quarantine) => {
                        let written = quarantine.during(write_all(db, &statements)).await;
                        match &written {
                            Ok(_) => quarantine.release_unlisted().await,
                            Err((_, error)) => quarantine.fail(error).await,
                        }
                        written
                    }
                }
            }
        };
        written.map(drop).map_err(|(index, error)| match index < objects.len() {
            true => item::<M>(error, first + index),
            false => error.context(M::NAME),
        })
    }
}
