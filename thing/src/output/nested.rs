//! Nested fields: what is shown of the objects of a relation.

use std::fmt;
use std::sync::Arc;

use thing_driver_api::Result;

use super::choice::Choice;
use super::{AnyFields, Fields};
use crate::relation::{Number, Preload};
use crate::{AnyOf, BelongsToAny, Loadable, Loaded, Model, Relation, RelationKind};

/// A relation of `M` and the fields of its objects, whatever its target and kind.
pub trait Related<M>: Send + Sync + fmt::Debug {
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
pub trait Showable<M: Model>: Loadable<M> {
    /// What is shown of its objects.
    type Fields;

    #[doc(hidden)]
    fn showing(self, fields: Self::Fields) -> Arc<dyn Related<M>>;
}

impl<M: Model, T: Model, K: RelationKind<M, T>> Showable<M> for Relation<M, T, K> {
    type Fields = Fields<T>;

    fn showing(self, fields: Fields<T>) -> Arc<dyn Related<M>> {
        Arc::new(Nested { relation: self, fields })
    }
}

impl<M: Model, A: AnyOf> Showable<M> for BelongsToAny<M, A> {
    type Fields = AnyFields<A>;

    fn showing(self, fields: AnyFields<A>) -> Arc<dyn Related<M>> {
        Arc::new(Nested { relation: self, fields })
    }
}

/// A relation, and fields of its objects.
struct Nested<R, F> {
    relation: R,
    fields: F,
}

impl<M: Model, T: Model, K: RelationKind<M, T>> Related<M> for Nested<Relation<M, T, K>, Fields<T>> {
    fn name(&self) -> String {
        self.relation.public_name()
    }

    fn chosen(&self, choices: Option<&[Choice]>) -> Result<Arc<dyn Related<M>>> {
        let fields = choices.map_or_else(|| Ok(self.fields.clone()), |choices| self.fields.chosen(choices))?;
        Ok(self.relation.clone().showing(fields))
    }

    fn preload(&self) -> Arc<dyn Preload<M>> {
        Arc::new(self.relation.clone().also_loading(self.fields.preloads()))
    }

    fn write(&self, object: &Loaded<M>, out: &mut Vec<u8>) -> Result<()> {
        let objects = object.related_objects(&self.relation)?;
        if K::Number::IS_MANY {
            return self.fields.write_array(objects, out);
        }
        match objects.first() {
            Some(object) => self.fields.write_object(object, Some(object), out),
            None => {
                out.extend_from_slice(b"null");
                Ok(())
            }
        }
    }
}

/// A relation of which nothing was chosen yet.
impl<M: Model, T: Model, K: RelationKind<M, T>> Related<M> for Relation<M, T, K> {
    fn name(&self) -> String {
        self.public_name()
    }

    fn chosen(&self, choices: Option<&[Choice]>) -> Result<Arc<dyn Related<M>>> {
        let fields = choices.map_or_else(|| Ok(Fields::all()), |choices| Fields::known().chosen(choices))?;
        Ok(self.clone().showing(fields))
    }

    fn preload(&self) -> Arc<dyn Preload<M>> {
        Arc::new(self.clone())
    }

    fn write(&self, object: &Loaded<M>, out: &mut Vec<u8>) -> Result<()> {
        self.chosen(None)?.write(object, out)
    }
}

impl<M: Model, A: AnyOf> Related<M> for Nested<BelongsToAny<M, A>, AnyFields<A>> {
    fn name(&self) -> String {
        self.relation.public_name()
    }

    fn chosen(&self, choices: Option<&[Choice]>) -> Result<Arc<dyn Related<M>>> {
        let fields = choices.map_or_else(|| Ok(self.fields.clone()), |choices| self.fields.chosen(choices))?;
        Ok(self.relation.clone().showing(fields))
    }

    fn preload(&self) -> Arc<dyn Preload<M>> {
        Arc::new(self.relation.clone().also_loading(self.fields.preloads()))
    }

    fn write(&self, object: &Loaded<M>, out: &mut Vec<u8>) -> Result<()> {
        match self.relation.find(object)? {
            Some(object) => self.fields.write(object, out),
            None => {
                out.extend_from_slice(b"null");
                Ok(())
            }
        }
    }
}

/// A relation of which nothing was chosen yet.
impl<M: Model, A: AnyOf> Related<M> for BelongsToAny<M, A> {
    fn name(&self) -> String {
        self.public_name()
    }

    fn chosen(&self, choices: Option<&[Choice]>) -> Result<Arc<dyn Related<M>>> {
        let fields = choices.map_or_else(|| Ok(AnyFields::all()), |choices| AnyFields::known().chosen(choices))?;
        Ok(self.clone().showing(fields))
    }

    fn preload(&self) -> Arc<dyn Preload<M>> {
        Arc::new(self.clone())
    }

    fn write(&self, object: &Loaded<M>, out: &mut Vec<u8>) -> Result<()> {
        self.chosen(None)?.write(object, out)
    }
}

impl<R, F: fmt::Debug> fmt::Debug for Nested<R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fields.fmt(f)
    }
}
