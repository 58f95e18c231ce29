//! The plan: what is to be run, from what there is and what was run.

use thing_driver_api::{Error, ErrorKind, Result};

use crate::history::{Phase, Record};
use crate::migration::Body;
use crate::{Direction, Goal, Migration, Migrations, SqlStatement, Syntax, Version};

/// A migration to make or to undo.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task<'m> {
    pub(crate) migration: &'m Migration,
    pub(crate) direction: Direction,
}

impl Task<'_> {
    pub(crate) fn statements(&self, syntax: Syntax) -> Result<Vec<SqlStatement>> {
        match (&self.migration.body, self.migration.script(self.direction)) {
            (Body::Code(code), _) if self.direction == Direction::Down && !code.is_reversible() => {
                Err(Error::invalid_input(format!(
                    "`{}` can't be undone: it is in Rust and says so",
                    self.migration.title()
                )))
            }
            (Body::Code(_), _) => Ok(Vec::new()),
            (_, Some(script)) => {
                let statements = script.statements(syntax)?;
                if statements.is_empty() {
                    return Err(Error::invalid_input(format!(
                        "{} holds no statement; write what belongs there, or `SELECT 1;` where nothing is to be done",
                        script.file()
                    )));
                }
                Ok(statements)
            }
            (_, None) => Err(Error::invalid_input(format!(
                "`{}` can't be undone: there is no file `{0}.down.sql`; write it",
                self.migration.title()
            ))),
        }
    }

    pub(crate) fn wants_transaction(&self) -> bool {
        match &self.migration.body {
            Body::Code(code) => code.in_transaction(),
            Body::Sql { .. } => self.migration.script(self.direction).is_none_or(|script| script.in_transaction()),
        }
    }
}

/// The migration of this version.
pub(crate) fn known(migrations: &Migrations, version: Version) -> Result<&Migration> {
    migrations.get(version).ok_or_else(|| {
        Error::invalid_input(format!(
            "there is no migration of the version {version}; see the status for those there are"
        ))
    })
}

/// Refuses while a migration is unfinished.
pub(crate) fn refuse_unfinished(records: &[Record]) -> Result<()> {
    match records.iter().find(|record| !record.is_applied()) {
        Some(record) => Err(Error::new(
            ErrorKind::Schema,
            format!("the migration `{}` is unfinished; run it to its end, or resolve it, first", record.title()),
        )),
        None => Ok(()),
    }
}

/// What leads to the goal.
pub(crate) fn plan<'m>(
    migrations: &'m Migrations,
    records: &[Record],
    goal: Goal,
    out_of_order: bool,
) -> Result<Vec<Task<'m>>> {
    refuse_edited(migrations, records)?;
    match goal {
        Goal::Latest => up(migrations, records, None, out_of_order),
        Goal::UpTo(version) => up(migrations, records, Some(known(migrations, version)?.version()), out_of_order),
        Goal::Down(count) => down(migrations, records, count),
        Goal::DownTo(version) => {
            if version.number() != 0 {
                known(migrations, version)?;
            }
            let newer = records.iter().filter(|record| record.version > version).count();
            down(migrations, records, newer)
        }
    }
}

/// The newest migration back, and up again.
pub(crate) fn redo<'m>(migrations: &'m Migrations, records: &[Record]) -> Result<Vec<Task<'m>>> {
    refuse_unfinished(records)?;
    let mut tasks = down(migrations, records, 1)?;
    tasks.extend(tasks.first().map(|task| Task { direction: Direction::Up, ..*task }));
    Ok(tasks)
}

fn up<'m>(
    migrations: &'m Migrations,
    records: &[Record],
    to: Option<Version>,
    out_of_order: bool,
) -> Result<Vec<Task<'m>>> {
    refuse_underway(records, Direction::Down)?;
    let of = |version| records.iter().find(|record: &&Record| record.version == version);
    let newest = records.iter().filter(|record| record.is_applied()).map(|record| record.version).max();
    let mut late = Vec::new();
    let mut tasks = Vec::new();
    for migration in migrations.iter().filter(|migration| to.is_none_or(|to| migration.version() <= to)) {
        match of(migration.version()) {
            Some(record) if record.is_applied() => continue,
            None if newest.is_some_and(|newest| newest > migration.version()) => late.push(migration.title()),
            _ => {}
        }
        tasks.push(Task { migration, direction: Direction::Up });
    }
    match newest {
        Some(newest) if !late.is_empty() && !out_of_order => Err(Error::new(
            ErrorKind::Schema,
            format!(
                "older than {newest}, which was run already: `{}`; give the files a newer version, or allow migrations \
                 out of order",
                late.join("`, `")
            ),
        )),
        _ => Ok(tasks),
    }
}

fn down<'m>(migrations: &'m Migrations, records: &[Record], count: usize) -> Result<Vec<Task<'m>>> {
    refuse_underway(records, Direction::Up)?;
    let task = |record: &Record| {
        let migration = migrations.get(record.version).ok_or_else(|| {
            Error::invalid_input(format!("`{}` can't be undone: its files are missing", record.title()))
        })?;
        Ok(Task { migration, direction: Direction::Down })
    };
    records.iter().rev().take(count).map(task).collect()
}

fn refuse_underway(records: &[Record], direction: Direction) -> Result<()> {
    match records.iter().find(|record| record.phase == Phase::Underway(direction)) {
        Some(record) => {
            let (title, way) = (record.title(), if direction == Direction::Up { "made" } else { "undone" });
            Err(Error::new(
                ErrorKind::Schema,
                format!("the migration `{title}` is half {way}; run {direction} to its end, or resolve it, first"),
            ))
        }
        None => Ok(()),
    }
}

fn refuse_edited(migrations: &Migrations, records: &[Record]) -> Result<()> {
    let edited = |record: &&Record| {
        record.is_applied()
            && migrations.get(record.version).is_some_and(|migration| migration.checksum() != record.checksum)
    };
    let edited: Vec<String> = records
        .iter()
        .filter(edited)
        .map(|record| {
            let migration = migrations.get(record.version);
            let file = migration.and_then(|m| m.script(Direction::Up)).map(|script| script.file().to_owned());
            format!("`{}`, which was run at {}", file.unwrap_or_else(|| record.title()), record.at)
        })
        .collect();
    if edited.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Schema,
        format!(
            "changed after they were run: {}; put the files back as they were, and write what is to change into a new \
             migration",
            edited.join(", ")
        ),
    ))
}
