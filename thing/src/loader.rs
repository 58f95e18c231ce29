//! The loader: lookups by key that arrive together share one statement.
//!
//! A lookup that is alone goes to the database at once. Lookups that find others under way queue up; the first of the
//! queue lets the other ready tasks run, so that they can join, and then sends one batch for all. It lets them run once, and
//! once more for each batch that is under way already, up to a limit. Whether there is company is learnt from the calls
//! themselves: from lookups seen to overlap and, because a driver may answer without ever waiting, from a trial now and
//! then.
//!
//! Each thread has a queue of its own, so that threads neither wait for each other nor wake each other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thing_driver_api::{Error, Flow, Key, Result, Row, RowSink, Shape};
use tokio::sync::oneshot;

use crate::cache::{Stored, has_text};
use crate::session::Handle;
use crate::task::Patience;
use crate::things::shown;
use crate::{Db, Model, ModelKey};

/// What one lookup is told.
pub(crate) type Answer<M> = Result<Option<Arc<Stored<M>>>>;

/// Alone, every so many lookups one tries whether there is company.
const TRIAL: usize = 256;
/// So many batches of one in a row mean that there is no company.
const LONELY: usize = 4;
/// The most turns that a batch lets others have before it is sent.
const PATIENCE: usize = 8;
/// The most lookups in one statement.
const BATCH: usize = 256;

pub(crate) struct Loader<M> {
    /// Reads rows by key.
    get: Arc<Shape>,
    lanes: Box<[Lane<M>]>,
}

/// The lookups of one thread, or of several where there are more threads than lanes. Not in one cache line with another
/// lane.
#[repr(align(128))]
struct Lane<M> {
    queue: Mutex<Queue<M>>,
    patience: Patience,
    /// Lookups under way.
    running: AtomicUsize,
    /// Batches under way.
    batches: AtomicUsize,
    /// Above zero while lookups queue: how many more batches of one until they no longer do.
    company: AtomicUsize,
    /// Lookups made alone, to time the trials.
    alone: AtomicUsize,
}

struct Queue<M> {
    /// Of the batch that this will be: another from when it is taken, or given up.
    number: u64,
    waiting: Vec<Waiting<M>>,
}

struct Waiting<M> {
    key: Key,
    answer: Option<oneshot::Sender<Answer<M>>>,
}

impl<M: Model> Loader<M> {
    pub(crate) fn new(get: Arc<Shape>) -> Self {
        let lane = |_| Lane {
            queue: Mutex::new(Queue { number: 0, waiting: Vec::new() }),
            patience: Patience::default(),
            running: AtomicUsize::new(0),
            batches: AtomicUsize::new(0),
            company: AtomicUsize::new(0),
            alone: AtomicUsize::new(0),
        };
        // More than threads that run at a time, so that few share one.
        let lanes = 2 * std::thread::available_parallelism().map_or(1, usize::from);
        Self { get, lanes: (0..lanes).map(lane).collect() }
    }

    /// The lane of this thread.
    fn lane(&self) -> &Lane<M> {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed);
        }
        &self.lanes[NUMBER.with(|number| *number) % self.lanes.len()]
    }

    /// The row with this key, read after the call began.
    pub(crate) async fn find(&self, db: &Db, key: &Key) -> Answer<M> {
        let lane = self.lane();
        let others = lane.running.load(Ordering::Relaxed);
        let _running = Running::on(&lane.running);
        let together = others > 0
            || lane.company.load(Ordering::Relaxed) > 0
            || lane.alone.fetch_add(1, Ordering::Relaxed) % TRIAL == TRIAL - 1;
        if !together {
            return self.read_one(db, key).await;
        }
        loop {
            let (number, answer) = lane.join(key);
            let Some(answer) = answer else { return self.lead(lane, number, db, key).await };
            match lane.patience.wait(answer).await {
                Some(Ok(answer)) => return answer,
                // The leader went away: the next to come leads.
                Some(Err(_)) => {}
                None => lane.give_up(number),
            }
        }
    }

    async fn read_one(&self, db: &Db, key: &Key) -> Answer<M> {
        read_one(Handle::Db(db), &self.get, key).await
    }

    async fn lead(&self, lane: &Lane<M>, number: u64, db: &Db, key: &Key) -> Answer<M> {
        let leader = Leader { lane, number };
        // The more batches are under way, the smaller they are: waiting for some of their callers to come back makes fewer
        // and larger ones of them.
        for _ in 0..=lane.batches.load(Ordering::Relaxed).min(PATIENCE) {
            crate::task::yield_now().await;
        }
        let batch = lane.take(number);
        drop(leader);
        let _batch = Running::on(&lane.batches);
        // None: those who waited for this caller have given it up.
        let Some(batch) = batch else { return self.read_one(db, key).await };
        if batch.len() == 1 {
            let fewer = |left: usize| left.checked_sub(1);
            let _ = lane.company.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
            return self.read_one(db, key).await;
        }
        lane.company.store(LONELY, Ordering::Relaxed);
        db.counters().merged(batch.len() - 1);
        self.read_batch(db, batch).await
    }

    /// Reads for all; gives the leader's answer back, who is the first of the batch.
    async fn read_batch(&self, db: &Db, mut batch: Vec<Waiting<M>>) -> Answer<M> {
        let mut own = None;
        let rest = if batch.len() > BATCH { batch.split_off(BATCH) } else { Vec::new() };
        for mut part in [batch, rest] {
            while !part.is_empty() {
                let later = if part.len() > BATCH { part.split_off(BATCH) } else { Vec::new() };
                let mut keys: Vec<Key> = part.iter().map(|waiting| waiting.key.clone()).collect();
                keys.sort_unstable();
                keys.dedup();
                let read = read_batch(Handle::Db(db), &self.get, &keys).await;
                for waiting in part {
                    let answer = match (&read, keys.binary_search(&waiting.key)) {
                        (Ok(answers), Ok(at)) => answers[at].as_ref().map(Clone::clone).map_err(Error::duplicate),
                        (Ok(_), Err(_)) => Ok(None),
                        (Err(error), _) => Err(error.duplicate()),
                    };
                    match waiting.answer {
                        None => own = Some(answer),
                        // The caller may have gone away.
                        Some(caller) => drop(caller.send(answer)),
                    }
                }
                part = later;
            }
        }
        own.unwrap_or_else(|| Err(Error::backend("a merged lookup lost its own answer")))
    }
}

