//! Planning: the steps of a change, and what each does to those who use the database.
//!
//! What locks, reads and rewrites follows the manual (`sql-altertable`, `explicit-locking`):
//!
//! | change | lock | besides |
//! |---|---|---|
//! | table dropped or renamed, column dropped or renamed, default, nullable | everybody waits | |
//! | column added | everybody waits | rewrites for what each row computes: identity, generated, `random()` |
//! | NOT NULL, check | everybody waits | reads all rows |
//! | type | everybody waits | rewrites, unless the stored bytes mean the same: see [`conversion`] |
//! | primary key, unique constraint | everybody waits | reads all rows |
//! | index | writers wait | reads all rows |
//! | foreign key | writers of both tables wait | reads all rows |
//! | comment | | |
//!
//! Locks are kept until the transaction ends.

mod alter_column;
mod conversion;

use thing_driver_api::schema::{Change, ColumnSchema, Effect, Generated, Step, TableChange};
use thing_driver_api::{Error, Result};

use super::definition::{self, constant, identifier, identifiers};
use super::{default, name};

pub(super) fn steps(change: &TableChange) -> Result<Vec<Step>> {
    let mut planner = Planner { change, table: change.name().to_owned(), renamed: Vec::new() };
    let steps: Vec<Vec<Step>> = change.changes.iter().map(|change| planner.steps(change)).collect::<Result<_>>()?;
    Ok(steps.into_iter().flatten().collect())
}

struct Planner<'a> {
    change: &'a TableChange,
    /// The name that the table has by now.
    table: String,
    /// The columns that have got other names by now: from, to.
    renamed: Vec<(&'a str, &'a str)>,
}

impl<'a> Planner<'a> {
    fn steps(&mut self, change: &'a Change) -> Result<Vec<Step>> {
        Ok(vec![match change {
            Change::CreateTable => self.create_table()?,
            Change::DropTable => self.drop_table(),
            Change::RenameTable => self.rename_table()?,
            Change::AddColumn(name) => self.add_column(name)?,
            Change::DropColumn(name) => self.drop_column(name),
            Change::RenameColumn { from, to } => self.rename_column(from, to)?,
            Change::AlterColumn(name) => return self.alter_column(name),
            Change::ChangeKey => self.change_key()?,
            Change::CreateIndex(name) => self.create_index(name)?,
            Change::DropIndex(name) => self.drop_index(name)?,
            Change::AddForeignKey(name) => self.add_foreign_key(name)?,
            Change::DropForeignKey(name) => self.drop_constraint("foreign key", name),
            Change::AddCheck(name) => self.add_check(name)?,
            Change::DropCheck(name) => self.drop_constraint("check", name),
            Change::ChangeComment => {
                let comment = self.change.wanted()?.comment.as_deref();
                self.step("change the comment", vec![definition::table_comment(&self.table, comment)?])
            }
            other => return Err(Error::unsupported(format!("PostgreSQL is not told how to make {other:?}"))),
        }])
    }

    fn create_table(&self) -> Result<Step> {
        let table = self.change.wanted()?;
        let mut sql = vec![definition::table(table)];
        for index in &table.indexes {
            sql.extend(definition::index(table, index)?);
        }
        for check in &table.checks {
            sql.extend(definition::constraint_comment(&table.name, &check.name, Some(&check.condition))?);
        }
        for key in &table.foreign_keys {
            sql.extend(definition::constraint_comment(&table.name, &key.name, None)?);
        }
        if table.comment.is_some() {
            sql.push(definition::table_comment(&table.name, table.comment.as_deref())?);
        }
        for column in table.columns.iter().filter(|column| column.comment.is_some()) {
            sql.push(definition::column_comment(&table.name, &column.name, column.comment.as_deref())?);
        }
        let others = table.foreign_keys.iter().any(|key| key.table != table.name);
        let step = Step::new(format!("create table `{}`", table.name), sql);
        // Writers of the tables that it refers to wait.
        Ok(if others { step.effect(Effect::BlocksWrites) } else { step })
    }

