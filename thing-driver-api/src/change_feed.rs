//! Change feeds: what others write, told so that caches forget it.
//!
//! ```text
//! somebody's write ─▶ Observer ── Observations ──▶ ObserverFeed ── Observed ──▶ core
//!                        ▲                              │
//!                        └── all is told: observe ◀─────┘
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{Change, Error, Result, Table, TableId};

/// Writes made by others, those of one row in the order of their commits.
///
/// To ask for the next says that what came before has been dealt with, and need not be told again to anybody. A feed
/// that is dropped leaves what it told last to the next. One that can't tell what was written before it began, because
/// nothing kept it, says [`Observed::Everything`] first.
#[async_trait]
pub trait ChangeFeed: Send + fmt::Debug {
    /// Waits for the next.
    ///
    /// # Errors
    ///
    /// Those of the database. The feed is of no use then; another one tells what this one did not.
    async fn next(&mut self) -> Result<Observed>;
}

/// What a [`ChangeFeed`] saw.
///
/// Exhaustive: whoever did not know one could not be right.
#[derive(Clone, Debug)]
pub enum Observed {
    /// Changes of rows, committed. An image may leave values out that are not known exactly.
    Changes(Vec<Arc<Change>>),
    /// Changes of these tables of which the rows are not known.
    Tables(Vec<TableId>),
    /// Changes may have been missed: anything of the tables may have changed.
    Everything,
}

/// What looks at the writes of others, one look after the other: most of a feed, which [`ObserverFeed`] makes of it.
#[async_trait]
pub trait Observer: Send + fmt::Debug {
    /// Waits for changes. What the last look gave has been told and dealt with, so that the database need not keep it. A
    /// look that found nothing is followed by another at once.
    ///
    /// The caller may drop the future at any await point. The observer is not asked again then, nor after an error.
    ///
    /// # Errors
    ///
    /// Those of the database.
    async fn observe(&mut self) -> Result<Observations>;
}

/// The feed of what an [`Observer`] finds.
///
/// A call that is dropped while the observer looks, or that fails, ends the feed: further ones fail with
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput).
#[derive(Debug)]
pub struct ObserverFeed<O> {
    observer: O,
    /// What was found and is still to be told.
    found: VecDeque<Observed>,
    /// A look was begun. Still so at the next, it failed or was abandoned.
    looking: bool,
}

impl<O: Observer> ObserverFeed<O> {
    /// A feed that tells from the observer's next look on.
    pub fn new(observer: O) -> Self {
        Self { observer, found: VecDeque::new(), looking: false }
    }
}

#[async_trait]
impl<O: Observer> ChangeFeed for ObserverFeed<O> {
    async fn next(&mut self) -> Result<Observed> {
        loop {
            if let Some(observed) = self.found.pop_front() {
                return Ok(observed);
            }
            if std::mem::replace(&mut self.looking, true) {
                return Err(Error::invalid_input(
                    "an earlier call of the feed failed, or was abandoned before it ended; open another feed",
                ));
            }
            self.found = self.observer.observe().await?.into_observed();
            self.looking = false;
        }
    }
}

/// What one look of an [`Observer`] found. However much that is, it takes a bounded part of the memory.
#[derive(Debug, Default)]
pub struct Observations {
    changes: Vec<Arc<Change>>,
    tables: Vec<TableId>,
    everything: bool,
}

/// More changes than this of one look are told as changes of whole tables.
const MOST: usize = 10_000;
/// Nobody waits for more changes than this to come before the first of them is told.
const ENOUGH: usize = 500;

impl Observations {
    /// Anything of the tables may have changed; see [`Observed::Everything`].
    pub fn everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    /// Adds what happened to a row, as [`Change::observed`] gives it; `None` where it is not known to which, so that all
    /// of the table may have changed.
    pub fn add(&mut self, table: &Table, changes: Option<Vec<Change>>) {
        if self.everything || self.tables.contains(&table.id()) {
            return;
        }
        match changes {
            Some(changes) if self.changes.len() < MOST => self.changes.extend(changes.into_iter().map(Arc::new)),
            _ => {
                self.tables.push(table.id());
                self.changes.retain(|change| change.table != table.id());
            }
        }
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.tables.is_empty() && !self.everything
    }

    /// Whether there is enough to be told before more is looked for.
    pub fn is_full(&self) -> bool {
        self.everything || self.changes.len() >= ENOUGH
    }

