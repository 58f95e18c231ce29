//! Kinds of relations: what an object is related by, and how the related objects of many are read.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use thing_driver_api::{Key, Result, Table};

use super::{Reading, key_in};
use crate::cache::has_text;
use crate::visibility::Visibility;
use crate::{Loaded, Model, ModelKey, Query};

/// A kind of relation of `M` with `T`. Only Thing implements it.
pub trait RelationKind<M: Model, T: Model>: Clone + Send + Sync + 'static {
    /// How many related objects there can be.
    type Number: Number;

    /// The column, and its table, by which related objects are looked for, where that is not their key.
    #[doc(hidden)]
    fn lookup(&self) -> Option<(&'static Arc<Table>, usize)>;

    /// What the object is related by; `None` where it is related to nothing.
    #[doc(hidden)]
    fn own(&self, object: &M) -> Result<Option<Key>>;

    /// The related objects for each of the keys, which are sorted and differ.
    #[doc(hidden)]
    fn lists(
        &self,
        reading: Reading<'_>,
        query: Query<'_, T>,
        limit: Option<u64>,
        keys: &[Key],
    ) -> impl Future<Output = Result<Vec<Vec<Loaded<T>>>>> + Send;
}

/// How many related objects a kind of relation has, and how they are told. Only Thing implements it.
pub trait Number {
    /// What [`Loaded::related`] gives: a slice, or an `Option`.
    type Related<'a, T: 'a>;
    /// What [`Loaded::related_mut`] gives.
    type RelatedMut<'a, T: 'a>;

    /// Whether there can be several.
    #[doc(hidden)]
    const IS_MANY: bool;

    #[doc(hidden)]
    fn related<T>(objects: &[Loaded<T>]) -> Self::Related<'_, T>;

    #[doc(hidden)]
    fn related_mut<T>(objects: &mut [Loaded<T>]) -> Self::RelatedMut<'_, T>;

    /// How many are read of each list where no more than `limit` are wanted.
    #[doc(hidden)]
    fn most(limit: Option<u64>) -> Option<u64>;
}

/// One object, or none.
#[derive(Debug)]
pub enum One {}

/// Any number of objects.
#[derive(Debug)]
pub enum Many {}

impl Number for One {
    type Related<'a, T: 'a> = Option<&'a Loaded<T>>;
    type RelatedMut<'a, T: 'a> = Option<&'a mut Loaded<T>>;

    const IS_MANY: bool = false;

    fn related<T>(objects: &[Loaded<T>]) -> Option<&Loaded<T>> {
        objects.first()
    }

    fn related_mut<T>(objects: &mut [Loaded<T>]) -> Option<&mut Loaded<T>> {
        objects.first_mut()
    }

    fn most(_: Option<u64>) -> Option<u64> {
        Some(1)
    }
}

impl Number for Many {
    type Related<'a, T: 'a> = &'a [Loaded<T>];
    type RelatedMut<'a, T: 'a> = &'a mut [Loaded<T>];

    const IS_MANY: bool = true;

    fn related<T>(objects: &[Loaded<T>]) -> &[Loaded<T>] {
        objects
    }

    fn related_mut<T>(objects: &mut [Loaded<T>]) -> &mut [Loaded<T>] {
        objects
    }

    fn most(limit: Option<u64>) -> Option<u64> {
        limit
    }
}

/// A kind whose related objects one condition finds. Only Thing implements it.
pub trait Direct {
    /// The column of the related objects' table that is compared.
    #[doc(hidden)]
    fn column(&self, table: &Table) -> usize;
}

/// A kind by which a column of the related objects holds the key of the object. Only Thing implements it.
pub trait Has: Clone + Send + Sync + 'static {
    /// How many related objects there can be.
    type Number: Number;

    /// The column of the related objects.
    #[doc(hidden)]
    fn foreign(&self) -> usize;
}

/// A kind whose related objects have an order. Only Thing implements it.
#[diagnostic::on_unimplemented(message = "this relation has one object, which has no order")]
pub trait Ordered {}

