//! What was loaded of an object's relations: kept beside the object, found by the relation.

use std::any::Any;
use std::sync::Arc;

use thing_driver_api::{Error, ErrorKind, Key, Result};

use super::{Preload, Reading, Relation, RelationKind};
use crate::{Loaded, Model, Session, Things};

/// The relations of an object that were loaded. Copies share the related objects.
#[derive(Clone, Default)]
pub(crate) struct Relations(Vec<Kept>);

#[derive(Clone)]
struct Kept {
    relation: &'static str,
    /// What the object was related by at the time.
    own: Option<Key>,
    /// A `Vec<Loaded<T>>`.
    objects: Arc<dyn Any + Send + Sync>,
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
    fn objects<T: Model>(&self) -> Option<&Vec<Loaded<T>>> {
        self.objects.downcast_ref()
    }

    /// For changes, apart from those who share it.
    fn objects_mut<T: Model>(&mut self) -> Option<&mut Vec<Loaded<T>>> {
        if Arc::get_mut(&mut self.objects).is_none() {
            self.objects = Arc::new(self.objects::<T>()?.clone());
        }
        Arc::get_mut(&mut self.objects)?.downcast_mut()
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
    pub fn related<T: Model, K: RelationKind<M, T>>(&self, relation: Relation<M, T, K>) -> Result<K::Related<'_>> {
        let own = relation.kind.own(self)?;
        let kept = self.relations.as_ref().and_then(|relations| relations.find(relation.name));
        match kept.and_then(|kept| Some((kept, kept.objects()?))) {
            Some((kept, objects)) if kept.own == own => Ok(K::related(objects)),
            kept => Err(not_loaded(kept.is_some(), relation)),
        }
    }

    /// As [`Loaded::related`], to change the related objects. What is saved are those that are saved themselves.
    ///
    /// # Errors
    ///
    /// As [`Loaded::related`].
    pub fn related_mut<T: Model, K: RelationKind<M, T>>(
        &mut self,
        relation: Relation<M, T, K>,
    ) -> Result<K::RelatedMut<'_>> {
        let own = relation.kind.own(self)?;
        let kept = self.relations.as_mut().and_then(|relations| relations.find_mut(relation.name));
        match kept {
            Some(kept) if kept.own == own => match kept.objects_mut() {
                Some(objects) => Ok(K::related_mut(objects)),
                None => Err(not_loaded(false, relation)),
            },
            kept => Err(not_loaded(kept.is_some(), relation)),
        }
    }

    /// Loads a relation of this object, keeps it, and gives it as [`Loaded::related`] does. What was loaded of it before
    /// is replaced.
    ///
    /// # Errors
    ///
    /// As [`Query::all`](crate::Query::all).
    pub async fn load<S, T, K>(&mut self, session: &S, relation: Relation<M, T, K>) -> Result<K::Related<'_>>
    where
        S: Session + ?Sized,
        T: Model,
        K: RelationKind<M, T>,
    {
        relation.load(Reading::of::<M>(session.handle()), &mut [&mut *self]).await?;
        self.related(relation)
    }

    pub(super) fn keep<T: Model>(&mut self, relation: &'static str, own: Option<Key>, objects: Arc<Vec<Loaded<T>>>) {
        let relations = self.relations.get_or_insert_default();
        let new = Kept { relation, own, objects };
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
    pub async fn load_many<'o, T: Model, K: RelationKind<M, T>>(
        self,
        objects: impl IntoIterator<Item = &'o mut Loaded<M>>,
        relation: Relation<M, T, K>,
    ) -> Result<()> {
        let mut objects: Vec<&mut Loaded<M>> = objects.into_iter().collect();
        relation.load(Reading::new(self.session(), self.coherence(), true), &mut objects).await
    }
}

/// `was`: it was loaded, for another key than the object has now.
#[cold]
fn not_loaded<M: Model, T: Model, K>(was: bool, relation: Relation<M, T, K>) -> Error {
    let path = relation.path();
    drop(relation);
    let message = if was {
        format!("{path} was loaded for another key than this {} has now; load it again", M::NAME)
    } else {
        format!("{path} is not loaded; add `.with({path})` to the query, or `.load(&db, {path})` it")
    };
    Error::new(ErrorKind::NotLoaded, message)
}
