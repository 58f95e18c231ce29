//! The runner: carries out a plan, one migration after the other.
//!
//! ```text
//! in a transaction   BEGIN ─▶ row of the history as it was? ─▶ statements ─▶ row ─▶ COMMIT
//! in none            row: statement k begun ─▶ statement k ─▶ row: k done ─▶ … ─▶ row: applied
//!                    row: BEGIN ─▶ statement k, which changes rows alone ─▶ row: k done ─▶ COMMIT
//! ```

pub(crate) mod plan;
mod whole;
mod stepwise;

use thing_driver_api::schema::SchemaSession;
use thing_driver_api::{Error, Result};

use crate::guard::{Work, changed_tables};
use crate::history::{History, Record};
use crate::{Event, Migrator, SqlStatement, Syntax, Version};

use plan::Task;

/// A session that has the lock.
pub(crate) struct Runner<'m> {
    pub(crate) migrator: &'m Migrator<'m>,
    pub(crate) session: Box<dyn SchemaSession>,
    pub(crate) history: History<'m>,
    pub(crate) syntax: Syntax,
}

/// What a task does.
pub(crate) struct Job<'t> {
    task: &'t Task<'t>,
    title: String,
    statements: Vec<SqlStatement>,
    /// Of which caches are told.
    tables: Vec<String>,
}

impl Runner<'_> {
    pub(crate) async fn records(&mut self) -> Result<Vec<Record>> {
        self.history.read(&mut *self.session).await
    }

    pub(crate) async fn run(&mut self, tasks: &[Task<'_>]) -> Result<Vec<Version>> {
        let mut jobs = Vec::with_capacity(tasks.len());
        // All are read before the first is run.
        for task in tasks {
            let statements = task.statements(self.syntax)?;
            jobs.push(Job { task, title: task.migration.title(), statements, tables: Vec::new() });
        }
        let mut done = Vec::new();
        for mut job in jobs {
            if self.migrator.guard.is_some() {
                let Task { migration, direction } = *job.task;
                job.tables = changed_tables(self.migrator.executor, migration, direction, self.syntax).await?;
            }
            let version = job.task.migration.version();
            let unfinished = self.history.find(&mut *self.session, version).await?.filter(|r| !r.is_applied());
            let whole = self.session.is_transactional() && job.task.wants_transaction() && unfinished.is_none();
            let ran = if whole { self.whole(&job).await? } else { self.stepwise(&job, unfinished).await? };
            // What its statements set holds for no other migration.
            self.session.reset().await?;
            if ran {
                done.push(version);
            } else {
                self.migrator.tell(&Event::Skipped { title: &job.title });
            }
        }
        Ok(done)
    }
}

/// Does what changes rows, with caches informed.
async fn guarded(migrator: &Migrator<'_>, tables: &[String], work: Work<'_>) -> Result<()> {
    match &migrator.guard {
        Some(guard) if !tables.is_empty() => guard.around(tables, work).await,
        _ => work.await,
    }
}

/// As [`guarded`], of work of which a part may be done when it fails: to caches that is a change all the same.
async fn guarded_in_part(migrator: &Migrator<'_>, tables: &[String], work: Work<'_>) -> Result<()> {
    let mut failed = None;
    let told = async {
        match work.await {
            Err(error) if !error.may_have_executed() => {
                failed = Some(error);
                Ok(())
            }
            done => done,
        }
    };
    guarded(migrator, tables, Box::pin(told)).await?;
    failed.map_or(Ok(()), Err)
}

impl Job<'_> {
    /// An error of a statement, with its place.
    fn failed(&self, number: usize, error: Error, then: &str) -> Error {
        let Some(script) = self.task.migration.script(self.task.direction) else {
            return error.context(format!("migration `{}` ({}; {then})", self.title, self.task.direction));
        };
        let line = self.statements.get(number - 1).map_or(0, |statement| statement.line);
        error.context(format!(
            "{}, line {line}, statement {number} of {} ({then})",
            script.file(),
            self.statements.len()
        ))
    }
}
