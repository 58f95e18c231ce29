//! Nested fields: what is shown of the objects of a relation.

use std::fmt;
use std::sync::Arc;

use thing_driver_api::Result;

use super::Fields;
use super::choice::Choice;
use crate::relation::{Number, Preload};
use crate::{Loaded, Model, Relation, RelationKind};

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

/// A relation, and fields of its objects.
pub(super) struct NestedFields<M, T, K> {
    relation: Relation<M, T, K>,
    fields: Fields<T>,
}

impl<M: Model, T: Model, K: RelationKind<M, T>> NestedFields<M, T, K> {
    pub(super) fn new(relation: Relation<M, T, K>, fields: Fields<T>) -> Self {
        Self { relation, fields }
    }
}

impl<M: Model, T: Model, K: RelationKind<M, T>> Related<M> for NestedFields<M, T, K> {
    fn name(&self) -> String {
        self.relation.public_name()
    }

    fn chosen(&self, choices: Option<&[Choice]>) -> Result<Arc<dyn Related<M>>> {
        let fields = choices.map_or_else(|| Ok(self.fields.clone()), |choices| self.fields.chosen(choices))?;
        Ok(Arc::new(Self { relation: self.relation.clone(), fields }))
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
        Ok(Arc::new(NestedFields { relation: self.clone(), fields }))
    }

    fn preload(&self) -> Arc<dyn Preload<M>> {
        Arc::new(self.clone())
    }

    fn write(&self, object: &Loaded<M>, out: &mut Vec<u8>) -> Result<()> {
        self.chosen(None)?.write(object, out)
    }
}

impl<M, T, K> fmt::Debug for NestedFields<M, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fields.fmt(f)
    }
}
