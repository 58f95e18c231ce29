//! The migrator: what can be done with migrations and a database.

use std::fmt;
use std::time::Duration;

use thing_driver_api::schema::SchemaSession;
use thing_driver_api::{Dialect, Error, ErrorKind, Executor, Result, Schema};

use crate::history::{History, Phase, Record};
use crate::runner::Runner;
use crate::runner::plan::{self, Task};
use crate::script::checksum_of;
use crate::{
    Direction, Event, Guard, Migrations, Progress, SqlStatement, State, Status, Syntax, TABLE, Version, status,
};

/// Runs migrations on a database.
///
/// One runner at a time works on a database; others wait for it, and find then what is left to do. Where the database has
/// no locks for this (SQLite), the transactions of the migrations exclude one another.
pub struct Migrator<'a> {
    pub(crate) executor: &'a dyn Executor,
    pub(crate) migrations: &'a Migrations,
    patience: Duration,
    out_of_order: bool,
    progress: Option<Box<dyn Progress + 'a>>,
    pub(crate) guard: Option<Box<dyn Guard + 'a>>,
}

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Goal {
    /// Everything that is pending.
    Latest,
    /// Everything that is pending up to this version.
    UpTo(Version),
    /// So many back, the newest first.
    Down(usize),
    /// Back to this version, which stays. `0` stands for the beginning.
    DownTo(Version),
}

/// A migration that a run would make or undo.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Planned {
    /// The version.
    pub version: Version,
    /// The name, without the version.
    pub name: String,
    /// Whether it is made or undone.
    pub direction: Direction,
    /// Whether it is rolled back as a whole when it fails.
    pub in_transaction: bool,
    /// What is run; nothing for a migration in Rust. What an earlier run finished is left out.
    pub statements: Vec<SqlStatement>,
}

/// What became of the statement of which it is not known whether it took effect, as somebody found who looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// It took effect: the next run goes on behind it.
    Done,
    /// It did not: the next run begins with it.
    Again,
    /// All that the migration did was undone by hand: it counts as if it had not been begun.
    Undone,
}

/// How long to wait for another runner.
const PATIENCE: Duration = Duration::from_secs(60);

impl<'a> Migrator<'a> {
    /// Runs these migrations on the database of this executor.
    pub fn new(executor: &'a dyn Executor, migrations: &'a Migrations) -> Self {
        Self { executor, migrations, patience: PATIENCE, out_of_order: false, progress: None, guard: None }
    }

    /// How long to wait for another runner; a minute without it.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Whether to run migrations that are older than one that was run: they came late from a colleague. Without it they
    /// are refused.
    #[must_use]
    pub fn out_of_order(mut self, allowed: bool) -> Self {
        self.out_of_order = allowed;
        self
    }

