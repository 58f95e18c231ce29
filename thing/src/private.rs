//! What code written by the derive macros uses. Not part of the public interface.

pub use std::sync::{Arc, LazyLock};

pub use thing_driver_api::{Column as TableColumn, Error, Key, Result, Row, Table, TableBuilder, Value, ValueType};

use crate::ColumnType;

/// Reads a field; an error names the column.
pub fn read<T: ColumnType>(row: &dyn Row, index: usize, column: &'static str) -> Result<T> {
    T::from_row(row, index).map_err(|error| name_column::<T>(error, row, index, column))
}

#[cold]
fn name_column<T: ColumnType>(error: Error, row: &dyn Row, index: usize, column: &'static str) -> Error {
    if !T::NULLABLE && row.is_null(index).unwrap_or(false) {
        let advice = format!("column `{column}` holds NULL; declare the field as Option");
        return Error::invalid_data(column, advice).with_source(error);
    }
    Error::invalid_data(column, format!("column `{column}`: {error}")).with_source(error)
}

/// The value of a field; an error names the column.
pub fn write<'a, T: ColumnType>(field: &'a T, column: &'static str) -> Result<Value<'a>> {
    field
        .to_value()
        .map_err(|error| Error::invalid_data(column, format!("column `{column}`: {error}")).with_source(error))
}

/// The column of a field.
pub fn column<T: ColumnType>(name: &'static str) -> TableColumn {
    TableColumn::new(name, T::TYPE).nullable(T::NULLABLE)
}

/// A column with a default. A default that can't be stored is left to the insert that meets it.
pub fn column_with_default<T: ColumnType>(name: &'static str, default: &T) -> TableColumn {
    match default.to_value() {
        Ok(value) => column::<T>(name).default_value(value.into_owned()),
        Err(_) => column::<T>(name),
    }
}

/// The table of a model. What the derive macro could not check is a mistake in the program.
pub fn table(builder: TableBuilder, model: &'static str) -> Arc<Table> {
    match builder.build() {
        Ok(table) => Arc::new(table),
        // The declaration is source code: a mistake in it is found by the first test that touches the model.
        #[allow(clippy::panic)]
        Err(error) => panic!("model `{model}`: {error}"),
    }
}
