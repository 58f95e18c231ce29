//! Rebuilds: a table is made anew and its rows are copied, by <https://www.sqlite.org/lang_altertable.html>, section 7.
//!
//! ```text
//! new table ─▶ rows copied ─▶ old table dropped ─▶ renamed ─▶ indexes and triggers made again
//! ```
//!
//! The session looks at all foreign keys before it commits.

use thing_driver_api::schema::{Change, ColumnSchema, Effect, Generated, Step, TableSchema};
use thing_driver_api::{Result, ValueType, quote};

use super::definition::{AUTOINCREMENT, WITHOUT_ROWID};
use super::render::{create_index, create_table, identifier};
use super::steps::{check, own_indexes};

/// The step that makes all the changes but renames, which have been made.
pub(super) fn rebuild(before: &TableSchema, after: &TableSchema, changes: &[Change]) -> Result<Step> {
    check(before)?;
    let mut what: Vec<String> = Vec::new();
    let mut effects = vec![Effect::BlocksWrites, Effect::Rewrites];
    for change in changes {
        what.extend(in_words(before, after, changes, change));
        effects.extend(effect(before, after, change));
    }
    let mut table = after.clone();
    // Options say how the key is made, which may have become another.
    table.options.retain(|option| option != AUTOINCREMENT || counts(after).is_some());
    let new = format!("thing_new_{}", after.name);
    let (name, new_name) = (identifier(&after.name), identifier(&new));
    let mut sql = vec![create_table(&table, &new)];
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    if let Some(number) = row_number(before, after) {
        columns.push(number.to_owned());
        values.push(number.to_owned());
    }
    for column in after.columns.iter().filter(|column| !is_computed(column)) {
        let Some(known) = before_rename(before, changes, &column.name) else { continue };
        let (value, effect) = copied(known, column);
        columns.push(identifier(&column.name));
        values.push(value);
        effects.extend(effect);
    }
    if !columns.is_empty() {
        let (columns, values) = (columns.join(", "), values.join(", "));
        sql.push(format!("INSERT INTO {new_name} ({columns}) SELECT {values} FROM {name}"));
    }
    if table.options.iter().any(|option| option == AUTOINCREMENT) && before.options.contains(&AUTOINCREMENT.to_owned())
    {
        // Numbers of rows that were deleted are not given again.
        let (old, new) = (text(&after.name), text(&new));
        sql.push(format!("DELETE FROM sqlite_sequence WHERE name = {new}"));
        sql.push(format!(
            "INSERT INTO sqlite_sequence (name, seq) SELECT {new}, seq FROM sqlite_sequence WHERE name = {old}"
        ));
    }
    sql.push(format!("DROP TABLE {name}"));
    // Otherwise SQLite looks for the table in views and triggers, where it is not at this moment.
    sql.push("PRAGMA legacy_alter_table = ON".to_owned());
    sql.push(format!("ALTER TABLE {new_name} RENAME TO {name}"));
    sql.push("PRAGMA legacy_alter_table = OFF".to_owned());
    sql.extend(own_indexes(after).map(|index| create_index(&after.name, index)));
    sql.extend(after.attached.iter().cloned());
    let gone = changes.iter().find_map(|change| match change {
        Change::DropColumn(name) => Some(name),
        _ => None,
    });
    if let (Some(gone), Some(kept)) = (gone, after.columns.first()) {
        // SQLite looks at all views and triggers when it renames a column, and at no other time.
        let kept = identifier(&kept.name);
        sql.push(format!("ALTER TABLE {name} RENAME COLUMN {kept} TO {kept}"));
        effects
            .push(Effect::MayFail(format!("a view or a trigger reads column `{gone}`, or a table that is not there")));
    }
    let mut step = Step::new(format!("rebuild table `{}`: {}", after.name, what.join(", ")), sql);
    for effect in effects {
        if !step.effects.contains(&effect) {
            step = step.effect(effect);
        }
    }
    Ok(step)
}

fn text(value: &str) -> String {
    let mut out = String::new();
    quote(value, '\'', &mut out);
    out
}

/// The column that is the row's own address.
fn counts(table: &TableSchema) -> Option<&ColumnSchema> {
    table.columns.iter().find(|column| column.generated == Some(Generated::Key))
}

/// By which name the numbers of the rows are told, where they are none of a column. Others may go by them: full-text tables
/// whose content the table is.
fn row_number(before: &TableSchema, after: &TableSchema) -> Option<&'static str> {
    if counts(after).is_some() || after.options.iter().any(|option| option == WITHOUT_ROWID) {
        return None;
    }
    let free = |name: &&str| before.column(name).is_none() && after.column(name).is_none();
    ["rowid", "oid", "_rowid_"].into_iter().find(free)
}

fn is_computed(column: &ColumnSchema) -> bool {
    matches!(column.generated, Some(Generated::Stored(_) | Generated::Virtual(_)))
}

