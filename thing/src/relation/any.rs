//! Relations with one of several models: a pair of columns says of which, and which one.
//!
//! ```text
//! objects ─▶ (kind, key) each ─▶ for each kind its keys: from the cache, the others by one statement ─▶ kept in the objects
//! ```

mod member;

pub(crate) use self::member::PreloadOf;
pub use self::member::{Member, MemberOf, PreloadAny};

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use thing_driver_api::{Comparison, Error, Key, Result, Value, ValueType};

use super::{Foreign, Loadable, Preload, Reading, key_in};
use crate::filter::{Filter, Node, Operand};
use crate::things::shown;
use crate::visibility::Visibility;
use crate::{Column, ColumnSpec, ColumnType, Loaded, Model, ModelKey};

/// A loaded object of one of several models, made by [`#[derive(AnyOf)]`](derive@crate::AnyOf).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no choice of models",
    label = "expected an enum with `#[derive(AnyOf)]`",
    note = "each variant holds a loaded object: `enum Subject {{ Post(Loaded<Post>), Photo(Loaded<Photo>) }}`"
)]
pub trait AnyOf: Clone + Send + Sync + 'static {
    /// The type of the keys of all these models.
    type Key: ModelKey;
    /// The name of the enum, for messages.
    const NAME: &'static str;
    /// What stands for each of the models, in the order of the variants.
    const KINDS: &'static [&'static str];

    /// The models, in the same order.
    #[doc(hidden)]
    const MEMBERS: &'static [&'static dyn Member<Self>];
}

/// One of several models can be an `M`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a `{M}`",
    label = "no variant holds a `Loaded<{M}>`",
    note = "add a variant for `{M}`, or take one of the models that `{Self}` has"
)]
pub trait KindOf<M: Model>: AnyOf {
    /// What stands for the model in the column of the kind.
    const KIND: &'static str;

    /// The variant that holds this object.
    fn of(object: Loaded<M>) -> Self;

    /// The object, if it is an `M`.
    fn get(&self) -> Option<&Loaded<M>>;

    /// The object, if it is an `M`, to be changed.
    fn get_mut(&mut self) -> Option<&mut Loaded<M>>;
}

/// A pair of columns of `M` says to which object of which model it belongs: the subject of a comment, be it a post or a photo.
/// A constant of `M`, declared by `belongs_to_any`; `A` is the enum of what it can be.
///
/// It is loaded as any other relation, by [`Query::with`](crate::Query::with), [`Loaded::load`] and
/// [`Things::load_many`](crate::Things::load_many), in one statement for each of the models at most.
/// [`Loaded::related`] gives an `Option` of the enum: `None` where a column is NULL, or the object is not there or not in sight.
///
/// A kind that the enum has not is an error of the load, [`ErrorKind::InvalidData`](crate::ErrorKind::InvalidData), which names
/// it and the column.
#[must_use = "a relation does nothing until it is loaded"]
pub struct BelongsToAny<M, A> {
    name: &'static str,
    kind: usize,
    key: usize,
    seen: Visibility,
    with: Vec<Arc<dyn PreloadAny<A>>>,
    model: PhantomData<fn() -> (M, A)>,
}

impl<M: Model, A> BelongsToAny<M, A> {
    #[doc(hidden)]
    pub const fn by<C, D>(name: &'static str, kind: Column<C>, key: Column<D>) -> Self
    where
        A: AnyOf,
        C: ColumnSpec<Model = M>,
        D: ColumnSpec<Model = M>,
        D::Type: Foreign<A::Key>,
    {
        const {
            assert!(
                matches!(C::Type::TYPE, ValueType::Text),
                "the first column of `belongs_to_any` holds text, or an enum that is stored as text"
            );
        }
        let (kind, key) = (kind.index(), key.index());
        Self { name, kind, key, seen: Visibility::USUAL, with: Vec::new(), model: PhantomData }
    }
}

impl<M: Model, A: AnyOf> BelongsToAny<M, A> {
    /// Loads this relation of the related objects along, of those that are a `T`: `Comment::SUBJECT.with(Post::AUTHOR)`.
    pub fn with<T: Model>(mut self, relation: impl Loadable<T>) -> Self
    where
        A: KindOf<T>,
    {
        self.with.push(Arc::new(PreloadOf::new(Arc::new(relation))));
        self
    }

    /// Loads these relations of the related objects along, too.
    #[cfg(feature = "json")]
    pub(crate) fn also_loading(mut self, relations: Vec<Arc<dyn PreloadAny<A>>>) -> Self {
        self.with.extend(relations);
        self
    }

    /// Related objects that are deleted too, of models with a `deleted` field.
    pub fn with_deleted(mut self) -> Self {
        self.seen = self.seen.with_deleted();
        self
    }

