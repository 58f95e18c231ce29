//! Many writes as one transaction, in as few round trips as possible: all statements go out together, long runs of
//! inserts as COPY.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use futures_util::future::BoxFuture;
use thing_driver_api::{Error, Statement, Written};

use super::Database;
use super::write::ATTEMPTS;
use crate::bulk::{self, Obstacle};
use crate::connection::{Connection, Prepared};
use crate::error::{Effect, Failure};
use crate::plan::Plan;
use crate::pool::Lease;
use crate::statistics::count;
use crate::values::Input;

/// How many statements are on their way at the same time.
const WINDOW: usize = 256;

/// Why the transaction was not committed.
enum Setback {
    /// A statement failed, or the commit, whose number is that of the statements.
    Failed { index: usize, failure: Failure },
    /// BEGIN failed, and what was sent behind it may have been committed on its own.
    NotBegun(Failure),
    /// The whole has to run without COPY: to find out which row fails, or because COPY does not do the same.
    OneByOne,
}

impl Database {
    pub(crate) async fn write_atomic(&self, statements: &[Statement<'_>]) -> Result<Vec<Written>, (usize, Error)> {
        let mut plans: Vec<Arc<Plan>> = Vec::with_capacity(statements.len());
        for (at, statement) in statements.iter().enumerate() {
            let known = at.checked_sub(1).filter(|&last| Arc::ptr_eq(statements[last].shape, statement.shape));
            plans.push(match known {
                Some(last) => plans[last].clone(),
                None => self.plan(statement.shape).map_err(|e| (at, e))?,
            });
        }
        let mut runs = bulk::runs(statements);
        let mut attempt = 1;
        loop {
            let mut lease = self.pool.lease().await.map_err(|e| (0, e))?;
            lease.soil();
            count(&self.counters.transactions);
            let work = Work {
                database: self,
                connection: &lease,
                plans: &plans,
                statements,
                committing: AtomicBool::new(false),
            };
            let outcome = work.run(&runs).await;
            let committing = work.committing.load(Ordering::Relaxed);
            let (index, failure, effect) = match outcome {
                Ok(written) => {
                    lease.clean();
                    let copied = runs.iter().map(|run| run.len() as u64).sum();
                    self.counters.copied_rows.fetch_add(copied, Ordering::Relaxed);
                    return Ok(written);
                }
                Err(Setback::OneByOne) => {
                    self.undo(&mut lease).await;
                    runs.clear();
                    continue;
                }
                Err(Setback::NotBegun(failure)) => (0, failure, Effect::Open),
                // What was not committed is undone when the connection is lost.
                Err(Setback::Failed { index, failure }) => {
                    (index, failure, if committing { Effect::Open } else { Effect::None })
                }
            };
            if failure.is_stale() && attempt < ATTEMPTS {
                // What else was prepared on the connection may be out of date, too.
                attempt += 1;
                count(&self.counters.retries);
                lease.discard();
                continue;
            }
            if failure.is_lost_unsent() || (failure.is_lost() && effect == Effect::None) {
                if attempt < ATTEMPTS {
                    attempt += 1;
                    count(&self.counters.retries);
                    continue;
                }
            } else if !failure.is_lost() {
                self.undo(&mut lease).await;
                if failure.is_refused_value() && attempt < ATTEMPTS && is_outdated(&lease, plans.get(index)).await {
                    attempt += 1;
                    count(&self.counters.retries);
                    lease.discard();
                    continue;
                }
            }
            return Err((index, failure.into_error(plans.get(index).map(AsRef::as_ref), effect)));
        }
    }

    /// Ends the transaction, so that what it locked is free when the caller knows of the failure.
    async fn undo(&self, lease: &mut Lease) {
        if self.in_time(lease.control("ROLLBACK")).await.is_ok() {
            lease.clean();
        }
    }
}

/// Whether the statement takes other values by now.
async fn is_outdated(connection: &Connection, plan: Option<&Arc<Plan>>) -> bool {
    match plan {
        Some(plan) => connection.is_outdated(&plan.whole(Input::Values(&[])).text).await,
        None => false,
    }
}

struct Work<'a> {
    database: &'a Database,
    connection: &'a Connection,
    plans: &'a [Arc<Plan>],
    statements: &'a [Statement<'a>],
    /// Set when COMMIT goes out.
    committing: AtomicBool,
}

/// One message to the server.
enum Step {
    Begin,
    Statement(usize),
    Commit,
}

type Answer<'a> = BoxFuture<'a, Result<Option<Written>, Setback>>;

