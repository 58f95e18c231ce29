//! Workloads: what a subject is asked to do, and how often.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::data::{self, AUTHORS, POSTS_EACH, USERS, UserRow};
use crate::meter::{Measurement, Meter};
use crate::subject::{Reader, Subject};
use thing_test_random::{Random, Zipf};

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// By key, one task, random keys.
    Get,
    /// By key, 64 tasks, random keys.
    GetConcurrently,
    /// The 100 users of an age with the highest keys, one task.
    List,
    /// 100 users with their 1,000 posts, one task.
    Related,
    /// 64 tasks: 95 in 100 operations read by key, uneven keys, the others update.
    Mixed,
    /// The same with one update in 100 operations.
    MixedOneInHundred,
    /// The same with one update in 1,000 operations.
    MixedOneInThousand,
    /// 64 tasks that read every user once. Not measured: it comes before the mixes.
    ReadAll,
    /// Updates of one column by key, one task.
    Update,
    /// The same of users that were read before the measurement.
    Save,
    /// Single inserts, one task.
    Insert,
    /// Single inserts, 64 tasks.
    InsertConcurrently,
    /// 10,000 users at once, all or none, up to three times. An operation is a row.
    Bulk,
}

/// How much work, and what is measured.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The part of the operations that is done; 1 for all.
    pub scale: f64,
    /// Measures.
    pub meter: Meter,
}

impl Load {
    fn scaled(&self, operations: usize) -> usize {
        ((operations as f64 * self.scale) as usize).max(1)
    }
}

/// How many tasks work at the same time in concurrent workloads.
pub const TASKS: usize = 64;

impl Workload {
    /// Those of the shared benchmark, in the order in which they run: those that read first.
    pub const ALL: [Self; 10] = [
        Self::Get,
        Self::GetConcurrently,
        Self::List,
        Self::Related,
        Self::Mixed,
        Self::Update,
        Self::Save,
        Self::Insert,
        Self::InsertConcurrently,
        Self::Bulk,
    ];

    /// The short name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "W1",
            Self::GetConcurrently => "W2",
            Self::List => "W3",
            Self::Insert => "W4",
            Self::InsertConcurrently => "W5",
            Self::ReadAll => "W0",
            Self::Update => "W6",
            Self::Save => "W6s",
            Self::Bulk => "W7",
            Self::Related => "W8",
            Self::Mixed => "W9",
            Self::MixedOneInHundred => "W9 1%",
            Self::MixedOneInThousand => "W9 0.1%",
        }
    }

    /// The workload of this short name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|workload| workload.name() == name)
    }

    /// Whether it changes the database.
    pub fn writes(self) -> bool {
        !matches!(self, Self::Get | Self::GetConcurrently | Self::ReadAll | Self::List | Self::Related)
    }

    /// Whether it reads and writes.
    pub fn is_mixed(self) -> bool {
        matches!(self, Self::Mixed | Self::MixedOneInHundred | Self::MixedOneInThousand)
    }

    /// Runs it.
    pub async fn run<S: Subject>(self, subject: Arc<S>, load: Load) -> Measurement {
        match self {
            Self::Get => get(&*subject, load).await,
            Self::GetConcurrently => {
                get_concurrently(subject, random_keys(&Random::seeded(2), load.scaled(100_000)), load.meter).await
            }
            Self::ReadAll => get_concurrently(subject, (1..=USERS).collect(), load.meter).await,
            Self::List => list(&*subject, load).await,
            Self::Related => related(&*subject, load).await,
            Self::Mixed => mixed(subject, load, 50).await,
            Self::MixedOneInHundred => mixed(subject, load, 10).await,
            Self::MixedOneInThousand => mixed(subject, load, 1).await,
            Self::Update => update(&*subject, load).await,
            Self::Save => save(&*subject, load).await,
            Self::Insert => insert(&*subject, load).await,
            Self::InsertConcurrently => insert_concurrently(subject, load).await,
            Self::Bulk => bulk(&*subject, load).await,
        }
    }
}

fn random_keys(random: &Random, count: usize) -> Vec<i64> {
    (0..count).map(|_| random.key(USERS)).collect()
}

async fn get<R: Reader>(reader: &R, load: Load) -> Measurement {
    let random = Random::seeded(1);
    for id in random_keys(&random, load.scaled(2_000)) {
        reader.get(id).await;
    }
    let ids = random_keys(&random, load.scaled(20_000));
    let mut running = load.meter.start(ids.len());
    for &id in &ids {
        let seen = R::seen(&running.time(reader.get(id)).await);
        assert!(seen.id == id && seen.name_length == 19);
    }
    running.stop(1, ids.len())
}

async fn get_concurrently<R: Reader>(reader: Arc<R>, ids: Vec<i64>, meter: Meter) -> Measurement {
    let ids: Arc<[i64]> = ids.into();
    concurrently(meter, TASKS, ids.len(), move |at| {
        let (reader, ids) = (reader.clone(), ids.clone());
        async move {
            let user = reader.get(ids[at]).await;
            assert_eq!(R::seen(&user).id, ids[at]);
        }
    })
    .await
}

