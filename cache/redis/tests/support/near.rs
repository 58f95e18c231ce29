//! A near cache that keeps no entries, but knows what it was told.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use thing_cache_redis::RedisCache;
use thing_driver_api::{CacheClient, Error, Gate, Invalidation, InvalidationStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// Long enough that a gate stays open on a busy machine, and that what is quick is far less.
pub(crate) const BOUND: Duration = Duration::from_secs(4);

pub(crate) async fn stream(cache: &RedisCache, bound: Duration) -> Box<dyn InvalidationStream> {
    cache.invalidations(bound).await.expect("the server tells").expect("others can invalidate")
}

/// The next invalidation, within a minute.
pub(crate) async fn next(stream: &mut Box<dyn InvalidationStream>) -> Result<Invalidation, Error> {
    tokio::time::timeout(Duration::from_secs(60), stream.next()).await.expect("something comes")
}

/// A stream with a task that asks for the next, time and again, unless it is told to pause.
#[derive(Debug)]
pub(crate) struct Near {
    pub(crate) gate: Arc<Gate>,
    told: Arc<Mutex<Vec<Invalidation>>>,
    /// How much has taken effect.
    applied: Arc<AtomicUsize>,
    changed: Arc<Notify>,
    running: watch::Sender<bool>,
    task: JoinHandle<Error>,
}

impl Near {
    pub(crate) async fn start(cache: &RedisCache, bound: Duration) -> Self {
        let mut stream = stream(cache, bound).await;
        let (gate, told, applied, changed) = (stream.gate(), Arc::default(), Arc::default(), Arc::default());
        let (running, mut may_run) = watch::channel(true);
        let task = tokio::spawn({
            let (told, applied, changed): (Arc<Mutex<Vec<_>>>, Arc<AtomicUsize>, Arc<Notify>) =
                (Arc::clone(&told), Arc::clone(&applied), Arc::clone(&changed));
            async move {
                loop {
                    // Lost with its sender, it runs on.
                    let _ = may_run.wait_for(|running| *running).await;
                    let paused = async {
                        if may_run.wait_for(|running| !*running).await.is_err() {
                            std::future::pending::<()>().await;
                        }
                    };
                    tokio::select! {
                        biased;
                        () = paused => {}
                        next = stream.next() => match next {
                            Ok(invalidation) => {
                                told.lock().expect("no panic").push(invalidation);
                                applied.fetch_add(1, SeqCst);
                                changed.notify_waiters();
                            }
                            Err(error) => return error,
                        },
                    }
                }
            }
        });
        let near = Self { gate, told, applied, changed, running, task };
        super::until("the gate opens", || async { near.gate.is_open() }).await;
        near
    }

    pub(crate) fn applied(&self) -> usize {
        self.applied.load(SeqCst)
    }

    pub(crate) fn told(&self) -> Vec<String> {
        self.told.lock().expect("no panic").iter().map(|told| format!("{told:?}")).collect()
    }

    /// Does not ask for the next until `resume`.
    pub(crate) fn pause(&self) {
        self.running.send_replace(false);
    }

    pub(crate) fn resume(&self) {
        self.running.send_replace(true);
    }

    /// Why it ended, within a minute.
    pub(crate) async fn ended(self) -> Error {
        let ended = tokio::time::timeout(Duration::from_secs(60), self.task).await;
        ended.expect("it ends").expect("no panic")
    }

    /// Dies without a goodbye: the task is left alone with its stream.
    pub(crate) fn is_running(&self) -> bool {
        !self.task.is_finished()
    }
}
