//! The promise: a read that begins after a commit returned gives what was committed, or something newer.
//!
//! Readers and writers share a database of versions, which only grow. Before each read the case notes the version that is
//! committed; the answer must not be older. Between any two steps a task lets others run, by numbers that are the same in
//! every run: in one task all interleavings repeat, in many tasks they are as the scheduler has it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use thing_driver_api::{
    Behind, CacheClient, EntryKey, Found, LeaseRequest, Leased, NewEntry, Outcome, Peek, Tag, Token, Wanted,
};

use super::subject::{LONG, TABLE, change, column_tag, list, object, row_tag};
use super::{Number, Subject};
use crate::random::Random;

const ROWS: usize = 6;
const TASKS: u64 = 12;
const STEPS: usize = 500;
/// Long enough that a writer's commit comes before its quarantine lapses.
const CRASH: Duration = Duration::from_millis(400);

/// A table of versions and a cache before it.
struct World {
    cache: Arc<dyn CacheClient>,
    versions: Mutex<[u64; ROWS]>,
    hits: AtomicU64,
    restamps: AtomicU64,
    crashes: bool,
}

/// Rows, with all readers and writers in one task: the interleaving repeats.
pub async fn of_rows_in_one_task(subject: &Subject) {
    let world = World::new(subject, false);
    join_all((0..TASKS).map(|task| world.work(task, Kind::Row))).await;
    world.check_hits();
}

/// Rows, with tasks at once.
pub async fn of_rows_in_many_tasks(subject: &Subject) {
    let world = World::new(subject, false);
    let tasks = (0..TASKS).map(|task| {
        let world = world.clone();
        tokio::spawn(async move { world.work(task, Kind::Row).await })
    });
    for ended in join_all(tasks).await {
        ended.expect("no read is stale");
    }
    world.check_hits();
}

/// Rows, where writers may go away between commit and release. (Waits for their quarantines to lapse.)
pub async fn of_rows_where_writers_crash(subject: &Subject) {
    let world = World::new(subject, true);
    let tasks = (0..TASKS).map(|task| {
        let world = world.clone();
        tokio::spawn(async move { world.work(task, Kind::Row).await })
    });
    for ended in join_all(tasks).await {
        ended.expect("no read is stale");
    }
}

/// Lists, which may prove unaffected by a change, in one task.
pub async fn of_lists_in_one_task(subject: &Subject) {
    let world = World::new(subject, false);
    join_all((0..TASKS).map(|task| world.work(task, Kind::List))).await;
    world.check_hits();
}

/// Lists, with tasks at once.
pub async fn of_lists_in_many_tasks(subject: &Subject) {
    let world = World::new(subject, false);
    let tasks = (0..TASKS).map(|task| {
        let world = world.clone();
        tokio::spawn(async move { world.work(task, Kind::List).await })
    });
    for ended in join_all(tasks).await {
        ended.expect("no read is stale");
    }
    world.check_hits();
}

