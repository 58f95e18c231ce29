//! The models of a program, as far as their tables go.

use std::sync::Arc;

use thing_driver_api::Table;

use super::parent::Parent;
use crate::relation::{Lookup, NamedRelation};
use crate::{Coherence, Model};

/// A model, or a tuple of up to twelve models: what [`Db::sync`](crate::Db::sync) takes.
pub trait ModelSet {
    #[doc(hidden)]
    fn declared() -> Vec<Declared>;

    #[doc(hidden)]
    fn tables() -> Vec<&'static Arc<Table>> {
        Self::declared().into_iter().map(|model| model.table).collect()
    }

    /// By what the relations of the models look for objects.
    #[doc(hidden)]
    fn lookups() -> Vec<Lookup> {
        Self::declared().into_iter().flat_map(|model| (model.lookups)()).collect()
    }
}

/// What one model says of its table.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    pub(super) table: &'static Arc<Table>,
    pub(super) coherence: Option<Coherence>,
    pub(super) parents: fn() -> Vec<Parent>,
    lookups: fn() -> Vec<Lookup>,
}

impl Declared {
    pub(super) fn of<M: Model>() -> Self {
        Self { table: M::table(), coherence: M::COHERENCE, parents: M::parents, lookups: lookups::<M> }
    }
}

fn lookups<M: Model>() -> Vec<Lookup> {
    M::relations().into_iter().filter_map(NamedRelation::into_lookup).collect()
}

impl<M: Model> ModelSet for M {
    fn declared() -> Vec<Declared> {
        vec![Declared::of::<M>()]
    }
}

macro_rules! tuples {
    ($(($($model:ident),*);)*) => {$(
        impl<$($model: Model),*> ModelSet for ($($model,)*) {
            fn declared() -> Vec<Declared> {
                vec![$(Declared::of::<$model>()),*]
            }
        }
    )*};
}

tuples! {
    (A);
    (A, B);
    (A, B, C);
    (A, B, C, D);
    (A, B, C, D, E);
    (A, B, C, D, E, F);
    (A, B, C, D, E, F, G);
    (A, B, C, D, E, F, G, H);
    (A, B, C, D, E, F, G, H, I);
    (A, B, C, D, E, F, G, H, I, J);
    (A, B, C, D, E, F, G, H, I, J, K);
    (A, B, C, D, E, F, G, H, I, J, K, L);
}
