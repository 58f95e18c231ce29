//! The models that an object of one of several can be of, each behind one trait.

use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use thing_driver_api::{Key, Result};

use super::super::{Preload, Reading, RelationKind, kind};
use super::KindOf;
#[cfg(feature = "json")]
use crate::output::{FieldsOf, KindFields};
use crate::visibility::Visibility;
use crate::{Loaded, Model};

/// One of the models that an `A` can be of, whichever it is.
#[async_trait]
pub trait Member<A>: Send + Sync {
    /// The objects with these keys, which are sorted and differ, in their order.
    async fn read(&self, reading: Reading<'_>, seen: Visibility, keys: &[Key]) -> Result<Vec<Option<A>>>;

    /// What can be shown of its objects.
    #[cfg(feature = "json")]
    fn fields(&self) -> Arc<dyn KindFields<A>>;
}

/// The model `T` as a [`Member`]. Made by the derive macro.
#[derive(Debug)]
pub struct MemberOf<T>(PhantomData<fn() -> T>);

impl<T: Model> MemberOf<T> {
    /// There is but one.
    pub const NEW: Self = Self(PhantomData);
}

#[async_trait]
impl<T: Model, A: KindOf<T>> Member<A> for MemberOf<T> {
    async fn read(&self, reading: Reading<'_>, seen: Visibility, keys: &[Key]) -> Result<Vec<Option<A>>> {
        let by_key = kind::BelongsTo { column: 0 };
        let query = reading.query::<T>().seeing(seen);
        let lists = RelationKind::<T, T>::lists(&by_key, reading, query, None, keys).await?;
        Ok(lists.into_iter().map(|list| list.into_iter().next().map(A::of)).collect())
    }

    #[cfg(feature = "json")]
    fn fields(&self) -> Arc<dyn KindFields<A>> {
        Arc::new(FieldsOf::<T>::UNCHOSEN)
    }
}

/// A relation of one of the models, or of several of them.
#[async_trait]
pub trait PreloadAny<A>: Send + Sync {
    /// Loads it of those objects that have it.
    async fn load(&self, reading: Reading<'_>, objects: &mut [&mut A]) -> Result<()>;
}

/// A relation of the objects that are a `T`.
pub(crate) struct PreloadOf<T>(Arc<dyn Preload<T>>);

impl<T> PreloadOf<T> {
    pub(crate) fn new(relation: Arc<dyn Preload<T>>) -> Self {
        Self(relation)
    }
}

#[async_trait]
impl<T: Model, A: KindOf<T>> PreloadAny<A> for PreloadOf<T> {
    async fn load(&self, reading: Reading<'_>, objects: &mut [&mut A]) -> Result<()> {
        let mut objects: Vec<&mut Loaded<T>> = objects.iter_mut().filter_map(|object| object.get_mut()).collect();
        self.0.load(reading, &mut objects).await
    }
}