/// Rows that a read of the whole table brings along.
pub async fn of_rows_brought_along(subject: &Subject) {
    let world = World::new(subject, false);
    join_all((0..TASKS).map(|task| world.work(task, Kind::Brought))).await;
    let tasks = (0..TASKS).map(|task| {
        let world = world.clone();
        tokio::spawn(async move { world.work(task, Kind::Brought).await })
    });
    for ended in join_all(tasks).await {
        ended.expect("no read is stale");
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Row,
    List,
    Brought,
}

impl Kind {
    /// A list depends on every row, so it needs fewer writes to live for a while.
    fn reads_to_a_write(self) -> usize {
        match self {
            Self::List => 20,
            _ => 5,
        }
    }
}

impl World {
    fn new(subject: &Subject, crashes: bool) -> Arc<Self> {
        Arc::new(Self {
            cache: subject.cache().clone(),
            versions: Mutex::new([0; ROWS]),
            hits: AtomicU64::new(0),
            restamps: AtomicU64::new(0),
            crashes,
        })
    }

    fn versions(&self) -> [u64; ROWS] {
        *self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits the next version, unless it is too late. Nobody reads the versions between the look at the time and the
    /// commit, so that a fill which began when the quarantine had lapsed finds what was committed.
    fn commit(&self, row: usize, latest: Instant) -> Option<u64> {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if Instant::now() > latest {
            return None;
        }
        versions[row] += 1;
        Some(versions[row])
    }

    /// A cache that never hits keeps the promise, but the case then shows nothing.
    fn check_hits(&self) {
        assert!(self.hits.load(Ordering::Relaxed) > 0, "no read was a hit");
    }

    async fn work(&self, task: u64, kind: Kind) {
        let mut random = Random::new(task + 1);
        for _ in 0..STEPS {
            if random.one_in(kind.reads_to_a_write()) {
                self.write(&mut random).await;
                continue;
            }
            match kind {
                Kind::Row => self.read_row(&mut random).await,
                Kind::List => self.read_list(&mut random).await,
                Kind::Brought if random.one_in(3) => self.bring_rows(&mut random).await,
                Kind::Brought => self.read_row(&mut random).await,
            }
        }
    }

    /// One writer: quarantine, commit, release.
    async fn write(&self, random: &mut Random) {
        let row = random.below(ROWS);
        let tags = [row_tag(row as i64), column_tag("version")];
        let token = Token::random();
        let duration = if self.crashes { CRASH } else { LONG };
        let began = Instant::now();
        self.cache.quarantine(&tags, token, duration).await.expect("the cache answers");
        pause(random).await;
        let committed = if random.one_in(8) { None } else { self.commit(row, began + duration / 2) };
        let Some(version) = committed else {
            self.cache.release(&tags, token, Outcome::Nothing).await.expect("the cache answers");
            return;
        };
        let version = version as i64;
        pause(random).await;
        if self.crashes && random.one_in(10) {
            return;
        }
        let outcome = if random.one_in(3) {
            Outcome::Unlisted
        } else {
            Outcome::Changed(vec![change(row as i64, version - 1, version)])
        };
        self.cache.release(&tags, token, outcome).await.expect("the cache answers");
    }

    async fn read_row(&self, random: &mut Random) {
        let row = random.below(ROWS);
        let (key, tags) = (object(row as i64), [row_tag(row as i64)]);
        let floor = self.versions()[row];
        let found = self.read(&key, &tags, random, |versions| versions[row], |_| false).await;
        assert!(found >= floor, "version {found} is served after version {floor} was committed");
    }

    /// The sum of the first half of the rows: changes of other rows do not matter to it.
    async fn read_list(&self, random: &mut Random) {
        let (key, tags) = (list(TABLE, "first half"), [column_tag("version")]);
        let sum = |versions: [u64; ROWS]| versions[..ROWS / 2].iter().sum::<u64>();
        let floor = sum(self.versions());
        let unaffected = |behind: &Behind| {
            let first: Vec<_> = (0..ROWS / 2).map(|row| object(row as i64)).collect();
            behind.changes.iter().all(|change| {
                let row = EntryKey::Object { table: TABLE, key: change.key.clone() };
                !first.contains(&row)
            })
        };
        let found = self.read(&key, &tags, random, sum, unaffected).await;
        assert!(found >= floor, "sum {found} is served after sum {floor} was committed");
    }

    /// A read through the cache, as the core does it.
    async fn read(
        &self,
        key: &EntryKey,
        tags: &[Tag],
        random: &mut Random,
        of: impl Fn([u64; ROWS]) -> u64,
        unaffected: impl Fn(&Behind) -> bool,
    ) -> u64 {
        if random.one_in(2)
            && let Peek::Hit(payload) = self.cache.peek(key)
        {
            return self.hit(Number::read(&payload));
        }
        let found = self.cache.load(&[Wanted::new(key)]).await.expect("the cache answers").remove(0);
        pause(random).await;
        match found {
            Found::Hit(payload) => return self.hit(Number::read(&payload)),
            Found::Behind(behind) if unaffected(&behind) => {
                if self.cache.restamp(key, &behind).await.expect("the cache answers") {
                    self.restamps.fetch_add(1, Ordering::Relaxed);
                }
                return Number::read(&behind.payload).expect("a number was stored");
            }
            _ => {}
        }
        let request = LeaseRequest::Entry { key, tags };
        let leased = self.cache.lease(&[request]).await.expect("the cache answers").remove(0);
        pause(random).await;
        let value = of(self.versions());
        let Leased::Granted(lease) = leased else {
            return value;
        };
        pause(random).await;
        if random.one_in(8) {
            self.cache.abandon(&lease);
            return value;
        }
        let entry = NewEntry::new(key.clone(), tags.to_vec(), Number::new(value).payload());
        self.cache.store(&lease, vec![entry]).await.expect("the cache answers");
        value
    }

    async fn bring_rows(&self, random: &mut Random) {
        let request = LeaseRequest::Rows { table: TABLE };
        let leased = self.cache.lease(&[request]).await.expect("the cache answers").remove(0);
        pause(random).await;
        let versions = self.versions();
        pause(random).await;
        if let Leased::Granted(lease) = leased {
            let row = |row: usize| {
                let payload = Number::new(versions[row]).payload();
                NewEntry::new(object(row as i64), vec![row_tag(row as i64)], payload)
            };
            let entries = (0..ROWS).map(row).collect();
            self.cache.store(&lease, entries).await.expect("the cache answers");
        }
    }

    fn hit(&self, number: Option<u64>) -> u64 {
        self.hits.fetch_add(1, Ordering::Relaxed);
        number.expect("a number was stored")
    }
}

/// Lets others run: none to three times, and now and then for long.
async fn pause(random: &mut Random) {
    let times = if random.one_in(10) { 30 } else { random.below(4) };
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}