impl<M> Lane<M> {
    /// Queues the key for the batch of this number. `None` for the first of the queue, who leads.
    fn join(&self, key: &Key) -> (u64, Option<oneshot::Receiver<Answer<M>>>) {
        let mut queue = self.queue();
        if queue.waiting.is_empty() {
            queue.waiting.push(Waiting { key: key.clone(), answer: None });
            return (queue.number, None);
        }
        let (answer, receiver) = oneshot::channel();
        queue.waiting.push(Waiting { key: key.clone(), answer: Some(answer) });
        (queue.number, Some(receiver))
    }

    /// Takes the batch, if it is still queued.
    fn take(&self, number: u64) -> Option<Vec<Waiting<M>>> {
        let mut queue = self.queue();
        (queue.number == number).then(|| {
            queue.number += 1;
            std::mem::take(&mut queue.waiting)
        })
    }

    /// Sends away who waits for a batch that nobody has taken.
    fn give_up(&self, number: u64) {
        drop(self.take(number));
    }

    fn queue(&self) -> MutexGuard<'_, Queue<M>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts what is under way.
struct Running<'a>(&'a AtomicUsize);

impl<'a> Running<'a> {
    fn on(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Between queueing and reading: a leader dropped there sends its followers away, so that one of them leads.
struct Leader<'a, M> {
    lane: &'a Lane<M>,
    number: u64,
}

impl<M> Drop for Leader<'_, M> {
    fn drop(&mut self) {
        self.lane.give_up(self.number);
    }
}

/// Reads the row with this key, whatever spelling of it the database holds.
pub(crate) async fn read_one<M: Model>(session: Handle<'_>, get: &Arc<Shape>, key: &Key) -> Answer<M> {
    let mut row = One { key, row: None };
    session.get_many(get, std::slice::from_ref(key), &mut row).await?;
    Ok(row.row)
}

/// Reads the rows with these keys, which are sorted and differ, in one statement. A row that fits none of the keys exactly
/// (text that the database takes for equal), or can't be decoded, is told apart by reading what is missing key by key: so
/// that it fails, or answers, its own lookup alone.
pub(crate) async fn read_batch<M: Model>(
    session: Handle<'_>,
    get: &Arc<Shape>,
    keys: &[Key],
) -> Result<Vec<Answer<M>>> {
    let mut rows = Many { found: vec![None; keys.len()], keys, unsettled: false };
    session.get_many(get, keys, &mut rows).await?;
    let Many { found, mut unsettled, .. } = rows;
    // Two keys may be spellings of one row, which comes once.
    unsettled |= !session.db().exactness().text() && keys.iter().any(has_text);
    let mut answers: Vec<Answer<M>> = found.into_iter().map(Ok).collect();
    if unsettled {
        for (answer, key) in answers.iter_mut().zip(keys).filter(|(answer, _)| matches!(answer, Ok(None))) {
            *answer = read_one(session, get, key).await;
        }
    }
    Ok(answers)
}

struct One<'a, M> {
    key: &'a Key,
    row: Option<Arc<Stored<M>>>,
}

impl<M: Model> RowSink for One<'_, M> {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        let model = M::from_row(row).map_err(|error| error.context(format!("{} {}", M::NAME, shown(self.key))))?;
        self.row = Some(Arc::new(Stored(model)));
        Ok(Flow::Continue)
    }

    fn restart(&mut self) {
        self.row = None;
    }
}

/// Sorts rows to their keys.
struct Many<'a, M> {
    keys: &'a [Key],
    found: Vec<Option<Arc<Stored<M>>>>,
    /// A row came that belongs to none of the keys as they are spelt, or that can't be decoded.
    unsettled: bool,
}

impl<M: Model> RowSink for Many<'_, M> {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        let sorted = M::from_row(row)
            .and_then(|model| Ok((self.keys.binary_search(&model.key().to_key()?), model)))
            .map(|(place, model)| place.map(|at| self.found[at] = Some(Arc::new(Stored(model)))));
        self.unsettled |= !matches!(sorted, Ok(Ok(())));
        Ok(Flow::Continue)
    }

    fn restart(&mut self) {
        self.found.fill(None);
        self.unsettled = false;
    }
}
