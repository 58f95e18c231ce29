//! A migration statement by statement, so that it can go on where it stopped.
//!
//! Before a statement its number is written down as begun, and after it as done. A statement that changes rows and nothing
//! else is one transaction with its row in the history, so that it is never in doubt.

use std::time::{Duration, Instant};

use thing_driver_api::schema::SchemaSession;
use thing_driver_api::{Error, ErrorKind, Result};

use super::plan::Task;
use super::{Job, Runner, guarded, guarded_in_part};
use crate::history::{History, Phase, Record};
use crate::migration::Body;
use crate::script::{changes_rows, checksum_of, is_repeatable};
use crate::{Direction, Event, SqlStatement};

impl Runner<'_> {
    /// False when another runner was quicker.
    pub(super) async fn stepwise(&mut self, job: &Job<'_>, unfinished: Option<Record>) -> Result<bool> {
        let started = Instant::now();
        let record = match unfinished {
            Some(record) => self.resume(job, record).await?,
            None => match self.begin(job).await? {
                Some(new) => new,
                None => return Ok(false),
            },
        };
        self.migrator.tell(&Event::Started {
            title: &job.title,
            direction: job.task.direction,
            statements: job.statements.len(),
            done: record.done,
            in_transaction: false,
        });
        let record = match &job.task.migration.body {
            Body::Code(_) => self.code(job, record).await?,
            Body::Sql { .. } => self.statements(job, record).await?,
        };
        let finished = match job.task.direction {
            Direction::Up => Some(Record::applied(job.task.migration, started.elapsed())),
            Direction::Down => None,
        };
        replace(&mut *self.session, &self.history, &record, finished.as_ref()).await?;
        self.migrator.tell(&Event::Finished { title: &job.title, took: started.elapsed() });
        Ok(true)
    }

    /// Writes down that the migration begins. What is undone keeps what is known of when it was run.
    async fn begin(&mut self, job: &Job<'_>) -> Result<Option<Record>> {
        let Task { migration, direction } = *job.task;
        let session = &mut *self.session;
        session.begin().await?;
        let found = self.history.find(session, migration.version()).await?;
        if found.is_some() == (direction == Direction::Up) {
            session.rollback().await?;
            return Ok(None);
        }
        let begun = found.unwrap_or_else(|| Record::applied(migration, Duration::ZERO));
        let begun = begun.in_phase(Phase::Underway(direction));
        self.history.put(session, &begun).await?;
        session.commit().await?;
        Ok(Some(begun))
    }

    /// The row of a migration that stopped, if it can go on.
    async fn resume(&mut self, job: &Job<'_>, mut record: Record) -> Result<Record> {
        let refused = |why: String| Err(Error::new(ErrorKind::Schema, format!("the migration `{}` {why}", job.title)));
        let is_code = matches!(job.task.migration.body, Body::Code(_));
        if !is_code {
            record.check_done(&job.statements)?;
        }
        if record.begun > record.done {
            let statement = job.statements.get(record.done);
            if !statement.is_some_and(|statement| is_repeatable(&statement.sql, self.syntax)) {
                let (number, of) = (record.begun, job.statements.len().max(1));
                let text = statement.map_or_else(|| "its code".to_owned(), |s| format!("line {}, `{}`", s.line, s.sql));
                return refused(format!(
                    "stopped while statement {number} of {of} was under way ({text}), and whether it took effect is not \
                     known; look at the database, and resolve the version {} as done, again or undone",
                    record.version
                ));
            }
            let before = record.clone();
            record.begun = record.done;
            replace(&mut *self.session, &self.history, &before, Some(&record)).await?;
        }
        Ok(record)
    }

    async fn statements(&mut self, job: &Job<'_>, mut record: Record) -> Result<Record> {
        for (at, statement) in job.statements.iter().enumerate().skip(record.done) {
            let number = at + 1;
            let began = Instant::now();
            let done = Record {
                done: number,
                begun: number,
                done_checksum: checksum_of(&job.statements[..number]),
                error: None,
                ..record.clone()
            };
            let ran = if changes_rows(&statement.sql, self.syntax) {
                self.migrator.tell(&Event::Statement { number, statement });
                let ran = self.at_once(job, statement, &record, &done).await;
                if ran.is_ok() {
                    self.migrator.tell(&Event::StatementDone { number, took: began.elapsed() });
                }
                ran
            } else {
                let begun = Record { begun: number, error: None, ..record.clone() };
                replace(&mut *self.session, &self.history, &record, Some(&begun)).await?;
                record = begun;
                self.migrator.tell(&Event::Statement { number, statement });
                let session = &mut self.session;
                let work = Box::pin(async move { session.execute(&statement.sql).await });
                let ran = guarded_in_part(self.migrator, &job.tables, work).await;
                if ran.is_ok() {
                    self.migrator.tell(&Event::StatementDone { number, took: began.elapsed() });
                    replace(&mut *self.session, &self.history, &record, Some(&done)).await?;
                }
                ran
            };
            if let Err(error) = ran {
                return Err(self.stopped(job, number, &record, error).await);
            }
            self.migrator.tell(&Event::StatementRecorded { number });
            record = done;
        }
        Ok(record)
    }

    /// Runs a statement in one transaction with its row in the history.
    async fn at_once(&mut self, job: &Job<'_>, statement: &SqlStatement, before: &Record, done: &Record) -> Result<()> {
        let history = &self.history;
        let session = &mut *self.session;
        session.begin().await?;
        let ran = async {
            claim(session, history, before).await?;
            session.execute(&statement.sql).await?;
            history.put(session, done).await
        };
        if let Err(error) = ran.await {
            // The error says why. Without its connection the transaction is rolled back, too.
            let _ = session.rollback().await;
            return Err(error);
        }
        guarded(self.migrator, &job.tables, Box::pin(async move { session.commit().await })).await
    }

    async fn code(&mut self, job: &Job<'_>, record: Record) -> Result<Record> {
        let Body::Code(code) = &job.task.migration.body else { return Ok(record) };
        if record.done > 0 {
            return Ok(record);
        }
        let begun = Record { begun: 1, error: None, ..record.clone() };
        replace(&mut *self.session, &self.history, &record, Some(&begun)).await?;
        let session = &mut self.session;
        let direction = job.task.direction;
        let mut ran = false;
        let work = Box::pin(async {
            ran = true;
            match direction {
                Direction::Up => code.up(&mut **session).await,
                Direction::Down => code.down(&mut **session).await,
            }
        });
        if let Err(error) = guarded_in_part(self.migrator, &job.tables, work).await {
            if !ran {
                return Err(self.stopped(job, 1, &begun, error).await);
            }
            // What the code did before it failed is not known.
            let _ = self.session.rollback().await;
            let failed = Record { error: Some(error.to_string()), ..begun.clone() };
            let _ = replace(&mut *self.session, &self.history, &begun, Some(&failed)).await;
            return Err(job.failed(1, error, "what it did before is not undone; resolve it"));
        }
        Ok(begun)
    }

    /// Writes down why a statement failed, and says how it is now.
    async fn stopped(&mut self, job: &Job<'_>, number: usize, record: &Record, error: Error) -> Error {
        if error.may_have_executed() {
            return job.failed(number, error, "whether it took effect is not known; the status tells how far it came");
        }
        let failed = Record { begun: record.done, error: Some(error.to_string()), ..record.clone() };
        let noted = replace(&mut *self.session, &self.history, record, Some(&failed)).await;
        let error = match number - 1 {
            0 => job.failed(number, error, "nothing was changed"),
            done => job.failed(number, error, &format!("the {done} before it took effect, the next run goes on here")),
        };
        match noted {
            Ok(()) => error,
            Err(second) => error.context(format!("this could not be written down ({second})")),
        }
    }
}

/// Writes a row in place of another, or none, in a transaction of its own.
async fn replace(
    session: &mut dyn SchemaSession,
    history: &History<'_>,
    before: &Record,
    after: Option<&Record>,
) -> Result<()> {
    session.begin().await?;
    let written = async {
        claim(session, history, before).await?;
        match after {
            Some(after) => history.put(session, after).await,
            None => history.delete(session, before.version).await,
        }
    };
    match written.await {
        Ok(()) => session.commit().await,
        Err(error) => {
            let _ = session.rollback().await;
            Err(error)
        }
    }
}

/// Refuses to go on beside another runner, where the database has no lock that excludes it.
async fn claim(session: &mut dyn SchemaSession, history: &History<'_>, expected: &Record) -> Result<()> {
    let found = history.find(session, expected.version).await?;
    let same =
        |found: &Record| (found.phase, found.done, found.begun) == (expected.phase, expected.done, expected.begun);
    if found.as_ref().is_some_and(same) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Conflict,
        format!("another runner goes on with the migration `{}`; wait until it is done", expected.title()),
    ))
}
