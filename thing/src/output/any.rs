//! Fields of objects of any of several models: for each of the models its own.

use std::fmt;
use std::sync::Arc;

use thing_driver_api::Result;

use super::Fields;
use super::choice::{self, Choice};
use crate::relation::{PreloadAny, PreloadOf};
use crate::{AnyOf, KindOf, Model};

/// What is shown of objects of any of several models, of [`BelongsToAny`](crate::BelongsToAny): fields for each of the models.
/// An object of a model that is not among them is shown as `{}`.
///
/// ```text
/// let subject = AnyFields::none().of(Fields::none().columns(Post::TITLE)).of(Fields::<Photo>::all());
/// let fields = Fields::all().relation(Comment::SUBJECT, subject);
/// ```
pub struct AnyFields<A> {
    kinds: Vec<Arc<dyn KindFields<A>>>,
}

impl<A: AnyOf> AnyFields<A> {
    /// None of the models, to begin with.
    pub fn none() -> Self {
        Self { kinds: Vec::new() }
    }

    /// Of each of the models all columns but secrets.
    pub fn all() -> Self {
        Self { kinds: A::MEMBERS.iter().map(|member| member.fields().whole()).collect() }
    }

    /// Shows these fields of objects that are a `T`.
    #[must_use]
    pub fn of<T: Model>(mut self, fields: Fields<T>) -> Self
    where
        A: KindOf<T>,
    {
        let kind: Arc<dyn KindFields<A>> = Arc::new(FieldsOf(Some(fields)));
        match self.kinds.iter_mut().find(|known| known.name() == kind.name()) {
            Some(known) => *known = kind,
            None => self.kinds.push(kind),
        }
        self
    }

    /// Everything that can be asked for.
    pub(super) fn known() -> Self {
        Self { kinds: A::MEMBERS.iter().map(|member| member.fields()).collect() }
    }

    pub(super) fn chosen(&self, choices: &[Choice]) -> Result<Self> {
        let find = |choice: &Choice| {
            let found = self.kinds.iter().find(|kind| kind.name() == choice.name);
            found.ok_or_else(|| choice.unknown(A::NAME, "kind", self.kinds.iter().map(|kind| kind.name())))
        };
        let chosen = |kind: &Arc<dyn KindFields<A>>, choice: &Choice| match &choice.fields {
            Some(fields) => kind.chosen(fields),
            None => Ok(kind.whole()),
        };
        let rest = |named: &[&str]| {
            let rest = self.kinds.iter().filter(|kind| !named.contains(&kind.name()));
            rest.map(|kind| kind.whole()).collect()
        };
        Ok(Self { kinds: choice::pick(choices, find, chosen, rest)? })
    }

    /// What loads the relations that are shown.
    pub(super) fn preloads(&self) -> Vec<Arc<dyn PreloadAny<A>>> {
        self.kinds.iter().flat_map(|kind| kind.preloads()).collect()
    }

    pub(super) fn write(&self, object: &A, out: &mut Vec<u8>) -> Result<()> {
        for kind in &self.kinds {
            if kind.write(object, out)? {
                return Ok(());
            }
        }
        out.extend_from_slice(b"{}");
        Ok(())
    }
}

/// One of the models that an `A` can be of, and the fields of its objects.
pub trait KindFields<A>: Send + Sync + fmt::Debug {
    /// What stands for the model.
    fn name(&self) -> &'static str;

    /// The model with all the fields that it has: while nothing is chosen, all columns but secrets.
    fn whole(&self) -> Arc<dyn KindFields<A>>;

    /// The model with these fields of its objects.
    fn chosen(&self, choices: &[Choice]) -> Result<Arc<dyn KindFields<A>>>;

    /// What loads the relations of its objects that are shown.
    fn preloads(&self) -> Vec<Arc<dyn PreloadAny<A>>>;

    /// Writes the object, if it is of this model; returns whether it is.
    fn write(&self, object: &A, out: &mut Vec<u8>) -> Result<bool>;
}

/// The model `T` and the fields of its objects; `None` while nothing is chosen.
pub(crate) struct FieldsOf<T>(Option<Fields<T>>);

impl<T: Model> FieldsOf<T> {
    pub(crate) const UNCHOSEN: Self = Self(None);

    fn fields(&self) -> Fields<T> {
        self.0.clone().unwrap_or_else(Fields::all)
    }
}

impl<T: Model, A: KindOf<T>> KindFields<A> for FieldsOf<T> {
    fn name(&self) -> &'static str {
        A::KIND
    }

    fn whole(&self) -> Arc<dyn KindFields<A>> {
        Arc::new(Self(Some(self.fields())))
    }

    fn chosen(&self, choices: &[Choice]) -> Result<Arc<dyn KindFields<A>>> {
        let fields = match &self.0 {
            Some(fields) => fields.chosen(choices)?,
            None => Fields::known().chosen(choices)?,
        };
        Ok(Arc::new(Self(Some(fields))))
    }

    fn preloads(&self) -> Vec<Arc<dyn PreloadAny<A>>> {
        let preloads = self.fields().preloads().into_iter();
        preloads.map(|relation| Arc::new(PreloadOf::new(relation)) as Arc<dyn PreloadAny<A>>).collect()
    }

    fn write(&self, object: &A, out: &mut Vec<u8>) -> Result<bool> {
        let Some(object) = object.get() else { return Ok(false) };
        match &self.0 {
            Some(fields) => fields.write_object(object, Some(object), out)?,
            None => Fields::<T>::all().write_object(object, Some(object), out)?,
        }
        Ok(true)
    }
}

impl<A> Clone for AnyFields<A> {
    fn clone(&self) -> Self {
        Self { kinds: self.kinds.clone() }
    }
}

/// Shows the text form.
impl<A> fmt::Debug for AnyFields<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, kind) in self.kinds.iter().enumerate() {
            write!(f, "{}{}{{{kind:?}}}", if n > 0 { "," } else { "" }, kind.name())?;
        }
        Ok(())
    }
}

impl<T> fmt::Debug for FieldsOf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |fields| fields.fmt(f))
    }
}
