//! Models: plain structs that rows become.

use std::sync::Arc;

use thing_driver_api::{Result, Row, Table, TableBuilder, Value};

use crate::listener::Dispatch;
use crate::{Coherence, IntoKey, Loaded, ModelKey, Query, Session, Things, Violations};

/// A plain struct that one row of a table becomes, by `#[derive(Model)]`.
///
/// The hidden methods are what the derive macro writes; a model written by hand implements them too.
pub trait Model: Clone + Send + Sync + Sized + 'static {
    /// The type of the primary key.
    type Key: ModelKey;

    /// The name of the struct, for messages.
    const NAME: &'static str;

    /// What its reads and writes promise, by `#[thing(coherence = "…")]`; `None` for what the `Db` says.
    const COHERENCE: Option<Coherence> = None;

    /// The column that counts the writes of a row, by `#[thing(version)]`.
    #[doc(hidden)]
    const VERSION: Option<usize> = None;

    /// The column that marks deleted objects, by `#[thing(deleted)]`.
    #[doc(hidden)]
    const DELETED: Option<usize> = None;

    /// Whether there is a rule, by `#[thing(keep = …)]`.
    #[doc(hidden)]
    const KEEPS: bool = false;
    /// Whether objects are checked before they are written, by `#[thing(validate)]` or `#[thing(garde)]`.
    #[doc(hidden)]
    const RULES: bool = false;

    /// What it does around its writes, by `#[thing(hooks)]`.
    #[doc(hidden)]
    const HOOKS: Option<&'static dyn Dispatch<Self>> = None;

    /// The table. Always the same.
    fn table() -> &'static Arc<Table>;

    /// The primary key.
    fn key(&self) -> Self::Key;

    /// Puts in the key that the database generated.
    #[doc(hidden)]
    fn set_generated_key(&mut self, key: i64) -> Result<()>;

    /// Reads all columns, in the table's order.
    #[doc(hidden)]
    fn from_row(row: &dyn Row) -> Result<Self>;

    /// The value of one column.
    #[doc(hidden)]
    fn value(&self, column: usize) -> Result<Value<'_>>;

    /// Puts the time, in microseconds since 1970, into the `updated` field and, of a new object, the `created` field.
    /// Returns whether there is an `updated` field.
    #[doc(hidden)]
    fn touch(&mut self, now: i64, new: bool) -> bool;

    /// Puts in the version, where there is one.
    #[doc(hidden)]
    fn set_version(&mut self, version: i64) {
        let _ = version;
    }

    /// Whether the object is marked as deleted, by `#[thing(deleted)]`.
    fn is_deleted(&self) -> bool {
        false
    }

    /// The rule that reads obey: objects that do not match it are not seen, by `#[thing(keep = …)]`.
    #[doc(hidden)]
    fn keep() -> Option<crate::Filter<Self>> {
        None
    }

    /// What becomes of objects of other models when one is deleted.
    #[doc(hidden)]
    fn on_delete() -> Vec<crate::__private::OnDelete> {
        Vec::new()
    }

    /// The columns that hold when the row was last written.
    #[doc(hidden)]
    fn updated_columns() -> Vec<usize> {
        Vec::new()
    }

    /// Adds what breaks the rules of the model.
    #[doc(hidden)]
    fn find_violations(&self, violations: &mut Violations) {
        let _ = violations;
    }

    /// Bytes that the fields hold outside the struct.
    #[doc(hidden)]
    fn heap_size(&self) -> usize;

    /// What the database does to rows of other models when a row is deleted.
    #[doc(hidden)]
    fn dependents() -> Vec<crate::__private::Dependent> {
        Vec::new()
    }

    /// The name of the table and of the columns of its key, for those who refer to it: asked while their own tables are
    /// made, which may be in a circle.
    #[doc(hidden)]
    fn referred() -> (String, Vec<String>) {
        let table = Self::table();
        (table.name().to_owned(), table.key().iter().map(|&column| table.column(column).name.to_string()).collect())
    }

    /// The models to which its foreign keys refer, where the database changes its rows when theirs go.
    #[doc(hidden)]
    fn parents() -> Vec<crate::__private::Parent> {
        Vec::new()
    }

    /// The columns whose fields have another name, by position.
    #[doc(hidden)]
    fn field_names() -> Vec<(usize, &'static str)> {
        Vec::new()
    }

    /// The relations, in the order of their declaration.
    #[doc(hidden)]
    fn relations() -> Vec<crate::__private::NamedRelation<Self>> {
        Vec::new()
    }

    /// What is shown that is no column.
    #[cfg(feature = "json")]
    #[doc(hidden)]
    fn computed() -> Vec<crate::__private::Computed<Self>> {
        Vec::new()
    }

    /// As [`Things::by_id`].
    fn by_id<S: Session + ?Sized>(
        session: &S,
        key: impl IntoKey<Self::Key> + Send,
    ) -> impl Future<Output = Result<Loaded<Self>>> + Send {
        Things::<Self>::of(session).by_id(key)
    }

    /// As [`Things::find`].
    fn find<S: Session + ?Sized>(
        session: &S,
        key: impl IntoKey<Self::Key> + Send,
    ) -> impl Future<Output = Result<Option<Loaded<Self>>>> + Send {
        Things::<Self>::of(session).find(key)
    }

    /// As [`Things::filter`].
    fn filter<S: Session + ?Sized>(session: &S, filter: crate::Filter<Self>) -> Query<'_, Self> {
        Things::<Self>::of(session).filter(filter)
    }

    /// As [`Things::create`].
    fn create<S: Session + ?Sized>(self, session: &S) -> impl Future<Output = Result<Loaded<Self>>> + Send {
        Things::<Self>::of(session).create(self)
    }

    /// As [`Things::save_plain`].
    fn save<S: Session + ?Sized>(self, session: &S) -> impl Future<Output = Result<Loaded<Self>>> + Send {
        Things::<Self>::of(session).save_plain(self)
    }
}