    /// Tells what happens.
    #[must_use]
    pub fn progress(mut self, progress: impl Progress + 'a) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// What stands around all that changes rows, for caches.
    #[must_use]
    pub fn guard(mut self, guard: impl Guard + 'a) -> Self {
        self.guard = Some(Box::new(guard));
        self
    }

    /// How it is with every migration, the oldest first: those that there are, and those that were run. Changes nothing,
    /// and waits for nobody.
    ///
    /// # Errors
    ///
    /// Those of the database, and [`ErrorKind::Unsupported`](thing_driver_api::ErrorKind::Unsupported) for a driver
    /// without sessions.
    pub async fn status(&self) -> Result<Vec<Status>> {
        Ok(status::compare(self.migrations, &self.records().await?))
    }

    /// The versions that [`Migrator::up`] would run, the oldest first. Changes nothing, and waits for nobody.
    ///
    /// # Errors
    ///
    /// Those of [`Migrator::status`].
    pub async fn pending(&self) -> Result<Vec<Version>> {
        let pending = |status: &Status| match &status.state {
            State::Pending { .. } => true,
            State::Unfinished(unfinished) => unfinished.direction == Direction::Up,
            _ => false,
        };
        Ok(self.status().await?.iter().filter(|status| pending(status)).map(|status| status.version).collect())
    }

    /// Runs everything that is pending, and tells which versions it ran.
    ///
    /// # Errors
    ///
    /// Those of [`Migrator::run`].
    pub async fn up(&self) -> Result<Vec<Version>> {
        self.run(Goal::Latest).await
    }

    /// Runs what is pending up to this version.
    ///
    /// # Errors
    ///
    /// Those of [`Migrator::run`].
    pub async fn up_to(&self, version: Version) -> Result<Vec<Version>> {
        self.run(Goal::UpTo(version)).await
    }

    /// Undoes so many migrations, the newest first.
    ///
    /// # Errors
    ///
    /// Those of [`Migrator::run`].
    pub async fn down(&self, count: usize) -> Result<Vec<Version>> {
        self.run(Goal::Down(count)).await
    }

    /// Undoes all migrations that are newer than this version.
    ///
    /// # Errors
    ///
    /// Those of [`Migrator::run`].
    pub async fn down_to(&self, version: Version) -> Result<Vec<Version>> {
        self.run(Goal::DownTo(version)).await
    }

    /// Undoes the newest migration and runs it again: for one that is being written. Its file may differ from what was run.
    ///
    /// # Errors
    ///
    /// Those of [`Migrator::run`].
    pub async fn redo(&self) -> Result<Vec<Version>> {
        let mut runner = self.runner().await?;
        let tasks = plan::redo(self.migrations, &runner.records().await?)?;
        runner.run(&tasks).await
    }

    /// Goes to a goal, and tells which versions it made or undid, in this order.
    ///
    /// # Errors
    ///
    /// Before anything is run:
    ///
    /// - [`ErrorKind::Timeout`](thing_driver_api::ErrorKind::Timeout) when another runner is at work for too long;
    /// - [`ErrorKind::Schema`](thing_driver_api::ErrorKind::Schema) naming the files that are not as they were when they
    ///   were run, the migrations that are older than one that was run, and the statement of which it is not known whether
    ///   it took effect ([`Migrator::resolve`]);
    /// - [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) for an unknown version, a migration that
    ///   can't be undone, and a script that can't be read.
    ///
    /// Then those of the statements, with file, line and number, and whether what the migration did so far is undone.
    pub async fn run(&self, goal: Goal) -> Result<Vec<Version>> {
        let mut runner = self.runner().await?;
        let records = runner.records().await?;
        for status in status::compare(self.migrations, &records) {
            if let State::Missing { .. } = status.state {
                self.tell(&Event::Missing { version: status.version, name: &status.name });
            }
        }
        let tasks = plan::plan(self.migrations, &records, goal, self.out_of_order)?;
        runner.run(&tasks).await
    }

    /// What [`Migrator::run`] would do. Changes nothing, and waits for nobody.
    ///
    /// # Errors
    ///
    /// As [`Migrator::run`] before anything is run.
    pub async fn dry_run(&self, goal: Goal) -> Result<Vec<Planned>> {
        let mut session = self.schema()?.session().await?;
        let records = self.records_in(&mut *session).await?;
        let tasks = plan::plan(self.migrations, &records, goal, self.out_of_order)?;
        let (transactional, syntax) = (session.is_transactional(), self.syntax()?);
        tasks.iter().map(|task| self.planned(task, &records, transactional, syntax)).collect()
    }

    fn planned(&self, task: &Task<'_>, records: &[Record], transactional: bool, syntax: Syntax) -> Result<Planned> {
        let mut statements = task.statements(syntax)?;
        let record = records.iter().find(|record| record.version == task.migration.version());
        let unfinished = record.filter(|record| !record.is_applied());
        if let Some(record) = unfinished {
            statements.drain(..record.done.min(statements.len()));
        }
        Ok(Planned {
            version: task.migration.version(),
            name: task.migration.name().to_owned(),
            direction: task.direction,
            in_transaction: transactional && task.wants_transaction() && unfinished.is_none(),
            statements,
        })
    }

    /// Says that the database has what the migrations up to this version make, without running them: for a database that
    /// was there before its migrations. Tells which versions it marked.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) when there is no migration of the version,
    /// [`ErrorKind::Schema`](thing_driver_api::ErrorKind::Schema) while one is unfinished, and those of the database.
    pub async fn baseline(&self, version: Version) -> Result<Vec<Version>> {
        plan::known(self.migrations, version)?;
        let mut runner = self.runner().await?;
        let (session, history) = (&mut *runner.session, &runner.history);
        session.begin().await?;
        let records = history.read(session).await?;
        plan::refuse_unfinished(&records)?;
        let mut marked = Vec::new();
        for migration in self.migrations.iter().filter(|migration| migration.version() <= version) {
            if records.iter().all(|record| record.version != migration.version()) {
                history.put(session, &Record::applied(migration, Duration::ZERO)).await?;
                marked.push(migration.version());
            }
        }
        session.commit().await?;
        Ok(marked)
    }

    /// Says what became of the statement of which it is not known whether it took effect, as somebody found who looked at
    /// the database. The next run goes on from there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](thing_driver_api::ErrorKind::InvalidInput) when no statement of this migration is in
    /// doubt, [`ErrorKind::Schema`](thing_driver_api::ErrorKind::Schema) when the file has other statements than those
    /// that were run before it, and those of the database.
    pub async fn resolve(&self, version: Version, resolution: Resolution) -> Result<()> {
        let mut runner = self.runner().await?;
        let syntax = runner.syntax;
        let (session, history) = (&mut *runner.session, &runner.history);
        session.begin().await?;
        let record = history.find(session, version).await?;
        let Some((mut record, direction)) = record.and_then(|record| match record.phase {
            Phase::Underway(direction) => Some((record, direction)),
            Phase::Applied => None,
        }) else {
            return Err(Error::invalid_input(format!("the migration {version} is not unfinished; see its status")));
        };
        if resolution == Resolution::Undone {
            match direction {
                Direction::Up => history.delete(session, version).await?,
                Direction::Down => history.put(session, &record.in_phase(Phase::Applied)).await?,
            }
            return session.commit().await;
        }
        if record.begun == record.done {
            return Err(Error::invalid_input(format!(
                "no statement of the migration {version} is in doubt; run it on"
            )));
        }
        match resolution {
            Resolution::Done => {
                let task = Task { migration: plan::known(self.migrations, version)?, direction };
                let statements = task.statements(syntax)?;
                record.check_done(&statements)?;
                record.done = record.begun;
                record.done_checksum = checksum_of(&statements[..record.done.min(statements.len())]);
            }
            _ => record.begun = record.done,
        }
        record.error = None;
        history.put(session, &record).await?;
        session.commit().await
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        if let Some(progress) = &self.progress {
            progress.event(event);
        }
    }

    /// A session that has the lock, and the table.
    async fn runner(&self) -> Result<Runner<'_>> {
        let mut session = self.schema()?.session().await?;
        self.tell(&Event::Locking);
        session.lock(self.patience).await?;
        self.tell(&Event::Locked);
        let history = self.history().await?;
        if !self.has_history().await? {
            history.create(&mut *session).await?;
        }
        Ok(Runner { migrator: self, session, history, syntax: self.syntax()? })
    }