    fn drop_table(&self) -> Step {
        let name = &self.table;
        Step::new(format!("drop table `{name}`"), vec![format!("DROP TABLE {}", identifier(name))])
            .effect(Effect::BlocksReads)
            .effect(Effect::MayFail(format!("a foreign key or a view refers to table `{name}`")))
            .effect(Effect::rows_of(name))
    }

    fn rename_table(&mut self) -> Result<Step> {
        let to = self.change.wanted()?.name.clone();
        let what = format!("rename table `{}` to `{to}`", self.table);
        let step = Step::new(what, vec![self.alter(&format!("RENAME TO {}", identifier(&to)))]);
        self.table = to;
        Ok(step.effect(Effect::BlocksReads))
    }

    fn add_column(&self, name: &str) -> Result<Step> {
        let column = self.change.wanted()?.named_column(name)?;
        let mut sql = vec![self.alter(&format!("ADD COLUMN {}", definition::column(column)))];
        if column.comment.is_some() {
            sql.push(definition::column_comment(&self.table, name, column.comment.as_deref())?);
        }
        let mut step = self.step(&format!("add column `{name}`"), sql).effect(Effect::BlocksReads);
        if is_computed_per_row(column) {
            step = step.effect(Effect::Rewrites);
        }
        if !column.nullable && !column.is_filled() {
            step = step.effect(Effect::MayFail(format!("table `{}` has rows", self.table)));
        }
        Ok(step)
    }

    fn drop_column(&self, name: &str) -> Step {
        let sql = vec![self.alter(&format!("DROP COLUMN {}", identifier(name)))];
        self.step(&format!("drop column `{name}`"), sql)
            .effect(Effect::BlocksReads)
            .effect(Effect::MayFail(format!("a foreign key of another table or a view refers to column `{name}`")))
            .effect(Effect::values_of(name, &self.table))
    }

    /// Conditions follow by themselves, their declared texts do not.
    fn rename_column(&mut self, from: &'a str, to: &'a str) -> Result<Step> {
        let mut sql = vec![self.alter(&format!("RENAME COLUMN {} TO {}", identifier(from), identifier(to)))];
        let (before, after) = (self.change.existing()?, self.change.wanted()?);
        for check in &after.checks {
            if before.check(&check.name).is_some_and(|known| known.condition != check.condition) {
                sql.extend(definition::constraint_comment(&self.table, &check.name, Some(&check.condition))?);
            }
        }
        for index in &after.indexes {
            if before.index(&index.name).is_some_and(|known| known.condition != index.condition) {
                // The comment alone: the index is there.
                sql.extend(definition::index(after, index)?.into_iter().skip(1));
            }
        }
        let step = self.step(&format!("rename column `{from}` to `{to}`"), sql).effect(Effect::BlocksReads);
        self.renamed.push((from, to));
        Ok(step)
    }

    fn alter_column(&self, name: &str) -> Result<Vec<Step>> {
        let known = self.renamed.iter().find(|(_, to)| *to == name).map_or(name, |(from, _)| from);
        let (before, after) = (self.change.existing()?, self.change.wanted()?);
        alter_column::steps(&self.table, before.named_column(known)?, after.named_column(name)?, after)
    }

    /// The name of the key is not known here, so that it is looked up when the step runs.
    fn change_key(&self) -> Result<Step> {
        let (before, after) = (self.change.existing()?, self.change.wanted()?);
        let table = identifier(&self.table);
        let mut sql = Vec::new();
        if !before.key.is_empty() {
            let (named, quoted) = (constant(&table)?, constant(&self.table)?);
            sql.push(format!(
                "DO $thing$ BEGIN EXECUTE (SELECT pg_catalog.format('ALTER TABLE %I DROP CONSTRAINT %I', {quoted}, conname) \
                 FROM pg_catalog.pg_constraint WHERE conrelid = {named}::regclass AND contype = 'p'); END $thing$"
            ));
        }
        if !after.key.is_empty() {
            sql.push(self.alter(&format!("ADD PRIMARY KEY ({})", identifiers(&after.key))));
        }
        Ok(self
            .step(&format!("make ({}) the primary key", after.key.join(", ")), sql)
            .effect(Effect::BlocksReads)
            .effect(Effect::Scans)
            .effect(Effect::no_key(&after.key)))
    }

