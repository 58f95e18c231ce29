//! Commands that fail: of the cache, each in turn, and of the database.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use thing::driver::{
    Behind, CacheClient, CacheStatistics, EntryKey, Found, InvalidationStream, Lease, LeaseRequest, Leased, NewEntry,
    Outcome, Peek, TableId, Tag, Token, Wanted,
};
use thing::{Error, ErrorKind, Model, Result};

use crate::explorer::{Bounds, Run, Task, alone, explore};
use crate::interleavings::{bounds, items, lister, reader, task};
use crate::stage::{Item, Setup, Stage, item};

/// Which commands fail, counted from 0.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// One, without effect.
    Before(usize),
    /// One, and it took effect.
    After(usize),
    /// One and all that follow: the cache has gone away.
    From(usize),
}

#[derive(Debug)]
struct Faulty {
    inner: Arc<dyn CacheClient>,
    fault: Fault,
    commands: AtomicUsize,
}

impl Faulty {
    async fn command<T>(&self, command: impl Future<Output = Result<T>>) -> Result<T> {
        let number = self.commands.fetch_add(1, Ordering::SeqCst);
        let gone = || Err(Error::cache("the cache can't be reached"));
        match self.fault {
            Fault::Before(at) if number == at => gone(),
            Fault::From(at) if number >= at => gone(),
            Fault::After(at) if number == at => command.await.and_then(|_| gone()),
            _ => command.await,
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheClient for Faulty {
    fn declare(&self, table: TableId, scopes: u64) -> bool {
        self.inner.declare(table, scopes)
    }

    fn peek(&self, key: &EntryKey) -> Peek {
        self.inner.peek(key)
    }

    async fn load(&self, wanted: &[Wanted<'_>]) -> Result<Vec<Found>> {
        self.command(self.inner.load(wanted)).await
    }

    async fn lease(&self, requests: &[LeaseRequest<'_>]) -> Result<Vec<Leased>> {
        self.command(self.inner.lease(requests)).await
    }

    async fn store(&self, lease: &Lease, entries: Vec<NewEntry>) -> Result<usize> {
        self.command(self.inner.store(lease, entries)).await
    }

    async fn store_many(&self, fills: Vec<(Lease, Vec<NewEntry>)>) -> Result<usize> {
        self.command(self.inner.store_many(fills)).await
    }

    fn abandon(&self, lease: &Lease) {
        self.inner.abandon(lease);
    }

    async fn restamp(&self, key: &EntryKey, behind: &Behind) -> Result<bool> {
        self.command(self.inner.restamp(key, behind)).await
    }

    async fn quarantine(&self, tags: &[Tag], token: Token, duration: Duration) -> Result<()> {
        self.command(self.inner.quarantine(tags, token, duration)).await
    }

    async fn release(&self, tags: &[Tag], token: Token, outcome: Outcome) -> Result<()> {
        self.command(self.inner.release(tags, token, outcome)).await
    }

    async fn void(&self, tags: &[Tag]) -> Result<()> {
        self.command(self.inner.void(tags)).await
    }

    async fn void_table(&self, table: TableId) -> Result<()> {
        self.command(self.inner.void_table(table)).await
    }

    async fn settle(&self) -> Result<()> {
        self.inner.settle().await
    }

    async fn invalidations(&self, bound: Duration) -> Result<Option<Box<dyn InvalidationStream>>> {
        self.inner.invalidations(bound).await
    }

    fn statistics(&self) -> CacheStatistics {
        self.inner.statistics()
    }
}

type Writing = Pin<Box<dyn Future<Output = Result<()>>>>;

/// Runs `write` beside readers while the cache fails; a write that the cache refused must have changed nothing.
#[track_caller]
fn assert_never_stale_when_the_cache_fails(write: fn(Stage) -> Writing) {
    let mut refused = 0;
    for number in 0..14 {
        for fault in [Fault::Before(number), Fault::After(number), Fault::From(number)] {
            let bounds = Bounds { schedules: bounds().schedules / 6, switches: 1 };
            let refusals = Arc::new(AtomicUsize::new(0));
            let report = explore(bounds, || {
                let wrap = Arc::new(move |inner| -> Arc<dyn CacheClient> {
                    Arc::new(Faulty { inner, fault, commands: AtomicUsize::new(0) })
                });
                let stage = Stage::new(&Setup { wrap, ..Setup::default() }, &items());
                let writer = stage.clone();
                let refusals = refusals.clone();
                let writer = task(async move {
                    let commits = writer.database.commits();
                    if let Err(error) = write(writer.clone()).await {
                        assert_eq!(*error.kind(), ErrorKind::Cache, "{error:?}");
                        assert_eq!(writer.database.commits(), commits, "a refused write was committed");
                        refusals.fetch_add(1, Ordering::SeqCst);
                    }
                    writer.read(1).await;
                });
                let tasks = vec![writer, reader(&stage, 1), lister(&stage, 1)];
                Run { tasks, cancelled: None, check: Box::new(move || stage.judge_at_rest(false)) }
            });
            refused += refusals.load(Ordering::SeqCst);
            if let Some((wrong, schedule)) = report.violation {
                panic!("{fault:?}: {wrong}\nschedule {schedule:?}");
            }
        }
    }
    assert!(refused > 0, "some writes met a cache that was gone");
}

#[test]
fn no_failing_command_of_the_cache_makes_an_answer_wrong() {
    assert_never_stale_when_the_cache_fails(|stage| {
        Box::pin(async move {
            let mut held = stage.db.things::<Item>().by_id_uncached(1).await?;
            held.shelf = 2;
            held.save(&stage.db).await
        })
    });
    assert_never_stale_when_the_cache_fails(|stage| Box::pin(async move { stage.db.things::<Item>().delete(1).await }));
    assert_never_stale_when_the_cache_fails(|stage| {
        Box::pin(async move { item(0, 1, 5).create(&stage.db).await.map(drop) })
    });
    assert_never_stale_when_the_cache_fails(|stage| {
        Box::pin(async move {
            let transaction = stage.db.begin().await?;
            transaction.things::<Item>().delete(2).await?;
            item(4, 1, 5).create(&transaction).await?;
            transaction.commit().await
        })
    });
    assert_never_stale_when_the_cache_fails(|stage| {
        Box::pin(async move { stage.db.things::<Item>().create_many([item(0, 1, 5), item(0, 1, 6)]).await.map(drop) })
    });
}

/// Explores writers whose database fails as `fail` says.
#[track_caller]
fn assert_never_stale_when_the_database_fails(fail: fn(&Stage), remembered: bool, script: fn(&Stage) -> Task) {
    for returning in [true, false] {
        let report = explore(bounds(), || {
            let stage = Stage::new(&Setup { returning, ..Setup::default() }, &items()).warm();
            let tasks = vec![script(&stage), reader(&stage, 1), lister(&stage, 1)];
            fail(&stage);
            let check = move || {
                stage.judge_at_rest(remembered)?;
                // What was left marked lapses, and then everything is remembered again.
                stage.clock.advance(31);
                stage.judge_at_rest(true)
            };
            Run { tasks, cancelled: None, check: Box::new(check) }
        });
        if let Some((wrong, schedule)) = report.violation {
            panic!("returning {returning}: {wrong}\nschedule {schedule:?}");
        }
    }
}

fn mover(stage: &Stage) -> Task {
    let stage = stage.clone();
    let mut held = stage.before(1);
    task(async move {
        held.shelf = 2;
        assert!(held.save(&stage.db).await.is_err());
        assert!(held.is_changed(), "the object keeps its changes");
        stage.read(1).await;
    })
}

fn group(stage: &Stage) -> Task {
    let stage = stage.clone();
    task(async move {
        let transaction = stage.db.begin().await.unwrap();
        transaction.things::<Item>().delete(1).await.unwrap();
        item(4, 1, 5).create(&transaction).await.unwrap();
        assert!(transaction.commit().await.is_err());
        stage.read(1).await;
        stage.list(1).await;
    })
}

#[test]
fn a_write_whose_answer_is_lost_is_seen() {
    assert_never_stale_when_the_database_fails(|stage| stage.database.lose_answer(), false, mover);
}

#[test]
fn a_commit_whose_answer_is_lost_is_seen() {
    assert_never_stale_when_the_database_fails(|stage| stage.database.lose_answer(), false, group);
}

#[test]
fn a_write_that_failed_leaves_no_trace() {
    assert_never_stale_when_the_database_fails(|stage| stage.database.refuse(), true, mover);
    assert_never_stale_when_the_database_fails(|stage| stage.database.refuse(), true, group);
}

#[test]
fn a_writer_that_outlives_its_quarantine_leaves_nothing_stale() {
    let report = explore(bounds(), || {
        let stage = Stage::new(&Setup::default(), &items()).warm();
        let mut held = stage.before(1);
        let (writer, filler, clock) = (stage.clone(), stage.clone(), stage.clone());
        let writer = task(async move {
            held.shelf = 2;
            held.save(&writer.db).await.unwrap();
            writer.read(1).await;
            writer.list(1).await;
        });
        // What it is answered while the quarantine is over and the writer is not is the limit of the promise.
        let filler = task(async move {
            Item::find(&filler.db, 1).await.unwrap();
            Item::filter(&filler.db, Item::SHELF.eq(1)).all().await.unwrap();
        });
        let clock = task(async move {
            crate::explorer::step().await;
            clock.clock.advance(31);
        });
        let tasks = vec![writer, filler, clock];
        Run { tasks, cancelled: None, check: Box::new(move || stage.judge_at_rest(true)) }
    });
    assert!(report.violation.is_none(), "{:?}", report.violation);
}

#[test]
fn a_cache_that_is_gone_stops_writes_and_no_read() {
    let wrap = Arc::new(|inner| -> Arc<dyn CacheClient> {
        Arc::new(Faulty { inner, fault: Fault::From(0), commands: AtomicUsize::new(0) })
    });
    let stage = Stage::new(&Setup { wrap, ..Setup::default() }, &items());
    alone(async {
        stage.read(1).await;
        stage.list(1).await;
        stage.count(1).await;
        let found = stage.db.things::<Item>().by_ids([1, 2, 9]).await.unwrap();
        assert_eq!(found.len(), 2);
        let error = stage.db.things::<Item>().delete(1).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Cache);
        assert!(stage.db.invalidate::<Item>().await.is_err());
        let transaction = stage.db.begin().await.unwrap();
        transaction.things::<Item>().delete(1).await.unwrap();
        assert_eq!(*transaction.commit().await.unwrap_err().kind(), ErrorKind::Cache);
        // A transaction that changed nothing needs no cache.
        stage.db.begin().await.unwrap().commit().await.unwrap();
        stage.read(1).await;
    });
    stage.judge().unwrap();
    assert!(stage.db.statistics().cache_errors > 0);
}
