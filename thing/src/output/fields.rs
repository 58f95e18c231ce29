//! Fields: what is shown of the objects of a model, in which order.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use thing_driver_api::{Error, Result};

use super::choice::{self, Choice};
use super::computed::Computed;
use super::nested::{Nested, Related, Showable};
use crate::Model;
use crate::query::ColumnList;
use crate::relation::Preload;

/// The fields of a model that its JSON shows, in their order: columns by the names of the struct's fields (those of an
/// embedded struct by the names of their columns), relations, and what the model computes.
///
/// ```text
/// let fields: Fields<Author> = Fields::parse("name,books{title,-id}")?;
/// let authors = db.things::<Author>().all_objects().with_fields(&fields).all().await?;
/// let json = fields.list_to_json(&authors)?;
/// ```
///
/// A value is written as follows. Integers are numbers, also those beyond 2<sup>53</sup>, which JavaScript rounds; floats
/// are numbers, decimals text, so that no digit is lost; bytes are base64, UUIDs have hyphens, points in time are RFC 3339
/// in UTC, documents stand as they are, NULL is `null`.
pub struct Fields<M> {
    entries: Vec<Entry<M>>,
}

/// One field.
pub(super) struct Entry<M> {
    name: Cow<'static, str>,
    /// The name as JSON has it, with the colon.
    pub(super) key: Arc<[u8]>,
    pub(super) shown: Shown<M>,
}

/// What a field shows.
pub(super) enum Shown<M> {
    Column(usize),
    Computed(Computed<M>),
    Related(Arc<dyn Related<M>>),
}

impl<M: Model> Fields<M> {
    /// No field, to begin with.
    pub fn none() -> Self {
        Self { entries: Vec::new() }
    }

    /// All columns but secrets.
    pub fn all() -> Self {
        let columns = 0..M::table().columns().len();
        Self { entries: columns.filter(|&column| is_shown::<M>(column)).map(Entry::of_column).collect() }
    }

    /// Reads the text form: `name,books{title,-id},-secret`.
    ///
    /// - A name is a column, a relation or a computed field; the order is kept. Behind a relation stand the fields of its
    ///   objects in braces; without braces these are all their columns.
    /// - `*` stands for all columns that are not named.
    /// - `-name` leaves out. A list that only leaves out shows all other columns.
    ///
    /// Who lets others choose may not want to let them choose everything: see [`Fields::choose`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): a mistake in the text, a field that is not known or
    /// named twice, with its place.
    pub fn parse(text: &str) -> Result<Self> {
        Self::known().chosen(&choice::parse(text)?)
    }

    /// As [`Fields::parse`], from these fields only: what a text that comes from outside may ask for. Here `*`, and a
    /// relation without braces, stand for what is in these fields.
    ///
    /// # Errors
    ///
    /// As [`Fields::parse`].
    pub fn choose(&self, text: &str) -> Result<Self> {
        self.chosen(&choice::parse(text)?)
    }

    /// Shows these columns too: one, or a tuple of up to eight.
    #[must_use]
    pub fn columns<L: ColumnList<M>>(self, columns: L) -> Self {
        columns.columns().into_iter().map(Entry::of_column).fold(self, Self::and)
    }

    /// Shows these fields of the objects of a relation too, of those that the relation loads: [`Fields`] of their model, or
    /// [`AnyFields`](crate::AnyFields) where they are of any of several.
    #[must_use]
    pub fn relation<R: Showable<M>>(self, relation: R, fields: R::Fields) -> Self {
        self.and(Entry::of_relation(Arc::new(Nested::new(relation, Some(fields)))))
    }

    /// Shows what the model computes under this name too.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when it computes nothing of this name.
    pub fn computed(self, name: &str) -> Result<Self> {
        match M::computed().into_iter().find(|computed| computed.name() == name) {
            Some(computed) => Ok(self.and(Entry::of_computed(computed))),
            None => Err(Error::invalid_input(format!(
                "{0} computes no `{name}`; declare `#[thing(computed({name}))]` on {0}",
                M::NAME
            ))),
        }
    }

    /// Does not show these columns.
    #[must_use]
    pub fn without<L: ColumnList<M>>(mut self, columns: L) -> Self {
        let columns = columns.columns();
        self.entries.retain(|entry| !matches!(entry.shown, Shown::Column(column) if columns.contains(&column)));
        self
    }