/// A group of fields that several models share, by `#[derive(Embed)]`; a model embeds it with `#[thing(embed)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be embedded in a model",
    label = "no `#[derive(Embed)]`",
    note = "derive `Embed` for `{Self}`, or drop `#[thing(embed)]`"
)]
pub trait Embed: Clone + Send + Sync + Sized + 'static {
    /// The typed columns as a model `M` has them, the first at position `FIRST`.
    #[doc(hidden)]
    type Columns<M: Model, const FIRST: usize>: EmbedColumns;

    /// The number of columns.
    #[doc(hidden)]
    const LEN: usize;

    /// The column that counts the writes of a row, counted from the group's first.
    #[doc(hidden)]
    const VERSION: Option<usize> = None;

    /// The column that marks deleted objects, counted from the group's first.
    #[doc(hidden)]
    const DELETED: Option<usize> = None;

    /// The column that holds when the row was last written, counted from the group's first.
    #[doc(hidden)]
    const UPDATED: Option<usize> = None;

    /// Declares the columns and indexes; the first column's position is `first`, and every name begins with `prefix`.
    #[doc(hidden)]
    fn declare(table: TableBuilder, first: usize, prefix: &str) -> TableBuilder;

    /// Reads the columns from position `first` on.
    #[doc(hidden)]
    fn from_row(row: &dyn Row, first: usize) -> Result<Self>;

    /// The value of one column, counted from the group's first.
    #[doc(hidden)]
    fn value(&self, column: usize) -> Result<Value<'_>>;

    /// As [`Model::touch`].
    #[doc(hidden)]
    fn touch(&mut self, now: i64, new: bool) -> bool;

    /// As [`Model::set_version`].
    #[doc(hidden)]
    fn set_version(&mut self, version: i64) {
        let _ = version;
    }

    /// As [`Model::is_deleted`].
    #[doc(hidden)]
    fn is_deleted(&self) -> bool {
        false
    }

    /// Bytes that the fields hold outside the struct.
    #[doc(hidden)]
    fn heap_size(&self) -> usize;
}

/// The typed columns of an [`Embed`].
#[doc(hidden)]
pub trait EmbedColumns: Sized {
    const COLUMNS: Self;
}

/// An [`Embed`] that a new object needs not be given: every field is the key, a time stamp, nullable, ignored, or has a
/// default.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has fields that a new object must be given",
    label = "can't be left out of a new object",
    note = "write `#[thing(embed, given)]` to have the whole embed in the struct for new objects, or put a `#[thing(default)]` on the fields of `{Self}`"
)]
#[doc(hidden)]
pub trait EmbedUnset: Embed {
    /// The embed of an object that is not in the database yet.
    fn unset() -> Self;
}

/// An [`Embed`] that holds the primary key.
#[diagnostic::on_unimplemented(
    message = "the model has no primary key, and neither has the embedded `{Self}`",
    label = "no key",
    note = "name a field `id`, mark a field with `#[thing(key)]`, or embed a struct that has one"
)]
pub trait EmbedKey: Embed {
    /// The type of the key.
    type Key: ModelKey;

    /// The key's column, counted from the group's first.
    #[doc(hidden)]
    const COLUMN: usize;
    /// The name of the key's column, without the prefix.
    #[doc(hidden)]
    const NAME: &'static str;
    /// Whether the database generates the key.
    #[doc(hidden)]
    const GENERATED: bool;

    /// The key.
    #[doc(hidden)]
    fn key(&self) -> Self::Key;

    /// Puts in the key that the database generated.
    #[doc(hidden)]
    fn set_generated_key(&mut self, key: i64) -> Result<()>;
}
