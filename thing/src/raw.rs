//! Raw statements: the database's own language, past the cache.

mod from_row;
mod by_name;
mod changes;

pub use from_row::{FromRow, RawValue, RawValues};

use std::fmt;
use std::sync::Arc;

use thing_driver_api::{
    Capability, Error, ErrorKind, Flow, Key, NoRows, Result, Row, RowSink, Shape, Statement, Value,
};

use crate::session::Handle;
use crate::stream::ObjectStream;
use crate::{IntoKey, Loaded, Model, ModelKey};

use by_name::ByName;
pub(crate) use by_name::Columns;
use changes::Changes;

/// A statement in the database's own language: made by [`Db::raw`](crate::Db::raw), given values by [`Raw::bind`], and
/// run by one of the others.
///
/// Raw reads pass by the cache. A raw write says what it changes, by [`Raw::changes`] or [`Raw::changes_only`], and is
/// then as coherent as any other; one that doesn't say so must be followed by
/// [`Db::invalidate`](crate::Db::invalidate).
#[must_use = "a raw statement does nothing until it is run"]
pub struct Raw<'s> {
    session: Handle<'s>,
    text: String,
    values: Result<Vec<Value<'static>>>,
    changes: Result<Changes>,
}

impl<'s> Raw<'s> {
    pub(crate) fn new(session: Handle<'s>, text: String) -> Self {
        Self { session, text, values: Ok(Vec::new()), changes: Ok(Changes::default()) }
    }

    /// Says that the statement may change any rows of the model's table: everything cached of it is forgotten, as of the
    /// moment when the statement takes effect.
    pub fn changes<M: Model>(mut self) -> Self {
        self.changes = self.changes.map(|changes| changes.with_table::<M>());
        self
    }

    /// Says that the statement may change the rows with these keys (add or remove them too), and no others of the
    /// model's table: they are read and locked before it and read again after it, in a transaction, so that only what they
    /// concern is forgotten. A row that is not there before can't be locked, and another may add it meanwhile: with such a
    /// key everything cached of the model is forgotten, as by [`Raw::changes`].
    pub fn changes_only<M: Model, K: IntoKey<M::Key>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        let keys: Result<Vec<Key>> = keys.into_iter().map(|key| key.into_key().to_key()).collect();
        self.changes = self.changes.and_then(|changes| Ok(changes.with_rows::<M>(keys?)));
        self
    }

    /// Binds the next value: anything that can be a column, or `&str`.
    pub fn bind(mut self, value: impl RawValue) -> Self {
        self.values = self.values.and_then(|mut values| {
            values.push(value.into_value()?);
            Ok(values)
        });
        self
    }

    /// Runs a write, and gives the number of rows it changed.
    ///
    /// # Errors
    ///
    /// A value that can't be bound, a wrong number of values, and those of the database.
    pub async fn execute(self) -> Result<u64> {
        let (shape, values) = self.parts()?;
        Ok(self.declared()?.around(self.session, &Statement::new(&shape, &values), &mut NoRows).await?.rows)
    }

    /// The rows as objects of a model, by the names of the result's columns. Columns that the model does not have are
    /// passed over.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`] naming a column of the model that the result lacks, and as [`Raw::execute`].
    pub async fn objects<M: Model>(self) -> Result<Vec<Loaded<M>>> {
        let (shape, values) = self.parts()?;
        let mut objects = ByName::<M>::new();
        self.fetch(&Statement::new(&shape, &values), &mut objects).await?;
        Ok(objects.rows.into_iter().map(Loaded::of).collect())
    }

    /// The rows as tuples, or as plain values where the result has one column.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`] where a value is of another type or the number of columns differs, and as
    /// [`Raw::execute`].
    pub async fn rows<T: FromRow>(self) -> Result<Vec<T>> {
        let (shape, values) = self.parts()?;
        let mut rows = Plain { rows: Vec::new() };
        self.fetch(&Statement::new(&shape, &values), &mut rows).await?;
        Ok(rows.rows)
    }

    /// The only row.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] when there is none, [`ErrorKind::NotUnique`] when there are several; else as
    /// [`Raw::rows`].
    pub async fn row<T: FromRow>(self) -> Result<T> {
        let mut rows = self.rows().await?;
        match (rows.pop(), rows.is_empty()) {
            (Some(row), true) => Ok(row),
            (None, _) => Err(Error::not_found("the statement gave no row")),
            (Some(_), false) => {
                Err(Error::new(ErrorKind::NotUnique, "the statement gave several rows where one was asked for"))
            }
        }
    }

    /// The rows as objects of a model, one by one: for results that don't fit the memory. Not in a transaction.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where the driver does not stream, [`ErrorKind::InvalidInput`] for a statement that says
    /// what it changes, and as [`Raw::objects`].
    pub async fn stream<M: Model>(self) -> Result<ObjectStream<M>> {
        let (shape, values) = self.parts()?;
        if !self.declared()?.is_empty() {
            return Err(Error::invalid_input("a statement that changes something does not stream; use `Raw::objects`"));
        }
        ObjectStream::open(self.session, &Statement::new(&shape, &values)).await
    }

    /// A statement that says what it changes is a write that gives rows back.
    async fn fetch(&self, statement: &Statement<'_>, rows: &mut dyn RowSink) -> Result<()> {
        let changes = self.declared()?;
        if changes.is_empty() {
            return self.session.fetch(statement, rows).await;
        }
        changes.around(self.session, statement, rows).await.map(drop)
    }

    fn declared(&self) -> Result<&Changes> {
        self.changes.as_ref().map_err(Error::duplicate)
    }

    fn parts(&self) -> Result<(Arc<Shape>, Vec<Value<'static>>)> {
        if !self.session.db().executor().capabilities().has(Capability::RawStatements) {
            return Err(Error::unsupported("this driver has no raw statements"));
        }
        let values = self.values.as_ref().map_err(Error::duplicate)?.clone();
        Ok((Shape::raw(self.text.clone()), values))
    }
}

/// Shows the text; values stay out of logs.
impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw").field("text", &self.text).finish_non_exhaustive()
    }
}

struct Plain<T> {
    rows: Vec<T>,
}

impl<T: FromRow> RowSink for Plain<T> {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        if row.len() != T::COLUMNS {
            return Err(Error::new(
                ErrorKind::InvalidData { column: None },
                format!("the statement gives {} columns where {} were asked for", row.len(), T::COLUMNS),
            ));
        }
        self.rows.push(T::from_row(row)?);
        Ok(Flow::Continue)
    }

    fn restart(&mut self) {
        self.rows.clear();
    }
}
