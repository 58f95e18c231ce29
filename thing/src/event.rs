//! Events: what a write did to an object, for hooks and listeners.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use thing_driver_api::{ColumnSet, Key, Result, Table, Value};

use crate::cache::KnownRow;
use crate::listener::tell_end;
use crate::rows::ValueRow;
use crate::{Column, ColumnSpec, ColumnType, Db, Model};

/// What was done to one object, for who knows no model. Cheap to clone.
#[derive(Clone)]
pub struct Event(Arc<Inner>);

struct Inner {
    model: &'static str,
    model_id: TypeId,
    table: &'static Table,
    kind: EventKind,
    key: Key,
    columns: ColumnSet,
    old: Option<KnownRow>,
    new: Option<KnownRow>,
    tell_end: TellEnd,
}

/// Tells the hooks and listeners of one model how the transaction of its events ended.
pub(crate) type TellEnd = for<'a> fn(&'a Db, Vec<Event>, End) -> BoxFuture<'a, ()>;

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was committed.
    Committed,
    /// It was rolled back.
    RolledBack,
}

/// What can be done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// It was created.
    Created,
    /// It was changed: by a save, or by a change set.
    Updated,
    /// It was deleted: removed, or marked as deleted.
    Deleted,
    /// It was marked as deleted, and is not any more.
    Restored,
}

impl Event {
    /// A row was written; `None` for one that was not, or is not, there.
    pub(crate) fn new<M: Model>(kind: EventKind, key: Key, old: Option<KnownRow>, new: Option<KnownRow>) -> Self {
        let table: &'static Table = M::table();
        let differs = |&column: &usize| match (&old, &new) {
            (Some(old), Some(new)) => old[column] != new[column],
            _ => true,
        };
        let columns = (0..table.columns().len()).filter(differs).collect();
        let (model, model_id) = (M::NAME, TypeId::of::<M>());
        Self(Arc::new(Inner { model, model_id, table, kind, key, columns, old, new, tell_end: tell_end::<M> }))
    }

    /// The name of the struct.
    pub fn model(&self) -> &'static str {
        self.0.model
    }

    /// The name of the table.
    pub fn table(&self) -> &'static str {
        self.0.table.name()
    }

    /// What was done.
    pub fn kind(&self) -> EventKind {
        self.0.kind
    }

    /// The primary key of the object.
    pub fn key(&self) -> &Key {
        &self.0.key
    }

    /// The columns that changed, with their values, in the table's order; all of them for an object that was created or
    /// deleted. The values are those that the row had and has, as they are stored.
    pub fn columns(&self) -> impl Iterator<Item = ColumnChange<'_>> {
        let count = self.0.table.columns().len();
        self.0.columns.iter().take_while(move |&column| column < count).map(|column| ColumnChange {
            name: &self.0.table.column(column).name,
            old: value(self.0.old.as_ref(), column),
            new: value(self.0.new.as_ref(), column),
        })
    }

    pub(crate) fn model_id(&self) -> TypeId {
        self.0.model_id
    }

    pub(crate) fn tell_end(&self) -> TellEnd {
        self.0.tell_end
    }
}

fn value(row: Option<&KnownRow>, column: usize) -> Option<&Value<'static>> {
    row.and_then(|row| row.get(column)?.as_ref())
}

impl fmt::Debug for Event {
    /// Without the values, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<&str> = self.columns().map(|column| column.name).collect();
        f.debug_struct("Event")
            .field("model", &self.model())
            .field("kind", &self.kind())
            .field("key", self.key())
            .field("columns", &columns)
            .finish()
    }
}

/// One column of an [`Event`].
#[derive(Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ColumnChange<'a> {
    /// The name of the column.
    pub name: &'a str,
    /// What it held; `None` for an object that was created.
    pub old: Option<&'a Value<'static>>,
    /// What it holds; `None` for an object that was deleted.
    pub new: Option<&'a Value<'static>>,
}

impl fmt::Debug for ColumnChange<'_> {
    /// Without the values, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ColumnChange").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An [`Event`] of the model `M`: what changed, by typed columns. Cheap to clone.
pub struct Changes<M> {
    event: Event,
    model: PhantomData<fn() -> M>,
}

impl<M: Model> Changes<M> {
    pub(crate) fn of(event: Event) -> Self {
        Self { event, model: PhantomData }
    }

    /// Whether this column changed; true of every column of an object that was created or deleted.
    pub fn changed<C: ColumnSpec<Model = M>>(&self, column: Column<C>) -> bool {
        self.event.0.columns.contains(column.index())
    }

    /// What the column held before; `None` for an object that was created.
    ///
    /// # Errors
    ///
    /// A value that is not of the field's type.
    pub fn old<C: ColumnSpec<Model = M>>(&self, column: Column<C>) -> Result<Option<C::Type>> {
        read(self.event.0.old.as_ref(), column)
    }

    /// What the column holds now; `None` for an object that was deleted.
    ///
    /// # Errors
    ///
    /// A value that is not of the field's type.
    // The opposite of `old`.
    #[allow(clippy::new_ret_no_self)]
    pub fn new<C: ColumnSpec<Model = M>>(&self, column: Column<C>) -> Result<Option<C::Type>> {
        read(self.event.0.new.as_ref(), column)
    }
}

fn read<C: ColumnSpec>(row: Option<&KnownRow>, column: Column<C>) -> Result<Option<C::Type>> {
    row.map(|row| C::Type::from_row(&ValueRow(row), column.index())).transpose()
}

impl<M> Deref for Changes<M> {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

impl<M> Clone for Changes<M> {
    fn clone(&self) -> Self {
        Self { event: self.event.clone(), model: PhantomData }
    }
}

impl<M> fmt::Debug for Changes<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.event.fmt(f)
    }
}