/// The column as it was, by the name that it has now.
fn before_rename<'t>(before: &'t TableSchema, changes: &[Change], name: &str) -> Option<&'t ColumnSchema> {
    let renamed = changes.iter().find_map(|change| match change {
        Change::RenameColumn { from, to } if to == name => Some(from.as_str()),
        _ => None,
    });
    before.column(renamed.unwrap_or(name))
}

fn in_words(before: &TableSchema, after: &TableSchema, changes: &[Change], change: &Change) -> Option<String> {
    Some(match change {
        Change::AddColumn(name) => format!("add column `{name}`"),
        Change::DropColumn(name) => format!("drop column `{name}`"),
        Change::AlterColumn(name) => {
            let known = before_rename(before, changes, name);
            let difference = after.column(name).and_then(|column| column.difference(known?));
            difference.map_or_else(|| format!("change column `{name}`"), |how| format!("change column `{name}` {how}"))
        }
        Change::ChangeKey => "change the key".to_owned(),
        Change::CreateIndex(name) => format!("create index `{name}`"),
        Change::DropIndex(name) => format!("drop index `{name}`"),
        Change::AddForeignKey(name) => format!("add foreign key `{name}`"),
        Change::DropForeignKey(name) => format!("drop foreign key `{name}`"),
        Change::AddCheck(name) => format!("add check `{name}`"),
        Change::DropCheck(name) => format!("drop check `{name}`"),
        _ => return None,
    })
}

fn effect(before: &TableSchema, after: &TableSchema, change: &Change) -> Option<Effect> {
    Some(match change {
        Change::DropColumn(name) => Effect::values_of(name, &after.name),
        Change::AddColumn(name) => {
            let column = after.column(name)?;
            if column.nullable || column.is_filled() {
                return None;
            }
            Effect::MayFail(format!("there are rows: they have no value for `{name}`"))
        }
        Change::AlterColumn(name) => {
            let after = after.column(name)?;
            let was_nullable = before.column(name).is_none_or(|known| known.nullable);
            if after.nullable || !was_nullable {
                return None;
            }
            Effect::null_in(name)
        }
        Change::ChangeKey => Effect::no_key(&after.key),
        Change::CreateIndex(name) => Effect::not_unique(&after.index(name).filter(|index| index.unique)?.name),
        Change::AddForeignKey(name) => Effect::refers_to_none(after.foreign_key(name)?),
        Change::AddCheck(name) => Effect::does_not_hold(after.check(name)?),
        _ => return None,
    })
}

/// How the values of a column are copied, so that each is what the new type holds or the copy fails.
fn copied(known: &ColumnSchema, column: &ColumnSchema) -> (String, Option<Effect>) {
    let name = identifier(&column.name);
    if column.holds.iter().all(|value_type| known.holds.contains(value_type)) && !column.holds.is_empty() {
        return (name, None);
    }
    let holds = |value_type| column.holds.contains(&value_type);
    let from_floats = known.holds.contains(&ValueType::F64) && !known.holds.contains(&ValueType::Text);
    let (fits, value, sort) = if holds(ValueType::Decimal) {
        let fits = format!("typeof({name}) <> 'blob' AND CAST({name} AS NUMERIC) = {name}");
        (fits, format!("CAST({name} AS TEXT)"), "decimal number")
    } else if holds(ValueType::Text) && holds(ValueType::I64) {
        // Nothing is converted.
        return (name, None);
    } else if holds(ValueType::Text) {
        (format!("typeof({name}) <> 'blob'"), format!("CAST({name} AS TEXT)"), "text")
    } else if holds(ValueType::I64) && holds(ValueType::F64) {
        let fits = format!("typeof({name}) <> 'blob' AND CAST({name} AS NUMERIC) = {name}");
        (fits, format!("CAST({name} AS NUMERIC)"), "number")
    } else if holds(ValueType::I64) {
        let fits = format!("typeof({name}) <> 'blob' AND CAST({name} AS INTEGER) = {name}");
        (fits, format!("CAST({name} AS INTEGER)"), "integer")
    } else if holds(ValueType::F64) {
        let fits = format!("typeof({name}) <> 'blob' AND CAST({name} AS REAL) = {name}");
        (fits, format!("CAST({name} AS REAL)"), "float")
    } else {
        (format!("typeof({name}) = 'blob'"), name.clone(), "blob")
    };
    let effect = if from_floats && holds(ValueType::Text) {
        Effect::Loses(format!("the digits of `{}` beyond the 15th", column.name))
    } else {
        Effect::MayFail(format!("a value of `{}` is no {sort}", column.name))
    };
    // The absolute value of the least integer is too great for one: the only way to fail in an expression.
    let failing = "abs(-9223372036854775807 - 1)";
    (format!("CASE WHEN {name} IS NULL THEN NULL WHEN {fits} THEN {value} ELSE {failing} END"), Some(effect))
}
