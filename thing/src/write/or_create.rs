//! Finding or creating: an object by a unique key, whoever else creates it at that moment.

use std::fmt;

use thing_driver_api::{Comparison, ConstraintKind, Error, ErrorKind, Lock, Operation, Result, Statement, Value};

use crate::filter::{self, Filter, Node};
use crate::rows::Objects;
use crate::session::Handle;
use crate::visibility::Visibility;
use crate::{Column, ColumnSpec, Loaded, Model, Things};

/// How often somebody else may create the object before this is told, and delete it before it is read.
pub(super) const ATTEMPTS: usize = 10;

/// Columns that together tell the objects of a model apart: the column of `#[thing(unique)]`, a tuple of the columns of
/// `#[thing(unique(…))]` on the model in their order, a key that the application makes.
#[diagnostic::on_unimplemented(
    message = "these columns don't tell objects of `{M}` apart",
    label = "no unique index over exactly these columns, in this order",
    note = "declare `#[thing(unique)]` on the field, or `#[thing(unique(a, b))]` on the model"
)]
pub trait UniqueKey<M>: Copy + Send {
    /// The positions of the columns.
    #[doc(hidden)]
    fn columns(self) -> Vec<usize>;
}

/// A column that by itself tells objects apart.
#[diagnostic::on_unimplemented(
    message = "the column `{Self}` does not tell objects apart",
    label = "not a unique column",
    note = "declare `#[thing(unique)]` on the field"
)]
pub trait UniqueColumn: ColumnSpec {}

impl<C: UniqueColumn> UniqueKey<C::Model> for Column<C> {
    fn columns(self) -> Vec<usize> {
        vec![self.index()]
    }
}

/// An object that was there, or that was created.
#[non_exhaustive]
pub enum OrCreated<M> {
    /// It was there.
    Found(Loaded<M>),
    /// It was created.
    Created(Loaded<M>),
}

impl<M: Model> OrCreated<M> {
    /// The object.
    pub fn into_object(self) -> Loaded<M> {
        match self {
            Self::Found(object) | Self::Created(object) => object,
        }
    }

    /// Whether it was created.
    pub fn is_created(&self) -> bool {
        matches!(self, Self::Created(_))
    }
}

impl<M: Model + fmt::Debug> fmt::Debug for OrCreated<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found(object) => f.debug_tuple("Found").field(object).finish(),
            Self::Created(object) => f.debug_tuple("Created").field(object).finish(),
        }
    }
}

impl<M: Model> Things<'_, M> {
    /// The object whose unique columns are those of `new`, or `new` itself, created. Of several callers who do so at one
    /// time, one creates the object and the others find it. In a transaction it takes a savepoint.
    ///
    /// ```text
    /// let alice = users.find_or_create(User::EMAIL, NewUser { email, name }).await?.into_object();
    /// ```
    ///
    /// # Errors
    ///
    /// A unique column that is NULL, which tells nothing apart; [`Error::is_unique_violation`] when another unique column
    /// of `new` is taken; [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) in a transaction that can't see the object
    /// that somebody else created, because its snapshot is older; else as [`Things::create`].
    pub async fn find_or_create<K: UniqueKey<M>>(self, key: K, new: impl Into<M>) -> Result<OrCreated<M>> {
        let new = new.into();
        let wanted = Wanted::of(key, &new)?;
        let found = self.unfiltered().filter(wanted.filter()).first().await;
        let done = match found {
            Ok(Some(found)) => Ok(OrCreated::Found(found)),
            Ok(None) => wanted.create_or_find(self, &new).await,
            Err(error) => Err(error),
        };
        done.map_err(|error| error.context(format!("find or create {}", M::NAME)))
    }

    /// As [`Things::find_or_create`], and an object that was there is changed by `change` and saved. `change` may run
    /// more than once: on the object as somebody else has written it meanwhile, where the model has a version. Without
    /// one, the last of those who change the same column at one time wins, as for every save.
    ///
    /// # Errors
    ///
    /// As [`Things::find_or_create`] and [`Things::save`].
    pub async fn update_or_create<K: UniqueKey<M>>(
        self,
        key: K,
        new: impl Into<M>,
        mut change: impl FnMut(&mut M) + Send,
    ) -> Result<OrCreated<M>> {
        let new = new.into();
        let wanted = Wanted::of(key, &new)?;
        let mut found = self.unfiltered().filter(wanted.filter()).first().await?;
        let mut attempt = 1;
        loop {
            let mut object = match found {
                Some(object) => object,
                None => match wanted.create_or_find(self, &new).await {
                    Ok(OrCreated::Found(object)) => object,
                    done => return done.map_err(|error| error.context(format!("update or create {}", M::NAME))),
                },
            };
            change(&mut object);
            match self.save(&mut object).await {
                Ok(()) => return Ok(OrCreated::Found(object)),
                Err(error) if attempt < ATTEMPTS && (error.is_stale() || error.is_not_found()) => attempt += 1,
                Err(error) => return Err(error),
            }
            found = wanted.latest(self).await?;
        }
    }
}

