//! `migrate`: versioned migrations.

mod new;
mod snapshot;

use std::borrow::Cow;
use std::path::PathBuf;

use serde_json::{Value, json};
use thing::migration::{
    Direction, Goal, Migrations, Migrator, Planned, Resolution, State, Status, Unfinished, Version,
};

pub(crate) use new::new;
pub(crate) use snapshot::snapshot;

use super::progress::Shown;
use crate::arguments::{Down, Resolve, Up};
use crate::context::Context;
use crate::database::{Access, Database};
use crate::failure::{Failure, Result};
use crate::output::{BAD, CAREFUL, FAINT, GOOD, Page, STRONG};
use crate::report::{Outcome, Report};

/// Which migrations were run or undone.
#[derive(Debug)]
pub(crate) struct Ran {
    /// What was done: `ran`, `undone`, `marked`.
    word: &'static str,
    versions: Vec<Version>,
}

/// What would be run.
#[derive(Debug)]
pub(crate) struct DryRun {
    planned: Vec<Planned>,
}

/// How it is with each migration.
#[derive(Debug)]
pub(crate) struct Statuses {
    statuses: Vec<Status>,
}

/// What was said of an unfinished migration.
#[derive(Debug)]
pub(crate) struct Resolved {
    version: Version,
}

/// What was asked for, or what it would do.
pub(crate) enum RanOrNot {
    Ran(Ran),
    Not(DryRun),
}

pub(crate) async fn up(context: &Context<'_>, asked: &Up) -> Result<RanOrNot> {
    let goal = asked.to.map_or(Goal::Latest, Goal::UpTo);
    run(context, goal, asked.dry_run, asked.out_of_order, "ran").await
}

pub(crate) async fn down(context: &Context<'_>, asked: &Down) -> Result<RanOrNot> {
    let goal = asked.to.map_or(Goal::Down(asked.count), Goal::DownTo);
    run(context, goal, asked.dry_run, false, "undone").await
}

async fn run(context: &Context<'_>, goal: Goal, dry: bool, out_of_order: bool, word: &'static str) -> Result<RanOrNot> {
    let migrations = migrations(context)?;
    let database = context.database(if dry { Access::Plan } else { Access::Write }).await?;
    let migrator = database.db.migrator(&migrations).out_of_order(out_of_order);
    if dry {
        return Ok(RanOrNot::Not(DryRun { planned: migrator.dry_run(goal).await? }));
    }
    let versions = watched(context, migrator).run(goal).await?;
    Ok(RanOrNot::Ran(Ran { word, versions }))
}

pub(crate) async fn redo(context: &Context<'_>) -> Result<Ran> {
    let migrations = migrations(context)?;
    let database = context.database(Access::Write).await?;
    let versions = watched(context, database.db.migrator(&migrations)).redo().await?;
    Ok(Ran { word: "run again", versions })
}

pub(crate) async fn status(context: &Context<'_>) -> Result<Statuses> {
    let migrations = migrations(context)?;
    let database = context.database(Access::Plan).await?;
    Ok(Statuses { statuses: statuses(&database, &migrations).await? })
}

pub(crate) async fn baseline(context: &Context<'_>, version: Version) -> Result<Ran> {
    let migrations = migrations(context)?;
    let database = context.database(Access::Write).await?;
    let versions = database.db.migrator(&migrations).baseline(version).await?;
    Ok(Ran { word: "marked as run", versions })
}

pub(crate) async fn resolve(context: &Context<'_>, asked: &Resolve) -> Result<Resolved> {
    let resolution = match (asked.done, asked.again) {
        (true, _) => Resolution::Done,
        (_, true) => Resolution::Again,
        _ => Resolution::Undone,
    };
    let migrations = migrations(context)?;
    let database = context.database(Access::Write).await?;
    database.db.migrator(&migrations).resolve(asked.version, resolution).await?;
    Ok(Resolved { version: asked.version })
}