/// A kind with any number of related objects. Only Thing implements it.
#[diagnostic::on_unimplemented(message = "this relation has one object, which needs no limit")]
pub trait Several: Ordered {}

/// A type whose columns refer to rows with a key of type `K`: the key's own type, or an `Option` of it.
#[diagnostic::on_unimplemented(
    message = "a column of type `{Self}` can't refer to a model whose key is `{K}`",
    label = "holds no key of that model",
    note = "a column that refers to another model has the type of its key, or an `Option` of it"
)]
pub trait Foreign<K> {}

impl<K> Foreign<K> for K {}
impl<K> Foreign<K> for Option<K> {}

/// The kind of [`BelongsTo`](crate::BelongsTo).
#[derive(Clone, Copy, Debug)]
pub struct BelongsTo {
    pub(super) column: usize,
}

/// The kind of [`HasOne`](crate::HasOne).
#[derive(Clone, Copy, Debug)]
pub struct HasOne {
    pub(super) column: usize,
}

/// The kind of [`HasMany`](crate::HasMany).
#[derive(Clone, Copy, Debug)]
pub struct HasMany {
    pub(super) column: usize,
}

/// The kind of [`HasManyAs`](crate::HasManyAs), whose filter tells the kind of the object.
#[derive(Clone, Copy, Debug)]
pub struct HasManyAs {
    pub(super) column: usize,
}

/// The kind of [`ManyToMany`](crate::ManyToMany).
pub struct ManyToMany<L> {
    /// The column of `L` with the key of the object.
    pub(super) own: usize,
    /// The column of `L` with the key of the related object.
    pub(super) other: usize,
    link: PhantomData<fn() -> L>,
}

impl<M: Model, T: Model> RelationKind<M, T> for BelongsTo {
    type Number = One;

    fn lookup(&self) -> Option<(&'static Arc<Table>, usize)> {
        None
    }

    fn own(&self, object: &M) -> Result<Option<Key>> {
        key_in(object, self.column)
    }

    /// Without a filter these are lookups by key, which the cache of objects answers.
    async fn lists(
        &self,
        reading: Reading<'_>,
        query: Query<'_, T>,
        _: Option<u64>,
        keys: &[Key],
    ) -> Result<Vec<Vec<Loaded<T>>>> {
        if query.takes_everything() {
            let found = reading.read_many::<T>(keys, query.visibility()).await?;
            return Ok(found.into_iter().map(|object| object.into_iter().collect()).collect());
        }
        query.lists(T::table().key()[0], keys, None).await
    }
}

impl Direct for BelongsTo {
    fn column(&self, table: &Table) -> usize {
        table.key()[0]
    }
}

impl<M: Model, T: Model, K: Has> RelationKind<M, T> for K {
    type Number = K::Number;

    fn lookup(&self) -> Option<(&'static Arc<Table>, usize)> {
        Some((T::table(), self.foreign()))
    }

    fn own(&self, object: &M) -> Result<Option<Key>> {
        object.key().to_key().map(Some)
    }

    async fn lists(
        &self,
        _: Reading<'_>,
        query: Query<'_, T>,
        limit: Option<u64>,
        keys: &[Key],
    ) -> Result<Vec<Vec<Loaded<T>>>> {
        query.lists(self.foreign(), keys, K::Number::most(limit)).await
    }
}

impl<K: Has> Direct for K {
    fn column(&self, _: &Table) -> usize {
        self.foreign()
    }
}

impl Has for HasOne {
    type Number = One;

    fn foreign(&self) -> usize {
        self.column
    }
}

impl Has for HasMany {
    type Number = Many;

    fn foreign(&self) -> usize {
        self.column
    }
}

impl Has for HasManyAs {
    type Number = Many;

    fn foreign(&self) -> usize {
        self.column
    }
}

impl Ordered for HasOne {}
impl Ordered for HasMany {}
impl Ordered for HasManyAs {}
impl Several for HasMany {}
impl Several for HasManyAs {}