/// The object that is asked for.
pub(super) struct Wanted {
    /// The unique columns and their values.
    values: Vec<(usize, Value<'static>)>,
}

impl Wanted {
    fn of<M: Model>(key: impl UniqueKey<M>, object: &M) -> Result<Self> {
        Self::of_columns(&key.columns(), object)
    }

    pub(super) fn of_columns<M: Model>(columns: &[usize], object: &M) -> Result<Self> {
        let mut values = Vec::new();
        for &column in columns {
            let value = object.value(column)?.into_owned();
            if value.is_null() {
                let name = &M::table().column(column).name;
                return Err(Error::invalid_input(format!(
                    "column `{name}` is NULL, which any number of rows can have"
                )));
            }
            values.push((column, value));
        }
        Ok(Self { values })
    }

    pub(super) fn filter<M>(&self) -> Filter<M> {
        let compare = |(column, value): &(usize, Value<'static>)| {
            let operand = filter::Operand::Value(value.clone());
            Node::Compare { column: *column, operator: Comparison::Equal, operand }
        };
        Filter::new(self.values.iter().map(compare).fold(Node::Constant(true), Node::and))
    }

    /// Creates the object, or finds the one that is in the way.
    pub(super) async fn create_or_find<M: Model>(&self, things: Things<'_, M>, new: &M) -> Result<OrCreated<M>> {
        let mut attempt = 1;
        loop {
            let error = match create_apart(things, new.clone()).await {
                Ok(created) => return Ok(OrCreated::Created(created)),
                Err(error) if error.is_unique_violation() => error,
                Err(error) => return Err(error),
            };
            if let Some(found) = self.latest(things).await? {
                return Ok(OrCreated::Found(found));
            }
            if !self.is_in_the_way::<M>(&error) {
                return Err(error);
            }
            if M::DELETED.is_some() && self.is_deleted(things).await? {
                return Err(error.context("a deleted object has this key; restore it, or remove it by `force_delete`"));
            }
            if attempt == ATTEMPTS || matches!(things.session(), Handle::Transaction(_)) {
                let message = "somebody else created the object, and this transaction can't see it; run it again";
                return Err(Error::new(ErrorKind::Conflict, message).with_source(error));
            }
            attempt += 1;
        }
    }

    /// Whether the row that refused the new one is that which is asked for; where the database does not say, it may be.
    fn is_in_the_way<M: Model>(&self, error: &Error) -> bool {
        let Some(constraint) = error.constraint() else { return false };
        let table = M::table();
        let is_key = table.key().iter().eq(self.values.iter().map(|(column, _)| column));
        let names = || self.values.iter().map(|(column, _)| &table.column(*column).name);
        match constraint.columns.as_slice() {
            [] => constraint.kind != ConstraintKind::PrimaryKey || is_key,
            columns => columns.len() == self.values.len() && names().all(|name| columns.iter().any(|c| c == name)),
        }
    }

    /// Whether the object is there, and marked as deleted.
    async fn is_deleted<M: Model>(&self, things: Things<'_, M>) -> Result<bool> {
        things.unfiltered().only_deleted().filter(self.filter()).uncached().exists().await
    }

    /// The object as it is in the database. In a transaction it is read for writing: so it is seen also where the reads
    /// of the transaction are of an older state.
    pub(super) async fn latest<M: Model>(&self, things: Things<'_, M>) -> Result<Option<Loaded<M>>> {
        let session = things.session();
        let mut values = Vec::new();
        let filter = self.filter::<M>().into_node().and(Visibility::LIVING.node::<M>()).compile(&mut values)?;
        let operation = Operation::Select {
            columns: (0..M::table().columns().len()).collect(),
            filter,
            order: Vec::new(),
            limit: None,
            offset: None,
            lock: matches!(session, Handle::Transaction(_)).then_some(Lock::Wait),
        };
        let shape = session.db().shape(M::table(), &operation);
        let mut found = Objects::<M>::expecting(1);
        session.fetch(&Statement::new(&shape, &values), &mut found).await?;
        Ok(found.rows.pop().map(Loaded::new))
    }
}

/// Creates the object; in a transaction so that a refusal does not end it.
async fn create_apart<M: Model>(things: Things<'_, M>, new: M) -> Result<Loaded<M>> {
    let Handle::Transaction(outer) = things.session() else {
        return things.create(new).await;
    };
    let inner = outer.begin().await?;
    match Things::new(Handle::Transaction(&inner), things.coherence()).create(new).await {
        Ok(created) => {
            inner.commit().await?;
            Ok(created)
        }
        Err(error) => {
            inner.rollback().await?;
            Err(error)
        }
    }
}
