//! A worker: one process of the workload.
//!
//! It is told what to do on its standard input, by lines: `kill <step> <passes>` and `stop`. It says `ready` on its
//! standard output when it is connected, and ends when its input does.

mod client;
mod reads;
mod writes;

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use thing::Db;
use tokio::time::sleep;

use self::client::Client;
use crate::clock;
use crate::history::{History, HistoryFile, Record};
use crate::instrument::{Step, StepCache, StepExecutor, Steps};
use crate::options::WorkerOptions;

/// How often the counters are recorded.
const SAMPLE: Duration = Duration::from_millis(250);
/// How long to wait before connecting again.
const RETRY: Duration = Duration::from_millis(50);

/// Runs until it is told to stop.
///
/// # Errors
///
/// When there is no file for the history.
pub async fn run(worker: &WorkerOptions) -> Result<(), Box<dyn std::error::Error>> {
    let file = HistoryFile::new(&worker.directory, worker.process, worker.incarnation);
    let history = Arc::new(History::create(file.path())?);
    let options = &worker.options;
    let seed = options.seed.wrapping_mul(1 << 16).wrapping_add(worker.incarnation.into());
    let steps = Arc::new(Steps::new(history.clone(), seed, options.pauses, options.longest_pause));
    let stop = Arc::new(AtomicBool::new(false));
    std::thread::spawn({
        let (steps, stop) = (steps.clone(), stop.clone());
        move || listen(&steps, &stop)
    });
    let Some(db) = connect(worker, &steps, &stop).await else { return Ok(()) };
    let client = Arc::new(Client::new(db, history.clone(), worker, seed));
    writeln!(std::io::stdout(), "ready")?;
    if worker.sweep {
        client.sweep().await;
    } else {
        work(&client, options.tasks, &stop).await?;
    }
    client.sample();
    history.flush();
    Ok(())
}

fn listen(steps: &Steps, stop: &AtomicBool) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let mut words = line.split(' ');
        match (words.next(), words.next().and_then(Step::named), words.next().and_then(|text| text.parse().ok())) {
            (Some("kill"), Some(step), Some(passes)) => steps.arm(step, passes),
            _ => break,
        }
    }
    stop.store(true, Ordering::SeqCst);
}

/// Connects as often as it takes; `None` when it is to stop before that.
async fn connect(worker: &WorkerOptions, steps: &Arc<Steps>, stop: &AtomicBool) -> Option<Db> {
    while !stop.load(Ordering::SeqCst) {
        match try_to_connect(worker, steps).await {
            Ok(db) => return Some(db),
            Err(error) => eprintln!("not connected: {error:?}"),
        }
        sleep(RETRY).await;
    }
    None
}

async fn try_to_connect(worker: &WorkerOptions, steps: &Arc<Steps>) -> thing::Result<Db> {
    let options = &worker.options;
    let executor = options.database.open(&worker.database_url).await?;
    let builder = Db::builder(StepExecutor::new(executor, steps.clone()));
    let Some(cache) = options.cache.open(&worker.cache_url).await? else { return Ok(builder.build()) };
    let cache = options.defect.map_or(cache.clone(), |defect| defect.wrap(cache));
    let builder = builder.coherence(options.cache.coherence()).cache_outage(options.outage);
    Ok(builder.cache(StepCache::new(cache, steps.clone())).build())
}

/// Fails when a task panicked: then something was not seen.
async fn work(client: &Arc<Client>, tasks: usize, stop: &Arc<AtomicBool>) -> Result<(), tokio::task::JoinError> {
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let (client, stop) = (client.clone(), stop.clone());
        running.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                client.operate().await;
            }
        });
    }
    let sampling = tokio::spawn({
        let client = client.clone();
        async move {
            loop {
                client.sample();
                sleep(SAMPLE).await;
            }
        }
    });
    while let Some(ended) = running.join_next().await {
        ended?;
    }
    sampling.abort();
    Ok(())
}

impl Client {
    /// Records the counters.
    fn sample(&self) {
        let statistics = self.db().statistics();
        self.history().write(Record::Sample {
            time: clock::now(),
            answered: statistics.cache.answered(),
            missed: statistics.cache.misses(),
            statements: statistics.statements(),
        });
    }
}