    fn into_observed(self) -> VecDeque<Observed> {
        let mut observed = VecDeque::with_capacity(2);
        if self.everything {
            observed.push_back(Observed::Everything);
        }
        if !self.changes.is_empty() {
            observed.push_back(Observed::Changes(self.changes));
        }
        if !self.tables.is_empty() {
            observed.push_back(Observed::Tables(self.tables));
        }
        observed
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use super::*;
    use crate::{Column, ErrorKind, RowImage, Value, ValueType};

    fn table(name: &str) -> Table {
        let table = Table::builder(name.to_owned()).column(Column::new("id", ValueType::I64)).key([0]);
        table.build().unwrap_or_else(|error| panic!("{error}"))
    }

    fn inserted(table: &Table, id: i64) -> Option<Vec<Change>> {
        let row = RowImage::Row([Some(Value::I64(id))].into_iter().collect());
        Change::observed(table, |_| true, RowImage::Absent, row)
    }

    fn one(table: &Table) -> Observations {
        let mut observations = Observations::default();
        observations.add(table, inserted(table, 1));
        observations
    }

    /// How many changes are told of which tables, and what else.
    fn told(observations: Observations) -> Vec<String> {
        let said = |observed| match observed {
            Observed::Changes(changes) => format!("{} changes", changes.len()),
            Observed::Tables(tables) => format!("{} tables", tables.len()),
            Observed::Everything => "everything".to_owned(),
        };
        observations.into_observed().into_iter().map(said).collect()
    }

    #[test]
    fn changes_are_told_of_tables_whose_rows_are_known() {
        let (items, users) = (table("items"), table("users"));
        let mut observations = one(&items);
        for id in 1..=3 {
            observations.add(&users, inserted(&users, id));
        }
        observations.add(&items, None);
        observations.add(&items, inserted(&items, 2));
        observations.add(&items, None);
        assert_eq!(told(observations), ["3 changes", "1 tables"]);
    }

    #[test]
    fn what_is_too_much_is_told_as_a_table() {
        let (items, users) = (table("items"), table("users"));
        let mut observations = one(&items);
        for id in 2..=MOST as i64 {
            observations.add(&users, inserted(&users, id));
            assert_eq!(observations.is_full(), id >= ENOUGH as i64);
        }
        observations.add(&users, inserted(&users, 0));
        assert_eq!(told(observations), ["1 changes", "1 tables"]);
    }

    #[test]
    fn everything_has_no_parts() {
        let items = table("items");
        let mut observations = Observations::everything();
        observations.add(&items, inserted(&items, 1));
        observations.add(&items, None);
        assert!(!observations.is_empty() && observations.is_full());
        assert_eq!(told(observations), ["everything"]);
        assert!(Observations::default().is_empty() && told(Observations::default()).is_empty());
    }

    /// Gives these, and waits for ever behind the last.
    #[derive(Debug)]
    struct Prepared(VecDeque<Result<Observations>>);

    #[async_trait]
    impl Observer for Prepared {
        async fn observe(&mut self) -> Result<Observations> {
            match self.0.pop_front() {
                Some(observations) => observations,
                None => pending().await,
            }
        }
    }

    fn feed(looks: impl IntoIterator<Item = Result<Observations>>) -> ObserverFeed<Prepared> {
        ObserverFeed::new(Prepared(looks.into_iter().collect()))
    }

    async fn is_refused(feed: &mut ObserverFeed<Prepared>) -> bool {
        feed.next().await.is_err_and(|error| *error.kind() == ErrorKind::InvalidInput)
    }

    #[tokio::test]
    async fn the_next_look_comes_when_all_of_the_last_is_told() {
        let (items, users) = (table("items"), table("users"));
        let mut both = one(&items);
        both.add(&users, None);
        let mut feed = feed([Ok(both), Ok(Observations::default()), Ok(Observations::everything())]);
        assert!(matches!(feed.next().await, Ok(Observed::Changes(changes)) if changes.len() == 1));
        assert!(matches!(feed.next().await, Ok(Observed::Tables(tables)) if tables == [users.id()]));
        assert_eq!(feed.observer.0.len(), 2, "nothing is left behind before somebody asks for more");
        assert!(matches!(feed.next().await, Ok(Observed::Everything)));
    }

    #[tokio::test]
    async fn an_abandoned_look_ends_the_feed() {
        let mut feed = feed([]);
        assert!(tokio::time::timeout(Duration::ZERO, feed.next()).await.is_err());
        assert!(is_refused(&mut feed).await && is_refused(&mut feed).await);
    }

    #[tokio::test]
    async fn a_failure_ends_the_feed() {
        let mut feed = feed([Err(Error::new(ErrorKind::Busy, "not now")), Ok(Observations::everything())]);
        assert!(matches!(feed.next().await, Err(error) if *error.kind() == ErrorKind::Busy));
        assert!(is_refused(&mut feed).await);
    }
}