/// How it is with each migration of a project that has some.
pub(super) async fn known(context: &Context<'_>, database: &Database) -> Result<Vec<Status>> {
    if context.migrations().is_none() && !folder(context).is_dir() {
        return Ok(Vec::new());
    }
    statuses(database, &*migrations(context)?).await
}

async fn statuses(database: &Database, migrations: &Migrations) -> Result<Vec<Status>> {
    Ok(database.db.migrator(migrations).status().await?)
}

fn watched<'a>(context: &Context<'_>, migrator: Migrator<'a>) -> Migrator<'a> {
    match Shown::where_somebody_looks(context.json()) {
        Some(shown) => migrator.progress(shown),
        None => migrator,
    }
}

/// The migrations of the program, or else those in the project's folder.
fn migrations<'c>(context: &'c Context<'_>) -> Result<Cow<'c, Migrations>> {
    match context.migrations() {
        Some(Ok(migrations)) => Ok(Cow::Borrowed(migrations)),
        Some(Err(error)) => Err(Failure::from(error.duplicate())),
        None => {
            let folder = folder(context);
            if !folder.is_dir() {
                return Err(Failure::usage(format!(
                    "there is no folder {}; `migrate new` makes it, or name another by `migrations` in thing.toml",
                    folder.display()
                )));
            }
            Ok(Cow::Owned(Migrations::folder(folder)?))
        }
    }
}

/// Where the files of migrations are.
fn folder(context: &Context<'_>) -> PathBuf {
    match &context.project {
        Some(project) => project.folder.join(project.settings.migrations.as_deref().unwrap_or("migrations")),
        None => PathBuf::from("migrations"),
    }
}

impl Report for RanOrNot {
    fn write(&self, page: &mut Page) {
        match self {
            Self::Ran(ran) => ran.write(page),
            Self::Not(dry_run) => dry_run.write(page),
        }
    }

    fn json(&self) -> Result<Value> {
        match self {
            Self::Ran(ran) => ran.json(),
            Self::Not(dry_run) => dry_run.json(),
        }
    }

    fn outcome(&self) -> Outcome {
        match self {
            Self::Ran(ran) => ran.outcome(),
            Self::Not(dry_run) => dry_run.outcome(),
        }
    }
}

impl Report for Ran {
    fn write(&self, page: &mut Page) {
        if self.versions.is_empty() {
            page.line(format_args!("{GOOD}nothing to do{GOOD:#}"));
        }
        // What was undone and run again is told once.
        let mut versions = self.versions.clone();
        versions.dedup();
        for version in versions {
            page.line(format_args!("{GOOD}{}{GOOD:#} {version}", self.word));
        }
    }

    fn json(&self) -> Result<Value> {
        let versions: Vec<String> = self.versions.iter().map(Version::to_string).collect();
        Ok(json!({ "versions": versions }))
    }
}

impl Report for DryRun {
    fn write(&self, page: &mut Page) {
        if self.planned.is_empty() {
            page.line(format_args!("{GOOD}nothing to do{GOOD:#}"));
        }
        for planned in &self.planned {
            let how = if planned.in_transaction { "" } else { "  statement by statement, in no transaction" };
            page.heading(&format!("{} {}_{}", direction(planned.direction), planned.version, planned.name));
            if !how.is_empty() {
                page.line(format_args!("{CAREFUL}{how}{CAREFUL:#}"));
            }
            if planned.statements.is_empty() {
                page.line("  code of the program");
            }
            for statement in &planned.statements {
                page.line(format_args!("  {};", statement.sql.replace('\n', "\n  ")));
            }
        }
    }

    fn json(&self) -> Result<Value> {
        let planned = self.planned.iter().map(|planned| {
            let sql: Vec<&str> = planned.statements.iter().map(|statement| statement.sql.as_str()).collect();
            json!({
                "version": planned.version.to_string(),
                "name": planned.name,
                "direction": direction(planned.direction),
                "in_transaction": planned.in_transaction,
                "sql": sql,
            })
        });
        Ok(json!({ "planned": planned.collect::<Vec<_>>() }))
    }

