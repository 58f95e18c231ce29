//! Nested fields: what is shown of the objects of a relation.

use std::fmt;
use std::sync::Arc;

use thing_driver_api::Result;

use super::choice::Choice;
use super::{AnyFields, Fields};
use crate::relation::{Number, Preload};
use crate::{AnyOf, BelongsToAny, Loadable, Loaded, Model, Relation, RelationKind};

/// A relation of `M` and the fields of its objects, whatever its target and kind.
pub(crate) trait Related<M>: Send + Sync + fmt::Debug {
    /// The relation's name.
    fn name(&self) -> String;

    /// The relation with these fields of its objects; `None` for those that it has.
    fn chosen(&self, choices: Option<&[Choice]>) -> Result<Arc<dyn Related<M>>>;

    /// What loads the relation, and the relations of its objects that are shown.
    fn preload(&self) -> Arc<dyn Preload<M>>;

    /// Writes what was loaded.
    fn write(&self, object: &Loaded<M>, out: &mut Vec<u8>) -> Result<()>;
}

/// A relation of `M` that fields can show. Only Thing implements it.
pub trait Showable<M: Model>: Loadable<M> + Clone {
    /// What is shown of its objects.
    type Fields: Chosen;

    /// The name by which output shows it.
    #[doc(hidden)]
    fn public_name(&self) -> String;

    /// The relation, which loads what these fields show of its objects along.
    #[doc(hidden)]
    fn loading(self, fields: &Self::Fields) -> Self;

    /// Writes what was loaded.
    #[doc(hidden)]
    fn write(&self, object: &Loaded<M>, fields: &Self::Fields, out: &mut Vec<u8>) -> Result<()>;
}

impl<M: Model, T: Model, K: RelationKind<M, T>> Showable<M> for Relation<M, T, K> {
    type Fields = Fields<T>;

    fn public_name(&self) -> String {
        self.public_name()
    }

    fn loading(self, fields: &Fields<T>) -> Self {
        self.also_loading(fields.preloads())
    }

    fn write(&self, object: &Loaded<M>, fields: &Fields<T>, out: &mut Vec<u8>) -> Result<()> {
        let objects = object.related_objects(self)?;
        if K::Number::IS_MANY {
            return fields.write_array(objects, out);
        }
        match objects.first() {
            Some(object) => fields.write_object(object, Some(object), out),
            None => write_null(out),
        }
    }
}

impl<M: Model, A: AnyOf> Showable<M> for BelongsToAny<M, A> {
    type Fields = AnyFields<A>;

    fn public_name(&self) -> String {
        self.public_name()
    }

    fn loading(self, fields: &AnyFields<A>) -> Self {
        self.also_loading(fields.preloads())
    }

    fn write(&self, object: &Loaded<M>, fields: &AnyFields<A>, out: &mut Vec<u8>) -> Result<()> {
        match self.find(object)? {
            Some(object) => fields.write(object, out),
            None => write_null(out),
        }
    }
}

fn write_null(out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(b"null");
    Ok(())
}

/// Fields of related objects, of one model or of any of several.
pub trait Chosen: Clone + Send + Sync + fmt::Debug + 'static {
    /// All columns but secrets.
    fn all() -> Self;

    /// Everything that can be asked for.
    fn known() -> Self;

    /// Those of these fields that are asked for.
    fn chosen(&self, choices: &[Choice]) -> Result<Self>;
}

impl<T: Model> Chosen for Fields<T> {
    fn all() -> Self {
        Self::all()
    }

    fn known() -> Self {
        Self::known()
    }

    fn chosen(&self, choices: &[Choice]) -> Result<Self> {
        self.chosen(choices)
    }
}

impl<A: AnyOf> Chosen for AnyFields<A> {
    fn all() -> Self {
        Self::all()
    }

    fn known() -> Self {
        Self::known()
    }

    fn chosen(&self, choices: &[Choice]) -> Result<Self> {
        self.chosen(choices)
    }
}

/// A relation and the fields of its objects; `None` while nothing is chosen.
pub(crate) struct Nested<R, F> {
    relation: R,
    fields: Option<F>,
}

impl<R, F> Nested<R, F> {
    pub(crate) fn new(relation: R, fields: Option<F>) -> Self {
        Self { relation, fields }
    }
}

impl<M: Model, R: Showable<M>> Related<M> for Nested<R, R::Fields> {
    fn name(&self) -> String {
        self.relation.public_name()
    }

    fn chosen(&self, choices: Option<&[Choice]>) -> Result<Arc<dyn Related<M>>> {
        let fields = match (&self.fields, choices) {
            (Some(fields), Some(choices)) => fields.chosen(choices)?,
            (Some(fields), None) => fields.clone(),
            (None, Some(choices)) => R::Fields::known().chosen(choices)?,
            (None, None) => R::Fields::all(),
        };
        Ok(Arc::new(Self::new(self.relation.clone(), Some(fields))))
    }

    fn preload(&self) -> Arc<dyn Preload<M>> {
        match &self.fields {
            Some(fields) => Arc::new(self.relation.clone().loading(fields)),
            None => Arc::new(self.relation.clone()),
        }
    }

    fn write(&self, object: &Loaded<M>, out: &mut Vec<u8>) -> Result<()> {
        match &self.fields {
            Some(fields) => self.relation.write(object, fields, out),
            None => self.relation.write(object, &R::Fields::all(), out),
        }
    }
}

impl<R, F: fmt::Debug> fmt::Debug for Nested<R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fields.as_ref().map_or(Ok(()), |fields| fields.fmt(f))
    }
}
