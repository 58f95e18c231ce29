//! What a model wants: the table as it is described once it is made.

use thing_driver_api::schema::{
    CheckSchema, ColumnSchema, ForeignKeySchema, Generated, IndexPart, IndexSchema, TableSchema,
};
use thing_driver_api::{Index, Result, Table};

use super::types::{self, Type};
use super::{default, describe, mark, name};

pub(super) fn table(table: &Table) -> Result<TableSchema> {
    name::check("table", table.name())?;
    let mut wanted = TableSchema::new(table.name());
    wanted.columns = (0..table.columns().len()).map(|at| column(table, at)).collect::<Result<_>>()?;
    wanted.key = names(table, table.key());
    wanted.indexes = table.indexes().iter().map(|declared| index(table, declared)).collect();
    wanted.foreign_keys = table.foreign_keys().iter().map(|declared| foreign_key(table, declared)).collect();
    wanted.checks =
        table.checks().iter().map(|check| CheckSchema::new(check.name.clone(), check.condition.trim())).collect();
    wanted.comment = table.comment().filter(|comment| !comment.is_empty()).map(str::to_owned);
    describe::sort(&mut wanted);
    Ok(wanted)
}

fn column(table: &Table, at: usize) -> Result<ColumnSchema> {
    let column = table.column(at);
    name::check("column", &column.name)?;
    let declared = types::of_model(column.value_type);
    let mut wanted = ColumnSchema::new(column.name.clone(), declared, types::holds(declared));
    wanted.nullable = column.nullable;
    if table.has_generated_key() && table.key() == [at] {
        wanted.generated = Some(Generated::Key);
    } else if let Some(value) = &column.default {
        wanted.default = default::declared(value, &Type::read(declared))?;
    }
    wanted.comment = column.comment.as_deref().filter(|comment| !comment.is_empty()).map(str::to_owned);
    Ok(wanted)
}

pub(super) fn index(table: &Table, index: &Index) -> IndexSchema {
    let part = |&at: &usize| {
        let mut part = IndexPart::column(table.column(at).name.clone());
        part.descending = index.descending.contains(at);
        part
    };
    let mut wanted = IndexSchema::new(index.name.clone(), index.columns.iter().map(part).collect(), index.unique);
    let deleted = table.deleted().filter(|_| table.is_partial(index));
    let living = deleted.map(|deleted| mark::condition(table.column(deleted)));
    let declared = index.condition.as_deref().map(str::trim);
    wanted.condition = match (declared, living) {
        (Some(declared), Some(living)) => Some(format!("({declared}) AND {living}")),
        (Some(declared), None) => Some(mark::shown(declared).unwrap_or_else(|| declared.to_owned())),
        (None, living) => living,
    };
    wanted.living = mark::is_of_living(index.unique, wanted.condition.as_deref());
    wanted
}

fn foreign_key(table: &Table, key: &thing_driver_api::ForeignKey) -> ForeignKeySchema {
    let references = key.references.iter().map(|name| name.clone().into_owned()).collect();
    let mut wanted = ForeignKeySchema::new(key.name.clone(), names(table, &key.columns), key.table.clone(), references);
    wanted.on_delete = key.on_delete;
    wanted.on_update = key.on_update;
    wanted
}

fn names(table: &Table, columns: &[usize]) -> Vec<String> {
    columns.iter().map(|&column| table.column(column).name.clone().into_owned()).collect()
}
