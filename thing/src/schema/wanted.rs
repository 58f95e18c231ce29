//! What is wanted: a table in the words of the database, and what a comparison has to know besides.

use std::borrow::Cow;

use thing_driver_api::schema::{Schema, TableSchema};
use thing_driver_api::{Result, Table, ValueType};

use super::Refusal;

/// A table as it is to be.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Wanted {
    /// The table in the words of the database.
    pub schema: TableSchema,
    /// What its columns hold, by name. An existing column of another declared type is left as it is when it holds that
    /// too; one that is not listed here has to be of the same declared type.
    pub types: Vec<(String, ValueType)>,
    /// The names that the table had before.
    pub former_names: Vec<String>,
    /// The names that columns have, each with one that it had before.
    pub former_columns: Vec<(String, String)>,
}

impl Wanted {
    /// The table of a model.
    ///
    /// # Errors
    ///
    /// Those of [`Schema::wanted`].
    pub fn of(driver: &dyn Schema, table: &Table) -> Result<Self> {
        let mut schema = driver.wanted(table)?;
        table.name().clone_into(&mut schema.name);
        let columns = table.columns();
        let former = columns.iter().flat_map(|column| column.former_names.iter().map(|former| (&column.name, former)));
        Ok(Self {
            schema,
            types: columns.iter().map(|column| (column.name.to_string(), column.value_type)).collect(),
            former_names: table.former_names().iter().map(Cow::to_string).collect(),
            former_columns: former.map(|(name, former)| (name.to_string(), former.to_string())).collect(),
        })
    }

    /// This table to the letter.
    pub fn exactly(schema: TableSchema) -> Self {
        Self { schema, types: Vec::new(), former_names: Vec::new(), former_columns: Vec::new() }
    }

    /// Adds what another model of the same table wants besides.
    pub(super) fn merge(&mut self, other: Self) {
        let Self { schema, types, former_names, former_columns } = other;
        let own = &mut self.schema;
        add(&mut own.columns, schema.columns, |column| &column.name);
        add(&mut own.indexes, schema.indexes, |index| &index.name);
        add(&mut own.foreign_keys, schema.foreign_keys, |key| &key.name);
        add(&mut own.checks, schema.checks, |check| &check.name);
        self.types.extend(types);
        self.former_names.extend(former_names);
        self.former_columns.extend(former_columns);
    }

    /// Columns to which models of the same table give types that don't go together.
    pub(super) fn contradictions(&self) -> impl Iterator<Item = Refusal> {
        self.types.iter().filter_map(|(name, value_type)| {
            let column = self.schema.column(name)?;
            let first = self.value_type(name)?;
            if *value_type == first || column.holds.contains(value_type) {
                return None;
            }
            let reason = format!("column `{name}` is {first} in one of its models and {value_type} in another");
            let advice = "declare it alike in all models of the table";
            Some(Refusal::new("contradiction", &self.schema.name, reason).advice(advice))
        })
    }

    pub(super) fn value_type(&self, column: &str) -> Option<ValueType> {
        self.types.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)).map(|(_, value_type)| *value_type)
    }
}

/// Adds what is not there by its name.
fn add<T>(known: &mut Vec<T>, others: Vec<T>, name: impl Fn(&T) -> &String) {
    for other in others {
        if !known.iter().any(|known| name(known).eq_ignore_ascii_case(name(&other))) {
            known.push(other);
        }
    }
}
