//! Following: what other programs write to the database reaches the cache too.
//!
//! ```text
//! psql, a job, another program ─▶ database ─▶ ChangeFeed ─▶ tags of the rows before and after ─▶ quarantine, release
//! ```
//!
//! A change that comes from a feed has been committed, so there is no moment at which its tags should have been closed
//! before. It is told like a write all the same: readers judge it by its rows, so that it costs no more than what it
//! concerns.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use thing_driver_api::{
    Capability, Change, ChangeFeed, Error, Observed, Outcome, Result, RowImage, Table, TableId, Tag, Token,
};

use crate::cache::{KnownRow, QUARANTINE, Tags, deleted, inserted, updated};
use crate::db::Inner;
use crate::{Db, ModelSet};

impl Db {
    /// Has the database record what others write to the tables of these models, for [`Db::follow_changes`]: creates what
    /// it takes (triggers and a table on most databases). To be called once, like [`Db::sync`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where the driver can't, and those of the database.
    pub async fn record_changes<S: ModelSet>(&self) -> Result<()> {
        let Some(schema) = self.executor().schema() else {
            return Err(Error::unsupported("this driver does not change schemas"));
        };
        let tables: Vec<&Table> = S::tables().into_iter().map(|table| &**table).collect();
        schema.record_changes(&tables).await
    }

    /// Invalidates from now on what others change in the tables of these models: programs that don't use Thing, or use
    /// it without this cache. To be called in a Tokio runtime, in at least one process that shares the cache; it goes on
    /// until the [`Follower`] is dropped.
    ///
    /// How long a change goes unnoticed is the driver's business; see the guide.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) where the driver or the `Db` (without a cache) can't,
    /// [`ErrorKind::Schema`](crate::ErrorKind::Schema) when the database does not record changes.
    pub async fn follow_changes<S: ModelSet>(&self) -> Result<Follower> {
        if !self.executor().capabilities().has(Capability::ChangeFeed) {
            return Err(Error::unsupported("this driver reports no changes made by others"));
        }
        if self.cache().is_none() {
            return Err(Error::unsupported("there is no cache to be told of changes; add one to the builder"));
        }
        let tables: Vec<Arc<Table>> = S::tables().into_iter().cloned().collect();
        let feed = self.executor().changes(&tables).await?;
        let progress = Arc::new(Progress::default());
        let following = Following { db: Arc::downgrade(self.inner()), tables, progress: progress.clone() };
        let task = tokio::spawn(following.run(feed));
        Ok(Follower { task, progress })
    }
}

/// Follows what others write, until it is dropped.
#[must_use = "dropped, it follows no more"]
pub struct Follower {
    task: tokio::task::JoinHandle<()>,
    progress: Arc<Progress>,
}

#[derive(Default)]
struct Progress {
    changes: AtomicU64,
    doubts: AtomicU64,
    failure: Mutex<Option<Arc<Error>>>,
}

impl Follower {
    /// Changes of rows that were seen so far; a change of a whole table counts as one.
    pub fn changes(&self) -> u64 {
        self.progress.changes.load(Ordering::Relaxed)
    }

    /// How often changes may have been missed, so that everything was forgotten.
    pub fn doubts(&self) -> u64 {
        self.progress.doubts.load(Ordering::Relaxed)
    }