    /// Related objects whatever the rules of their models say, `#[thing(keep = …)]`.
    pub fn unfiltered(mut self) -> Self {
        self.seen = self.seen.unruled();
        self
    }

    /// Objects that belong to this one: its kind and its key.
    pub fn is<T: Model>(&self, object: &T) -> Filter<M>
    where
        A: KindOf<T>,
    {
        let compare = |column, operand| Node::Compare { column, operator: Comparison::Equal, operand };
        let key = match object.key().to_key() {
            Ok(key) => Operand::Value(key.value(0).into_owned()),
            Err(error) => Operand::Invalid(error.to_string()),
        };
        Filter::new(of_kind(self.kind, A::KIND).and(compare(self.key, key)))
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    /// The name by which output shows it.
    #[cfg(feature = "json")]
    pub(crate) fn public_name(&self) -> String {
        super::public_name(self.name)
    }

    /// The columns of the kind and of the key.
    pub(super) const fn into_columns(self) -> (usize, usize) {
        let columns = (self.kind, self.key);
        // A constant can't be dropped while the program is compiled; this one owns nothing.
        std::mem::forget(self);
        columns
    }

    /// What the object is related by: the position of the kind, and the key.
    pub(super) fn own(&self, object: &M) -> Result<Option<Key>> {
        let Some(key) = key_in(object, self.key)? else { return Ok(None) };
        let kind = match object.value(self.kind)? {
            Value::Null => return Ok(None),
            Value::Text(kind) => kind,
            other => return Err(self.unknown(object, other.kind())),
        };
        match A::KINDS.iter().position(|known| *known == kind) {
            Some(at) => Ok(Key::from_values(&[Value::I64(at as i64), key.value(0)])),
            None => Err(self.unknown(object, &kind)),
        }
    }

    #[cold]
    fn unknown(&self, object: &M, kind: &str) -> Error {
        let column = &M::table().column(self.kind).name;
        let key = object.key().to_key().map_or_else(|_| String::new(), |key| format!(" {}", shown(&key)));
        let known = A::KINDS.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ");
        let message = format!(
            "column `{column}` of {}{key} holds `{kind}`, which is no kind of {}; known are {known}",
            M::NAME,
            A::NAME
        );
        Error::invalid_data(column.as_ref(), message)
    }

    async fn load_into(&self, reading: Reading<'_>, objects: &mut [&mut Loaded<M>]) -> Result<()> {
        let owns = objects.iter().map(|object| self.own(object)).collect::<Result<Vec<Option<Key>>>>()?;
        let mut found: HashMap<Key, A> = HashMap::new();
        for (kind, member) in A::MEMBERS.iter().enumerate() {
            let position = Value::I64(kind as i64);
            let of_kind = owns.iter().flatten().filter(|own| own.value(0) == position);
            let mut keys: Vec<Key> = of_kind.filter_map(|own| Key::from_values(&[own.value(1)])).collect();
            keys.sort_unstable();
            keys.dedup();
            if keys.is_empty() {
                continue;
            }
            let read = member.read(reading, self.seen, &keys).await?;
            for (key, object) in keys.into_iter().zip(read) {
                let own = Key::from_values(&[position.borrowed(), key.value(0)]);
                found.extend(own.zip(object));
            }
        }
        if !self.with.is_empty() {
            let mut related: Vec<&mut A> = found.values_mut().collect();
            for relation in &self.with {
                relation.load(reading, &mut related).await?;
            }
        }
        for (object, own) in objects.iter_mut().zip(owns) {
            let related = own.as_ref().and_then(|own| found.get(own)).cloned();
            object.keep(self.name, own, Arc::new(related));
        }
        Ok(())
    }
}

#[async_trait]
impl<M: Model, A: AnyOf> Preload<M> for BelongsToAny<M, A> {
    async fn load(&self, reading: Reading<'_>, objects: &mut [&mut Loaded<M>]) -> Result<()> {
        let context = |error: Error| error.context(format!("load {}::{}", M::NAME, self.name));
        self.load_into(reading, objects).await.map_err(context)
    }
}

/// The column holds what stands for a kind.
pub(super) const fn of_kind(column: usize, kind: &'static str) -> Node {
    let operand = Operand::Value(Value::Text(std::borrow::Cow::Borrowed(kind)));
    Node::Compare { column, operator: Comparison::Equal, operand }
}

impl<M, A> Clone for BelongsToAny<M, A> {
    fn clone(&self) -> Self {
        Self { with: self.with.clone(), ..*self }
    }
}

impl<M: Model, A: AnyOf> fmt::Debug for BelongsToAny<M, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = format!("{}::{}", M::NAME, self.name);
        f.debug_struct("BelongsToAny").field("name", &name).field("target", &A::NAME).finish_non_exhaustive()
    }
}
