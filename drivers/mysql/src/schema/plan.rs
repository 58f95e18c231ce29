//! Planning: the steps of a change, and what each does to those who use the database.
//!
//! Changes can't be rolled back, so that as many as possible are one `ALTER TABLE`, which is done wholly or not at all. The
//! server takes the least disturbing way that all parts of it allow ([`Way`]).

mod alter_column;
mod clauses;
mod way;

use std::collections::BTreeSet;

use thing_driver_api::Result;
use thing_driver_api::schema::{Change, Effect, ForeignKeySchema, Step, TableChange, TableSchema};

use self::clauses::Clauses;
use self::way::Way;
use super::definition;
use super::name::identifier;
use crate::dialect::MysqlDialect;

pub(super) fn steps(change: &TableChange, dialect: &MysqlDialect) -> Result<Vec<Step>> {
    if change.changes.contains(&Change::CreateTable) {
        return Ok(vec![create_table(change.wanted()?, dialect)]);
    }
    if change.changes.contains(&Change::DropTable) {
        return Ok(vec![drop_table(change.name())]);
    }
    let mut steps = Vec::new();
    let mut table = change.name();
    if change.changes.contains(&Change::RenameTable) {
        let to = &change.wanted()?.name;
        let what = format!("rename table `{table}` to `{to}`");
        let sql = format!("ALTER TABLE {} RENAME TO {}", identifier(table), identifier(to));
        steps.push(Step::new(what, vec![sql]).effect(Effect::NotTransactional));
        table = to;
    }
    let again = made_again(change);
    if !again.is_empty() {
        steps.push(drop_foreign_keys(table, &again));
    }
    let mut clauses = Clauses::new(change, dialect);
    for change in change.changes.iter().filter(|change| **change != Change::RenameTable) {
        match change {
            Change::DropForeignKey(name) if again.iter().any(|key| key.name == *name) => {}
            change => clauses.add(change)?,
        }
    }
    let added = |key: &ForeignKeySchema| change.changes.contains(&Change::AddForeignKey(key.name.clone()));
    for key in again.iter().filter(|key| !added(key)) {
        clauses.add_foreign_key(&key.name)?;
    }
    steps.extend(clauses.into_step(table)?);
    Ok(steps)
}

fn create_table(table: &TableSchema, dialect: &MysqlDialect) -> Step {
    let step = Step::new(format!("create table `{}`", table.name), vec![definition::table(table, dialect)]);
    step.effect(Effect::NotTransactional)
}

fn drop_table(name: &str) -> Step {
    Step::new(format!("drop table `{name}`"), vec![format!("DROP TABLE {}", identifier(name))])
        .effect(Effect::MayFail(format!("a foreign key of another table refers to table `{name}`")))
        .effect(Effect::rows_of(name))
        .effect(Effect::NotTransactional)
}

/// The foreign keys that go before all else and come back with the other changes: a statement can't drop one and add
/// another of its name, nor give a column of one another type.
fn made_again(change: &TableChange) -> Vec<&ForeignKeySchema> {
    let Some(before) = &change.before else { return Vec::new() };
    let added: BTreeSet<&str> = names(change, |change| match change {
        Change::AddForeignKey(name) => Some(name),
        _ => None,
    });
    let dropped: BTreeSet<&str> = names(change, |change| match change {
        Change::DropForeignKey(name) => Some(name),
        _ => None,
    });
    let retyped: BTreeSet<&str> = names(change, |changed| match changed {
        Change::AlterColumn(name) => Some(name).filter(|name| {
            let after = change.after.as_ref().and_then(|table| table.column(name));
            after.is_some_and(|after| before.column(name).is_some_and(|known| known.declared != after.declared))
        }),
        _ => None,
    });
    let is_again = |key: &&ForeignKeySchema| {
        let name = key.name.as_str();
        match dropped.contains(name) {
            true => added.contains(name),
            false => key.columns.iter().any(|column| retyped.contains(column.as_str())),
        }
    };
    before.foreign_keys.iter().filter(is_again).collect()
}

fn names<'a>(change: &'a TableChange, name: impl Fn(&'a Change) -> Option<&'a String>) -> BTreeSet<&'a str> {
    change.changes.iter().filter_map(name).map(String::as_str).collect()
}

fn drop_foreign_keys(table: &str, keys: &[&ForeignKeySchema]) -> Step {
    let named =
        |mark: &str| -> Vec<String> { keys.iter().map(|key| format!("{mark}{}", identifier(&key.name))).collect() };
    let what = format!("drop foreign key {} of table `{table}` for a moment", named("").join(", "));
    let sql = format!("ALTER TABLE {} {}", identifier(table), named("DROP FOREIGN KEY ").join(", "));
    let mut step = Step::new(what, vec![sql]).effect(Effect::NotTransactional);
    let again: Vec<String> = keys.iter().map(|key| format!("ADD {}", definition::foreign_key(key))).collect();
    step.restore = vec![format!("ALTER TABLE {} {}", identifier(table), again.join(", "))];
    step
}