    fn outcome(&self) -> Outcome {
        Outcome::found(!self.planned.is_empty())
    }
}

impl Report for Statuses {
    fn write(&self, page: &mut Page) {
        if self.statuses.is_empty() {
            page.line("no migrations");
            return;
        }
        let cells: Vec<Vec<String>> = self.statuses.iter().map(cells).collect();
        page.table(&["version", "name", "state", "when", ""], &cells);
        for status in &self.statuses {
            if let State::Unfinished(unfinished) = &status.state {
                page.line("");
                explain(status.version, unfinished, page);
            }
        }
    }

    fn json(&self) -> Result<Value> {
        Ok(json!({ "migrations": self.statuses.iter().map(status_json).collect::<Vec<_>>() }))
    }

    fn outcome(&self) -> Outcome {
        let done = |status: &Status| matches!(status.state, State::Applied { .. } | State::Missing { .. });
        Outcome::found(!self.statuses.iter().all(done))
    }
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

fn cells(status: &Status) -> Vec<String> {
    let (state, when, more) = match &status.state {
        State::Pending { out_of_order: true } => {
            ("pending", "", "older than one that was run; --out-of-order runs it".to_owned())
        }
        State::Pending { .. } => ("pending", "", String::new()),
        State::Applied { at, took } => ("applied", at.as_str(), format!("{} ms", took.as_millis())),
        State::Edited { at } => ("edited", at.as_str(), "the file is not as it was when it was run".to_owned()),
        State::Missing { at } => ("missing", at.as_str(), "it was run, and its file is gone".to_owned()),
        State::Unfinished(unfinished) => ("unfinished", "", format!("{} statements took effect", unfinished.done)),
        _ => ("unknown", "", String::new()),
    };
    vec![status.version.to_string(), status.name.clone(), state.to_owned(), when.to_owned(), more]
}

fn explain(version: Version, unfinished: &Unfinished, page: &mut Page) {
    let Unfinished { done, in_doubt, error, .. } = unfinished;
    page.line(format_args!("{STRONG}{version}{STRONG:#} is unfinished: {done} statements took effect"));
    if let Some(error) = error {
        page.line(format_args!("  {BAD}the next one failed{BAD:#}: {error}"));
    }
    if let Some(statement) = in_doubt {
        page.line(format_args!(
            "  {CAREFUL}it is not known whether statement {statement} took effect{CAREFUL:#}; look, and say so:"
        ));
        page.line(format_args!("  {FAINT}migrate resolve {version} --done | --again | --undone{FAINT:#}"));
    } else {
        page.line(format_args!("  {FAINT}`migrate up` goes on behind them{FAINT:#}"));
    }
}

fn status_json(status: &Status) -> Value {
    let mut report = json!({ "version": status.version.to_string(), "name": status.name });
    let mut put = |name: &str, value: Value| report[name] = value;
    match &status.state {
        State::Pending { out_of_order } => {
            put("state", "pending".into());
            put("out_of_order", (*out_of_order).into());
        }
        State::Applied { at, took } => {
            put("state", "applied".into());
            put("at", at.as_str().into());
            put("took_ms", (took.as_secs_f64() * 1000.0).into());
        }
        State::Edited { at } => {
            put("state", "edited".into());
            put("at", at.as_str().into());
        }
        State::Missing { at } => {
            put("state", "missing".into());
            put("at", at.as_str().into());
        }
        State::Unfinished(Unfinished { direction: way, done, in_doubt, error, .. }) => {
            put("state", "unfinished".into());
            put("direction", direction(*way).into());
            put("statements_done", (*done).into());
            put("statement_in_doubt", (*in_doubt).into());
            put("error", error.as_deref().into());
        }
        _ => put("state", "unknown".into()),
    }
    report
}

impl Report for Resolved {
    fn write(&self, page: &mut Page) {
        page.line(format_args!("{GOOD}noted{GOOD:#}; `migrate up` goes on from there"));
    }

    fn json(&self) -> Result<Value> {
        Ok(json!({ "version": self.version.to_string() }))
    }
}