    /// Why nothing is seen at the moment; `None` while all is well. It is tried again by itself.
    pub fn failure(&self) -> Option<Arc<Error>> {
        self.progress.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower")
            .field("changes", &self.changes())
            .field("doubts", &self.doubts())
            .field("failure", &self.failure())
            .finish_non_exhaustive()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Following {
    db: Weak<Inner>,
    tables: Vec<Arc<Table>>,
    progress: Arc<Progress>,
}

/// Why a feed was given up.
struct Ended {
    error: Error,
    /// Whether the cache could not be told of what it said. Then it is well only when that was told by the next.
    untold: bool,
}

const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Following {
    async fn run(self, mut feed: Box<dyn ChangeFeed>) {
        let mut pause = PAUSE;
        loop {
            let Some(Ended { error, untold }) = self.follow(feed, &mut pause).await else { return };
            self.failed(Some(error));
            feed = loop {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                let Some(db) = self.db.upgrade().map(Db::of) else { return };
                match db.executor().changes(&self.tables).await {
                    Ok(opened) => break opened,
                    Err(error) => self.failed(Some(error)),
                }
            };
            if !untold {
                self.failed(None);
            }
        }
    }

    /// Tells what a feed says until one of the two fails; `None` when the `Db` is gone.
    async fn follow(&self, mut feed: Box<dyn ChangeFeed>, pause: &mut Duration) -> Option<Ended> {
        loop {
            let observed = match feed.next().await {
                Ok(observed) => observed,
                Err(error) => return Some(Ended { error, untold: false }),
            };
            let db = self.db.upgrade().map(Db::of)?;
            if let Err(error) = self.tell(&db, observed).await {
                return Some(Ended { error, untold: true });
            }
            *pause = PAUSE;
            self.failed(None);
        }
    }

    fn failed(&self, error: Option<Error>) {
        *self.progress.failure.lock().unwrap_or_else(PoisonError::into_inner) = error.map(Arc::new);
    }

    async fn tell(&self, db: &Db, observed: Observed) -> Result<()> {
        match observed {
            Observed::Changes(changes) => self.changes(db, changes).await,
            Observed::Tables(tables) => self.whole(db, &tables).await,
            Observed::Everything => self.everything(db).await,
        }
    }

    async fn changes(&self, db: &Db, changes: Vec<Arc<Change>>) -> Result<()> {
        let Some(cache) = db.cache() else { return Ok(()) };
        let mut tags = Tags::default();
        let mut judged = true;
        let count = changes.len() as u64;
        for change in &changes {
            let Some(table) = self.tables.iter().find(|table| table.id() == change.table) else { continue };
            match tags_of(table, change) {
                Some(touched) => tags.add(table, touched),
                None => {
                    judged = false;
                    tags.add_tables(vec![table.id()]);
                }
            }
        }
        if !tags.is_empty() {
            tags.declare(cache.client());
            let (tags, token) = (tags.into_vec(), Token::random());
            cache.client().quarantine(&tags, token, QUARANTINE).await?;
            let outcome = if judged { Outcome::Changed(changes) } else { Outcome::Unlisted };
            cache.client().release(&tags, token, outcome).await?;
        }
        self.progress.changes.fetch_add(count, Ordering::Relaxed);
        Ok(())
    }

    async fn whole(&self, db: &Db, tables: &[TableId]) -> Result<()> {
        let Some(cache) = db.cache() else { return Ok(()) };
        for &table in tables {
            cache.client().void_table(table).await?;
            self.progress.changes.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn everything(&self, db: &Db) -> Result<()> {
        let Some(cache) = db.cache() else { return Ok(()) };
        for table in &self.tables {
            cache.client().void_table(table.id()).await?;
        }
        self.progress.doubts.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// The tags that a change touches; `None` where the images don't tell.
fn tags_of(table: &Table, change: &Change) -> Option<Vec<Tag>> {
    if change.form != table.fingerprint() {
        return None;
    }
    let (before, after) = (known(table, &change.before)?, known(table, &change.after)?);
    Some(match (before, after) {
        (None, None) => return None,
        (None, Some(row)) => inserted(table, Some(&change.key), &row),
        (Some(row), None) => deleted(table, &change.key, &row),
        (Some(old), Some(new)) => updated(table, &change.key, change.columns, &old, &new),
    })
}

/// The row of an image, `None` inside where there is none; `None` where a value that decides about tags is not known.
fn known(table: &Table, image: &RowImage) -> Option<Option<KnownRow>> {
    match image {
        RowImage::Absent => Some(None),
        RowImage::Row(values) if values.len() == table.columns().len() => {
            table.scopes().iter().all(|&scope| values[scope].is_some()).then(|| Some(values.to_vec()))
        }
        _ => None,
    }
}
