//! What was loaded of an object's relations: kept beside the object, found by the relation.

use std::any::Any;
use std::sync::Arc;

use thing_driver_api::{Error, ErrorKind, Key, Result};

use super::{Loadable, Reading, Relation, RelationKind};
use crate::{Loaded, Model, Session, Things};

/// The relations of an object that were loaded. Copies share the related objects.
#[derive(Clone, Default)]
pub(crate) struct Relations(Vec<Kept>);

#[derive(Clone)]
struct Kept {
    relation: &'static str,
    /// What the object was related by at the time.
    own: Option<Key>,
    /// A `Vec<Loaded<T>>`; of a relation with any of several models an `Option` of what it can be.
    value: Arc<dyn Any + Send + Sync>,
}

impl Relations {
    fn find(&self, relation: &str) -> Option<&Kept> {
        self.0.iter().find(|kept| kept.relation == relation)
    }

    fn find_mut(&mut self, relation: &str) -> Option<&mut Kept> {
        self.0.iter_mut().find(|kept| kept.relation == relation)
    }
}

impl Kept {
    /// For changes, apart from those who share it.
    fn value_mut<V: Clone + Send + Sync + 'static>(&mut self) -> Option<&mut V> {
        if Arc::get_mut(&mut self.value).is_none() {
            self.value = Arc::new(self.value.downcast_ref::<V>()?.clone());
        }
        Arc::get_mut(&mut self.value)?.downcast_mut()
    }
}

impl<M: Model> Loaded<M> {
    /// What was loaded of a relation: a slice, or for a relation with one object an `Option`.
    ///
    /// ```text
    /// for book in author.related(Author::BOOKS)? { .. }
    /// let author = book.related(Book::AUTHOR)?.ok_or_else(..)?;
    /// ```
    ///
    /// It is what the last load asked for, with its filter and order, as it was then.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_loaded`] when it was not loaded, or the column by which the object is related has changed since.
    #[allow(clippy::needless_pass_by_value, reason = "a relation is a constant, and is named without a `&`")]
    pub fn related<R: Loadable<M>>(&self, relation: R) -> Result<R::Related<'_>> {
        relation.find(self)
    }

    pub(crate) fn related_objects<T: Model, K: RelationKind<M, T>>(
        &self,
        relation: &Relation<M, T, K>,
    ) -> Result<&[Loaded<T>]> {
        let own = relation.kind.own(self)?;
        self.kept::<Vec<Loaded<T>>>(relation.name, own.as_ref()).map(Vec::as_slice)
    }

    /// What was loaded of the relation when the object was related by the same.
    pub(super) fn kept<V: 'static>(&self, relation: &str, own: Option<&Key>) -> Result<&V> {
        let kept = self.relations.as_ref().and_then(|relations| relations.find(relation));
        match kept.and_then(|kept| Some((kept, kept.value.downcast_ref()?))) {
            Some((kept, value)) if kept.own.as_ref() == own => Ok(value),
            kept => Err(not_loaded::<M>(kept.is_some(), relation)),
        }
    }

    /// As [`Loaded::kept`], for changes.
    pub(super) fn kept_mut<V>(&mut self, relation: &str, own: Option<&Key>) -> Result<&mut V>
    where
        V: Clone + Send + Sync + 'static,
    {
        let kept = self.relations.as_mut().and_then(|relations| relations.find_mut(relation));
        match kept {
            Some(kept) if kept.own.as_ref() == own => kept.value_mut().ok_or_else(|| not_loaded::<M>(false, relation)),
            kept => Err(not_loaded::<M>(kept.is_some(), relation)),
        }
    }

    /// As [`Loaded::related`], to change the related objects. What is saved are those that are saved themselves.
    ///
    /// # Errors
    ///
    /// As [`Loaded::related`].
    #[allow(clippy::needless_pass_by_value, reason = "a relation is a constant, and is named without a `&`")]
    pub fn related_mut<R: Loadable<M>>(&mut self, relation: R) -> Result<R::RelatedMut<'_>> {
        relation.find_mut(self)
    }

    /// Loads a relation of this object, keeps it, and gives it as [`Loaded::related`] does. What was loaded of it before
    /// is replaced.
    ///
    /// # Errors
    ///
    /// As [`Query::all`](crate::Query::all).
    pub async fn load<S, R>(&mut self, session: &S, relation: R) -> Result<R::Related<'_>>
    where
        S: Session + ?Sized,
        R: Loadable<M>,
    {
        relation.load(Reading::of::<M>(session.handle()), &mut [&mut *self]).await?;
        self.related(relation)
    }

    pub(super) fn keep(&mut self, relation: &'static str, own: Option<Key>, value: Arc<dyn Any + Send + Sync>) {
        let relations = self.relations.get_or_insert_default();
        let new = Kept { relation, own, value };
        match relations.find_mut(relation) {
            Some(kept) => *kept = new,
            None => relations.0.push(new),
        }
    }

    pub(super) fn forget(&mut self, relation: &str) {
        if let Some(relations) = &mut self.relations {
            relations.0.retain(|kept| kept.relation != relation);
        }
    }
}

impl<M: Model> Things<'_, M> {
    /// Loads a relation of many objects, as [`Loaded::load`] of one, in as many statements: of a slice, a vector, or the
    /// values of a map.
    ///
    /// ```text
    /// let mut authors = db.things::<Author>().by_ids([1, 2, 3]).await?;
    /// db.things::<Author>().load_many(authors.values_mut(), Author::BOOKS).await?;
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Query::all`](crate::Query::all).
    pub async fn load_many<'o>(
        self,
        objects: impl IntoIterator<Item = &'o mut Loaded<M>>,
        relation: impl Loadable<M>,
    ) -> Result<()> {
        let mut objects: Vec<&mut Loaded<M>> = objects.into_iter().collect();
        relation.load(Reading::new(self.session(), self.coherence(), true), &mut objects).await
    }

    #[cfg(feature = "json")]
    pub(crate) async fn preload(
        self,
        objects: &mut [&mut Loaded<M>],
        relations: &[Arc<dyn super::Preload<M>>],
    ) -> Result<()> {
        let reading = Reading::new(self.session(), self.coherence(), true);
        for relation in relations {
            relation.load(reading, objects).await?;
        }
        Ok(())
    }
}

/// `was`: it was loaded, for another key than the object has now.
#[cold]
fn not_loaded<M: Model>(was: bool, relation: &str) -> Error {
    let path = format!("{}::{relation}", M::NAME);
    let message = if was {
        format!("{path} was loaded for another key than this {} has now; load it again", M::NAME)
    } else {
        format!("{path} is not loaded; add `.with({path})` to the query, or `.load(&db, {path})` it")
    };
    Error::new(ErrorKind::NotLoaded, message)
}
