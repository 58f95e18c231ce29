//! Lists: what a write costs while the cache holds many lists that it does not concern.

use std::path::Path;
use std::sync::Arc;

use thing::{Db, Filter, Loaded, Model};
use thing_cache_memory::{MemoryCache, MemoryConfig};
use tokio::sync::Mutex;

use super::{Options, Outcome, on_runtime, tell, turned};
use crate::data::{USERS, UserRow, YOUNGEST};
use crate::meter::{Measurement, Meter};
use crate::seed::Template;
use crate::subject::{Subject, Synchronous};
use crate::subjects::thing::{ThingSubject, User, executor};

/// How many lists the cache holds.
const COUNTS: [usize; 4] = [0, 1_000, 10_000, 30_000];
/// Updates, and inserts.
const NAMES: [&str; 2] = ["L update", "L insert"];

/// A database with cached lists, and users of the lowest age, which no list has.
#[derive(Debug)]
struct Listed {
    count: usize,
    subject: ThingSubject,
    users: Mutex<Vec<Loaded<User>>>,
}

pub(super) async fn run(options: &Options, template: &Template, folder: &Path, outcome: &mut Outcome) {
    if !NAMES.iter().any(|name| options.wants(name)) {
        return;
    }
    let mut all = Vec::new();
    for count in COUNTS {
        tell(&format!("writes beside {count} cached lists"));
        let file = folder.join(format!("lists-{count}.db"));
        template.copy(&file).expect("the template is copied");
        all.push(Arc::new(on_runtime(async move { fill(&file, count).await }).await));
    }
    let writes = options.operations(1_000);
    let meter = options.load.meter;
    // More rounds than elsewhere: they are short, and the differences small.
    for round in 0..options.rounds * 3 {
        for listed in turned(&all, round) {
            let subject = format!("{} lists", listed.count);
            let of_task = listed.clone();
            let measured = on_runtime(async move { update(&of_task, round, writes, meter).await }).await;
            outcome.add(round, NAMES[0], &subject, measured);
            let of_task = listed.clone();
            let measured = on_runtime(async move { insert(&of_task, round, writes, meter).await }).await;
            outcome.add(round, NAMES[1], &subject, measured);
        }
        if round == 0 {
            let many = all[2].clone();
            outcome.reread = Some(on_runtime(async move { reread(&many).await }).await);
        }
    }
}

async fn fill(file: &Path, count: usize) -> Listed {
    let cache = MemoryCache::new(MemoryConfig::default());
    let builder = Db::builder(executor(file, Synchronous::Normal).await).cache(cache);
    let subject = ThingSubject::build(builder).await;
    let youngest = User::filter(subject.db(), User::AGE.eq(YOUNGEST)).uncached();
    let users = Mutex::new(youngest.all().await.expect("users are read"));
    for number in 0..count {
        User::filter(subject.db(), filter(number)).fetch(0, 5).await.expect("a list is read");
    }
    assert!(subject.db().statistics().cache.entries >= count as u64);
    Listed { count, subject, users }
}

/// Filters of three kinds, all different, none of which matches a user of the lowest age or with a score above zero.
fn filter(number: usize) -> Filter<User> {
    let number = number as i64;
    let last = User::ID.gt(USERS - 10);
    match number % 3 {
        // Other rows.
        0 => User::AGE.eq(YOUNGEST + 1 + (number % 59) as i32) & User::ID.gt(USERS - 1_000 - number),
        // All rows of the table, by the column that updates change.
        1 => User::SCORE.lt(-1.0 - number as f64) & last,
        // All rows of the table, by another column.
        _ => User::NAME.eq(format!("Nobody {number}")) & last,
    }
}

async fn update(listed: &Listed, round: usize, writes: usize, meter: Meter) -> Measurement {
    let mut users = listed.users.lock().await;
    let mut running = meter.start(writes);
    for number in 0..writes {
        let at = (round * writes + number) % users.len();
        let user = &mut users[at];
        user.score += 1.0;
        running.time(user.save(listed.subject.db())).await.expect("a user is saved");
    }
    running.stop(1, writes)
}

async fn insert(listed: &Listed, round: usize, writes: usize, meter: Meter) -> Measurement {
    let mut users = UserRow::numbered(4_000_000 + (round * writes) as i64, writes);
    users.iter_mut().for_each(|user| user.age = YOUNGEST);
    let mut running = meter.start(writes);
    for user in users {
        assert!(running.time(listed.subject.insert(user)).await > USERS);
    }
    running.stop(1, writes)
}

/// Makes one update and one insert, and reads every list: how many, and the statements that took.
async fn reread(listed: &Listed) -> (usize, u64) {
    for number in 0..listed.count {
        let _ = User::filter(listed.subject.db(), filter(number)).fetch(0, 5).await;
    }
    update(listed, 0, 1, Meter::default()).await;
    insert(listed, 0, 1, Meter::default()).await;
    let before = listed.subject.db().statistics().reads;
    for number in 0..listed.count {
        User::filter(listed.subject.db(), filter(number)).fetch(0, 5).await.expect("a list is read");
    }
    (listed.count, listed.subject.db().statistics().reads - before)
}