impl Work<'_> {
    /// Runs all of it, with COPY for these runs of inserts.
    async fn run(&self, runs: &[Range<usize>]) -> Result<Vec<Written>, Setback> {
        let prepared = self.prepare().await?;
        let mut written = Vec::with_capacity(self.statements.len());
        let mut at = 0;
        let mut begin = Some(Step::Begin);
        for run in runs {
            if run.start > at {
                let before = begin.take().into_iter().chain((at..run.start).map(Step::Statement));
                self.pipeline(before, &prepared, &mut written).await?;
            }
            self.copy(run, begin.take().is_some(), &mut written).await?;
            at = run.end;
        }
        let rest = begin.into_iter().chain((at..self.statements.len()).map(Step::Statement)).chain([Step::Commit]);
        self.pipeline(rest, &prepared, &mut written).await?;
        Ok(written)
    }

    /// The statements prepared, before the transaction begins: one that can't be would abort it.
    async fn prepare(&self) -> Result<Vec<Arc<Prepared>>, Setback> {
        let mut prepared: Vec<Arc<Prepared>> = Vec::with_capacity(self.plans.len());
        for (index, (plan, statement)) in self.plans.iter().zip(self.statements).enumerate() {
            let known = index.checked_sub(1).filter(|&last| !plan.raw && Arc::ptr_eq(&self.plans[last], plan));
            prepared.push(match known {
                Some(last) => prepared[last].clone(),
                None => {
                    let way = plan.whole(Input::Values(statement.values));
                    let preparing = self.connection.prepare(plan, &way);
                    self.database.in_time(preparing).await.map_err(|failure| Setback::Failed { index, failure })?
                }
            });
        }
        Ok(prepared)
    }

    async fn copy(&self, run: &Range<usize>, begin: bool, written: &mut Vec<Written>) -> Result<(), Setback> {
        let plan = &self.plans[run.start];
        let Some(copy) = &plan.copy else { return Err(Setback::OneByOne) };
        let failed = |failure: Failure| match failure.is_about_a_row() {
            true => Setback::OneByOne,
            false => Setback::Failed { index: run.start, failure },
        };
        let rows = &self.statements[run.clone()];
        let copying = async { Ok(bulk::copy(self.connection, plan, copy, begin, rows).await) };
        match self.database.in_time(copying).await.map_err(failed)? {
            Ok(rows) => {
                written.extend(rows);
                Ok(())
            }
            Err(Obstacle::NotPlain) => Err(Setback::OneByOne),
            Err(Obstacle::Row(at, error)) => Err(Setback::Failed { index: run.start + at, failure: error.into() }),
            Err(Obstacle::Failed(failure)) => Err(failed(failure)),
        }
    }

    /// Sends one message behind the other, and takes the answers as they come. Nothing is sent behind a message that
    /// could not be: COMMIT would keep a part.
    async fn pipeline(
        &self,
        steps: impl Iterator<Item = Step>,
        prepared: &[Arc<Prepared>],
        written: &mut Vec<Written>,
    ) -> Result<(), Setback> {
        let mut waiting: VecDeque<Answer<'_>> = VecDeque::new();
        for step in steps {
            if waiting.len() == WINDOW
                && let Some(first) = waiting.pop_front()
            {
                written.extend(self.answer(first).await?);
            }
            let mut answer = self.step(step, prepared);
            // The first poll sends.
            match poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await {
                Poll::Ready(refused) => {
                    for former in waiting.drain(..) {
                        written.extend(self.answer(former).await?);
                    }
                    written.extend(refused?);
                }
                Poll::Pending => waiting.push_back(answer),
            }
        }
        for answer in waiting {
            written.extend(self.answer(answer).await?);
        }
        Ok(())
    }

    async fn answer(&self, answer: Answer<'_>) -> Result<Option<Written>, Setback> {
        let index = self.statements.len();
        let waiting = async { Ok(answer.await) };
        self.database.in_time(waiting).await.unwrap_or_else(|failure| Err(Setback::Failed { index, failure }))
    }

    fn step<'s>(&'s self, step: Step, prepared: &'s [Arc<Prepared>]) -> Answer<'s> {
        Box::pin(async move {
            match step {
                Step::Begin => self.connection.control("BEGIN").await.map(|()| None).map_err(Setback::NotBegun),
                Step::Statement(index) => {
                    let input = Input::Values(self.statements[index].values);
                    let write = self.connection.write_prepared(&self.plans[index], input, prepared[index].clone());
                    let done = write.await.map_err(|failure| Setback::Failed { index, failure })?;
                    Ok(Some(done.written))
                }
                Step::Commit => {
                    self.committing.store(true, Ordering::Relaxed);
                    let index = self.statements.len();
                    let committed = self.connection.control("COMMIT").await;
                    committed.map(|()| None).map_err(|failure| Setback::Failed { index, failure })
                }
            }
        })
    }
}
