//! What a model wants: the table as it is described once it is made.

use std::borrow::Cow;

use thing_driver_api::schema::{
    Action, CheckSchema, ColumnSchema, ForeignKeySchema, Generated, IndexPart, IndexSchema, TableSchema,
};
use thing_driver_api::{Error, ForeignKey, Index, Result, Table, ValueType};

use super::types::{self, Type};
use super::{default, describe, length, living, name};
use crate::dialect::MysqlDialect;

pub(super) fn table(table: &Table, dialect: &MysqlDialect) -> Result<TableSchema> {
    name::check("table", table.name())?;
    let mut wanted = TableSchema::new(table.name());
    wanted.columns = (0..table.columns().len()).map(|at| column(table, at, dialect)).collect::<Result<_>>()?;
    wanted.key = names(table, table.key());
    wanted.indexes = table.indexes().iter().map(|declared| index(table, declared)).collect::<Result<_>>()?;
    wanted.foreign_keys =
        table.foreign_keys().iter().map(|declared| foreign_key(table, declared)).collect::<Result<_>>()?;
    describe::leave_out_made(&mut wanted);
    for check in table.checks() {
        name::check("check", &check.name)?;
        wanted.checks.push(CheckSchema::new(check.name.clone(), check.condition.trim()));
    }
    wanted.comment = table.comment().filter(|comment| !comment.is_empty()).map(str::to_owned);
    describe::sort(&mut wanted);
    Ok(wanted)
}

fn column(table: &Table, at: usize, dialect: &MysqlDialect) -> Result<ColumnSchema> {
    let column = table.column(at);
    name::check("column", &column.name)?;
    let declared = declared(table, at);
    let holds = types::holds(&declared);
    let mut wanted = ColumnSchema::new(column.name.clone(), declared, holds);
    wanted.nullable = column.nullable;
    if table.has_generated_key() && table.key() == [at] {
        wanted.generated = Some(Generated::Key);
    } else if let Some(value) = &column.default {
        wanted.default = default::declared(value, &Type::read(&wanted.declared), dialect)?;
    }
    wanted.comment = column.comment.as_deref().filter(|comment| !comment.is_empty()).map(str::to_owned);
    Ok(wanted)
}

/// The type of a column of a model, as the server says it.
fn declared(table: &Table, at: usize) -> Cow<'static, str> {
    let indexed = table.is_indexed(at);
    Cow::Borrowed(match table.column(at).value_type {
        ValueType::Bool => "tinyint(1)",
        ValueType::I16 => "smallint",
        ValueType::I32 => "int",
        ValueType::I64 => "bigint",
        ValueType::F32 => "float",
        ValueType::F64 => "double",
        ValueType::Text if indexed => return format!("varchar({})", length::of_text(table, at)).into(),
        ValueType::Text => "longtext",
        ValueType::Bytes if indexed => return format!("varbinary({})", length::of_bytes(table, at)).into(),
        ValueType::Uuid => "binary(16)",
        ValueType::Timestamp => "datetime(6)",
        ValueType::Date => "date",
        ValueType::Time => "time(6)",
        ValueType::Json | ValueType::List(_) => "json",
        ValueType::Decimal => "decimal(65,30)",
        _ => "longblob",
    })
}

pub(super) fn index(table: &Table, index: &Index) -> Result<IndexSchema> {
    name::check("index", &index.name)?;
    if let Some(condition) = &index.condition {
        return Err(Error::unsupported(format!(
            "index `{}` of table `{}` counts the rows only where {condition}, and MySQL and MariaDB have no such \
             indexes; take the condition out, or have a generated column and index that",
            index.name,
            table.name()
        )));
    }
    let part = |&at: &usize| {
        let mut part = IndexPart::column(table.column(at).name.clone());
        part.descending = index.descending.contains(at);
        part
    };
    let mut wanted = IndexSchema::new(index.name.clone(), index.columns.iter().map(part).collect(), index.unique);
    if let Some(deleted) = table.deleted().filter(|_| table.is_partial(index)) {
        wanted.living = true;
        wanted.condition = Some(living::condition(table.column(deleted)));
    }
    Ok(wanted)
}

fn foreign_key(table: &Table, key: &ForeignKey) -> Result<ForeignKeySchema> {
    name::check("foreign key", &key.name)?;
    let references = key.references.iter().map(|name| name.clone().into_owned()).collect();
    let mut wanted = ForeignKeySchema::new(key.name.clone(), names(table, &key.columns), key.table.clone(), references);
    for (wanted, declared) in [(&mut wanted.on_delete, key.on_delete), (&mut wanted.on_update, key.on_update)] {
        *wanted = match declared {
            Action::SetDefault => {
                return Err(Error::unsupported(format!(
                    "foreign key `{}` of table `{}` sets defaults, which InnoDB does not; set NULL, or refuse",
                    key.name,
                    table.name()
                )));
            }
            // InnoDB knows one way to refuse.
            Action::Restrict => Action::NoAction,
            action => action,
        };
    }
    Ok(wanted)
}

fn names(table: &Table, columns: &[usize]) -> Vec<String> {
    columns.iter().map(|&column| table.column(column).name.clone().into_owned()).collect()
}
