//! Writes by a filter: all objects of a query at once, without reading them.

use thing_driver_api::{Error, Result};

use super::Query;
use crate::filter::Node;
use crate::visibility::Visibility;
use crate::write::{Action, Rewrite, restoring, stamps};
use crate::{ChangeSet, Model};

impl<M: Model> Query<'_, M> {
    /// Lets [`update`](Query::update), [`delete`](Query::delete) and their like go on without a filter, over all objects.
    pub fn all_rows(mut self) -> Self {
        self.all_rows = true;
        self
    }

    /// Sets columns of all matching objects, raises their versions and `updated`, and gives their number. Rules are not
    /// checked; hooks and listeners are not told.
    ///
    /// ```text
    /// let cheaper = books.filter(Book::YEAR.lt(1900)).update(Book::PRICE.set(5) & Book::SALE.set(true)).await?;
    /// ```
    ///
    /// With a cache it is a transaction: up to 1000 rows are read, locked and written by their keys, so that a cached list
    /// stays that holds none of them. More are written by one statement, and everything cached of the model is forgotten.
    /// Without a cache it is one statement.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) without a filter, unless [`Query::all_rows`] asks for it;
    /// for a query with an order, relations or a lock; for a column that Thing keeps itself, or that is set twice; for amounts to add. Else as
    /// [`Things::create`](crate::Things::create).
    pub async fn update(self, changes: ChangeSet<M>) -> Result<u64> {
        let mut set = changes.into_assignments()?;
        set.extend(stamps::<M>(self.session.db().now()));
        let seen = self.visibility;
        self.rewrite("update", seen, Action::Set(set)).await
    }

    /// Deletes all matching objects, and gives their number; hooks and listeners are not told. Of a model with a `deleted` field they are marked, as by
    /// [`Things::delete`](crate::Things::delete), if they are not already.
    ///
    /// # Errors
    ///
    /// As [`Query::update`]; [`Error::is_restricted`] when others refer to one of them, as a relation says.
    pub async fn delete(self) -> Result<u64> {
        let seen = self.visibility;
        self.rewrite("delete", seen, Action::Delete).await
    }

    /// Removes all matching objects from their table, for good, and gives their number. After
    /// [`only_deleted`](Query::only_deleted) these are the ones that were deleted before.
    ///
    /// # Errors
    ///
    /// As [`Query::delete`].
    pub async fn force_delete(self) -> Result<u64> {
        let seen = self.visibility;
        self.rewrite("delete", seen, Action::Remove).await
    }

    /// Restores all matching objects that are deleted, as [`Things::restore`](crate::Things::restore), and gives their
    /// number.
    ///
    /// # Errors
    ///
    /// As [`Query::update`], and [`Things::restore`](crate::Things::restore).
    pub async fn restore(self) -> Result<u64> {
        let set = restoring::<M>(self.session)?;
        let seen = self.visibility.only_deleted();
        self.rewrite("restore", seen, Action::Set(set)).await
    }

    async fn rewrite(self, what: &str, seen: Visibility, action: Action) -> Result<u64> {
        let refused = if matches!(self.filter, Node::Constant(true)) && !self.all_rows {
            "has no filter; call `all_rows()` first if all objects are meant"
        } else if !self.order.is_empty() {
            "has an order, which means nothing to a write; leave it out"
        } else if !self.with.is_empty() {
            "loads relations, which a write does not; leave `with` out"
        } else if self.lock.is_some() {
            "asks for a lock, which a write takes anyway; leave it out"
        } else {
            let mut filter = self.filter.clone().and(seen.node::<M>());
            if matches!(action, Action::Delete) {
                // What is deleted already keeps its mark.
                filter = filter.and(Visibility::LIVING.node::<M>());
            }
            self.check(&filter)?;
            let done = Rewrite::new::<M>(self.coherence, filter, action).run(self.session).await;
            return done.map_err(|error| error.context(format!("{what} {}", M::NAME)));
        };
        Err(Error::invalid_input(format!("{what} {}: the query {refused}", M::NAME)))
    }
}