    /// The names of the fields, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| &*entry.name)
    }

    /// The names of the relations that have to be loaded for these fields.
    pub fn relations(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|entry| matches!(entry.shown, Shown::Related(_))).map(|entry| &*entry.name)
    }

    pub(super) fn entries(&self) -> &[Entry<M>] {
        &self.entries
    }

    /// What loads the relations that are shown.
    pub(crate) fn preloads(&self) -> Vec<Arc<dyn Preload<M>>> {
        let related = self.entries.iter().filter_map(|entry| match &entry.shown {
            Shown::Related(related) => Some(related.preload()),
            Shown::Column(_) | Shown::Computed(_) => None,
        });
        related.collect()
    }

    /// Everything that can be asked for.
    pub(super) fn known() -> Self {
        let columns = (0..M::table().columns().len()).map(Entry::of_column);
        let computed = M::computed().into_iter().map(Entry::of_computed);
        let relations = M::relations().into_iter().map(|relation| Entry::of_relation(relation.into_related()));
        Self { entries: columns.chain(computed).chain(relations).collect() }
    }

    /// A field takes the place of one with its name.
    fn and(mut self, entry: Entry<M>) -> Self {
        match self.entries.iter_mut().find(|known| known.name == entry.name) {
            Some(known) => *known = entry,
            None => self.entries.push(entry),
        }
        self
    }

    pub(super) fn chosen(&self, choices: &[Choice]) -> Result<Self> {
        let find = |choice: &Choice| {
            let found = self.entries.iter().find(|entry| entry.name == choice.name);
            found.ok_or_else(|| choice.unknown(M::NAME, "field", self.names()))
        };
        // All columns that are not named.
        let rest = |named: &[&str]| {
            let is_rest = |entry: &&Entry<M>| match entry.shown {
                Shown::Column(column) => is_shown::<M>(column) && !named.contains(&&*entry.name),
                Shown::Computed(_) | Shown::Related(_) => false,
            };
            self.entries.iter().filter(is_rest).cloned().collect()
        };
        Ok(Self { entries: choice::pick(choices, find, Entry::chosen, rest)? })
    }
}

/// Whether a column is shown that nobody names.
fn is_shown<M: Model>(column: usize) -> bool {
    M::table().columns().get(column).is_some_and(|column| !column.secret)
}

impl<M: Model> Entry<M> {
    fn new(name: Cow<'static, str>, shown: Shown<M>) -> Self {
        let key = format!("{}:", serde_json::Value::from(&*name)).into_bytes().into();
        Self { name, key, shown }
    }

    fn of_column(column: usize) -> Self {
        let renamed = M::field_names().into_iter().find(|(at, _)| *at == column);
        let name = renamed.map_or_else(|| M::table().column(column).name.clone(), |(_, name)| name.into());
        Self::new(name, Shown::Column(column))
    }

    fn of_computed(computed: Computed<M>) -> Self {
        Self::new(computed.name().into(), Shown::Computed(computed))
    }

    fn of_relation(related: Arc<dyn Related<M>>) -> Self {
        Self::new(related.name().into(), Shown::Related(related))
    }

    fn chosen(&self, choice: &Choice) -> Result<Self> {
        match (&self.shown, &choice.fields) {
            (Shown::Related(related), fields) => {
                let related = related.chosen(fields.as_deref())?;
                Ok(Self { shown: Shown::Related(related), ..self.clone() })
            }
            (_, Some(_)) => Err(choice.mistake("is no relation, and has no fields of its own")),
            (_, None) => Ok(self.clone()),
        }
    }
}

impl<M> Clone for Fields<M> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone() }
    }
}

impl<M> Clone for Entry<M> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), key: self.key.clone(), shown: self.shown.clone() }
    }
}

impl<M> Clone for Shown<M> {
    fn clone(&self) -> Self {
        match self {
            Self::Column(column) => Self::Column(*column),
            Self::Computed(computed) => Self::Computed(computed.clone()),
            Self::Related(related) => Self::Related(related.clone()),
        }
    }
}

/// Shows the text form.
impl<M> fmt::Debug for Fields<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, entry) in self.entries.iter().enumerate() {
            f.write_str(if n > 0 { "," } else { "" })?;
            f.write_str(&entry.name)?;
            if let Shown::Related(related) = &entry.shown {
                write!(f, "{{{related:?}}}")?;
            }
        }
        Ok(())
    }
}