async fn list<S: Subject>(subject: &S, load: Load) -> Measurement {
    let random = Random::seeded(3);
    let ages: Vec<i32> = (0..load.scaled(2_000)).map(|_| data::age(&random)).collect();
    let mut running = load.meter.start(ages.len());
    for &age in &ages {
        let users = running.time(subject.list(age)).await;
        assert_eq!(users.len(), 100);
        let (first, last) = (S::seen(&users[0]), S::seen(&users[99]));
        assert!(first.id > last.id && first.age == age && last.age == age);
    }
    running.stop(1, ages.len())
}

async fn related<S: Subject>(subject: &S, load: Load) -> Measurement {
    let random = Random::seeded(8);
    let firsts: Vec<i64> = (0..load.scaled(300)).map(|_| random.key(AUTHORS - 100)).collect();
    let mut running = load.meter.start(firsts.len());
    for &first in &firsts {
        let (users, posts) = running.time(subject.related(first, first + 100)).await;
        assert_eq!((users, posts), (100, 100 * POSTS_EACH as usize));
    }
    running.stop(1, firsts.len())
}

/// So many of a thousand operations are updates.
async fn mixed<S: Subject>(subject: Arc<S>, load: Load, updates: u64) -> Measurement {
    let zipf = Zipf::new(USERS as u64, 0.99);
    let random = Random::seeded(9);
    let operation = || {
        let key = zipf.key(&random);
        let score = (random.below(1000) < updates).then(|| random.fraction() * 1000.0);
        (key, score)
    };
    let operations: Arc<[(i64, Option<f64>)]> = (0..load.scaled(100_000)).map(|_| operation()).collect();
    concurrently(load.meter, TASKS, operations.len(), move |at| {
        let (subject, (id, score)) = (subject.clone(), operations[at]);
        async move {
            match score {
                None => assert_eq!(S::seen(&subject.get(id).await).id, id),
                Some(score) => subject.update(id, score).await,
            }
        }
    })
    .await
}

fn updates(load: Load) -> Vec<(i64, f64)> {
    let random = Random::seeded(6);
    (0..load.scaled(5_000)).map(|_| (random.key(USERS), random.fraction() * 1000.0)).collect()
}

async fn update<S: Subject>(subject: &S, load: Load) -> Measurement {
    let updates = updates(load);
    let mut running = load.meter.start(updates.len());
    for &(id, score) in &updates {
        running.time(subject.update(id, score)).await;
    }
    running.stop(1, updates.len())
}

async fn save<S: Subject>(subject: &S, load: Load) -> Measurement {
    let updates = updates(load);
    let mut users = Vec::with_capacity(updates.len());
    for &(id, _) in &updates {
        users.push(subject.get(id).await);
    }
    let mut running = load.meter.start(updates.len());
    for (user, &(_, score)) in users.into_iter().zip(&updates) {
        // Another score than by `update`, so that every row changes.
        running.time(subject.save(user, score + 1000.0)).await;
    }
    running.stop(1, updates.len())
}

async fn insert<S: Subject>(subject: &S, load: Load) -> Measurement {
    let users = UserRow::numbered(1_000_000, load.scaled(5_000));
    let count = users.len();
    let mut last = USERS;
    let mut running = load.meter.start(count);
    for user in users {
        let id = running.time(subject.insert(user)).await;
        assert!(id > last);
        last = id;
    }
    running.stop(1, count)
}

async fn insert_concurrently<S: Subject>(subject: Arc<S>, load: Load) -> Measurement {
    let users: Arc<[UserRow]> = UserRow::numbered(2_000_000, load.scaled(20_000)).into();
    concurrently(load.meter, TASKS, users.len(), move |at| {
        let (subject, users) = (subject.clone(), users.clone());
        async move {
            assert!(subject.insert(users[at].clone()).await > USERS);
        }
    })
    .await
}

async fn bulk<S: Subject>(subject: &S, load: Load) -> Measurement {
    // As many rows at all scales: with fewer, what a batch costs whatever its size would weigh more.
    const SIZE: usize = 10_000;
    let batches = 0..load.scaled(3) as i64;
    let batches: Vec<_> = batches.map(|batch| UserRow::numbered(3_000_000 + batch * 100_000, SIZE)).collect();
    let count = batches.len();
    let mut running = load.meter.start(count);
    for batch in batches {
        running.time(subject.bulk(batch)).await;
    }
    running.stop(1, count * SIZE)
}

/// Many tasks that draw the numbers of operations from one counter.
pub async fn concurrently<F, O>(meter: Meter, tasks: usize, operations: usize, operation: F) -> Measurement
where
    F: Fn(usize) -> O + Send + Sync + 'static,
    O: Future<Output = ()> + Send + 'static,
{
    let operation = Arc::new(operation);
    let next = Arc::new(AtomicUsize::new(0));
    let mut running = meter.start(operations);
    let task = || {
        let (operation, next) = (operation.clone(), next.clone());
        tokio::spawn(async move {
            let mut latencies: Vec<Duration> = Vec::with_capacity(operations / tasks * 2);
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= operations {
                    return latencies;
                }
                let started = Instant::now();
                operation(at).await;
                latencies.push(started.elapsed());
            }
        })
    };
    let started: Vec<_> = (0..tasks).map(|_| task()).collect();
    for task in started {
        running.note(&task.await.expect("a task of a workload ends without panic"));
    }
    running.stop(tasks, operations)
}
