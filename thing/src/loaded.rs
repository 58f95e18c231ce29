//! Loaded objects: shared with the cache until they are changed.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

use thing_driver_api::{ColumnSet, Result};

use crate::Model;
use crate::cache::Stored;
use crate::relation::Relations;
use crate::transaction::{Fate, Written};
use crate::write::Seen;

/// An object as it was read, and what its holder changed since.
///
/// It derefs to the model. Reading from the cache shares the cached object: nothing is copied until the first mutable
/// access, which clones it. So [`save`](Loaded::save) knows the columns that this holder changed and writes those only.
///
/// What [`Query::with`](crate::Query::with) and [`load`](Loaded::load) read of its relations it keeps beside the object.
///
/// Saved in a transaction, it counts as saved while the transaction is open and once it is committed; if that is rolled
/// back, the object has its changes again, and the version it had.
pub struct Loaded<M> {
    original: Arc<Stored<M>>,
    changed: Option<Box<M>>,
    /// The latest save whose transaction was open at the time.
    saved: Option<Box<Saved<M>>>,
    pub(crate) relations: Option<Box<Relations>>,
}

struct Saved<M> {
    fate: Arc<Fate>,
    state: Arc<Stored<M>>,
    earlier: Option<Box<Self>>,
    /// The object with the version that it has again since this save was undone.
    taken_back: OnceLock<Box<M>>,
}

impl<M: Model> Loaded<M> {
    pub(crate) fn new(original: Arc<Stored<M>>) -> Self {
        Self { original, changed: None, saved: None, relations: None }
    }

    pub(crate) fn of(model: M) -> Self {
        Self::new(Arc::new(Stored(model)))
    }

    /// The object as it was read, or last saved.
    pub fn original(&self) -> &M {
        &self.base().0
    }

    /// What was read, as the cache shares it.
    pub(crate) fn stored(&self) -> &Arc<Stored<M>> {
        &self.original
    }

    /// The plain struct, with the changes.
    pub fn into_inner(mut self) -> M {
        self.settle();
        match self.changed {
            Some(changed) => *changed,
            None => Arc::try_unwrap(self.original).map_or_else(|shared| shared.0.clone(), |owned| owned.0),
        }
    }

    /// True when a column differs from what was read, or last saved.
    pub fn is_changed(&self) -> bool {
        self.changes().is_ok_and(|columns| !columns.is_empty())
    }

    /// The columns that differ from what was read, or last saved.
    pub(crate) fn changes(&self) -> Result<ColumnSet> {
        let mut columns = ColumnSet::EMPTY;
        if self.changed.is_some() {
            let changed: &M = self;
            let base = self.original();
            for column in 0..M::table().columns().len() {
                if changed.value(column)? != base.value(column)? {
                    columns.insert(column);
                }
            }
        }
        Ok(columns)
    }

    /// Takes `stored` for what is stored: for good, or for as long as the transaction is not undone.
    pub(crate) fn accept(&mut self, stored: M, fate: Option<Arc<Fate>>) {
        self.settle();
        match fate {
            None => {
                self.original = Arc::new(Stored(stored));
                self.changed = None;
                self.saved = None;
            }
            Some(fate) => {
                let state = Arc::new(Stored(stored.clone()));
                self.changed = Some(Box::new(stored));
                let earlier = self.saved.take();
                self.saved = Some(Box::new(Saved { fate, state, earlier, taken_back: OnceLock::new() }));
            }
        }
    }

    /// As [`Loaded::accept`], of what `renew` makes of the object as it was read. Changes that are not saved stay, and are
    /// renewed too.
    pub(crate) fn renew(&mut self, fate: Option<Arc<Fate>>, renew: impl Fn(&mut M) -> Result<()>) -> Result<()> {
        let mut stored = self.original().clone();
        renew(&mut stored)?;
        let mut changed = self.changed.take();
        if let Some(changed) = &mut changed {
            renew(changed)?;
        }
        self.accept(stored, fate);
        if changed.is_some() {
            self.changed = changed;
        }
        Ok(())
    }

    /// Forgets the saves whose transactions are over.
    pub(crate) fn settle(&mut self) {
        let mut undone = false;
        while let Some(mut save) = self.saved.take() {
            match save.fate.written() {
                Written::Open => {
                    self.saved = Some(save);
                    break;
                }
                Written::Committed => self.original = save.state,
                Written::Undone => {
                    self.saved = save.earlier.take();
                    undone = true;
                }
            }
        }
        if undone && let Some(mut changed) = self.changed.take() {
            self.take_back(&mut changed);
            self.changed = Some(changed);
        }
    }

    /// Gives the object the version of what is stored.
    fn take_back(&self, changed: &mut M) {
        if let Ok(Some(seen)) = Seen::of(self.original()) {
            changed.set_version(seen.version());
        }
    }

    fn base(&self) -> &Arc<Stored<M>> {
        let mut saved = &self.saved;
        while let Some(save) = saved {
            if save.fate.written() != Written::Undone {
                return &save.state;
            }
            saved = &save.earlier;
        }
        &self.original
    }
}

impl<M: Model> Deref for Loaded<M> {
    type Target = M;

    fn deref(&self) -> &M {
        match (&self.changed, &self.saved) {
            (None, _) => &self.original.0,
            (Some(changed), Some(saved)) if M::VERSION.is_some() && saved.fate.written() == Written::Undone => {
                saved.taken_back.get_or_init(|| {
                    let mut changed = changed.clone();
                    self.take_back(&mut changed);
                    changed
                })
            }
            (Some(changed), _) => changed,
        }
    }
}

impl<M: Model> DerefMut for Loaded<M> {
    fn deref_mut(&mut self) -> &mut M {
        self.settle();
        self.changed.get_or_insert_with(|| Box::new(self.original.0.clone()))
    }
}

impl<M: Model> Clone for Loaded<M> {
    fn clone(&self) -> Self {
        let saved = self.saved.as_ref().map(|save| Box::new(save.copied()));
        let (original, changed) = (self.original.clone(), self.changed.clone());
        Self { original, changed, saved, relations: self.relations.clone() }
    }
}

impl<M> Saved<M> {
    fn copied(&self) -> Self {
        let earlier = self.earlier.as_ref().map(|earlier| Box::new(earlier.copied()));
        Self { fate: self.fate.clone(), state: self.state.clone(), earlier, taken_back: OnceLock::new() }
    }
}

impl<M: Model + fmt::Debug> fmt::Debug for Loaded<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<M: Model + PartialEq> PartialEq for Loaded<M> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<M: Model + PartialEq> PartialEq<M> for Loaded<M> {
    fn eq(&self, other: &M) -> bool {
        **self == *other
    }
}
