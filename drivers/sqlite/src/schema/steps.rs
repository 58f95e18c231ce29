//! Steps: changes that SQLite makes by itself, one by one; what it can't, it makes by a [rebuild](super::rebuild).

use thing_driver_api::schema::{Change, ColumnSchema, Effect, IndexSchema, Step, TableChange, TableSchema};
use thing_driver_api::{Error, Result};

use super::definition::ODD;
use super::rebuild::rebuild;
use super::render::{column, create_index, create_table, identifier, is_constant};

/// The steps of a change. Readers are never kept waiting: they see what was before until it is committed.
pub(super) fn steps(change: &TableChange) -> Result<Vec<Step>> {
    match (&change.before, &change.after) {
        (None, Some(after)) => Ok(vec![create(after)?]),
        (Some(before), None) => Ok(vec![drop_table(before)]),
        (Some(before), Some(after)) => alter(before, after, &change.changes),
        (None, None) => Ok(Vec::new()),
    }
}

fn create(table: &TableSchema) -> Result<Step> {
    check(table)?;
    let mut sql = vec![create_table(table, &table.name)];
    sql.extend(own_indexes(table).map(|index| create_index(&table.name, index)));
    sql.extend(table.attached.iter().cloned());
    Ok(Step::new(format!("create table `{}`", table.name), sql))
}

fn drop_table(table: &TableSchema) -> Step {
    let text = format!("DROP TABLE {}", identifier(&table.name));
    Step::new(format!("drop table `{}`", table.name), vec![text]).effect(Effect::rows_of(&table.name))
}

/// The indexes that are made by statements of their own.
pub(super) fn own_indexes(table: &TableSchema) -> impl Iterator<Item = &IndexSchema> {
    table.indexes.iter().filter(|index| !index.constraint)
}

fn alter(before: &TableSchema, after: &TableSchema, changes: &[Change]) -> Result<Vec<Step>> {
    let renames = |change: &&Change| matches!(change, Change::RenameTable | Change::RenameColumn { .. });
    let mut steps: Vec<Step> = changes.iter().filter(renames).map(|change| rename(before, after, change)).collect();
    let others: Vec<&Change> = changes.iter().filter(|change| !renames(change)).collect();
    let native: Option<Vec<Vec<Step>>> = others.iter().map(|change| native(before, after, change)).collect();
    match native {
        Some(native) => steps.extend(native.into_iter().flatten()),
        None => steps.push(rebuild(before, after, changes)?),
    }
    Ok(steps)
}

fn rename(before: &TableSchema, after: &TableSchema, change: &Change) -> Step {
    let (table, new_table) = (identifier(&before.name), identifier(&after.name));
    // The table has its new name by then.
    match change {
        Change::RenameColumn { from, to } => Step::new(
            format!("rename column `{from}` of table `{}` to `{to}`", after.name),
            vec![format!("ALTER TABLE {new_table} RENAME COLUMN {} TO {}", identifier(from), identifier(to))],
        ),
        _ => Step::new(
            format!("rename table `{}` to `{}`", before.name, after.name),
            vec![format!("ALTER TABLE {table} RENAME TO {new_table}")],
        ),
    }
}

/// The steps of a change that SQLite makes by itself; `None` for another.
fn native(before: &TableSchema, after: &TableSchema, change: &Change) -> Option<Vec<Step>> {
    let table = identifier(&after.name);
    match change {
        Change::AddColumn(name) => {
            let new = after.column(name).filter(|new| is_addable(new))?;
            let text = format!("ALTER TABLE {table} ADD COLUMN {}", column(new));
            Some(vec![Step::new(format!("add column `{name}` to table `{}`", after.name), vec![text])])
        }
        Change::CreateIndex(name) => {
            let index = after.index(name).filter(|index| !index.constraint)?;
            let unique = if index.unique { "unique index" } else { "index" };
            let step = Step::new(
                format!("create {unique} `{name}` of table `{}`", after.name),
                vec![create_index(&after.name, index)],
            );
            let step = step.effect(Effect::BlocksWrites).effect(Effect::Scans);
            Some(vec![if index.unique { step.effect(Effect::not_unique(name)) } else { step }])
        }
        Change::DropIndex(name) => {
            before.index(name).filter(|index| !index.constraint)?;
            let text = format!("DROP INDEX {}", identifier(name));
            Some(vec![Step::new(format!("drop index `{name}` of table `{}`", after.name), vec![text])])
        }
        // There are no comments.
        Change::ChangeComment => Some(Vec::new()),
        _ => None,
    }
}

/// Rows that are there have no more than NULL or a constant for it.
fn is_addable(column: &ColumnSchema) -> bool {
    let constant = column.default.as_deref().map_or(column.nullable, is_constant);
    constant && column.generated.is_none()
}

/// Refuses a table that this driver can't make as it is.
pub(super) fn check(table: &TableSchema) -> Result<()> {
    match table.options.iter().find(|option| ODD.contains(&&***option)) {
        Some(option) => Err(Error::unsupported(format!(
            "the change needs table `{}` to be made anew, and its {option} would be lost; change it by a migration",
            table.name
        ))),
        None => Ok(()),
    }
}
