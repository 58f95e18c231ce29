//! Linking: the rows of the link model that a many-to-many relation goes through.

use std::marker::PhantomData;

use thing_driver_api::{Key, Page, Result, Value, ValueType};

use super::{ManyToMany, Reading};
use crate::retry::Retries;
use crate::rows::ValueRow;
use crate::session::Handle;
use crate::things::not_found;
use crate::validation::check;
use crate::write::{Batch, find_row, is_observed};
use crate::{ChangeSet, Error, Loaded, Model, ModelKey, Query, Session, Things};

/// An object of the model `T`, as it is or [`Loaded`].
#[diagnostic::on_unimplemented(message = "`{Self}` is no object of `{T}`", label = "expected `&{T}` or `&Loaded<{T}>`")]
pub trait ObjectOf<T: Model> {
    #[doc(hidden)]
    fn object_key(&self) -> Result<Key>;
}

impl<T: Model> ObjectOf<T> for &T {
    fn object_key(&self) -> Result<Key> {
        self.key().to_key()
    }
}

impl<T: Model> ObjectOf<T> for &Loaded<T> {
    fn object_key(&self) -> Result<Key> {
        self.key().to_key()
    }
}

impl<M: Model> Loaded<M> {
    /// Links an object to this one; returns whether it was not linked before. What was loaded of the relation is
    /// forgotten.
    ///
    /// The link is a row of the link model, in which everything but the two keys is a default, a generated key, a time
    /// stamp or NULL. Have the pair be the key of the link model, or a unique index: else two who link at the same time
    /// make two links, which count as one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the link model has other columns: then create the
    /// link itself. Else as [`Things::create`].
    pub async fn attach<S, L, T>(
        &mut self,
        session: &S,
        relation: ManyToMany<M, L, T>,
        object: impl ObjectOf<T>,
    ) -> Result<bool>
    where
        S: Session + ?Sized,
        L: Model,
        T: Model,
    {
        self.attach_with(session, relation, object, ChangeSet::empty()).await
    }

    /// As [`Loaded::attach`], with values for other columns of the link: `BookTag::WEIGHT.set(3)`. A link that is there
    /// stays as it is; one that is marked as deleted is restored, with these values.
    ///
    /// # Errors
    ///
    /// As [`Loaded::attach`]; [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for amounts to add.
    pub async fn attach_with<S, L, T>(
        &mut self,
        session: &S,
        relation: ManyToMany<M, L, T>,
        object: impl ObjectOf<T>,
        columns: ChangeSet<L>,
    ) -> Result<bool>
    where
        S: Session + ?Sized,
        L: Model,
        T: Model,
    {
        let ends = Ends::of(&relation, self.key().to_key()?);
        let other = object.object_key()?;
        self.forget(relation.name);
        let attached = match columns.into_assignments() {
            Ok(given) => attach(session.handle(), ends, &other, &given).await,
            Err(error) => Err(error),
        };
        attached.map_err(|error| error.context(format!("attach {}", relation.path())))
    }

    /// Removes the link to an object; returns whether there was one. What was loaded of the relation is forgotten.
    ///
    /// # Errors
    ///
    /// As [`Things::delete`], but for a link that is gone.
    pub async fn detach<S, L, T>(
        &mut self,
        session: &S,
        relation: ManyToMany<M, L, T>,
        object: impl ObjectOf<T>,
    ) -> Result<bool>
    where
        S: Session + ?Sized,
        L: Model,
        T: Model,
    {
        let ends = Ends::of(&relation, self.key().to_key()?);
        let other = object.object_key()?;
        self.forget(relation.name);
        let detached = detach(session.handle(), ends, &other).await;
        detached.map_err(|error| error.context(format!("detach {}", relation.path())))
    }

