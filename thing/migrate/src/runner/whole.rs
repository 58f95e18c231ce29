//! A migration in one transaction, together with its row in the history.

use std::time::Instant;

use thing_driver_api::{Error, Result};

use super::{Job, Runner, guarded};
use crate::history::Record;
use crate::migration::Body;
use crate::{Direction, Event};

const UNDONE: &str = "all that the migration did was rolled back";
const WANTS_NONE: &str = "all that the migration did was rolled back; a file with the first line `-- thing: no transaction` \
                          is run in none";

/// Whether the database does not run the statement in a transaction, by what it says.
fn wants_none(error: &Error) -> bool {
    ["inside a transaction", "within a transaction"].iter().any(|said| error.message().contains(said))
}

impl Runner<'_> {
    /// False when another runner was quicker.
    pub(super) async fn whole(&mut self, job: &Job<'_>) -> Result<bool> {
        let started = Instant::now();
        self.session.begin().await?;
        let ran = self.within(job, started).await;
        if !matches!(ran, Ok(true)) {
            // The error says why. Without its connection the transaction is rolled back, too.
            let _ = self.session.rollback().await;
            return ran;
        }
        self.migrator.tell(&Event::Committing);
        let session = &mut self.session;
        guarded(self.migrator, &job.tables, Box::pin(async move { session.commit().await })).await.map_err(
            |error| {
                let then = if error.may_have_executed() {
                    "whether the migration was committed is not known; its status tells"
                } else {
                    UNDONE
                };
                error.context(format!("committing the migration `{}` ({then})", job.title))
            },
        )?;
        self.migrator.tell(&Event::Finished { title: &job.title, took: started.elapsed() });
        Ok(true)
    }

    async fn within(&mut self, job: &Job<'_>, started: Instant) -> Result<bool> {
        let (migration, direction) = (job.task.migration, job.task.direction);
        let session = &mut *self.session;
        // Another runner may have been here since the plan was made, where nothing but transactions excludes it.
        let applied = self.history.find(session, migration.version()).await?.is_some();
        if applied == (direction == Direction::Up) {
            return Ok(false);
        }
        self.migrator.tell(&Event::Started {
            title: &job.title,
            direction,
            statements: job.statements.len(),
            done: 0,
            in_transaction: true,
        });
        for (number, statement) in (1..).zip(&job.statements) {
            self.migrator.tell(&Event::Statement { number, statement });
            let began = Instant::now();
            session.execute(&statement.sql).await.map_err(|error| {
                let then = if wants_none(&error) { WANTS_NONE } else { UNDONE };
                job.failed(number, error, then)
            })?;
            self.migrator.tell(&Event::StatementDone { number, took: began.elapsed() });
        }
        if let Body::Code(code) = &migration.body {
            let done = match direction {
                Direction::Up => code.up(session).await,
                Direction::Down => code.down(session).await,
            };
            done.map_err(|error| job.failed(1, error, UNDONE))?;
        }
        match direction {
            Direction::Up => self.history.put(session, &Record::applied(migration, started.elapsed())).await?,
            Direction::Down => self.history.delete(session, migration.version()).await?,
        }
        Ok(true)
    }
}
