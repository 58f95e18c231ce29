//! Relations: the objects of another model that belong to an object, read without joins.
//!
//! ```text
//! objects ─▶ their keys ─▶ a list for each key: from the cache, the others by one statement ─▶ kept in the objects
//! ```

mod kind;
mod preload;
mod related;
mod named;
mod link;
mod replace;
mod any;
mod loadable;

#[cfg(feature = "json")]
pub(crate) use self::any::PreloadOf;
pub use self::any::{AnyOf, BelongsToAny, KindOf, Member, MemberOf, PreloadAny};
pub(crate) use self::kind::Number;
use self::kind::{Direct, Ordered, Several};
pub use self::kind::{Foreign, RelationKind};
pub use self::link::ObjectOf;
pub use self::loadable::Loadable;
pub use self::named::{Lookup, NamedRelation};
pub(crate) use self::preload::{Preload, Reading};
pub(crate) use self::related::Relations;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use thing_driver_api::{Comparison, Key, Order, Result};

use crate::filter::{Filter, Node, Operand};
use crate::visibility::Visibility;
use crate::{Column, ColumnSpec, Model, ModelKey, OrderBy, Query, Session};

/// A relation of the model `M` with the model `T`: a constant of `M`, such as `Author::BOOKS`, that
/// [`#[derive(Model)]`](derive@crate::Model) makes. `K` is its kind: [`BelongsTo`], [`HasOne`], [`HasMany`], [`HasManyAs`] or
/// [`ManyToMany`].
///
/// It is loaded together with the objects of a query by [`Query::with`], or later by [`Loaded::load`] and
/// [`Things::load_many`]; [`Loaded::related`] gives what was loaded. The methods here say which of the related objects
/// are loaded, and what of them.
///
/// ```text
/// Author::filter(&db, ..).with(Author::BOOKS.filter(Book::YEAR.gt(2000)).order_by(Book::TITLE.asc()).with(Book::TAGS))
/// ```
///
/// [`Loaded::load`]: crate::Loaded::load
/// [`Loaded::related`]: crate::Loaded::related
/// [`Things::load_many`]: crate::Things::load_many
#[must_use = "a relation does nothing until it is loaded"]
pub struct Relation<M, T, K> {
    /// The constant's name, by which objects keep what was loaded.
    name: &'static str,
    kind: K,
    filter: Node,
    order: Vec<Order>,
    most: Option<u64>,
    visibility: Visibility,
    with: Vec<Arc<dyn Preload<T>>>,
    model: PhantomData<fn() -> M>,
}

/// A column of `M` holds the key of a `T`: a book's author.
pub type BelongsTo<M, T> = Relation<M, T, kind::BelongsTo>;

/// A column of `T` holds the key of an `M`, and no two have the same: an author's profile.
pub type HasOne<M, T> = Relation<M, T, kind::HasOne>;

/// A column of `T` holds the key of an `M`: an author's books.
pub type HasMany<M, T> = Relation<M, T, kind::HasMany>;

/// As [`HasMany`], where a `T` can belong to objects of other models too, by its [`BelongsToAny`]: a post's comments.
pub type HasManyAs<M, T> = Relation<M, T, kind::HasManyAs>;

/// The rows of `L` link `M` and `T`: a book's tags.
pub type ManyToMany<M, L, T> = Relation<M, T, kind::ManyToMany<L>>;

impl<M: Model, T: Model> BelongsTo<M, T> {
    #[doc(hidden)]
    pub const fn by<C>(name: &'static str, column: Column<C>) -> Self
    where
        C: ColumnSpec<Model = M>,
        C::Type: Foreign<T::Key>,
    {
        Self::new(name, kind::BelongsTo { column: column.index() })
    }
}

impl<M: Model, T: Model> HasOne<M, T> {
    #[doc(hidden)]
    pub const fn by<C>(name: &'static str, column: Column<C>) -> Self
    where
        C: ColumnSpec<Model = T>,
        C::Type: Foreign<M::Key>,
    {
        Self::new(name, kind::HasOne { column: column.index() })
    }
}

impl<M: Model, T: Model> HasMany<M, T> {
    #[doc(hidden)]
    pub const fn by<C>(name: &'static str, column: Column<C>) -> Self
    where
        C: ColumnSpec<Model = T>,
        C::Type: Foreign<M::Key>,
    {
        Self::new(name, kind::HasMany { column: column.index() })
    }
}

impl<M: Model, T: Model> HasManyAs<M, T> {
    #[doc(hidden)]
    pub const fn by<A: KindOf<M>>(name: &'static str, relation: BelongsToAny<T, A>) -> Self {
        let (kind, column) = relation.into_columns();
        Self::filtered(name, kind::HasManyAs { column }, any::of_kind(kind, A::KIND))
    }
}

impl<M: Model, L: Model, T: Model> ManyToMany<M, L, T> {
    #[doc(hidden)]
    pub const fn by<C, D>(name: &'static str, own: Column<C>, other: Column<D>) -> Self
    where
        C: ColumnSpec<Model = L>,
        C::Type: Foreign<M::Key>,
        D: ColumnSpec<Model = L>,
        D::Type: Foreign<T::Key>,
    {
        Self::new(name, kind::ManyToMany::new(own.index(), other.index()))
    }

    /// A query over the objects that are linked to this one. It reads the links first; objects that are linked later
    /// are not in it. The limit of the relation does not count here: [`Query::fetch`] takes one.
    ///
    /// # Errors
    ///
    /// Those of [`Query::all`] over the links.
    pub async fn of<'s, S: Session + ?Sized>(&self, session: &'s S, object: &M) -> Result<Query<'s, T>> {
        let reading = Reading::of::<M>(session.handle());
        let targets = self.kind.targets(reading, &[object.key().to_key()?]).await?;
        Ok(self.query_with(reading).within(T::table().key()[0], &targets.concat()))
    }
}

impl<M: Model, T: Model, K: RelationKind<M, T> + Direct> Relation<M, T, K> {
    /// A query over the objects that belong to this one. Its list is the same entry of the cache as that of a filter by
    /// the column. The limit of the relation does not count here: [`Query::fetch`] takes one.
    pub fn of<'s, S: Session + ?Sized>(&self, session: &'s S, object: &M) -> Query<'s, T> {
        let query = self.query_with(Reading::of::<M>(session.handle()));
        let column = self.kind.column(T::table());
        match self.kind.own(object) {
            Ok(Some(key)) => query.only(column, &key),
            Ok(None) => query.filter(Filter::nothing()),
            Err(error) => {
                let operand = Operand::Invalid(error.to_string());
                query.filter(Filter::new(Node::Compare { column, operator: Comparison::Equal, operand }))
            }
        }
    }
}

