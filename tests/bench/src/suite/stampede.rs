//! Stampedes: many tasks that want one row which is not in the cache.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use thing::Db;
use thing_cache_memory::{MemoryCache, MemoryConfig};
use tokio::sync::Barrier;

use super::delayed::Delayed;
use super::{Options, Outcome, on_runtime, tell};
use crate::seed::Template;
use crate::subject::{Reader, Synchronous};
use crate::subjects::thing::{ThingSubject, executor};

/// Tasks that want each key.
const TASKS: usize = 50;
/// Keys that are wanted.
const KEYS: i64 = 200;
const NAME: &str = "S";

/// What the tasks caused.
#[derive(Clone, Debug)]
pub struct Stampede {
    /// What they asked.
    pub subject: String,
    /// How many keys were wanted.
    pub keys: usize,
    /// How many tasks wanted each.
    pub tasks: usize,
    /// Statements in all.
    pub statements: u64,
    /// The most statements for one key.
    pub most: u64,
}

pub(super) async fn run(options: &Options, template: &Template, folder: &Path, outcome: &mut Outcome) {
    if !options.wants(NAME) {
        return;
    }
    tell("stampedes");
    let file = folder.join("stampede.db");
    template.copy(&file).expect("the template is copied");
    for delay in [Duration::ZERO, Duration::from_millis(1)] {
        for cached in [true, false] {
            let executor = Delayed::new(executor(&file, Synchronous::Normal).await, delay);
            let mut builder = Db::builder(executor);
            let mut name = "thing".to_owned();
            if cached {
                builder = builder.cache(MemoryCache::new(MemoryConfig::default()));
                name.push_str("-cached");
            }
            if !delay.is_zero() {
                name.push_str(", slow database");
            }
            let subject = Arc::new(ThingSubject::build(builder).await);
            let stampede = on_runtime(async move { stampede(&subject, name).await }).await;
            outcome.stampedes.push(stampede);
        }
    }
}

async fn stampede(subject: &Arc<ThingSubject>, name: String) -> Stampede {
    let statements = || subject.db().statistics().statements();
    let first = statements();
    let mut most = 0;
    for key in 1..=KEYS {
        let before = statements();
        let gate = Arc::new(Barrier::new(TASKS));
        let task = |_| {
            let (gate, subject) = (gate.clone(), subject.clone());
            tokio::spawn(async move {
                gate.wait().await;
                assert_eq!(subject.get(key).await.id, key);
            })
        };
        let tasks: Vec<_> = (0..TASKS).map(task).collect();
        for task in tasks {
            task.await.expect("a task gets its row");
        }
        most = most.max(statements() - before);
    }
    Stampede { subject: name, keys: KEYS as usize, tasks: TASKS, statements: statements() - first, most }
}