    /// Links these objects to this one and no others, all or nothing; only what differs is written, in as many statements
    /// for many objects as for one, unless hooks or listeners are told of each or links are marked as deleted. What was loaded of the relation is forgotten.
    ///
    /// It is a transaction, which locks the row of this object, so that of two that run at the same time one comes after
    /// the other.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] when the row of this object is gone; else as [`Loaded::attach`].
    pub async fn replace<S, L, T, O>(
        &mut self,
        session: &S,
        relation: ManyToMany<M, L, T>,
        objects: impl IntoIterator<Item = O>,
    ) -> Result<()>
    where
        S: Session + ?Sized,
        L: Model,
        T: Model,
        O: ObjectOf<T>,
    {
        let ends = Ends::of(&relation, self.key().to_key()?);
        let mut wanted = objects.into_iter().map(|object| object.object_key()).collect::<Result<Vec<Key>>>()?;
        wanted.sort_unstable();
        wanted.dedup();
        self.forget(relation.name);
        let replaced = replace::<M, L>(session.handle(), &ends, &wanted).await;
        replaced.map_err(|error| error.context(format!("replace {}", relation.path())))
    }
}

/// The object whose links are written, and the columns of both ends.
struct Ends<L> {
    key: Key,
    own: usize,
    other: usize,
    link: PhantomData<fn() -> L>,
}

impl<L: Model> Ends<L> {
    fn of<M: Model, T: Model>(relation: &ManyToMany<M, L, T>, key: Key) -> Self {
        Self { key, own: relation.kind.own, other: relation.kind.other, link: PhantomData }
    }