    fn create_index(&self, name: &str) -> Result<Step> {
        let index = self.change.wanted()?.named_index(name)?;
        let mut on = self.change.wanted()?.clone();
        on.name.clone_from(&self.table);
        let step = self.step(&format!("create index `{name}`"), definition::index(&on, index)?);
        let lock = if index.constraint { Effect::BlocksReads } else { Effect::BlocksWrites };
        let step = step.effect(lock).effect(Effect::Scans);
        if !index.unique {
            return Ok(step);
        }
        Ok(step.effect(Effect::not_unique(name)))
    }

    fn drop_index(&self, name: &str) -> Result<Step> {
        if self.change.existing()?.named_index(name)?.constraint {
            return Ok(self.drop_constraint("unique constraint", name));
        }
        let sql = vec![format!("DROP INDEX {}", identifier(&name::kept(name)))];
        Ok(self.step(&format!("drop index `{name}`"), sql).effect(Effect::BlocksReads))
    }

    fn add_foreign_key(&self, name: &str) -> Result<Step> {
        let key = self.change.wanted()?.named_foreign_key(name)?;
        let mut sql = vec![self.alter(&format!("ADD {}", definition::foreign_key(key)))];
        sql.extend(definition::constraint_comment(&self.table, name, None)?);
        let step = self.step(&format!("add foreign key `{name}` to `{}`", key.table), sql);
        Ok(step.effect(Effect::BlocksWrites).effect(Effect::Scans).effect(Effect::refers_to_none(key)))
    }

    fn add_check(&self, name: &str) -> Result<Step> {
        let check = self.change.wanted()?.named_check(name)?;
        let mut sql = vec![self.alter(&format!("ADD {}", definition::check(check)))];
        sql.extend(definition::constraint_comment(&self.table, name, Some(&check.condition))?);
        let step = self.step(&format!("add check `{name}`"), sql);
        Ok(step.effect(Effect::BlocksReads).effect(Effect::Scans).effect(Effect::does_not_hold(check)))
    }

    fn drop_constraint(&self, sort: &str, name: &str) -> Step {
        let sql = vec![self.alter(&format!("DROP CONSTRAINT {}", identifier(&name::kept(name))))];
        self.step(&format!("drop {sort} `{name}`"), sql).effect(Effect::BlocksReads)
    }

    fn alter(&self, change: &str) -> String {
        format!("ALTER TABLE {} {change}", identifier(&self.table))
    }

    fn step(&self, what: &str, sql: Vec<String>) -> Step {
        Step::new(format!("{what} of table `{}`", self.table), sql)
    }
}

/// Whether adding it writes all rows: a constant is kept once for all of them, and so is what a statement computes once.
fn is_computed_per_row(column: &ColumnSchema) -> bool {
    const ONCE: [&str; 8] = [
        "now()",
        "true",
        "false",
        "CURRENT_TIMESTAMP",
        "CURRENT_DATE",
        "LOCALTIMESTAMP",
        "CURRENT_USER",
        "transaction_timestamp()",
    ];
    match (&column.generated, &column.default) {
        (Some(Generated::Virtual(_)), _) => false,
        (Some(_), _) => true,
        (None, Some(default)) => {
            !default::is_constant(default) && !ONCE.iter().any(|once| once.eq_ignore_ascii_case(default))
        }
        (None, None) => false,
    }
}
