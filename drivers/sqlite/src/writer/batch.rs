//! The writer thread: all that is queued in one transaction.

use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use thing_driver_api::{Error, Result};

use super::job::{Job, WriteJob};
use super::{LOG_PAGES, Load};
use crate::connection::{self, Connection};
use crate::error::Failure;
use crate::pool::Pool;
use crate::statement::{self, Done};
use crate::statistics::{Counters, count};

/// The most writes that one transaction commits.
const MOST: usize = 256;

pub(super) struct WriterThread {
    pub(super) pool: Arc<Pool<Connection>>,
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) load: Arc<Load>,
    pub(super) busy_timeout: Duration,
    pub(super) counters: Arc<Counters>,
}

impl WriterThread {
    /// Works until nobody can send any more.
    pub(super) fn run(self) {
        let mut next = None;
        while let Some(job) = next.take().or_else(|| self.jobs.recv().ok()) {
            if job.is_given_up() {
                self.done(1);
                continue;
            }
            match self.pool.acquire_blocking() {
                Ok(connection) => {
                    next = Connection::waiting(&connection.raw, self.busy_timeout, || self.work(job, &connection));
                }
                Err(error) => {
                    // Those behind it would wait as long one after the other.
                    while let Ok(behind) = self.jobs.try_recv() {
                        self.refuse(behind, error.duplicate());
                    }
                    self.refuse(job, error);
                }
            }
        }
    }

    /// Does the job, with the writes behind it; returns a job that came up and was not done.
    fn work(&self, job: Job, connection: &Connection) -> Option<Job> {
        let mut next = None;
        match job {
            Job::Write(write) if write.plan.raw => {
                // Some statements can't run in a transaction, and none can harm others this way.
                let started = Instant::now();
                let result = write.run(connection).map_err(Error::from);
                write.plan.pace.took(started.elapsed());
                self.done(1);
                answer(write, result);
            }
            Job::Write(write) => {
                let mut writes = vec![write];
                while writes.len() < MOST {
                    match self.jobs.try_recv() {
                        Ok(Job::Write(write)) if !write.plan.raw => writes.push(write),
                        Ok(other) => {
                            next = Some(other);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                self.work_group(writes, connection);
            }
            Job::Atomic { writes, answer } => {
                let result = writes.run(&connection.raw);
                self.done(1);
                // Who waited for it may have gone.
                let _ = answer.send(result);
            }
            Job::Checkpoint => {
                self.checkpoint(connection);
                self.load.checkpoint_asked.store(false, Ordering::Relaxed);
                self.done(1);
            }
        }
        if connection::take_log_pages() >= self.load.checkpoint_at.load(Ordering::Relaxed) {
            self.checkpoint(connection);
        }
        next
    }

    fn work_group(&self, mut writes: Vec<WriteJob>, connection: &Connection) {
        let queued = writes.len();
        writes.retain(|write| !write.answer.is_closed());
        self.done(queued - writes.len());
        let size = writes.len();
        if size == 0 {
            return;
        }
        self.load.crowded.store(size > 1, Ordering::Relaxed);
        let results = if size == 1 {
            let started = Instant::now();
            let results = one_by_one(&writes, connection);
            writes[0].plan.pace.took(started.elapsed());
            results
        } else {
            count(&self.counters.group_commits);
            self.counters.grouped_writes.fetch_add(size as u64, Ordering::Relaxed);
            together(&writes, connection)
        };
        self.done(size);
        for (write, result) in writes.into_iter().zip(results) {
            answer(write, result);
        }
    }

    fn checkpoint(&self, connection: &Connection) {
        let log = connection
            .raw
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get::<_, i32>(1)?, row.get::<_, i32>(2)?)));
        // A reader of an old state keeps part of the log alive: the next attempt is worth it when much was added.
        let remaining = match log {
            Ok((pages, copied)) if copied < pages => pages,
            Ok(_) => 0,
            Err(_) => LOG_PAGES,
        };
        self.load.checkpoint_at.store(remaining + LOG_PAGES, Ordering::Relaxed);
    }

    fn refuse(&self, job: Job, error: Error) {
        self.done(1);
        match job {
            Job::Write(write) => answer(write, Err(error)),
            Job::Atomic { answer, .. } => {
                let _ = answer.send(Err((0, error)));
            }
            Job::Checkpoint => self.load.checkpoint_asked.store(false, Ordering::Relaxed),
        }
    }

    /// Before the answers: who gets one may write again at once, on its own thread.
    fn done(&self, jobs: usize) {
        self.load.pending.fetch_sub(jobs, Ordering::Relaxed);
    }
}

fn answer(write: WriteJob, result: Result<Done>) {
    // Who waited for it may have gone.
    let _ = write.answer.send(result);
}

/// Runs the writes as one transaction, in which a write that fails is as if it had not been there.
fn together(writes: &[WriteJob], connection: &Connection) -> Vec<Result<Done>> {
    let raw = &connection.raw;
    if let Err(error) = statement::control(raw, "BEGIN IMMEDIATE") {
        return all_failed(writes, &error);
    }
    let mut results = Vec::with_capacity(writes.len());
    for write in writes {
        let result = write.run(connection);
        if raw.is_autocommit() {
            // The failure rolled back the whole transaction: a full disk, a trigger that raises ROLLBACK. Apart, each
            // write meets its own fate.
            return one_by_one(writes, connection);
        }
        results.push(result.map_err(Error::from));
    }
    match statement::commit(raw) {
        Ok(()) => results,
        // A deferred constraint of one of them.
        Err(error) if error.constraint().is_some() => one_by_one(writes, connection),
        Err(error) => all_failed(writes, &error),
    }
}

fn one_by_one(writes: &[WriteJob], connection: &Connection) -> Vec<Result<Done>> {
    let run = |write: &WriteJob| write.run(connection).map_err(|failure: Failure| failure.into());
    writes.iter().map(run).collect()
}

fn all_failed(writes: &[WriteJob], error: &Error) -> Vec<Result<Done>> {
    writes.iter().map(|_| Err(error.duplicate())).collect()
}