    async fn records(&self) -> Result<Vec<Record>> {
        let mut session = self.schema()?.session().await?;
        self.records_in(&mut *session).await
    }

    async fn records_in(&self, session: &mut dyn SchemaSession) -> Result<Vec<Record>> {
        if !self.has_history().await? {
            return Ok(Vec::new());
        }
        self.history().await?.read(session).await
    }

    async fn history(&self) -> Result<History<'_>> {
        History::of(self.schema()?, self.dialect()?).await
    }

    async fn has_history(&self) -> Result<bool> {
        match self.schema()?.tables().await {
            // Another schema may have one.
            Ok(tables) => Ok(tables.iter().any(|table| table == TABLE)),
            Err(error) if *error.kind() == ErrorKind::Unsupported => {
                Ok(self.schema()?.describe(TABLE).await?.is_some())
            }
            Err(error) => Err(error),
        }
    }

    fn schema(&self) -> Result<&dyn Schema> {
        self.executor.schema().ok_or_else(|| Error::unsupported("this driver does not change schemas"))
    }

    fn dialect(&self) -> Result<&dyn Dialect> {
        self.executor.dialect().ok_or_else(|| Error::unsupported("this database does not speak SQL"))
    }

    fn syntax(&self) -> Result<Syntax> {
        Ok(Syntax::of(self.dialect()?.name()))
    }
}

impl fmt::Debug for Migrator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrator").field("migrations", &self.migrations).finish_non_exhaustive()
    }
}
