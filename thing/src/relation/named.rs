//! Relations by name: what a model tells of its relations, for fields that are chosen when the program runs.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use thing_driver_api::Table;

use super::{AnyOf, BelongsToAny, Relation, RelationKind};
use crate::Model;
#[cfg(feature = "json")]
use crate::output::{Nested, Related};

/// A relation of `M`, whatever its target and kind. Made by the derive macro.
pub struct NamedRelation<M> {
    lookup: Option<Lookup>,
    #[cfg(feature = "json")]
    related: Arc<dyn Related<M>>,
    model: PhantomData<fn() -> M>,
}

/// A column by which a relation looks for rows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Lookup {
    /// The relation, with the model that declares it: `Author::BOOKS`.
    pub relation: String,
    /// The table of the rows.
    pub table: &'static Arc<Table>,
    /// The column of the table.
    pub column: usize,
}

impl<M: Model> NamedRelation<M> {
    /// The relation of this constant.
    #[cfg_attr(not(feature = "json"), allow(clippy::needless_pass_by_value, reason = "output keeps the relation"))]
    pub fn new<T: Model, K: RelationKind<M, T>>(relation: Relation<M, T, K>) -> Self {
        let lookup = relation.kind.lookup();
        Self {
            lookup: lookup.map(|(table, column)| Lookup { relation: relation.path(), table, column }),
            #[cfg(feature = "json")]
            related: Arc::new(Nested::new(relation, None)),
            model: PhantomData,
        }
    }

    /// The relation with any of several models of this constant. Its objects are looked for by their keys.
    #[cfg_attr(not(feature = "json"), allow(clippy::needless_pass_by_value, reason = "output keeps the relation"))]
    #[cfg_attr(not(feature = "json"), allow(unused_variables, reason = "output keeps the relation"))]
    pub fn any<A: AnyOf>(relation: BelongsToAny<M, A>) -> Self {
        Self {
            lookup: None,
            #[cfg(feature = "json")]
            related: Arc::new(Nested::new(relation, None)),
            model: PhantomData,
        }
    }

    /// By what its objects are looked for, where that is not their key.
    pub(crate) fn into_lookup(self) -> Option<Lookup> {
        self.lookup
    }

    #[cfg(feature = "json")]
    pub(crate) fn into_related(self) -> Arc<dyn Related<M>> {
        self.related
    }
}

impl<M: Model> fmt::Debug for NamedRelation<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedRelation").field("model", &M::NAME).finish_non_exhaustive()
    }
}