impl<M: Model, L: Model, T: Model> RelationKind<M, T> for ManyToMany<L> {
    type Number = Many;

    fn lookup(&self) -> Option<(&'static Arc<Table>, usize)> {
        Some((L::table(), self.own))
    }

    fn own(&self, object: &M) -> Result<Option<Key>> {
        object.key().to_key().map(Some)
    }

    async fn lists(
        &self,
        reading: Reading<'_>,
        query: Query<'_, T>,
        limit: Option<u64>,
        keys: &[Key],
    ) -> Result<Vec<Vec<Loaded<T>>>> {
        let targets = self.targets(reading, keys).await?;
        let mut all = targets.concat();
        all.sort_unstable();
        all.dedup();
        let objects = if query.takes_everything() {
            by_key(reading, all, query.visibility()).await?
        } else {
            selected(reading, query, all).await?
        };
        let most = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let list = |targets: Vec<Key>| {
            let mut ranked: Vec<&(usize, Loaded<T>)> = targets.iter().filter_map(|key| objects.get(key)).collect();
            ranked.sort_unstable_by_key(|(rank, _)| *rank);
            ranked.dedup_by_key(|(rank, _)| *rank);
            ranked.into_iter().take(most).map(|(_, object)| object.clone()).collect()
        };
        Ok(targets.into_iter().map(list).collect())
    }
}

impl<L> Ordered for ManyToMany<L> {}
impl<L> Several for ManyToMany<L> {}

/// Objects by the key that was asked for, each with its place among them.
type Ranked<T> = HashMap<Key, (usize, Loaded<T>)>;

/// Each object that is there, in the order of the keys.
async fn by_key<T: Model>(reading: Reading<'_>, keys: Vec<Key>, seen: Visibility) -> Result<Ranked<T>> {
    let found = reading.read_many::<T>(&keys, seen).await?;
    let present = keys.into_iter().zip(found).enumerate();
    Ok(present.filter_map(|(rank, (key, object))| Some((key, (rank, object?)))).collect())
}

/// The objects with these keys that the query takes, in its order. Only the database knows an order other than that of the
/// keys: then they are asked for at once.
async fn selected<T: Model>(reading: Reading<'_>, query: Query<'_, T>, keys: Vec<Key>) -> Result<Ranked<T>> {
    if keys.is_empty() {
        return Ok(Ranked::new());
    }
    let mut objects = Ranked::new();
    let at_once = if query.is_ordered() { keys.len() } else { query.keys_at_once()? };
    for part in keys.chunks(at_once) {
        for object in query.clone().within(T::table().key()[0], part).all().await? {
            objects.insert(object.key().to_key()?, (objects.len(), object));
        }
    }
    if !reading.compares_text_exactly() && keys.iter().any(has_text) {
        // Links may spell a key otherwise than its row does.
        for (asked, (_, object)) in by_key::<T>(reading, keys, Visibility::ALL).await? {
            if let Some(known) = objects.get(&object.key().to_key()?).cloned() {
                objects.insert(asked, known);
            }
        }
    }
    Ok(objects)
}

impl<L> ManyToMany<L> {
    pub(super) const fn new(own: usize, other: usize) -> Self {
        Self { own, other, link: PhantomData }
    }
}

impl<L: Model> ManyToMany<L> {
    /// The keys that the links of each of these keys lead to.
    pub(super) async fn targets(&self, reading: Reading<'_>, keys: &[Key]) -> Result<Vec<Vec<Key>>> {
        let links = reading.query::<L>().lists(self.own, keys, None).await?;
        let target = |link: &Loaded<L>| key_in(&**link, self.other).transpose();
        links.iter().map(|links| links.iter().filter_map(target).collect()).collect()
    }
}

impl<L> Clone for ManyToMany<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for ManyToMany<L> {}

impl<L: Model> fmt::Debug for ManyToMany<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManyToMany").field("link", &L::NAME).finish_non_exhaustive()
    }
}
