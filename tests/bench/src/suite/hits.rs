//! Hits: reads that the cache answers, beside a bare cache.

use std::path::Path;
use std::sync::Arc;

use thing::Db;
use thing_cache_memory::{MemoryCache, MemoryConfig};

use super::{Options, Outcome, on_runtime, tell};
use crate::data::{self, USERS};
use crate::meter::{Measurement, Meter};
use crate::seed::Template;
use crate::subject::{Reader, Subject, Synchronous};
use crate::subjects::Kind;
use crate::subjects::bare_cache::BareCache;
use crate::subjects::pooled::{PooledRusqlite, Writes};
use crate::subjects::thing::{ThingSubject, executor};
use crate::workload::{TASKS, concurrently};
use thing_test_random::Random;

/// How many hits one note of the time stands for: reading the clock takes as long as a hit.
const AT_ONCE: usize = 64;
/// How many rows the measurement with few rows asks for.
const FEW: i64 = 1_000;

/// Gets by one task of rows all over the table, of a few, and by many tasks; lists of 100.
const NAMES: [&str; 4] = ["C1", "C1 few", "C2", "C3"];

pub(super) async fn run(options: &Options, template: &Template, folder: &Path, outcome: &mut Outcome) {
    if !NAMES.iter().any(|name| options.wants(name)) {
        return;
    }
    tell("cached reads");
    let file = folder.join("hits.db");
    template.copy(&file).expect("the template is copied");
    let raw = Arc::new(PooledRusqlite::open(&file, Synchronous::Normal, Writes::AnyConnection));
    let (thing, bare) = on_runtime({
        let raw = raw.clone();
        async move { (Arc::new(warm(&file).await), Arc::new(bare(&raw).await)) }
    })
    .await;
    let meter = options.load.meter;
    let before = thing.db().statistics().statements();
    let cached = Kind::ThingCached.name();
    for round in 0..options.rounds {
        let count = options.operations(500_000);
        for (name, tasks, keys) in [("C1", 1, USERS), ("C1 few", 1, FEW), ("C2", TASKS, USERS)] {
            if options.wants(name) {
                let measured = gets(&bare, tasks, keys, count, meter).await;
                outcome.add(round, name, "bare cache", measured);
                let measured = gets(&thing, tasks, keys, count, meter).await;
                outcome.add(round, name, cached, measured);
            }
        }
        if options.wants("C3") {
            let measured = lists(&raw, options.operations(2_000), meter).await;
            outcome.add(round, "C3", Kind::Rusqlite.name(), measured);
            let measured = lists(&thing, options.operations(20_000), meter).await;
            outcome.add(round, "C3", cached, measured);
        }
    }
    let after = thing.db().statistics().statements();
    assert_eq!(before, after, "every read is answered by the cache");
}

/// A `Db` whose cache holds every user and the list of every age.
async fn warm(file: &Path) -> ThingSubject {
    let cache = MemoryCache::new(MemoryConfig::default().max_bytes(256 << 20));
    let builder = Db::builder(executor(file, Synchronous::Normal).await).cache(cache);
    let thing = ThingSubject::build(builder).await;
    for age in (data::YOUNGEST..).take(data::AGES as usize) {
        assert_eq!(thing.list(age).await.len(), 100);
    }
    for id in scattered() {
        thing.get(id).await;
    }
    thing
}

/// A bare cache that holds every user, read in the same order.
async fn bare(raw: &PooledRusqlite) -> BareCache {
    let bare = BareCache::new();
    for id in scattered() {
        bare.put(raw.get(id).await);
    }
    bare
}

/// All keys, in an order in which neighbours are far apart, as a cache is filled by its users.
fn scattered() -> impl Iterator<Item = i64> {
    (0..USERS).map(|at| at * 48_271 % USERS + 1)
}

async fn gets<R: Reader>(reader: &Arc<R>, tasks: usize, keys: i64, count: usize, meter: Meter) -> Measurement {
    let random = Random::seeded(10);
    let batches: Arc<[[i64; AT_ONCE]]> =
        (0..count / AT_ONCE).map(|_| std::array::from_fn(|_| random.key(keys))).collect();
    let reader = reader.clone();
    let measured = on_runtime(async move {
        if tasks > 1 {
            let work = move |at: usize| {
                let (reader, batches) = (reader.clone(), batches.clone());
                async move { get_each(&*reader, &batches[at]).await }
            };
            return concurrently(meter, tasks, count / AT_ONCE, work).await;
        }
        let mut running = meter.start(batches.len());
        for batch in batches.iter() {
            running.time(get_each(&*reader, batch)).await;
        }
        running.stop(1, batches.len())
    })
    .await;
    measured.shared_by(AT_ONCE)
}

/// Gets one after the other. What a get finds decides the next key (it adds 0), as if its caller had a use for it: else
/// the processor works on several gets at the same time, the more the shorter they are.
async fn get_each<R: Reader>(reader: &R, ids: &[i64]) {
    let mut found = 0;
    for id in ids {
        let id = id + found;
        found = R::seen(&reader.get(id).await).id - id;
    }
    assert_eq!(found, 0);
}

async fn lists<S: Subject>(subject: &Arc<S>, count: usize, meter: Meter) -> Measurement {
    let subject = subject.clone();
    on_runtime(async move {
        let random = Random::seeded(11);
        let ages: Vec<i32> = (0..count).map(|_| data::age(&random)).collect();
        let mut running = meter.start(ages.len());
        for &age in &ages {
            let users = running.time(subject.list(age)).await;
            assert!(users.len() == 100 && S::seen(&users[99]).age == age);
        }
        running.stop(1, ages.len())
    })
    .await
}