impl<M: Model, T: Model, K> Relation<M, T, K> {
    const fn new(name: &'static str, kind: K) -> Self {
        Self::filtered(name, kind, Node::Constant(true))
    }

    const fn filtered(name: &'static str, kind: K, filter: Node) -> Self {
        Self {
            name,
            kind,
            filter,
            order: Vec::new(),
            most: None,
            visibility: Visibility::USUAL,
            with: Vec::new(),
            model: PhantomData,
        }
    }

    /// Only objects that match this too.
    pub fn filter(mut self, filter: Filter<T>) -> Self {
        self.filter = self.filter.and(filter.into_node());
        self
    }

    /// Related objects that are deleted too, of a model with a `deleted` field.
    pub fn with_deleted(mut self) -> Self {
        self.visibility = self.visibility.with_deleted();
        self
    }

    /// Related objects that are deleted alone.
    pub fn only_deleted(mut self) -> Self {
        self.visibility = self.visibility.only_deleted();
        self
    }

    /// Related objects whatever the rule of their model says, `#[thing(keep = …)]`.
    pub fn unfiltered(mut self) -> Self {
        self.visibility = self.visibility.unruled();
        self
    }

    /// Loads this relation of the related objects along.
    pub fn with(mut self, relation: impl Loadable<T>) -> Self {
        self.with.push(Arc::new(relation));
        self
    }

    /// Loads these relations of the related objects along, too.
    #[cfg(feature = "json")]
    pub(crate) fn also_loading(mut self, relations: Vec<Arc<dyn Preload<T>>>) -> Self {
        self.with.extend(relations);
        self
    }

    /// The name by which output shows it.
    #[cfg(feature = "json")]
    pub(crate) fn public_name(&self) -> String {
        public_name(self.name)
    }

    fn query<'s>(&self, reading: Reading<'s>) -> Query<'s, T> {
        reading.query().selecting(self.filter.clone(), self.order.clone()).seeing(self.visibility)
    }

    fn query_with<'s>(&self, reading: Reading<'s>) -> Query<'s, T> {
        self.query(reading).loading(self.with.clone())
    }

    /// The relation as programs name it.
    fn path(&self) -> String {
        format!("{}::{}", M::NAME, self.name)
    }
}

impl<M: Model, T: Model, K: Ordered> Relation<M, T, K> {
    /// In this order; a further call orders what the former leave equal. The key comes last by itself.
    pub fn order_by(mut self, order: OrderBy<T>) -> Self {
        self.order.push(order.order);
        self
    }
}

impl<M: Model, T: Model, K: Several> Relation<M, T, K> {
    /// At most so many for each object. Where the lists of several objects are not in the cache, they are read whole and
    /// cut off here.
    pub fn limit(mut self, limit: u64) -> Self {
        self.most = Some(limit);
        self
    }
}

impl<M, T, K: Clone> Clone for Relation<M, T, K> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            kind: self.kind.clone(),
            filter: self.filter.clone(),
            order: self.order.clone(),
            most: self.most,
            visibility: self.visibility,
            with: self.with.clone(),
            model: PhantomData,
        }
    }
}

impl<M: Model, T: Model, K> fmt::Debug for Relation<M, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relation").field("name", &self.path()).field("target", &T::NAME).finish_non_exhaustive()
    }
}

/// The name by which output shows a relation, of its constant's.
#[cfg(feature = "json")]
fn public_name(constant: &str) -> String {
    constant.to_lowercase()
}

/// The key that a column holds; `None` for NULL.
fn key_in<M: Model>(object: &M, column: usize) -> Result<Option<Key>> {
    Ok(Key::from_values(&[object.value(column)?]))
}
