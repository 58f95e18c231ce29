//! What can be loaded of an object: a relation with one model, or with any of several.

use super::preload::Preload;
use super::{AnyOf, BelongsToAny, Number, Relation, RelationKind};
use crate::{Loaded, Model};
use thing_driver_api::Result;

/// What can be loaded of an `M` and found again: a [`Relation`] or a [`BelongsToAny`]. Only Thing implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no relation of `{M}`",
    label = "expected a relation of `{M}`",
    note = "a relation is a constant of the model whose objects it is loaded of: `Author::BOOKS`"
)]
pub trait Loadable<M: Model>: Preload<M> + 'static {
    /// What [`Loaded::related`] gives: a slice, or an `Option`.
    type Related<'a>;
    /// What [`Loaded::related_mut`] gives.
    type RelatedMut<'a>;

    /// What was loaded.
    #[doc(hidden)]
    fn find<'a>(&self, object: &'a Loaded<M>) -> Result<Self::Related<'a>>;

    /// What was loaded, to be changed.
    #[doc(hidden)]
    fn find_mut<'a>(&self, object: &'a mut Loaded<M>) -> Result<Self::RelatedMut<'a>>;
}

impl<M: Model, T: Model, K: RelationKind<M, T>> Loadable<M> for Relation<M, T, K> {
    type Related<'a> = <K::Number as Number>::Related<'a, T>;
    type RelatedMut<'a> = <K::Number as Number>::RelatedMut<'a, T>;

    fn find<'a>(&self, object: &'a Loaded<M>) -> Result<Self::Related<'a>> {
        object.related_objects(self).map(|objects| K::Number::related(objects))
    }

    fn find_mut<'a>(&self, object: &'a mut Loaded<M>) -> Result<Self::RelatedMut<'a>> {
        let own = self.kind.own(object)?;
        object.kept_mut::<Vec<Loaded<T>>>(self.name, own.as_ref()).map(|objects| K::Number::related_mut(objects))
    }
}

impl<M: Model, A: AnyOf> Loadable<M> for BelongsToAny<M, A> {
    type Related<'a> = Option<&'a A>;
    type RelatedMut<'a> = Option<&'a mut A>;

    fn find<'a>(&self, object: &'a Loaded<M>) -> Result<Option<&'a A>> {
        let own = self.own(object)?;
        object.kept::<Option<A>>(self.name(), own.as_ref()).map(Option::as_ref)
    }

    fn find_mut<'a>(&self, object: &'a mut Loaded<M>) -> Result<Option<&'a mut A>> {
        let own = self.own(object)?;
        object.kept_mut::<Option<A>>(self.name(), own.as_ref()).map(Option::as_mut)
    }
}