    /// The links of the object as the database has them, and no cache.
    fn links<'s>(&self, session: Handle<'s>) -> Query<'s, L> {
        Reading::of::<L>(session).query().unfiltered().only(self.own, &self.key).uncached()
    }

    /// Makes the link to this object; one that is there, marked as deleted, is restored.
    async fn link(&self, session: Handle<'_>, other: &Key, given: &[(usize, Value<'static>)]) -> Result<()> {
        if L::DELETED.is_some() {
            let deleted = self.links(session).only(self.other, other).only_deleted().first().await?;
            if let Some(link) = deleted {
                // It refuses columns that are none of the caller's business.
                self.new_link(other, given)?;
                let transaction = session.begin_within().await?;
                let inner = things::<L>(Handle::Transaction(&transaction));
                inner.restore(link.key()).await?;
                if !given.is_empty() {
                    inner.update_by_id(link.key(), ChangeSet::of_values(given.iter().cloned())).await?;
                }
                return transaction.commit().await;
            }
        }
        things::<L>(session).create(self.new_link(other, given)?).await.map(drop)
    }

    /// The link to this object, as it is before it is in the database.
    fn new_link(&self, other: &Key, given: &[(usize, Value<'static>)]) -> Result<L> {
        let table = L::table();
        let mut row = Page::new(table.columns().len());
        let mut stamps = Vec::new();
        for (at, column) in table.columns().iter().enumerate() {
            let given = given.iter().find(|(column, _)| *column == at).map(|(_, value)| value.borrowed());
            let value = match (&column.default, given) {
                (_, Some(_)) if at == self.own || at == self.other => return Err(links_the_two::<L>(at)),
                (_, Some(given)) => given,
                _ if at == self.own => self.key.value(0),
                _ if at == self.other => other.value(0),
                (Some(default), _) => default.clone(),
                (None, _) if column.nullable => Value::Null,
                (None, _) if table.has_generated_key() && table.key() == [at] => Value::I64(0),
                (None, _) if column.value_type == ValueType::Timestamp => {
                    stamps.push(at);
                    Value::Timestamp(0)
                }
                (None, _) => return Err(not_filled_in::<L>(at)),
            };
            row.push(&value);
        }
        let row = row.row(0).ok_or_else(|| Error::backend("a page lost its row"))?;
        let mut link = L::from_row(&row)?;
        // The create below sets them again, to the time of the `Db`; what is no time stamp stays as it is.
        link.touch(1, true);
        for at in stamps {
            if link.value(at)? == Value::Timestamp(0) {
                return Err(not_filled_in::<L>(at));
            }
        }
        Ok(link)
    }
}

fn links_the_two<L: Model>(column: usize) -> Error {
    let name = &L::table().column(column).name;
    Error::invalid_input(format!("column `{name}` links the two objects, whose keys it gets"))
}

fn not_filled_in<L: Model>(column: usize) -> Error {
    let (model, column) = (L::NAME, &L::table().column(column).name);
    Error::invalid_input(format!(
        "column `{column}` of {model} has no default; give it by `attach_with`, create the {model} itself, or declare a default"
    ))
}

fn things<L: Model>(session: Handle<'_>) -> Things<'_, L> {
    Things::new(session, L::COHERENCE.unwrap_or(session.db().coherence()))
}

async fn attach<L: Model>(
    session: Handle<'_>,
    ends: Ends<L>,
    other: &Key,
    given: &[(usize, Value<'static>)],
) -> Result<bool> {
    let linked = || ends.links(session).only(ends.other, other).exists();
    if linked().await? {
        return Ok(false);
    }
    match ends.link(session, other, given).await {
        Ok(()) => Ok(true),
        // Another may have linked them meanwhile.
        Err(error) if error.is_unique_violation() => match linked().await {
            Ok(true) => Ok(false),
            _ => Err(error),
        },
        Err(error) => Err(error),
    }
}

async fn detach<L: Model>(session: Handle<'_>, ends: Ends<L>, other: &Key) -> Result<bool> {
    let mut detached = false;
    for link in ends.links(session).only(ends.other, other).all().await? {
        detached |= remove(session, &*link).await?;
    }
    Ok(detached)
}

/// Deletes a link; returns whether it was still there.
async fn remove<L: Model>(session: Handle<'_>, link: &L) -> Result<bool> {
    match things::<L>(session).delete(link.key()).await {
        Ok(()) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

async fn replace<M: Model, L: Model>(session: Handle<'_>, ends: &Ends<L>, wanted: &[Key]) -> Result<()> {
    let mut retries = Retries::new();
    loop {
        let replaced = replace_once::<M, L>(session, ends, wanted).await;
        // What failed within a transaction can be tried again by its owner alone.
        if matches!(session, Handle::Transaction(_)) || !retries.again(replaced.as_ref().err()).await {
            return replaced;
        }
    }
}

async fn replace_once<M: Model, L: Model>(session: Handle<'_>, ends: &Ends<L>, wanted: &[Key]) -> Result<()> {
    let transaction = session.begin_within().await?;
    let inner = Handle::Transaction(&transaction);
    if find_row(inner, M::table(), &ends.key).await?.is_none() {
        return Err(not_found::<M>(&ends.key));
    }
    let rows = Batch::of::<L>(&transaction);
    let mut missing = wanted.to_vec();
    let mut removed = Vec::new();
    for link in rows.of_column(ends.own, ends.key.value(0).into_owned()).await? {
        let other = link[ends.other].as_ref().and_then(|other| Key::from_values(&[other.borrowed()]));
        match other.and_then(|key| missing.iter().position(|wanted| *wanted == key)) {
            Some(at) => drop(missing.remove(at)),
            None => removed.push(link),
        }
    }
    let one_by_one = is_observed::<L>(inner);
    if one_by_one {
        for link in removed {
            things::<L>(inner).delete(L::from_row(&ValueRow(&link))?.key()).await?;
        }
    } else {
        rows.delete(removed).await?;
    }
    let now = session.db().now();
    let mut links = Vec::with_capacity(missing.len());
    for other in &missing {
        if one_by_one || L::DELETED.is_some() {
            ends.link(inner, other, &[]).await?;
            continue;
        }
        let mut link = ends.new_link(other, &[])?;
        link.touch(now, true);
        check(&link)?;
        links.push(link);
    }
    rows.insert(&links).await?;
    transaction.commit().await
}
